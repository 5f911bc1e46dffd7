/* Watching a recording: why is asked and logged first; then its form, its messages and its files
 * are there for a working day. */
#include "box/recorder.h"
#include "box/routes.h"
#include "box/views.h"
#include "core/crypto.h"
#include "core/error.h"
#include "daemon/handler.h"
#include <gio/gio.h>
#include <string.h>

#define READ_MOST (1024 * 1024)
/* One replay is good for a working day. */
#define REPLAY_MS ((gint64)12 * 60 * 60 * 1000)

/* The clerk who was in it, or a supervisor. */
static bool may_watch(const AblakPerson *person, const AblakRecording *recording, GError **error)
{
  if (strcmp(person->id, recording->clerk_id) == 0 || ablak_person_has_role(person, "supervisor"))
    return true;
  ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "queue/not-yours",
                  "the recording %s is another clerk's", recording->id);
  return false;
}

static bool log_replay(AblakTxn *txn, AblakCall *call, GError **error)
{
  const char *id = ablak_request_param(call->request, "recordingId");
  g_autoptr(AblakRecording) recording = ablak_recording_load(txn, id, error);
  g_autofree char *replay = NULL;
  if (!recording || !may_watch(call->person, recording, error) ||
      !ablak_recording_replay(txn, id, call->person->id, ablak_call_string(call, "reason"), &replay,
                              error))
    return false;
  ablak_call_set_result(call, replay);
  return true;
}

static json_t *parts_json(AblakTxn *txn, const char *id, GError **error)
{
  g_autoptr(GArray) files = ablak_recording_files(txn, id, error);
  if (!files)
    return NULL;
  json_t *parts = json_array();
  for (guint i = 0; i < files->len; i++)
    json_array_append_new(parts, json_integer(g_array_index(files, AblakRecordingFile, i).part));
  return parts;
}

/* The form that was filled, for its labels; JSON null when the visit has none. */
static json_t *form_json(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakDraft) draft = ablak_draft_of_visit(txn, visit_id, &failure);
  if (ablak_view_failed(&failure, error))
    return NULL;
  g_autoptr(AblakForm) form = draft ? ablak_draft_form(txn, draft, error) : NULL;
  if (draft && !form)
    return NULL;
  return form ? json_incref(ablak_form_definition(form)) : json_null();
}

/* What was written beside the picture while it was recorded. */
static json_t *messages_json(AblakTxn *txn, const AblakRecording *recording, GError **error)
{
  g_autoptr(GPtrArray) messages = ablak_visit_messages(txn, recording->visit_id, 0, error);
  if (!messages)
    return NULL;
  json_t *during = json_array();
  for (guint i = 0; i < messages->len; i++) {
    const AblakVisitMessage *message = messages->pdata[i];
    if (message->sent_ms >= recording->started_ms && message->sent_ms <= recording->ended_ms)
      json_array_append_new(during, ablak_view_message(message));
  }
  return during;
}

static json_t *replay_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const char *id = ablak_request_param(call->request, "recordingId");
  g_autoptr(AblakRecording) recording = ablak_recording_load(txn, id, error);
  if (!recording)
    return NULL;
  g_autoptr(json_t) view = ablak_view_recording(txn, call->app, recording, error);
  g_autoptr(json_t) parts = view ? parts_json(txn, id, error) : NULL;
  g_autoptr(json_t) form = parts ? form_json(txn, recording->visit_id, error) : NULL;
  g_autoptr(json_t) messages = form ? messages_json(txn, recording, error) : NULL;
  if (!messages)
    return NULL;
  return json_pack("{s:s, s:O, s:O, s:O, s:O}", "id", call->result, "recording", view, "parts",
                   parts, "form", form, "messages", messages);
}

void ablak_box_begin_replay(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 201, log_replay, replay_view);
}

static json_t *replays_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const char *id = ablak_request_param(call->request, "recordingId");
  g_autoptr(AblakRecording) recording = ablak_recording_load(txn, id, error);
  return recording && may_watch(call->person, recording, error) ? ablak_view_replays(txn, id, error)
                                                                : NULL;
}

void ablak_box_list_replays(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, replays_view);
}

/* --- the files ---------------------------------------------------------------------------------
 */

typedef struct {
  AblakRequest *request;
  AblakBranch *box;
  char *path;
  guint8 key[ABLAK_SEAL_KEY_SIZE];
  guint64 from;
} Reading;

static void reading_free(gpointer data)
{
  Reading *reading = data;
  memset(reading->key, 0, sizeof reading->key);
  ablak_request_unref(reading->request);
  g_free(reading->path);
  g_free(reading);
}

static void read_part(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Reading *reading = data;
  GError *error = NULL;
  g_autoptr(AblakSealReader) reader = ablak_seal_reader_new(reading->path, reading->key, &error);
  GBytes *bytes = reader ? ablak_seal_reader_read(reader, reading->from, READ_MOST, &error) : NULL;
  g_clear_pointer(&reader, ablak_seal_reader_free);
  ablak_crypto_leave_thread();
  if (bytes)
    g_task_return_pointer(task, bytes, (GDestroyNotify)g_bytes_unref);
  else
    g_task_return_error(task, error);
}

static void part_read(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  Reading *reading = data;
  g_autoptr(GBytes) bytes = g_task_propagate_pointer(G_TASK(result), &error);
  ablak_work_end(&reading->box->work);
  if (bytes) {
    ablak_request_set_header(reading->request, "Cache-Control", "no-store");
    ablak_request_reply_bytes(reading->request, 200, "application/octet-stream", bytes);
  } else {
    ablak_request_reply_error(reading->request, error);
  }
  reading_free(reading);
}

/* The file of the part, if this person began the replay and it may still be watched. */
static bool find_part(AblakRequest *request, Reading *reading, GError **error)
{
  const AblakPerson *person = ablak_request_person(request);
  gint64 part = g_ascii_strtoll(ablak_request_param(request, "part"), NULL, 10);
  g_autoptr(AblakTxn) txn = ablak_store_read(reading->box->store, error);
  g_autofree char *id =
      txn ? ablak_recording_of_replay(txn, ablak_request_param(request, "replayId"), person->id,
                                      ablak_clock_wall_ms() - REPLAY_MS, error)
          : NULL;
  g_autoptr(GArray) files = id ? ablak_recording_files(txn, id, error) : NULL;
  for (guint i = 0; files && i < files->len; i++) {
    const AblakRecordingFile *file = &g_array_index(files, AblakRecordingFile, i);
    if (file->part != part)
      continue;
    reading->path = ablak_recorders_path(reading->box->recorders, file->sha256);
    return ablak_recorders_key(reading->box->recorders, id, reading->key, error);
  }
  if (files)
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "recordings/unknown", "there is no such part");
  return false;
}

void ablak_box_read_replay(AblakRequest *request, gpointer app)
{
  g_autoptr(GError) error = NULL;
  const char *from = ablak_request_query(request, "from");
  Reading *reading = g_new0(Reading, 1);
  reading->box = app;
  reading->request = ablak_request_ref(request);
  reading->from = from ? g_ascii_strtoull(from, NULL, 10) : 0;
  if (!find_part(request, reading, &error)) {
    ablak_request_reply_error(request, error);
    reading_free(reading);
    return;
  }
  ablak_work_begin(&reading->box->work);
  g_autoptr(GTask) task = g_task_new(NULL, NULL, part_read, reading);
  g_task_set_task_data(task, reading, NULL);
  g_task_run_in_thread(task, read_part);
}
