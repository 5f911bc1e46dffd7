#include "box/uplink.h"
#include "core/error.h"
#include "core/log.h"
#include "http/client.h"
#include "http/metrics.h"
#include <gio/gio.h>
#include <provisioning/layout.h>
#include <string.h>
#include <sync/down.h>
#include <sync/journal.h>
#include <sync/sender.h>

#define RETRY_LEAST_MS 500
#define RETRY_MOST_MS 30000

struct AblakUplink {
  AblakBranch *box;
  AblakJournal *journal;
  AblakSender *sender;
  AblakClientSocket *socket; /* NULL while the line is down */
  char *url, *ca, *certificate, *key;
  guint retry_timer, retry_ms;
  gint64 last_ack_ms;
  gint64 start_seq;    /* the journal's last entry when the daemon started */
  GHashTable *waiting; /* filing id -> Waiting */
  AblakMetric *up, *lag, *equal;
};

/* A filing that headquarters has not acknowledged yet. */
typedef struct {
  gint64 seq; /* of its commit or a later one */
  char *visit;
} Waiting;

static void waiting_free(gpointer data)
{
  g_free(((Waiting *)data)->visit);
  g_free(data);
}

/* --- the connection
 * -------------------------------------------------------------------------------
 */

static void connect_now(AblakUplink *uplink);

static gboolean retry(gpointer data)
{
  AblakUplink *uplink = data;
  uplink->retry_timer = 0;
  connect_now(uplink);
  return G_SOURCE_REMOVE;
}

/* Half to all of the delay: a hundred boxes that lost headquarters together come back apart. */
static void retry_later(AblakUplink *uplink)
{
  guint delay_ms = uplink->retry_ms / 2 + g_random_int_range(0, (gint)uplink->retry_ms / 2 + 1);
  uplink->retry_ms = MIN(uplink->retry_ms * 2, RETRY_MOST_MS);
  uplink->retry_timer = g_timeout_add(delay_ms, retry, uplink);
}

static void opened(AblakClientSocket *socket, gpointer data)
{
  AblakUplink *uplink = data;
  uplink->retry_ms = RETRY_LEAST_MS;
  ablak_metric_set(uplink->up, 1);
  ablak_log(ABLAK_LOG_INFO, "uplink.connected", NULL);
  ablak_sender_connected(uplink->sender);
}

static void message(AblakClientSocket *socket, const void *bytes, gsize size, bool binary,
                    gpointer data)
{
  AblakUplink *uplink = data;
  if (binary)
    ablak_sender_received(uplink->sender, bytes, size);
}

static void writable(AblakClientSocket *socket, gpointer data)
{
  ablak_sender_writable(((AblakUplink *)data)->sender);
}

static void closed(AblakClientSocket *socket, unsigned code, const GError *error, gpointer data)
{
  AblakUplink *uplink = data;
  uplink->socket = NULL;
  ablak_metric_set(uplink->up, 0);
  ablak_log_gerror(ABLAK_LOG_INFO, "uplink.down", error, NULL);
  ablak_sender_disconnected(uplink->sender);
  retry_later(uplink);
}

static void connect_now(AblakUplink *uplink)
{
  static const AblakClientSocketCallbacks callbacks = {opened, message, closed, writable};
  const AblakClientTls tls = {
      .ca = uplink->ca, .certificate = uplink->certificate, .key = uplink->key};
  uplink->socket = ablak_client_socket_new(&tls, uplink->url, &callbacks, uplink);
}

static void send_up(const void *bytes, gsize size, gpointer data)
{
  AblakUplink *uplink = data;
  if (uplink->socket)
    ablak_client_socket_send(uplink->socket, bytes, size, true);
}

static gsize queued(gpointer data)
{
  AblakUplink *uplink = data;
  return uplink->socket ? ablak_client_socket_queued(uplink->socket) : 0;
}

static void failed(const GError *error, gpointer data)
{
  AblakUplink *uplink = data;
  ablak_log_gerror(ABLAK_LOG_WARNING, "uplink.refused", error, NULL);
  if (uplink->socket)
    ablak_client_socket_close(uplink->socket, 1000);
}

/* --- what headquarters has
 * ------------------------------------------------------------------------
 */

static void tell_stored(AblakUplink *uplink, const char *filing_id, const char *visit)
{
  g_autofree char *topic = g_strconcat("visit:", visit, NULL);
  g_autoptr(json_t) data = json_pack("{s:s}", "filingId", filing_id);
  ablak_live_message(uplink->box->live, topic, "filing.stored", data, NULL);
}

