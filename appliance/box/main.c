/* ablakd, the box: everything a branch office does locally is joined here.
 *
 * Requests come in through http, are checked against openapi.json, and reach a handler in
 * routes-*.c; handlers run domain functions as store jobs; committed events go to live pages; the
 * journal of every commit goes to headquarters through the uplink. */
#include "box/box.h"
#include "box/recorder.h"
#include "box/routes.h"
#include "box/uplink.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/events.h"
#include "daemon/loop.h"
#include <filings/filings.h>
#include <forms/session.h>
#include <provisioning/layout.h>
#include <queue/queue.h>
#include <queue/waiting.h>
#include <string.h>
#include <sync/journal.h>

#define WRONG_SECRETS_FREE 5
#define WRONG_SECRETS_WAIT_MS (10 * 60 * 1000)
#define PRINTS_AT_ONCE 12
#define PRINT_EVERY_MS 2000
#define MESSAGES_AT_ONCE 20
#define MESSAGE_EVERY_MS 1000
#define PASSING_AT_ONCE 40
#define PASSING_EVERY_MS 50
#define PRUNE_EVERY_S 300

static const AblakStorePart *const parts[] = {
    &ablak_accounts_store_part,   &ablak_queue_store_part,
    &ablak_forms_store_part,      &ablak_filings_store_part,
    &ablak_recordings_store_part, &ablak_kb_store_part,
    &ablak_sync_box_store_part,   NULL,
};

static void read_limits(AblakBranch *box)
{
  box->invitation_ms = ablak_config_int(box->config, "invitation-minutes") * 60000;
  box->receipt_ms = ablak_config_int(box->config, "receipt-minutes") * 60000;
  gint64 numbers = ablak_config_int(box->config, "numbers-per-minute");
  ablak_allowance_set(box->numbers, (unsigned)numbers, 60000 / numbers);
  ablak_log_set_level_by_name(ablak_config_string(box->config, "log-level"));
}

static bool open_state(AblakBranch *box, GError **error)
{
  box->identity = ablak_identity_load(box->state, error);
  if (!box->identity || !ablak_layout_make(box->state, ABLAK_STATE_BOX, error))
    return false;
  g_autofree char *database = ablak_layout_path(box->state, ABLAK_LAYOUT_BOX_DATABASE);
  g_autofree char *editions = ablak_layout_path(box->state, ABLAK_LAYOUT_EDITIONS);
  g_autofree char *receipt_key = ablak_layout_path(box->state, ABLAK_LAYOUT_RECEIPT_KEY);
  const AblakStoreOptions options = {.path = database, .parts = parts};
  g_autofree char *files = g_build_filename(box->state, "files", NULL);
  box->files_busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return (box->receipt_key = ablak_signer_open(receipt_key, error)) &&
         (box->blobs = ablak_blobs_open(files, error)) &&
         (box->store = ablak_store_open(&options, error)) &&
         (box->kb = ablak_kb_open(editions, box->store, box->identity->edition_key, error));
}

static const char *or_null(const char *text)
{
  return *text ? text : NULL;
}

static bool open_media(AblakBranch *box, GError **error)
{
  const char *configured = ablak_config_string(box->config, "media-socket");
  g_autofree char *path =
      *configured ? g_strdup(configured) : g_build_filename(box->state, "media.sock", NULL);
  box->ice_servers = ablak_ice_servers_new(ablak_config_string(box->config, "turn-urls"),
                                           ablak_config_string(box->config, "turn-secret-file"),
                                           ablak_config_int(box->config, "turn-minutes"), error);
  return box->ice_servers &&
         (box->media = ablak_media_link_new(path, box->ice_servers, error)) != NULL;
}

static bool open_http(AblakBranch *box, GError **error)
{
  const AblakListener people = {
      .name = "people",
      .address = ablak_config_string(box->config, "people-address"),
      .port = (int)ablak_config_int(box->config, "people-port"),
      .certificate = or_null(ablak_config_string(box->config, "certificate")),
      .key = or_null(ablak_config_string(box->config, "certificate-key")),
  };
  const AblakHttpOptions options = {
      .listeners = &people,
      .listener_count = 1,
      .table = &ablak_box_route_table,
      .static_dir = ablak_config_string(box->config, "pages"),
      .trusted_proxy = or_null(ablak_config_string(box->config, "trusted-proxy")),
      .server_name = "ablakd",
      .connections_max = (unsigned)ablak_config_int(box->config, "connections"),
      .connections_peer_max = (unsigned)ablak_config_int(box->config, "connections-per-address"),
      .authorise = ablak_box_authorise,
      .app = box,
  };
  box->http = ablak_http_new(&options, error);
  return box->http != NULL;
}

/* Ready means: an edition is here, so every page has something to show. */
static bool is_healthy(gpointer data, GError **error)
{
  AblakBranch *box = data;
  if (!box->office)
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "office/no-edition",
                    "no edition has come from headquarters yet");
  return box->office != NULL;
}

static void end_visit(AblakBranch *box, const char *visit)
{
  ablak_media_link_close_visit(box->media, visit);
  ablak_open_pages_end_visit(box->pages, visit);
}

/* Of their own will or sent away: the topic is their visit's. */
static void end_guest(AblakBranch *box, const AblakEvent *event)
{
  g_autofree char *party = g_strconcat(ABLAK_PARTY_GUEST, event->subject, NULL);
  ablak_media_link_drop_party(box->media, event->topic + strlen("visit:"), party);
  ablak_open_pages_end_session(box->pages, event->subject);
}

