#include "box/recorder.h"
#include "box/recorder-process.h"
#include "box/recording-files.h"
#include "core/error.h"
#include "core/log.h"
#include <forms/session.h>
#include <glib/gstdio.h>
#include <provisioning/layout.h>
#include <string.h>

#define DUE_EVERY_S 600

enum { PARTY_CITIZEN, PARTY_CLERK };

struct AblakRecorders {
  AblakBranch *box;
  char *folder;
  guint8 box_key[ABLAK_SEAL_KEY_SIZE];
  GHashTable *running; /* recording -> Job */
  guint due_timer;
};

typedef struct {
  AblakRecorders *recorders;
  char *id, *visit, *clerk;
  bool deleted;
  AblakRecorderProcess *process;
  AblakDraftConnection *draft; /* the form as it is filled; NULL: none */
} Job;

static void job_free(gpointer data)
{
  Job *job = data;
  if (job->draft)
    ablak_draft_connection_free(job->draft);
  ablak_recorder_process_free(job->process);
  g_free(job->id);
  g_free(job->visit);
  g_free(job->clerk);
  g_free(job);
}

char *ablak_recorders_path(const AblakRecorders *recorders, const char *name)
{
  return g_build_filename(recorders->folder, name, NULL);
}

/* --- keys ----------------------------------------------------------------------------------------
 */

static char *key_path(const AblakRecorders *recorders, const char *recording)
{
  return g_strdup_printf("%s/%s.key", recorders->folder, recording);
}

bool ablak_recorders_key(const AblakRecorders *recorders, const char *recording,
                         guint8 ret_key[ABLAK_SEAL_KEY_SIZE], GError **error)
{
  g_autofree char *path = key_path(recorders, recording);
  g_autofree char *wrapped = NULL;
  gsize size = 0;
  if (!g_file_get_contents(path, &wrapped, &size, NULL) || size != ABLAK_SEAL_WRAPPED_SIZE) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "recordings/file-missing",
                    "the key of the recording %s is not there", recording);
    return false;
  }
  return ablak_seal_key_unwrap(recorders->box_key, (const guint8 *)wrapped, ret_key, error);
}

static bool make_key(const AblakRecorders *recorders, const char *recording,
                     guint8 ret_key[ABLAK_SEAL_KEY_SIZE], GError **error)
{
  guint8 wrapped[ABLAK_SEAL_WRAPPED_SIZE];
  g_autofree char *path = key_path(recorders, recording);
  return ablak_seal_key_new(ret_key, error) &&
         ablak_seal_key_wrap(recorders->box_key, ret_key, wrapped, error) &&
         ablak_layout_write(path, wrapped, sizeof wrapped, 0600, error);
}

static bool open_box_key(AblakRecorders *recorders, GError **error)
{
  g_autofree char *path = ablak_layout_path(recorders->box->state, ABLAK_LAYOUT_RECORDING_KEY);
  g_autofree char *key = NULL;
  gsize size = 0;
  if (g_file_get_contents(path, &key, &size, NULL) && size == sizeof recorders->box_key) {
    memcpy(recorders->box_key, key, size);
    return true;
  }
  return ablak_seal_key_new(recorders->box_key, error) &&
         ablak_layout_write(path, recorders->box_key, sizeof recorders->box_key, 0600, error);
}

/* --- the end of a recording ------------------------------------------------------------------- */

typedef struct {
  AblakRecorders *recorders;
  char *id;
  guint8 key[ABLAK_SEAL_KEY_SIZE];
  bool whole, kept;
  GArray *files;
} Ending;

/* It counts as work: who stops the box waits for it. */
static Ending *ending_new(AblakRecorders *recorders, const char *id, bool whole)
{
  Ending *ending = g_new0(Ending, 1);
  ending->recorders = recorders;
  ending->id = g_strdup(id);
  ending->whole = whole;
  ablak_work_begin(&recorders->box->work);
  return ending;
}

static void ending_free(Ending *ending)
{
  ablak_work_end(&ending->recorders->box->work);
  g_clear_pointer(&ending->files, g_array_unref);
  memset(ending->key, 0, sizeof ending->key);
  g_free(ending->id);
  g_free(ending);
}