static void acked(gint64 seq, gpointer data)
{
  AblakUplink *uplink = data;
  uplink->last_ack_ms = ablak_clock_wall_ms();
  ablak_metric_set(uplink->lag, ablak_journal_noted_seq(uplink->journal) - seq);
  GHashTableIter iter;
  gpointer id, value;
  g_hash_table_iter_init(&iter, uplink->waiting);
  while (g_hash_table_iter_next(&iter, &id, &value)) {
    const Waiting *waiting = value;
    if (waiting->seq > seq)
      continue;
    tell_stored(uplink, id, waiting->visit);
    g_hash_table_iter_remove(&iter);
  }
}

/* Headquarters' copy has been compared table by table; a difference is an alarm for people. */
static void proven(gint64 seq, bool equal, gpointer data)
{
  AblakUplink *uplink = data;
  g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, seq);
  ablak_metric_set(uplink->equal, equal);
  ablak_log(equal ? ABLAK_LOG_INFO : ABLAK_LOG_ERROR,
            equal ? "uplink.copy-equal" : "uplink.copy-differs", "seq", number, NULL);
}

void ablak_uplink_await(AblakUplink *uplink, const char *filing_id, const char *visit_id)
{
  Waiting *waiting = g_new0(Waiting, 1);
  waiting->seq = ablak_journal_noted_seq(uplink->journal);
  waiting->visit = g_strdup(visit_id);
  g_hash_table_insert(uplink->waiting, g_strdup(filing_id), waiting);
}

bool ablak_uplink_has_stored(AblakUplink *uplink, const char *filing_id)
{
  if (g_hash_table_contains(uplink->waiting, filing_id))
    return false;
  /* Filed before this start, or acknowledged since: both lie at or before these marks. */
  AblakSenderStatus status;
  ablak_sender_status(uplink->sender, &status);
  return status.acked_seq >= uplink->start_seq;
}

void ablak_uplink_status(AblakUplink *uplink, AblakUplinkStatus *ret_status)
{
  AblakSenderStatus status;
  ablak_sender_status(uplink->sender, &status);
  *ret_status = (AblakUplinkStatus){
      .connected = status.connected,
      .last_seq = MAX(status.last_seq, ablak_journal_noted_seq(uplink->journal)),
      .acked_seq = status.acked_seq,
      .last_ack_ms = uplink->last_ack_ms,
  };
}

/* --- what comes down
 * ------------------------------------------------------------------------------
 */

/* An edition on its way: its file is written and checked beside the loop, then made active. */
typedef struct {
  AblakUplink *uplink;
  AblakStepDone done;
  gpointer step;
  GBytes *file;
  AblakKbIncoming *incoming;
} Arrival;

static void arrival_finish(Arrival *arrival, const GError *error)
{
  arrival->done(error, arrival->step);
  g_clear_pointer(&arrival->incoming, ablak_kb_incoming_free);
  g_bytes_unref(arrival->file);
  g_free(arrival);
}

static void activated(const GError *error, gpointer data)
{
  Arrival *arrival = data;
  if (!error)
    ablak_box_take_edition(arrival->uplink->box);
  arrival_finish(arrival, error);
}

static void write_file(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Arrival *arrival = data;
  GError *error = NULL;
  gsize size = 0;
  const void *bytes = g_bytes_get_data(arrival->file, &size);
  if (ablak_kb_incoming_append(arrival->incoming, bytes, size, &error) &&
      ablak_kb_incoming_finish(arrival->incoming, &error))
    g_task_return_boolean(task, TRUE);
  else
    g_task_return_error(task, error);
}

static void written(GObject *source, GAsyncResult *result, gpointer data)
{
  Arrival *arrival = data;
  ablak_work_end(&arrival->uplink->box->work);
  g_autoptr(GError) error = NULL;
  if (g_task_propagate_boolean(G_TASK(result), &error))
    ablak_kb_activate(arrival->uplink->box->kb, g_steal_pointer(&arrival->incoming), activated,
                      arrival);
  else
    arrival_finish(arrival, error);
}

static void take_edition(AblakUplink *uplink, GBytes *payload, AblakStepDone done, gpointer step)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) manifest = NULL;
  GBytes *file = NULL;
  if (!ablak_down_edition_split(payload, &manifest, &file, &error)) {
    done(error, step);
    return;
  }
  AblakKbIncoming *incoming = ablak_kb_incoming_new(uplink->box->kb, manifest, &error);
  /* Sent again after a crash or a restore of headquarters: it is here already. */
  bool known = error && strcmp(ablak_error_slug(error), "kb/older") == 0;
  if (!incoming) {
    g_bytes_unref(file);
    done(known ? NULL : error, step);
    return;
  }
  Arrival *arrival = g_new0(Arrival, 1);
  *arrival = (Arrival){uplink, done, step, file, incoming};
  g_autoptr(GTask) task = g_task_new(NULL, NULL, written, arrival);
  g_task_set_task_data(task, arrival, NULL);
  ablak_work_begin(&uplink->box->work);
  g_task_run_in_thread(task, write_file);
}

