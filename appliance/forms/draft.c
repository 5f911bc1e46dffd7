/* forms/draft.c: drafts in the store. */
#include "core/error.h"
#include "core/id.h"
#include "forms/log.h"
#include "forms/private.h"
#include <string.h>

static const char *const audiences[] = {"shared", "office"};

const char *ablak_draft_audience(bool office)
{
  return audiences[office];
}

static bool keep_definition(AblakTxn *txn, const AblakDraftNew *draft, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO form_definition (form_id, form_version, edition, definition)"
                        " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                        "titj", ablak_form_id(draft->form), ablak_form_version(draft->form),
                        draft->edition, ablak_form_definition(draft->form));
}

/* The first update of each document: all containers, made by the box. */
static bool create_documents(AblakTxn *txn, AblakForm *form, const char *id, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS(audiences); i++) {
    g_autoptr(AblakYdoc) doc = ablak_ydoc_new(NULL);
    ablak_ydoc_begin(doc);
    bool prepared = ablak_form_prepare(form, i == 1, doc, error);
    g_autoptr(GBytes) update = ablak_ydoc_commit(doc);
    if (!prepared)
      return false;
    if (update != NULL && !ablak_draft_log_merge(txn, id, audiences[i], 1, update, error))
      return false;
  }
  return true;
}

bool ablak_draft_create(AblakTxn *txn, const AblakDraftNew *draft, const char *actor, char **ret_id,
                        GError **error)
{
  g_autofree char *id = ablak_id_new();
  g_autofree char *topic = g_strconcat("visit:", draft->visit_id, NULL);
  gint64 now_ms = ablak_txn_now_ms(txn);
  if (!keep_definition(txn, draft, error) ||
      !ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO draft (id, visit_id, form_id, form_version, edition, state,"
                      " created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'open', ?, ?)",
                      "tttitii", id, draft->visit_id, ablak_form_id(draft->form),
                      ablak_form_version(draft->form), draft->edition, now_ms, now_ms) ||
      !create_documents(txn, draft->form, id, error) ||
      !ablak_event_append(txn, topic, "draft.opened", id, actor, NULL, error))
    return false;
  *ret_id = g_steal_pointer(&id);
  return true;
}

void ablak_draft_free(AblakDraft *draft)
{
  if (draft == NULL)
    return;
  g_free(draft->id);
  g_free(draft->visit_id);
  g_free(draft->form_id);
  g_free(draft->edition);
  g_free(draft);
}

#define DRAFT_COLUMNS                                                                              \
  "SELECT id, visit_id, form_id, form_version, edition, state, created_at, updated_at, filed_at"   \
  " FROM draft"

static AblakDraft *read_draft(AblakRows *rows)
{
  AblakDraft *draft = g_new0(AblakDraft, 1);
  draft->id = g_strdup(ablak_rows_text(rows, 0));
  draft->visit_id = g_strdup(ablak_rows_text(rows, 1));
  draft->form_id = g_strdup(ablak_rows_text(rows, 2));
  draft->form_version = ablak_rows_int(rows, 3);
  draft->edition = g_strdup(ablak_rows_text(rows, 4));
  draft->filed = g_str_equal(ablak_rows_text(rows, 5), "filed");
  draft->created_at = ablak_rows_int(rows, 6);
  draft->updated_at = ablak_rows_int(rows, 7);
  draft->filed_at = ablak_rows_int(rows, 8);
  return draft;
}

static AblakRows *row_of(AblakTxn *txn, const char *sql, const char *draft_id, GError **error)
{
  g_autoptr(GError) cause = NULL;
  AblakRows *rows = ablak_txn_query_one(txn, &cause, sql, "t", draft_id);
  if (g_error_matches(cause, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "forms/unknown-draft", "no such draft");
  else if (rows == NULL)
    g_propagate_error(error, g_steal_pointer(&cause));
  return rows;
}

AblakDraft *ablak_draft_get(AblakTxn *txn, const char *draft_id, GError **error)
{
  g_autoptr(AblakRows) rows = row_of(txn, DRAFT_COLUMNS " WHERE id = ?", draft_id, error);
  return rows != NULL ? read_draft(rows) : NULL;
}

bool ablak_draft_is_filed(AblakTxn *txn, const char *draft_id, bool *ret_filed, GError **error)
{
  g_autoptr(AblakRows) rows =
      row_of(txn, "SELECT state = 'filed' FROM draft WHERE id = ?", draft_id, error);
  if (rows != NULL)
    *ret_filed = ablak_rows_int(rows, 0) != 0;
  return rows != NULL;
}

AblakDraft *ablak_draft_of_visit(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      /* A visit's own draft was made when it opened: what it took up came later. */
      DRAFT_COLUMNS " WHERE visit_id = ? ORDER BY (SELECT max(taken_up_at) FROM completion"
                    " WHERE draft_id = draft.id AND completion.visit_id = draft.visit_id)"
                    " DESC NULLS LAST, id DESC LIMIT 1",
      "t", visit_id);
  return rows != NULL && ablak_rows_next(rows, error) ? read_draft(rows) : NULL;
}

AblakForm *ablak_draft_form(AblakTxn *txn, const AblakDraft *draft, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error,
                          "SELECT definition FROM form_definition WHERE form_id = ? AND "
                          "form_version = ? AND edition = ?",
                          "tit", draft->form_id, draft->form_version, draft->edition);
  if (rows == NULL)
    return NULL;
  g_autoptr(json_t) definition = ablak_rows_json(rows, 0);
  return ablak_form_parse(definition, NULL, error);
}

json_t *ablak_draft_content(AblakTxn *txn, const char *draft_id, GError **error)
{
  g_autoptr(AblakDraft) draft = ablak_draft_get(txn, draft_id, error);
  g_autoptr(AblakForm) form = draft != NULL ? ablak_draft_form(txn, draft, error) : NULL;
  if (form == NULL)
    return NULL;
  g_autoptr(json_t) content = json_object();
  for (gsize i = 0; i < G_N_ELEMENTS(audiences); i++) {
    g_autoptr(AblakYdoc) doc = ablak_ydoc_new(NULL);
    if (!ablak_draft_log_load(txn, draft_id, audiences[i], doc, NULL, NULL, error))
      return NULL;
    ablak_form_collect(form, i == 1, doc, content);
  }
  return g_steal_pointer(&content);
}
