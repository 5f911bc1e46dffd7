/* Recordings: asking, answering, withdrawing; the list; watching one, which is logged first. */
#include "box/recorder.h"
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/crypto.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include <gio/gio.h>
#include <string.h>

#define READ_MOST (1024 * 1024)
/* One replay is good for a working day. */
#define REPLAY_MS ((gint64)12 * 60 * 60 * 1000)

/* --- consent -------------------------------------------------------------------------------------
 */

static AblakVisit *load_open(AblakTxn *txn, AblakCall *call, GError **error)
{
  bool citizen = call->person->kind == ABLAK_PERSON_CITIZEN;
  g_autoptr(AblakVisit) visit = ablak_visit_load(
      txn, citizen ? call->person->visit : ablak_request_param(call->request, "visitId"), error);
  if (!visit || !ablak_box_may_visit(call->person, visit, error) ||
      !ablak_box_require_open(visit, error))
    return NULL;
  return g_steal_pointer(&visit);
}

static json_t *visit_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, call, error);
  return visit ? ablak_view_visit(txn, call->app, visit, error) : NULL;
}

static AblakRecordingVisit about(const AblakVisit *visit)
{
  return (AblakRecordingVisit){visit->id, visit->service, visit->clerk_id};
}

/* Whose face and voice it is: nobody consents for a colleague. */
static bool is_clerk_of(const AblakCall *call, const AblakVisit *visit, GError **error)
{
  if (strcmp(call->person->id, visit->clerk_id) == 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "queue/not-yours",
                  "the visit %s is another clerk's", visit->id);
  return false;
}

static bool ask(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, call, error);
  if (!visit || !is_clerk_of(call, visit, error))
    return false;
  const AblakRecordingVisit of = about(visit);
  /* Read on the main thread, of the service that this visit is about. */
  const json_t *services = call->extra;
  const json_t *sheet = json_object_get(services, visit->service);
  const AblakRecordingTerms terms = {json_object_get(sheet, "legalBasis"),
                                     ablak_json_get_int(sheet, "retentionDays", 0)};
  return ablak_recording_ask(txn, &of, sheet ? &terms : NULL, error);
}

static void drop_json(gpointer json)
{
  json_decref(json);
}

/* Terms by service, as jobs do not read editions. */
static json_t *all_terms(AblakBranch *box)
{
  json_t *all = json_object(), *service;
  size_t index;
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, NULL);
  g_autoptr(json_t) services =
      edition ? ablak_kb_services(edition, box->identity->office, NULL) : NULL;
  json_array_foreach(services, index, service)
  {
    json_t *terms = json_object_get(service, "recording");
    if (terms)
      json_object_set(all, ablak_json_get_string(service, "id"), terms);
  }
  return all;
}

void ablak_box_ask_recording(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  ablak_call_write_with(box->store, request, app, 200, ask, visit_view, all_terms(box), drop_json);
}

static bool clerk_withdraws(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, call, error);
  if (!visit || !is_clerk_of(call, visit, error))
    return false;
  const AblakRecordingVisit of = about(visit);
  return ablak_recording_withdraw(txn, &of, "clerk", true, error);
}

void ablak_box_stop_recording(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, clerk_withdraws, visit_view);
}

static bool answer(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, call, error);
  const char *said = ablak_call_string(call, "answer");
  bool keep = ablak_json_get_bool(ablak_request_json(call->request), "keep", false);
  if (!visit)
    return false;
  const AblakRecordingVisit of = about(visit);
  if (strcmp(said, "withdraw") == 0)
    return ablak_recording_withdraw(txn, &of, "citizen", keep, error);
  return ablak_recording_answer(txn, &of, strcmp(said, "yes") == 0, error);
}

void ablak_box_answer_recording(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, answer, visit_view);
}

/* --- the list ----------------------------------------------------------------------------------
 */

static json_t *recording_json(const AblakBranch *box, const AblakRecording *recording)
{
  const char *why = *recording->deleted_why ? recording->deleted_why : NULL;
  return json_pack(
      "{s:s, s:s, s:s, s:o, s:s, s:O, s:I, s:o, s:o, s:o, s:o, s:s?}", "id", recording->id,
      "visitId", recording->visit_id, "service", recording->service, "serviceName",
      ablak_view_service_name(box, recording->service), "state", recording->state, "legalBasis",
      recording->legal_basis, "retentionDays", (json_int_t)recording->retention_days, "startedAt",
      ablak_json_time(recording->started_ms), "endedAt", ablak_json_time(recording->ended_ms),
      "deleteAt", ablak_json_time(recording->delete_ms), "deletedAt",
      ablak_json_time(recording->deleted_ms), "deletedWhy", why);
}

static json_t *list_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  bool all = ablak_person_has_role(call->person, "supervisor");
  g_autoptr(GPtrArray) list =
      ablak_recordings_list(txn, NULL, 0, all ? NULL : call->person->id, error);
  if (!list)
    return NULL;
  json_t *array = json_array();
  for (guint i = 0; i < list->len; i++)
    json_array_append_new(array, recording_json(call->app, list->pdata[i]));
  return array;
}

void ablak_box_list_recordings(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, list_view);
}

static bool delete_(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_recording_delete(txn, ablak_request_param(call->request, "recordingId"), "asked",
                                call->person->id, error);
}

void ablak_box_delete_recording(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, delete_, NULL);
}

/* --- watching ------------------------------------------------------------------------------------
 */

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
      !ablak_recording_replay(txn, id, call->person->id, &replay, error))
    return false;
  ablak_call_set_result(call, replay);
  return true;
}

static json_t *replay_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const char *id = ablak_request_param(call->request, "recordingId");
  g_autoptr(AblakRecording) recording = ablak_recording_load(txn, id, error);
  g_autoptr(GArray) files = recording ? ablak_recording_files(txn, id, error) : NULL;
  if (!files)
    return NULL;
  json_t *parts = json_array();
  for (guint i = 0; i < files->len; i++)
    json_array_append_new(parts, json_integer(g_array_index(files, AblakRecordingFile, i).part));
  return json_pack("{s:s, s:o, s:o}", "id", call->result, "recording",
                   recording_json(call->app, recording), "parts", parts);
}

void ablak_box_begin_replay(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 201, log_replay, replay_view);
}

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