/* What other parts of the box do when something has been committed. */
static void committed(const AblakEvent *const *events, gsize count, gpointer data)
{
  AblakBranch *box = data;
  for (gsize i = 0; i < count; i++) {
    if (strcmp(events[i]->kind, "visit.ended") == 0)
      end_visit(box, events[i]->subject);
    if (strcmp(events[i]->kind, "guest.left") == 0)
      end_guest(box, events[i]);
    ablak_recorders_committed(box->recorders, events[i]);
  }
}

static bool prune(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_accounts_prune(txn, error) && ablak_places_prune(txn, error);
}

static gboolean prune_now(gpointer data)
{
  ablak_store_write(((AblakBranch *)data)->store, prune, NULL, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

static void reload(gpointer data)
{
  AblakBranch *box = data;
  g_autoptr(GError) error = NULL;
  if (ablak_config_reload(box->config, &error))
    read_limits(box);
  else
    ablak_log_gerror(ABLAK_LOG_ERROR, "config.refused", error, NULL);
  g_clear_error(&error);
  if (!ablak_http_renew_certificates(box->http, &error))
    ablak_log_gerror(ABLAK_LOG_ERROR, "certificate.refused", error, NULL);
}

static bool start(AblakBranch *box, GError **error)
{
  box->numbers = ablak_allowance_new(1, 1000);
  read_limits(box);
  if (!open_state(box, error) || !open_media(box, error))
    return false;
  box->zones = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_zone_free);
  box->sign_ins =
      ablak_sign_ins_new(box->store, ABLAK_STAFF_COOKIE, ablak_view_me, &box->work, box);
  box->invitations = ablak_throttle_new(WRONG_SECRETS_FREE, WRONG_SECRETS_WAIT_MS);
  box->prints = ablak_allowance_new(PRINTS_AT_ONCE, PRINT_EVERY_MS);
  box->messages = ablak_allowance_new(MESSAGES_AT_ONCE, MESSAGE_EVERY_MS);
  box->passing = ablak_allowance_new(PASSING_AT_ONCE, PASSING_EVERY_MS);
  box->presence = ablak_presence_new();
  box->pages = ablak_open_pages_new(box->store, ablak_box_check_page, box);
  const AblakDraftsOptions drafts = {
      .memory_max = (gsize)ablak_config_int(box->config, "drafts-memory") * 1024 * 1024};
  box->drafts = ablak_drafts_new(box->store, &drafts);
  box->live = ablak_box_live_new(box);
  box->lobby = ablak_lobby_new(box->store, box->live);
  ablak_events_publish_to(box->store, box->live);
  if (!(box->recorders = ablak_recorders_new(box, error)))
    return false;
  ablak_store_watch_commits(box->store, committed, box);
  ablak_box_take_edition(box);
  if (!(box->uplink = ablak_uplink_new(box, error)) || !open_http(box, error))
    return false;
  ablak_http_set_health(box->http, is_healthy, box);
  return true;
}

static void stop(AblakBranch *box)
{
  /* Connections first: nothing new may come in while the parts below them go. */
  ablak_http_free(box->http);
  ablak_loop_settle(box->store, &box->work);
  ablak_lobby_stop(box->lobby);
  ablak_live_free(box->live);
  ablak_recorders_free(box->recorders);
  ablak_drafts_free(box->drafts);
  ablak_media_link_free(box->media);
  ablak_ice_servers_free(box->ice_servers);
  ablak_presence_free(box->presence);
  ablak_open_pages_free(box->pages);
  ablak_throttle_free(box->invitations);
  ablak_allowance_free(box->numbers);
  ablak_allowance_free(box->prints);
  ablak_allowance_free(box->messages);
  ablak_allowance_free(box->passing);
  ablak_blobs_free(box->blobs);
  g_clear_pointer(&box->files_busy, g_hash_table_unref);
  ablak_box_forms_unref(box->forms);
  ablak_kb_close(box->kb);
  /* Last above the store: what is written after it would not be in the journal. */
  ablak_uplink_free(box->uplink);
  ablak_store_close(box->store);
  ablak_lobby_free(box->lobby);
  ablak_sign_ins_free(box->sign_ins);
  ablak_signer_free(box->receipt_key);
  ablak_identity_free(box->identity);
  json_decref(box->office);
  if (box->zones)
    g_ptr_array_unref(box->zones);
  ablak_config_free(box->config);
}

int main(int argc, char **argv)
{
  AblakBranch box = {0};
  g_autoptr(GError) error = NULL;
  ablak_log_init("ablakd", ABLAK_LOG_INFO);
  box.config = ablak_config_new(ablak_box_config_keys);
  if (ablak_config_help_asked("ablakd: a branch office's box", ablak_box_config_keys, argc, argv)) {
    ablak_config_free(box.config);
    return 0;
  }
  bool started = ablak_config_load(box.config, g_getenv("ABLAK_CONFIG_FILE"), argc, argv, &error);
  if (started) {
    box.state = (char *)ablak_config_string(box.config, "state");
    started = start(&box, &error);
  }
  if (started) {
    guint timer = g_timeout_add_seconds(PRUNE_EVERY_S, prune_now, &box);
    g_autofree char *port = g_strdup_printf("%d", ablak_http_port(box.http, "people"));
    ablak_log(ABLAK_LOG_INFO, "daemon.ready", "box", box.identity->box, "port", port, NULL);
    ablak_loop_run(reload, &box);
    g_source_remove(timer);
  } else {
    ablak_log_gerror(ABLAK_LOG_ERROR, "daemon.not-started", error, NULL);
  }
  stop(&box);
  return started ? 0 : 1;
}
