/* filings/register.c: numbers and receipts. */
#include "core/error.h"
#include "core/id.h"
#include "filings/filings.h"
#include <string.h>

#define RANGE_SIZE 100000

void ablak_filing_free(AblakFiling *filing)
{
  if (filing == NULL)
    return;
  g_free(filing->id);
  g_free(filing->submission_id);
  g_free(filing->visit_id);
  g_free(filing->number);
  g_clear_pointer(&filing->receipt, json_decref);
  g_free(filing->signature);
  g_free(filing);
}

/* The next number of this office, year and epoch; rolled back with the transaction, so there are no
 * gaps inside a range. */
static char *next_number(AblakTxn *txn, const AblakFilingNew *filing, gint64 now_ms, GError **error)
{
  g_autofree char *office = g_ascii_strup(filing->office, -1);
  gint64 year = ablak_zone_year(filing->zone, now_ms);
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO register_range (office, year, epoch, used) VALUES (?, ?, ?, 1)"
                      " ON CONFLICT DO UPDATE SET used = used + 1",
                      "tii", office, year, filing->epoch))
    return NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT used FROM register_range WHERE office = ? AND year = ? AND epoch = ?",
      "tii", office, year, filing->epoch);
  if (rows == NULL)
    return NULL;
  gint64 used = ablak_rows_int(rows, 0);
  if (used > RANGE_SIZE) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "filings/range-exhausted",
                    "the range of %s in %d is used up", office, (int)year);
    return NULL;
  }
  gint64 serial = (filing->epoch - 1) * RANGE_SIZE + used;
  return g_strdup_printf("%s/%d/%06" G_GINT64_FORMAT, office, (int)year, serial);
}

static char *utc_text(gint64 utc_ms)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(utc_ms / 1000);
  g_autofree char *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
  return g_strdup_printf("%s.%03dZ", seconds, (int)(utc_ms % 1000));
}

/* What makes it a completion. The office and the service are those of the filing it completes,
 * whatever the visit is about in which it was made. */
static void say_completes(json_t *receipt, const AblakFilingNew *filing, const AblakFiling *made)
{
  static const char *const kept[] = {"office", "service", "serviceName"};
  const AblakFilingCompletes *completes = filing->completes;
  const json_t *before = completes->filing->receipt;
  for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
    json_t *value = json_object_get(before, kept[i]);
    if (value != NULL)
      json_object_set_new(receipt, kept[i], json_deep_copy(value));
  }
  g_autofree char *today = ablak_zone_date(filing->zone, made->arrived_at);
  bool late = completes->due != NULL && strcmp(today, completes->due) > 0; /* dates sort as text */
  json_object_set_new(receipt, "completes",
                      json_pack("{s:s, s:O, s:O}", "filingId", completes->filing->id, "arrivedAt",
                                json_object_get(before, "arrivedAt"), "contentSha256",
                                json_object_get(before, "contentSha256")));
  json_object_set_new(receipt, "changes", json_deep_copy(completes->changes));
  json_object_set_new(receipt, "reason", json_string(completes->reason));
  json_object_set_new(receipt, "late", json_boolean(late));
  if (completes->due != NULL)
    json_object_set_new(receipt, "due", json_string(completes->due));
}

static json_t *receipt_of(const AblakFilingNew *filing, const AblakFiling *made)
{
  g_autofree char *arrived = utc_text(made->arrived_at);
  json_t *receipt = json_pack(
      "{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:s, s:b, s:s}", "filingId", made->id,
      "number", made->number, "ordinal", (json_int_t)made->ordinal, "office", filing->office,
      "service", filing->service, "arrivedAt", arrived, "contentSha256", filing->content_sha256,
      "form", filing->form_id, "formVersion", (json_int_t)filing->form_version, "gaps",
      filing->gaps != NULL ? json_deep_copy(filing->gaps) : json_array(), "storedAt", "branch",
      "sample", (int)filing->sample, "boxKey", ablak_signer_public_key(filing->signer));
  if (filing->service_name != NULL)
    json_object_set_new(receipt, "serviceName", json_deep_copy(filing->service_name));
  if (json_array_size(filing->attachments) > 0)
    json_object_set_new(receipt, "attachments", json_deep_copy(filing->attachments));
  if (filing->completes != NULL)
    say_completes(receipt, filing, made);
  return receipt;
}

static bool insert(AblakTxn *txn, const AblakFiling *made, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO filing (id, submission_id, visit_id, number, arrived_at,"
                        " receipt, signature, ordinal) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        "ttttijti", made->id, made->submission_id, made->visit_id, made->number,
                        made->arrived_at, made->receipt, made->signature, made->ordinal);
}

static bool announce(AblakTxn *txn, const AblakFiling *made, const char *actor, GError **error)
{
  g_autofree char *topic = g_strconcat("visit:", made->visit_id, NULL);
  g_autoptr(json_t) data =
      json_pack("{s:s, s:I}", "number", made->number, "ordinal", (json_int_t)made->ordinal);
  return ablak_event_append(txn, topic, "filing.registered", made->id, actor, data, error) &&
         ablak_event_append(txn, "desk", "filing.registered", made->id, actor, data, error);
}

