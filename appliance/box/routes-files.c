/* Photos and documents of a visit. Each piece goes to the disk on a worker; with the last one the
 * worker looks at the whole, and only what is of a known type and arrived as it was sent is kept.
 */
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/crypto.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include "store/blobs.h"
#include <gio/gio.h>
#include <queue/file-type.h>
#include <string.h>

static json_t *file_json(const AblakBranch *box, const AblakVisitFile *file)
{
  gint64 offset = file->kept_ms ? file->size : ablak_blobs_coming(box->blobs, file->id);
  return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s*, s:s*, s:o}", "id", file->id, "from",
                   file->author, "name", file->name, "size", (json_int_t)file->size, "sha256",
                   file->sha256, "offset", (json_int_t)offset, "type", file->type, "filingId",
                   file->filing_id, "at", ablak_json_time(file->announced_ms));
}

static AblakVisit *load_visit(AblakTxn *txn, const AblakPerson *person, AblakRequest *request,
                              GError **error)
{
  g_autoptr(AblakVisit) visit =
      ablak_visit_load(txn, ablak_request_param(request, "visitId"), error);
  return visit && ablak_box_may_visit(person, visit, error) ? g_steal_pointer(&visit) : NULL;
}

/* The file of the path, if it is that visit's and this person may act there. */
static AblakVisitFile *load_file(AblakTxn *txn, const AblakPerson *person, AblakRequest *request,
                                 bool to_change, GError **error)
{
  g_autoptr(AblakVisit) visit = load_visit(txn, person, request, error);
  if (!visit || (to_change && !ablak_box_require_open(visit, error)))
    return NULL;
  g_autoptr(AblakVisitFile) file =
      ablak_visit_file_load(txn, ablak_request_param(request, "fileId"), error);
  if (file && strcmp(file->visit_id, visit->id) != 0) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "queue/no-such-file", "not in this visit");
    return NULL;
  }
  return g_steal_pointer(&file);
}

/* --- which there are
 * ----------------------------------------------------------------------------- */

static json_t *files_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_visit(txn, call->person, call->request, error);
  g_autoptr(GPtrArray) files = visit ? ablak_visit_files(txn, visit->id, error) : NULL;
  if (!files)
    return NULL;
  json_t *all = json_array();
  for (guint i = 0; i < files->len; i++)
    json_array_append_new(all, file_json(call->app, files->pdata[i]));
  return all;
}

void ablak_box_list_files(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, files_view);
}

static bool announce(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_visit(txn, call->person, call->request, error);
  const AblakVisitFileNew file = {
      .author = call->person->kind == ABLAK_PERSON_CITIZEN ? "citizen" : "clerk",
      .key = ablak_call_string(call, "key"),
      .name = ablak_call_string(call, "name"),
      .sha256 = ablak_call_string(call, "sha256"),
      .size = ablak_json_get_int(ablak_request_json(call->request), "size", 0),
  };
  g_autofree char *file_id = NULL;
  if (!visit || !ablak_box_require_open(visit, error) ||
      !ablak_visit_file_announce(txn, visit->id, &file, &file_id, error))
    return false;
  ablak_call_set_result(call, file_id);
  return true;
}

static json_t *file_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisitFile) file = ablak_visit_file_load(txn, call->result, error);
  return file ? file_json(call->app, file) : NULL;
}

void ablak_box_announce_file(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 201, announce, file_view);
}

/* --- its content
 * --------------------------------------------------------------------------------- */

typedef struct {
  AblakBranch *box;
  AblakRequest *request;
  AblakPerson *person;
  AblakVisitFile *file;
  gint64 offset;
  const char *type; /* known once the whole is here */
  bool unwanted;    /* the whole is here, and nobody has it any more */
} Piece;

static void piece_free(Piece *piece)
{
  ablak_visit_file_free(piece->file);
  ablak_person_unref(piece->person);
  ablak_request_unref(piece->request);
  g_free(piece);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Piece, piece_free)

/* What is neither of a known type nor what was announced is not kept, not even for another try. */
static bool look_at_whole(Piece *piece, GError **error)
{
  const AblakBlobs *blobs = piece->box->blobs;
  const AblakVisitFile *file = piece->file;
  g_autoptr(GBytes) whole = ablak_blobs_look(blobs, file->id, error);
  if (!whole)
    return false;
  gsize size;
  const guint8 *bytes = g_bytes_get_data(whole, &size);
  g_autofree char *sha256 = ablak_sha256_hex(bytes, size);
  piece->type = ablak_file_type(bytes, size);
  if (strcmp(sha256, file->sha256) != 0)
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "queue/file-damaged", "%s arrived", sha256);
  else if (!piece->type)
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "queue/file-type", "of no known type");
  else
    return ablak_blobs_keep(blobs, file->id, sha256, error);
  ablak_blobs_forget(blobs, file->id);
  return false;
}

static void take_in(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Piece *piece = data;
  GError *error = NULL;
  const AblakBlobs *blobs = piece->box->blobs;
  GBytes *bytes = ablak_request_bytes(piece->request);
  gint64 end = piece->offset + (gint64)g_bytes_get_size(bytes);
  bool good = ablak_blobs_append(blobs, piece->file->id, piece->offset, bytes, &error) &&
              (end < piece->file->size || look_at_whole(piece, &error));
  ablak_crypto_leave_thread();
  if (good)
    g_task_return_boolean(task, TRUE);
  else
    g_task_return_error(task, error);
}

