/* The form that citizen and clerk fill together. */
#include "box/routes.h"
#include "box/visits.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include <forms/session.h>
#include <string.h>

/* The draft of the path, if this person may act in its visit. */
static AblakDraft *load_own(AblakTxn *txn, AblakRequest *request, const AblakPerson *person,
                            GError **error)
{
  g_autoptr(AblakDraft) draft =
      ablak_draft_get(txn, ablak_request_param(request, "draftId"), error);
  g_autoptr(AblakVisit) visit = draft ? ablak_visit_load(txn, draft->visit_id, error) : NULL;
  return visit && ablak_box_may_visit(person, visit, error) ? g_steal_pointer(&draft) : NULL;
}

static const char *kind_of(const AblakPerson *person)
{
  return person->kind == ABLAK_PERSON_CITIZEN ? "citizen" : "clerk";
}

/* --- reading ------------------------------------------------------------------------------------
 */

static bool has_office_fields(const AblakForm *form)
{
  const GPtrArray *fields = ablak_form_fields(form);
  for (guint i = 0; i < fields->len; i++)
    if (((AblakFormField *)fields->pdata[i])->office)
      return true;
  return false;
}

static json_t *audiences_json(const AblakForm *form, const AblakPerson *person)
{
  json_t *audiences = json_array();
  json_array_append_new(audiences, json_string("shared"));
  if (person->kind == ABLAK_PERSON_STAFF && has_office_fields(form))
    json_array_append_new(audiences, json_string("office"));
  return audiences;
}

/* Citizens learn nothing of the office's own fields. */
static json_t *authors_json(AblakTxn *txn, const char *draft_id, const AblakPerson *person,
                            GError **error)
{
  json_t *authors = ablak_draft_authors(txn, draft_id, false, kind_of(person), person->id, error);
  if (!authors || person->kind == ABLAK_PERSON_CITIZEN)
    return authors;
  g_autoptr(json_t) office =
      ablak_draft_authors(txn, draft_id, true, kind_of(person), person->id, error);
  if (!office)
    g_clear_pointer(&authors, json_decref);
  else
    json_array_extend(authors, office);
  return authors;
}

static json_t *draft_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakDraft) draft = load_own(txn, call->request, call->person, error);
  g_autoptr(AblakForm) form = draft ? ablak_draft_form(txn, draft, error) : NULL;
  g_autoptr(json_t) authors = form ? authors_json(txn, draft->id, call->person, error) : NULL;
  if (!authors)
    return NULL;
  return json_pack("{s:s, s:s, s:s, s:O, s:o, s:O}", "id", draft->id, "state",
                   draft->filed ? "filed" : "open", "visitId", draft->visit_id, "form",
                   ablak_form_definition(form), "audiences", audiences_json(form, call->person),
                   "authors", authors);
}

void ablak_box_get_draft(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, draft_view);
}

/* Replies with the error when the draft is not this person's, or its visit has ended. */
static bool require_own(AblakBranch *box, AblakRequest *request)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, &error);
  g_autoptr(AblakDraft) draft =
      txn ? load_own(txn, request, ablak_request_person(request), &error) : NULL;
  g_autoptr(AblakVisit) visit = draft ? ablak_visit_load(txn, draft->visit_id, &error) : NULL;
  bool may = visit && ablak_box_require_open(visit, &error);
  if (!may)
    ablak_request_reply_error(request, error);
  return may;
}

/* --- the office's hand in it
 * ------------------------------------------------------------------------ */

static void changed(const GError *error, gpointer data)
{
  g_autoptr(AblakRequest) request = data;
  if (error)
    ablak_request_reply_error(request, error);
  else
    ablak_request_reply_empty(request, 204);
}

void ablak_box_add_row(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  const AblakPerson *person = ablak_request_person(request);
  if (require_own(box, request))
    ablak_drafts_add_row(box->drafts, ablak_request_param(request, "draftId"), kind_of(person),
                         person->id, ablak_json_get_string(ablak_request_json(request), "path"),
                         changed, ablak_request_ref(request));
}