static void named(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  if (!g_task_propagate_boolean(G_TASK(result), &error))
    ablak_log_gerror(ABLAK_LOG_ERROR, "recording.unnamed", error, NULL);
  ending_free(data);
}

static void name_files(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Ending *ending = data;
  GError *error = NULL;
  if (!ending->kept)
    ablak_recording_files_erase(ending->recorders->folder, ending->id, ending->files);
  else if (!ablak_recording_files_name(ending->recorders->folder, ending->id, ending->files,
                                       &error)) {
    g_task_return_error(task, error);
    return;
  }
  g_task_return_boolean(task, TRUE);
}

static void noted(const GError *error, gpointer data)
{
  if (error) {
    ablak_log_gerror(ABLAK_LOG_ERROR, "recording.not-noted", error, NULL);
    ending_free(data);
    return;
  }
  g_autoptr(GTask) task = g_task_new(NULL, NULL, named, data);
  g_task_set_task_data(task, data, NULL);
  g_task_run_in_thread(task, name_files);
}

static bool note(AblakTxn *txn, gpointer data, GError **error)
{
  Ending *ending = data;
  return ablak_recording_finish(txn, ending->id, ending->files, ending->whole, &ending->kept,
                                error);
}

static void adopted(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  Ending *ending = data;
  if (g_task_propagate_boolean(G_TASK(result), &error)) {
    ablak_store_write(ending->recorders->box->store, note, noted, ending, NULL);
    return;
  }
  ablak_log_gerror(ABLAK_LOG_ERROR, "recording.not-adopted", error, "recording", ending->id, NULL);
  ending_free(ending);
}

static void adopt_files(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Ending *ending = data;
  GError *error = NULL;
  ending->files =
      ablak_recording_files_adopt(ending->recorders->folder, ending->id, ending->key, &error);
  ablak_crypto_leave_thread();
  if (ending->files)
    g_task_return_boolean(task, TRUE);
  else
    g_task_return_error(task, error);
}

static void adopt(AblakRecorders *recorders, const char *id, bool whole)
{
  g_autoptr(GError) error = NULL;
  Ending *ending = ending_new(recorders, id, whole);
  if (!ablak_recorders_key(recorders, id, ending->key, &error)) {
    /* It never began: there is nothing. */
    ending->files = g_array_new(FALSE, TRUE, sizeof(AblakRecordingFile));
    ending->whole = false;
    ablak_store_write(recorders->box->store, note, noted, ending, NULL);
    return;
  }
  g_autoptr(GTask) task = g_task_new(NULL, NULL, adopted, ending);
  g_task_set_task_data(task, ending, NULL);
  g_task_run_in_thread(task, adopt_files);
}

static void erase(AblakRecorders *recorders, const char *id)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(recorders->box->store, &error);
  g_autoptr(GArray) files = txn ? ablak_recording_files(txn, id, &error) : NULL;
  if (error)
    ablak_log_gerror(ABLAK_LOG_ERROR, "recording.files-unknown", error, NULL);
  ablak_recording_files_erase(recorders->folder, id, files);
  ablak_log(ABLAK_LOG_INFO, "recording.erased", "recording", id, NULL);
}

/* --- a recording that runs ---------------------------------------------------------------------
 */

static void on_exit_(bool whole, gpointer data)
{
  Job *job = data;
  AblakRecorders *recorders = job->recorders;
  g_autofree char *id = g_strdup(job->id);
  bool deleted = job->deleted;
  ablak_log(whole || deleted ? ABLAK_LOG_INFO : ABLAK_LOG_WARNING, "recording.ended", "recording",
            id, "whole", whole ? "yes" : "no", NULL);
  ablak_media_link_unrecord(recorders->box->media, job->visit);
  g_hash_table_remove(recorders->running, id);
  if (deleted)
    erase(recorders, id);
  else
    adopt(recorders, id, whole);
}

static void tap_leg(const char *visit, const char *leg, const AblakPerson *person, gpointer data)
{
  const Job *job = data;
  int tap = ablak_recorder_process_tap(job->process);
  bool clerk = person->kind == ABLAK_PERSON_STAFF && g_strcmp0(person->id, job->clerk) == 0;
  /* Whoever else is there has not consented. */
  if (tap < 0 || (!clerk && person->kind != ABLAK_PERSON_CITIZEN))
    return;
  ablak_media_link_record(job->recorders->box->media, visit, leg,
                          clerk ? PARTY_CLERK : PARTY_CITIZEN, tap);
}