bool ablak_filing_register(AblakTxn *txn, const AblakFilingNew *filing, AblakFiling **ret_filing,
                           GError **error)
{
  g_autoptr(AblakFiling) made = g_new0(AblakFiling, 1);
  made->arrived_at = ablak_txn_now_ms(txn);
  const AblakFiling *before = filing->completes != NULL ? filing->completes->filing : NULL;
  made->ordinal = before != NULL ? before->ordinal + 1 : 1;
  made->number =
      before != NULL ? g_strdup(before->number) : next_number(txn, filing, made->arrived_at, error);
  if (made->number == NULL)
    return false;
  made->id = ablak_id_new();
  made->submission_id = g_strdup(filing->submission_id);
  made->visit_id = g_strdup(filing->visit_id);
  made->receipt = receipt_of(filing, made);
  g_autofree char *text = ablak_json_canonical(made->receipt);
  made->signature = ablak_signer_sign(filing->signer, text, strlen(text));
  if (!insert(txn, made, error) || !announce(txn, made, filing->actor, error))
    return false;
  if (ret_filing != NULL)
    *ret_filing = g_steal_pointer(&made);
  return true;
}

/* --- reading --- */

#define FILING_COLUMNS                                                                             \
  "SELECT id, submission_id, visit_id, number, arrived_at, receipt, signature,"                    \
  " coalesce(ordinal, 1) FROM filing"

static AblakFiling *read_filing(AblakRows *rows)
{
  AblakFiling *filing = g_new0(AblakFiling, 1);
  filing->id = g_strdup(ablak_rows_text(rows, 0));
  filing->submission_id = g_strdup(ablak_rows_text(rows, 1));
  filing->visit_id = g_strdup(ablak_rows_text(rows, 2));
  filing->number = g_strdup(ablak_rows_text(rows, 3));
  filing->arrived_at = ablak_rows_int(rows, 4);
  filing->receipt = ablak_rows_json(rows, 5);
  filing->signature = g_strdup(ablak_rows_text(rows, 6));
  filing->ordinal = ablak_rows_int(rows, 7);
  return filing;
}

AblakFiling *ablak_filing_get(AblakTxn *txn, const char *filing_id, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, &cause, FILING_COLUMNS " WHERE id = ?", "t", filing_id);
  if (rows != NULL)
    return read_filing(rows);
  if (g_error_matches(cause, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "filings/unknown", "no such filing");
  else
    g_propagate_error(error, g_steal_pointer(&cause));
  return NULL;
}

AblakFiling *ablak_filing_of_submission(AblakTxn *txn, const char *submission_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, FILING_COLUMNS " WHERE submission_id = ?", "t", submission_id);
  return rows != NULL && ablak_rows_next(rows, error) ? read_filing(rows) : NULL;
}

AblakFiling *ablak_filing_of_visit(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error, FILING_COLUMNS " WHERE visit_id = ? ORDER BY id DESC LIMIT 1", "t", visit_id);
  return rows != NULL && ablak_rows_next(rows, error) ? read_filing(rows) : NULL;
}

GPtrArray *ablak_filings_of_number(AblakTxn *txn, const char *number, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(GPtrArray) filings = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_filing_free);
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error, FILING_COLUMNS " WHERE number = ? ORDER BY coalesce(ordinal, 1)", "t", number);
  if (rows == NULL)
    return NULL;
  while (ablak_rows_next(rows, &cause))
    g_ptr_array_add(filings, read_filing(rows));
  if (cause == NULL)
    return g_steal_pointer(&filings);
  g_propagate_error(error, g_steal_pointer(&cause));
  return NULL;
}

AblakFiling *ablak_filing_find(AblakTxn *txn, const char *number, GError **error)
{
  g_autofree char *typed = g_strstrip(g_strdup(number));
  g_autofree char *exact = g_ascii_strup(typed, -1);
  g_autoptr(GPtrArray) filings = ablak_filings_of_number(txn, exact, error);
  if (filings == NULL)
    return NULL;
  if (filings->len > 0)
    return g_ptr_array_steal_index(filings, filings->len - 1);
  ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "filings/unknown", "no such filing");
  return NULL;
}

bool ablak_receipt_verify(const json_t *receipt, const char *signature, const char *box_key,
                          GError **error)
{
  const char *key = ablak_json_get_string(receipt, "boxKey");
  if (key != NULL && signature != NULL && (box_key == NULL || g_str_equal(key, box_key))) {
    g_autofree char *text = ablak_json_canonical(receipt);
    if (ablak_signature_verify(key, text, strlen(text), signature))
      return true;
  }
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "filings/signature",
                  "the receipt was not signed by that key");
  return false;
}
