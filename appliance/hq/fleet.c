#include "hq/fleet.h"
#include "daemon/times.h"
#include <string.h>
#include <sync/receiver.h>
#include <sync/replica.h>

#define DAY_MS (24 * G_GINT64_CONSTANT(3600000))

/* One number of a query with the box's id; 0 while the table has not come yet. */
static gint64 count(AblakTxn *txn, const char *table, const char *sql, const char *box)
{
  if (!ablak_replica_exists(txn, table))
    return 0;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, NULL, sql, "t", box);
  return rows ? ablak_rows_int(rows, 0) : 0;
}

static gint64 count_served(AblakTxn *txn, const char *box)
{
  if (!ablak_replica_exists(txn, "ticket"))
    return 0;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, NULL,
                                                  "SELECT COUNT(*) FROM replica_ticket WHERE box = "
                                                  "? AND state = 'finished' AND finished_at > ?",
                                                  "ti", box, ablak_txn_now_ms(txn) - DAY_MS);
  return rows ? ablak_rows_int(rows, 0) : 0;
}

static const AblakPeerState *state_of(const GPtrArray *states, const char *box)
{
  for (guint i = 0; i < states->len; i++)
    if (strcmp(((AblakPeerState *)states->pdata[i])->box, box) == 0)
      return states->pdata[i];
  return NULL;
}

/* Seconds since the box was last heard; 0 while it is connected, null before it ever was. */
static json_t *lag_json(AblakTxn *txn, const AblakPeerState *state)
{
  if (!state)
    return json_null();
  if (state->connected)
    return json_integer(0);
  return json_integer(MAX(0, (ablak_txn_now_ms(txn) - state->last_seen_ms) / 1000));
}

static json_t *edition_json(AblakTxn *txn, const AblakPeerState *state)
{
  if (!state)
    return json_null();
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, NULL,
                                                  "SELECT COUNT(*) FROM down_journal WHERE kind = "
                                                  "'edition' AND (box = '' OR box = ?) AND seq > ?",
                                                  "ti", state->box, state->down_seq);
  /* Editions go down in order, so a box without a waiting one has the newest. */
  bool newest = rows && ablak_rows_int(rows, 0) == 0;
  g_autoptr(AblakRows) number =
      newest ? ablak_txn_query_one(txn, NULL, "SELECT MAX(number) FROM publication", "") : NULL;
  return number && !ablak_rows_is_null(number, 0) ? json_integer(ablak_rows_int(number, 0))
                                                  : json_null();
}

json_t *ablak_fleet_box(AblakTxn *txn, const AblakBox *box, const GPtrArray *states, GError **error)
{
  const AblakPeerState *state = state_of(states, box->id);
  return json_pack(
      "{s:s, s:s, s:s, s:I, s:s, s:b, s:o, s:o, s:I, s:o, s:b, s:o, s:I, s:I, s:I}", "id", box->id,
      "name", box->name, "office", box->office, "epoch", (json_int_t)box->epoch, "state",
      box->state, "connected", state && state->connected, "enrolledAt",
      ablak_json_time(box->enrolled_ms), "lastSyncAt",
      ablak_json_time(state ? state->applied_ms : 0), "appliedSeq",
      (json_int_t)(state ? state->applied_seq : 0), "lagSeconds", lag_json(txn, state),
      "quarantined", state && state->quarantine, "edition", edition_json(txn, state), "waiting",
      (json_int_t)count(txn, "ticket",
                        "SELECT COUNT(*) FROM replica_ticket WHERE box = ? AND state = 'waiting'",
                        box->id),
      "servedToday", (json_int_t)count_served(txn, box->id), "filings",
      (json_int_t)count(txn, "filing",
                        "SELECT COUNT(DISTINCT number) FROM replica_filing WHERE box = ?",
                        box->id));
}

/* As the receipt says it, by language. New reference. */
static json_t *name_of(const json_t *receipt)
{
  json_t *name = json_object_get(receipt, "serviceName");
  return name ? json_incref(name) : json_object();
}

static json_t *submission_json(AblakRows *rows, const json_t *receipt)
{
  return json_pack("{s:I, s:o, s:s?, s:I, s:b}", "ordinal",
                   (json_int_t)ablak_json_get_int(receipt, "ordinal", 1), "arrivedAt",
                   ablak_json_time(ablak_rows_int(rows, 3)), "contentSha256",
                   ablak_json_get_string(receipt, "contentSha256"), "gaps",
                   (json_int_t)json_array_size(json_object_get(receipt, "gaps")), "late",
                   (int)json_is_true(json_object_get(receipt, "late")));
}

/* The first row of a number is its newest registration, whose facts stand for all of them. */
static json_t *filing_json(AblakRows *rows, const json_t *receipt)
{
  return json_pack("{s:s, s:s, s:s?, s:o, s:o, s:s?, s:I, s:[]}", "box", ablak_rows_text(rows, 0),
                   "number", ablak_rows_text(rows, 1), "service",
                   ablak_json_get_string(receipt, "service"), "serviceName", name_of(receipt),
                   "arrivedAt", ablak_json_time(ablak_rows_int(rows, 3)), "contentSha256",
                   ablak_json_get_string(receipt, "contentSha256"), "gaps",
                   (json_int_t)json_array_size(json_object_get(receipt, "gaps")), "submissions");
}

static bool is_of(const json_t *filing, AblakRows *rows)
{
  return strcmp(ablak_json_get_string(filing, "box"), ablak_rows_text(rows, 0)) == 0 &&
         strcmp(ablak_json_get_string(filing, "number"), ablak_rows_text(rows, 1)) == 0;
}

json_t *ablak_fleet_filings(AblakTxn *txn, GError **error)
{
  g_autoptr(json_t) all = json_array();
  if (!ablak_replica_exists(txn, "filing"))
    return g_steal_pointer(&all);
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      /* Boxes of an older release send no ordinal, so its column may be missing: ids have an order
       * too. */
      "WITH newest AS (SELECT box, number, max(arrived_at) AS last FROM replica_filing"
      " GROUP BY box, number ORDER BY last DESC, number DESC LIMIT 200)"
      " SELECT filing.box, filing.number, receipt, arrived_at FROM newest"
      " JOIN replica_filing AS filing"
      " ON filing.box = newest.box AND filing.number = newest.number"
      " ORDER BY last DESC, filing.number DESC, filing.box, filing.id DESC",
      "");
  if (!rows)
    return NULL;
  GError *failure = NULL;
  json_t *filing = NULL;
  while (ablak_rows_next(rows, &failure)) {
    g_autoptr(json_t) receipt = ablak_rows_json(rows, 2);
    if (!filing || !is_of(filing, rows)) {
      filing = filing_json(rows, receipt);
      json_array_append_new(all, filing);
    }
    json_array_append_new(json_object_get(filing, "submissions"), submission_json(rows, receipt));
  }
  if (failure) {
    g_propagate_error(error, failure);
    return NULL;
  }
  return g_steal_pointer(&all);
}