static void on_joined(const char *visit, const char *leg, const AblakPerson *person, gpointer data)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, ((AblakRecorders *)data)->running);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    if (strcmp(((Job *)value)->visit, visit) == 0)
      tap_leg(visit, leg, person, value);
}

static bool writes_nothing(const char *path, gpointer data)
{
  return false;
}

/* Document and authors; not who is where. */
static void on_draft(const void *message, gsize size, gpointer data)
{
  const guint8 *bytes = message;
  if (size > 0 && (bytes[0] == 0 || bytes[0] == 103))
    ablak_recorder_process_edit(((Job *)data)->process, message, size);
}

static void on_draft_closed(unsigned code, const char *reason, gpointer data)
{
}

/* The form that both sides see. */
static void watch_form(Job *job)
{
  static const guint8 all[] = {0, 0, 1, 0}; /* y-protocols: sync step 1, of one who has nothing */
  g_autoptr(AblakTxn) txn = ablak_store_read(job->recorders->box->store, NULL);
  g_autoptr(AblakDraft) draft = txn ? ablak_draft_of_visit(txn, job->visit, NULL) : NULL;
  const AblakDraftPeer peer = {.actor_kind = "clerk",
                               .actor_id = job->clerk,
                               .may_write = writes_nothing,
                               .send = on_draft,
                               .close = on_draft_closed,
                               .data = job};
  if (draft)
    job->draft =
        ablak_drafts_connect(job->recorders->box->drafts, draft->id, "shared", &peer, NULL);
  if (job->draft)
    ablak_draft_connection_receive(job->draft, all, sizeof all);
}

static AblakRecorderProcess *run(Job *job, GError **error)
{
  AblakRecorders *recorders = job->recorders;
  guint8 key[ABLAK_SEAL_KEY_SIZE];
  const AblakRecorderStart start = {ablak_config_string(recorders->box->config, "recorder"),
                                    recorders->folder, job->id, key};
  if (!make_key(recorders, job->id, key, error))
    return NULL;
  AblakRecorderProcess *process = ablak_recorder_process_new(&start, on_exit_, job, error);
  memset(key, 0, sizeof key);
  return process;
}

static void begin(AblakRecorders *recorders, const AblakRecording *recording)
{
  g_autoptr(GError) error = NULL;
  Job *job = g_new0(Job, 1);
  job->recorders = recorders;
  job->id = g_strdup(recording->id);
  job->visit = g_strdup(recording->visit_id);
  job->clerk = g_strdup(recording->clerk_id);
  job->process = run(job, &error);
  if (!job->process) {
    ablak_log_gerror(ABLAK_LOG_ERROR, "recording.not-started", error, "recording", job->id, NULL);
    adopt(recorders, job->id, false);
    job_free(job);
    return;
  }
  g_hash_table_insert(recorders->running, job->id, job);
  ablak_media_link_each_leg(recorders->box->media, job->visit, tap_leg, job);
  watch_form(job);
}

static void stop(Job *job)
{
  ablak_media_link_unrecord(job->recorders->box->media, job->visit);
  ablak_recorder_process_stop(job->process);
}

static void stop_visit(AblakRecorders *recorders, const char *visit)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, recorders->running);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    if (strcmp(((Job *)value)->visit, visit) == 0)
      stop(value);
}

static void remove_recording(AblakRecorders *recorders, const char *id)
{
  Job *job = g_hash_table_lookup(recorders->running, id);
  if (job) {
    job->deleted = true;
    ablak_media_link_unrecord(recorders->box->media, job->visit);
    ablak_recorder_process_kill(job->process);
  }
  erase(recorders, id);
}

static void began(AblakRecorders *recorders, const char *id)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(recorders->box->store, NULL);
  g_autoptr(AblakRecording) recording = txn ? ablak_recording_load(txn, id, NULL) : NULL;
  /* A withdrawal may have been as quick. */
  if (recording && strcmp(recording->state, "recording") == 0 &&
      !g_hash_table_contains(recorders->running, id))
    begin(recorders, recording);
}