/* A file may be taken away while its last piece is looked at. */
static bool keep(AblakTxn *txn, gpointer data, GError **error)
{
  Piece *piece = data;
  g_autoptr(GError) failure = NULL;
  bool used = true;
  if (!ablak_visit_file_keep(txn, piece->file->id, piece->type, ablak_person_actor(piece->person),
                             &failure) &&
      !g_error_matches(failure, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (failure && !ablak_visit_files_have(txn, piece->file->sha256, &used, error))
    return false;
  piece->unwanted = !used;
  return true;
}

static void reply_piece(const GError *failure, gpointer data)
{
  Piece *piece = data;
  if (!failure && piece->unwanted)
    ablak_blobs_remove(piece->box->blobs, piece->file->sha256);
  g_autoptr(GError) error = failure ? g_error_copy(failure) : NULL;
  g_autoptr(AblakTxn) txn = error ? NULL : ablak_store_read(piece->box->store, &error);
  g_autoptr(AblakVisitFile) file = txn ? ablak_visit_file_load(txn, piece->file->id, &error) : NULL;
  if (file) {
    ablak_request_reply_json(piece->request, 200, file_json(piece->box, file));
    return;
  }
  if (g_error_matches(error, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
    ablak_blobs_forget(piece->box->blobs, piece->file->id);
  ablak_request_reply_error(piece->request, error);
}

static void taken_in(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Piece) piece = data;
  AblakBranch *box = piece->box;
  g_autoptr(GError) error = NULL;
  bool good = g_task_propagate_boolean(G_TASK(result), &error);
  g_hash_table_remove(box->files_busy, piece->file->id);
  if (good && piece->type)
    ablak_store_write(box->store, keep, reply_piece, g_steal_pointer(&piece),
                      (GDestroyNotify)piece_free);
  else
    reply_piece(error, piece);
  ablak_work_end(&box->work);
}

static bool may_go_on(const Piece *piece, GError **error)
{
  /* The offset may be any number: nothing is added to it. */
  gint64 size = (gint64)g_bytes_get_size(ablak_request_bytes(piece->request));
  if (piece->file->kept_ms || piece->offset > piece->file->size - size)
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/file-size", "more than was announced");
  else if (g_hash_table_contains(piece->box->files_busy, piece->file->id))
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/file-sending", "one piece at a time");
  else
    return true;
  return false;
}

void ablak_box_send_piece(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  g_autoptr(GError) error = NULL;
  g_autoptr(Piece) piece = g_new0(Piece, 1);
  piece->box = box;
  piece->request = ablak_request_ref(request);
  piece->person = ablak_person_ref(ablak_request_person(request));
  const char *offset = ablak_request_query(request, "offset");
  piece->offset = offset ? g_ascii_strtoll(offset, NULL, 10) : -1;
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, &error);
  piece->file = txn ? load_file(txn, piece->person, request, true, &error) : NULL;
  if (!piece->file || !may_go_on(piece, &error)) {
    ablak_request_reply_error(request, error);
    return;
  }
  g_hash_table_add(box->files_busy, g_strdup(piece->file->id));
  ablak_work_begin(&box->work);
  g_autoptr(GTask) task = g_task_new(NULL, NULL, taken_in, piece);
  g_task_set_task_data(task, g_steal_pointer(&piece), NULL);
  g_task_run_in_thread(task, take_in);
}

/* Pictures show within the page; a document is handed to the browser's viewer or disk. */
void ablak_box_get_file(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, &error);
  g_autoptr(AblakVisitFile) file =
      txn ? load_file(txn, ablak_request_person(request), request, false, &error) : NULL;
  if (file && !file->kept_ms)
    ablak_error_set(&error, ABLAK_ERROR_CONFLICT, "queue/file-incomplete", "still coming in");
  g_autoptr(GBytes) content =
      file && file->kept_ms ? ablak_blobs_read(box->blobs, file->sha256, &error) : NULL;
  if (!content) {
    ablak_request_reply_error(request, error);
    return;
  }
  g_autofree char *name = g_uri_escape_string(file->name, NULL, FALSE);
  g_autofree char *disposition =
      g_strdup_printf("%s; filename*=UTF-8''%s",
                      g_str_has_prefix(file->type, "image/") ? "inline" : "attachment", name);
  ablak_request_set_header(request, "Content-Disposition", disposition);
  ablak_request_set_header(request, "Content-Security-Policy", "sandbox");
  ablak_request_set_header(request, "Cache-Control", "private, no-store");
  ablak_request_reply_bytes(request, 200, file->type, content);
}

/* --- taken away
 * ---------------------------------------------------------------------------------- */

static bool remove_file(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisitFile) file = load_file(txn, call->person, call->request, true, error);
  g_autofree char *unused = NULL;
  if (!file ||
      !ablak_visit_file_remove(txn, file->id, ablak_person_actor(call->person), &unused, error))
    return false;
  ablak_call_set_result(call, unused);
  return true;
}

/* Only when the rows are gone for good: a content without rows is waste, rows without it a lie. */
static json_t *remove_content(AblakTxn *txn, AblakCall *call, GError **error)
{
  AblakBranch *box = call->app;
  if (call->result)
    ablak_blobs_remove(box->blobs, call->result);
  /* A worker that has it in hand still needs it, and forgets it in the end. */
  const char *file_id = ablak_request_param(call->request, "fileId");
  if (!g_hash_table_contains(box->files_busy, file_id))
    ablak_blobs_forget(box->blobs, file_id);
  return NULL;
}

void ablak_box_remove_file(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, remove_file, remove_content);
}
