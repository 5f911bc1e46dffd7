/* ablak-hq, headquarters: receives every box's changes; owns staff, catalogue and fleet.
 *
 * Two listeners: people with a browser, and boxes with certificates of the authority kept here. */
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/events.h"
#include "daemon/loop.h"
#include "hq/peers.h"
#include "hq/publish.h"
#include "hq/routes.h"
#include <provisioning/boxes.h>
#include <provisioning/layout.h>
#include <stdio.h>
#include <string.h>

#define PRUNE_EVERY_S 300

static void read_limits(AblakHq *hq)
{
  ablak_log_set_level_by_name(ablak_config_string(hq->config, "log-level"));
}

static bool open_authority(AblakHq *hq, GError **error)
{
  g_autofree char *folder = ablak_layout_path(hq->state, ABLAK_LAYOUT_CA);
  g_autofree char *key = ablak_layout_path(hq->state, ABLAK_LAYOUT_EDITION_KEY);
  g_auto(GStrv) names = g_strsplit(ablak_config_string(hq->config, "boxes-names"), " ", -1);
  return (hq->ca = ablak_ca_open(folder, error)) &&
         ablak_ca_ensure_server(hq->ca, (const char *const *)names, ablak_clock_wall_ms(), error) &&
         (hq->edition_key = ablak_signer_open(key, error));
}

static bool open_state(AblakHq *hq, GError **error)
{
  g_autofree char *database = ablak_layout_path(hq->state, ABLAK_LAYOUT_HQ_DATABASE);
  const AblakStoreOptions options = {.path = database, .parts = ablak_hq_store_parts};
  return ablak_layout_make(hq->state, ABLAK_STATE_HQ, error) && open_authority(hq, error) &&
         (hq->store = ablak_store_open(&options, error));
}

static const char *or_null(const char *text)
{
  return *text ? text : NULL;
}

static bool open_http(AblakHq *hq, GError **error)
{
  g_autofree char *ca = ablak_layout_path(hq->state, ABLAK_LAYOUT_CA_CERTIFICATE);
  g_autofree char *crl = ablak_layout_path(hq->state, ABLAK_LAYOUT_CRL);
  g_autofree char *certificate = ablak_layout_path(hq->state, ABLAK_LAYOUT_SERVER_CERTIFICATE);
  g_autofree char *key = ablak_layout_path(hq->state, ABLAK_LAYOUT_SERVER_KEY);
  const AblakListener listeners[] = {
      {.name = "people",
       .address = ablak_config_string(hq->config, "people-address"),
       .port = (int)ablak_config_int(hq->config, "people-port"),
       .certificate = or_null(ablak_config_string(hq->config, "certificate")),
       .key = or_null(ablak_config_string(hq->config, "certificate-key"))},
      {.name = "boxes",
       .address = ablak_config_string(hq->config, "boxes-address"),
       .port = (int)ablak_config_int(hq->config, "boxes-port"),
       .certificate = certificate,
       .key = key,
       .client_ca = ca,
       .client_crl = crl},
  };
  const AblakHttpOptions options = {
      .listeners = listeners,
      .listener_count = G_N_ELEMENTS(listeners),
      .table = &ablak_hq_route_table,
      .static_dir = ablak_config_string(hq->config, "pages"),
      .trusted_proxy = or_null(ablak_config_string(hq->config, "trusted-proxy")),
      .server_name = "ablak-hq",
      .authorise = ablak_hq_authorise,
      .app = hq,
  };
  hq->http = ablak_http_new(&options, error);
  return hq->http != NULL;
}

static bool prune(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_accounts_prune(txn, error);
}

static gboolean prune_now(gpointer data)
{
  ablak_store_write(((AblakHq *)data)->store, prune, NULL, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

static void reload(gpointer data)
{
  AblakHq *hq = data;
  g_autoptr(GError) error = NULL;
  if (ablak_config_reload(hq->config, &error))
    read_limits(hq);
  else
    ablak_log_gerror(ABLAK_LOG_ERROR, "config.refused", error, NULL);
  g_clear_error(&error);
  if (!ablak_http_renew_certificates(hq->http, &error))
    ablak_log_gerror(ABLAK_LOG_ERROR, "certificate.refused", error, NULL);
}

static bool check_page(AblakTxn *txn, const AblakPerson *person, bool active, gpointer app,
                       bool *ret_valid, GError **error)
{
  return ablak_sign_ins_check(((AblakHq *)app)->sign_ins, txn, person, active, ret_valid, error);
}

static bool start(AblakHq *hq, GError **error)
{
  read_limits(hq);
  if (!open_state(hq, error))
    return false;
  hq->sign_ins = ablak_sign_ins_new(hq->store, ABLAK_HQ_COOKIE, ablak_hq_me_view, &hq->work, hq);
  hq->claims = ablak_claim_limiter_new();
  hq->pages = ablak_open_pages_new(hq->store, check_page, hq);
  hq->live = ablak_hq_live_new(hq);
  ablak_events_publish_to(hq->store, hq->live);
  ablak_hq_write_crl(hq);
  return (hq->peers = ablak_peers_new(hq, error)) && open_http(hq, error);
}

static void stop(AblakHq *hq)
{
  /* Connections first: nothing new may come in while the parts below them go. */
  ablak_http_free(hq->http);
  ablak_loop_settle(hq->store, &hq->work);
  ablak_peers_free(hq->peers);
  ablak_live_free(hq->live);
  ablak_open_pages_free(hq->pages);
  ablak_store_close(hq->store);
  ablak_claim_limiter_free(hq->claims);
  ablak_sign_ins_free(hq->sign_ins);
  ablak_signer_free(hq->edition_key);
  ablak_ca_free(hq->ca);
  ablak_config_free(hq->config);
}

int main(int argc, char **argv)
{
  AblakHq hq = {0};
  g_autoptr(GError) error = NULL;
  ablak_log_init("ablak-hq", ABLAK_LOG_INFO);
  hq.config = ablak_config_new(ablak_hq_config_keys);
  if (ablak_config_help_asked("ablak-hq: headquarters", ablak_hq_config_keys, argc, argv)) {
    ablak_config_free(hq.config);
    return 0;
  }
  bool started = ablak_config_load(hq.config, g_getenv("ABLAK_CONFIG_FILE"), argc, argv, &error);
  if (started) {
    hq.state = ablak_config_string(hq.config, "state");
    started = start(&hq, &error);
  }
  if (started) {
    guint timer = g_timeout_add_seconds(PRUNE_EVERY_S, prune_now, &hq);
    g_autofree char *people = g_strdup_printf("%d", ablak_http_port(hq.http, "people"));
    g_autofree char *boxes = g_strdup_printf("%d", ablak_http_port(hq.http, "boxes"));
    ablak_log(ABLAK_LOG_INFO, "daemon.ready", "people", people, "boxes", boxes, NULL);
    ablak_loop_run(reload, &hq);
    g_source_remove(timer);
  } else {
    ablak_log_gerror(ABLAK_LOG_ERROR, "daemon.not-started", error, NULL);
  }
  stop(&hq);
  return started ? 0 : 1;
}