static void prepare(const char *kind, GBytes *payload, AblakStepDone done, gpointer step,
                    gpointer data)
{
  if (strcmp(kind, ABLAK_DOWN_EDITION) == 0)
    take_edition(data, payload, done, step);
  else
    done(NULL, step);
}

static bool apply(AblakTxn *txn, const char *kind, GBytes *payload, gpointer data, GError **error)
{
  AblakUplink *uplink = data;
  if (strcmp(kind, ABLAK_DOWN_EDITION) == 0)
    return true;
  if (strcmp(kind, ABLAK_DOWN_STAFF) == 0)
    return ablak_down_apply_rows(uplink->box->store, txn, payload, error);
  ablak_error_set(error, ABLAK_ERROR_UNSUPPORTED, "sync/protocol", "nothing takes %s", kind);
  return false;
}

/* --- life
 * -------------------------------------------------------------------------------------------
 */

/* "https://host:port" -> "wss://host:port/sync". */
static char *sync_url(const AblakBranch *box)
{
  const char *configured = ablak_config_string(box->config, "headquarters");
  const char *base = *configured ? configured : box->identity->hq[0];
  const char *host = g_str_has_prefix(base, "https://") ? base + strlen("https://") : base;
  return g_strdup_printf("wss://%s/sync", host);
}

static bool read_start(AblakUplink *uplink, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(uplink->box->store, error);
  AblakJournalState state;
  if (!txn || !ablak_journal_read_state(txn, &state, error))
    return false;
  uplink->start_seq = state.last_seq;
  return true;
}

AblakUplink *ablak_uplink_new(AblakBranch *box, GError **error)
{
  static const AblakSenderCallbacks callbacks = {
      .send = send_up,
      .queued = queued,
      .failed = failed,
      .acked = acked,
      .proven = proven,
      .prepare = prepare,
      .apply = apply,
  };
  AblakUplink *uplink = g_new0(AblakUplink, 1);
  uplink->box = box;
  uplink->waiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, waiting_free);
  uplink->journal = ablak_journal_open(box->store, error);
  if (!uplink->journal || !read_start(uplink, error)) {
    ablak_uplink_free(uplink);
    return NULL;
  }
  const AblakSenderOptions options = {.store = box->store,
                                      .journal = uplink->journal,
                                      .box = box->identity->box,
                                      .epoch = box->identity->epoch};
  uplink->sender = ablak_sender_new(&options, &callbacks, uplink);
  uplink->url = sync_url(box);
  uplink->ca = ablak_layout_path(box->state, ABLAK_LAYOUT_BOX_CA);
  uplink->certificate = ablak_layout_path(box->state, ABLAK_LAYOUT_BOX_CERTIFICATE);
  uplink->key = ablak_layout_path(box->state, ABLAK_LAYOUT_BOX_KEY);
  uplink->equal = ablak_metric_gauge("ablak_copy_equal", NULL,
                                     "1 after the last proof that headquarters' copy is equal");
  uplink->retry_ms = RETRY_LEAST_MS;
  uplink->up =
      ablak_metric_gauge("ablak_headquarters_up", NULL, "1 while the line to headquarters is up");
  uplink->lag = ablak_metric_gauge("ablak_journal_lag", NULL,
                                   "Journal entries that headquarters has not acknowledged");
  /* Restored from a backup: until it is enrolled again, what it would send is not its history. */
  if (box->identity->epoch_request)
    ablak_log(ABLAK_LOG_ERROR, "uplink.enrol-again", "box", box->identity->box, NULL);
  else
    connect_now(uplink);
  return uplink;
}

void ablak_uplink_free(AblakUplink *uplink)
{
  if (!uplink)
    return;
  if (uplink->socket)
    ablak_client_socket_close(uplink->socket, 1001);
  g_clear_handle_id(&uplink->retry_timer, g_source_remove);
  ablak_sender_free(uplink->sender);
  ablak_journal_free(uplink->journal);
  g_hash_table_unref(uplink->waiting);
  g_free(uplink->url);
  g_free(uplink->ca);
  g_free(uplink->certificate);
  g_free(uplink->key);
  g_free(uplink);
}