void ablak_box_prefill_draft(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  const AblakPerson *person = ablak_request_person(request);
  if (require_own(box, request))
    ablak_drafts_prefill(box->drafts, ablak_request_param(request, "draftId"), kind_of(person),
                         person->id, json_object_get(ablak_request_json(request), "values"),
                         changed, ablak_request_ref(request));
}

/* --- the live document
 * -------------------------------------------------------------------------------- */

typedef struct {
  AblakSocket *socket;
  AblakDraftConnection *connection;
  AblakBranch *box;
} Document;

/* A draft that was not filed before its visit ended can be read, no more. */
static bool may_not_write(const char *path, gpointer data)
{
  return false;
}

static void document_send(const void *message, gsize size, gpointer data)
{
  ablak_socket_send_binary(((Document *)data)->socket, message, size);
}

static void document_close(unsigned code, const char *reason, gpointer data)
{
  ablak_socket_close(((Document *)data)->socket, code, reason);
}

static void document_pause(bool pause, gpointer data)
{
  ablak_socket_pause(((Document *)data)->socket, pause);
}

static void document_end(gpointer data, unsigned code, const char *reason)
{
  document_close(code, reason, data);
}

static void document_message(AblakSocket *socket, const void *bytes, gsize size, bool binary,
                             gpointer data)
{
  Document *document = data;
  const guint8 *head = bytes;
  /* Typing (sync, update); the page's own heartbeats are none. */
  if (size > 2 && head[0] == 0 && head[1] == 2)
    ablak_open_pages_used(document->box->pages, document);
  if (binary && document->connection)
    ablak_draft_connection_receive(document->connection, bytes, size);
  else
    ablak_socket_close(socket, 4400, "binary messages only");
}

static void document_closed(AblakSocket *socket, gpointer data)
{
  Document *document = data;
  g_clear_pointer(&document->connection, ablak_draft_connection_free);
  ablak_open_pages_remove(document->box->pages, document);
  g_free(document);
}

/* The visit whose document may be opened. */
static AblakVisit *may_open(AblakBranch *box, AblakRequest *request, GError **error)
{
  const AblakPerson *person = ablak_request_person(request);
  const char *audience = ablak_request_param(request, "audience");
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, error);
  g_autoptr(AblakDraft) draft = txn ? load_own(txn, request, person, error) : NULL;
  if (!draft)
    return NULL;
  if (strcmp(audience, "shared") != 0 && strcmp(audience, "office") != 0) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "not-found", "no such audience");
    return NULL;
  }
  if (strcmp(audience, "office") == 0 && person->kind != ABLAK_PERSON_STAFF) {
    ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "request/forbidden", "the office's document");
    return NULL;
  }
  return ablak_visit_load(txn, draft->visit_id, error);
}

void ablak_box_open_document(AblakRequest *request, gpointer app)
{
  static const AblakSocketCallbacks callbacks = {
      .message = document_message, .closed = document_closed, .message_max = 1024 * 1024};
  AblakBranch *box = app;
  AblakPerson *person = ablak_request_person(request);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakVisit) visit = may_open(box, request, &error);
  if (!visit) {
    ablak_request_reply_error(request, error);
    return;
  }
  Document *document = g_new0(Document, 1);
  const AblakDraftPeer peer = {
      .actor_kind = kind_of(person),
      .actor_id = person->id,
      .may_write = ablak_box_require_open(visit, NULL) ? NULL : may_not_write,
      .send = document_send,
      .close = document_close,
      .data = document,
      .pause = document_pause,
  };
  document->socket = ablak_request_accept_socket(request, &callbacks, document);
  if (!document->socket) { /* the client has gone */
    g_free(document);
    return;
  }
  document->box = box;
  ablak_open_pages_add(box->pages, person, visit->id, document_end, document);
  document->connection =
      ablak_drafts_connect(box->drafts, ablak_request_param(request, "draftId"),
                           ablak_request_param(request, "audience"), &peer, &error);
  if (!document->connection)
    ablak_socket_close(document->socket, 1013, ablak_error_slug(error));
}