void ablak_recorders_committed(AblakRecorders *recorders, const AblakEvent *event)
{
  if (strcmp(event->kind, "recording.began") == 0) {
    began(recorders, event->subject);
  } else if (strcmp(event->kind, "recording.deleted") == 0) {
    remove_recording(recorders, event->subject);
  } else if (strcmp(event->kind, "recording.stopped") == 0) {
    Job *job = g_hash_table_lookup(recorders->running, event->subject);
    if (job)
      stop(job);
  } else if (strcmp(event->kind, "visit.ended") == 0) {
    stop_visit(recorders, event->subject);
  }
}

/* --- what is due, and what was left ---------------------------------------------------------- */

static bool delete_due(AblakTxn *txn, gpointer data, GError **error)
{
  g_autoptr(GPtrArray) due = ablak_recordings_list(txn, NULL, ablak_txn_now_ms(txn), NULL, error);
  for (guint i = 0; due && i < due->len; i++)
    if (!ablak_recording_delete(txn, ((AblakRecording *)due->pdata[i])->id, "due", "system", error))
      return false;
  return due != NULL;
}

static gboolean on_due(gpointer data)
{
  ablak_store_write(((AblakRecorders *)data)->box->store, delete_due, NULL, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

/* A file of the folder that a crash left behind. */
static void take_up_file(AblakRecorders *recorders, AblakTxn *txn, const char *name)
{
  bool content = strlen(name) == 64 && strchr(name, '.') == NULL;
  g_autofree char *id = g_strndup(name, strcspn(name, "."));
  g_autoptr(AblakRecording) recording =
      content ? ablak_recording_of_file(txn, name, NULL) : ablak_recording_load(txn, id, NULL);
  if (!recording)
    return; /* an older database was restored: not ours to judge */
  if (strcmp(recording->state, "deleted") == 0) {
    erase(recorders, recording->id);
    return;
  }
  bool part = g_str_has_suffix(name, ".0.part");
  g_autoptr(GArray) files = part && strcmp(recording->state, "recording") != 0
                                ? ablak_recording_files(txn, id, NULL)
                                : NULL;
  g_autoptr(GError) error = NULL;
  if (files && !ablak_recording_files_name(recorders->folder, id, files, &error))
    ablak_log_gerror(ABLAK_LOG_ERROR, "recording.unnamed", error, NULL);
}

static bool take_up(AblakRecorders *recorders, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(recorders->box->store, error);
  g_autoptr(GPtrArray) running =
      txn ? ablak_recordings_list(txn, "recording", 0, NULL, error) : NULL;
  g_autoptr(GDir) dir = g_dir_open(recorders->folder, 0, NULL);
  if (!running)
    return false;
  for (const char *name; dir && (name = g_dir_read_name(dir)) != NULL;)
    take_up_file(recorders, txn, name);
  for (guint i = 0; i < running->len; i++)
    adopt(recorders, ((AblakRecording *)running->pdata[i])->id, false);
  return true;
}

AblakRecorders *ablak_recorders_new(AblakBranch *box, GError **error)
{
  AblakRecorders *recorders = g_new0(AblakRecorders, 1);
  recorders->box = box;
  recorders->folder = ablak_layout_path(box->state, ABLAK_LAYOUT_RECORDINGS);
  recorders->running = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, job_free);
  if (g_mkdir_with_parents(recorders->folder, 0700) != 0 || !open_box_key(recorders, error) ||
      !take_up(recorders, error)) {
    if (error && !*error)
      ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/disk", "%s cannot be made",
                      recorders->folder);
    ablak_recorders_free(recorders);
    return NULL;
  }
  ablak_media_link_watch_joined(box->media, on_joined, recorders);
  recorders->due_timer = g_timeout_add_seconds(DUE_EVERY_S, on_due, recorders);
  on_due(recorders);
  return recorders;
}

void ablak_recorders_free(AblakRecorders *recorders)
{
  if (!recorders)
    return;
  GHashTableIter iter;
  gpointer value;
  g_clear_handle_id(&recorders->due_timer, g_source_remove);
  ablak_media_link_watch_joined(recorders->box->media, NULL, NULL);
  g_hash_table_iter_init(&iter, recorders->running);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    ablak_recorder_process_finish(((Job *)value)->process);
  g_hash_table_unref(recorders->running);
  memset(recorders->box_key, 0, sizeof recorders->box_key);
  g_free(recorders->folder);
  g_free(recorders);
}
