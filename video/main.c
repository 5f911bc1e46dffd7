/* video/main.c: ablak-media. Connects to the box's control socket, again and again with back-off,
 * and hands its messages to the relay. */
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "video/dtls.h"
#include "video/relay.h"
#include "video/sandbox.h"
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define BACK_OFF_FIRST_MS 100
#define BACK_OFF_MOST_MS 1000

static const AblakConfigKey keys[] = {
    {"control-socket", ABLAK_CONFIG_STRING, NULL, 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Unix socket on which ablakd waits for the media process."},
    {"media-addresses", ABLAK_CONFIG_STRING, "", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Local IP addresses for media, separated by commas; empty means all, and loopback only when "
     "there is no other."},
    {"media-port-min", ABLAK_CONFIG_INT, "20000", 0, 65535, NULL, ABLAK_CONFIG_RESTART,
     "Lowest UDP port for media; 0 lets the system choose."},
    {"media-port-max", ABLAK_CONFIG_INT, "20999", 0, 65535, NULL, ABLAK_CONFIG_RESTART,
     "Highest UDP port for media."},
    {"media-stun-server", ABLAK_CONFIG_STRING, "", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "STUN server, as ADDRESS:PORT, that tells a box behind NAT its public address; coturn is "
     "one."},
    {"media-sessions-max", ABLAK_CONFIG_INT, "200", 1, 10000, NULL, ABLAK_CONFIG_RESTART,
     "Calls at the same time."},
    {"media-loops", ABLAK_CONFIG_INT, "0", 0, 256, NULL, ABLAK_CONFIG_RESTART,
     "Threads that carry packets; 0: one a core."},
    {"media-srtp-profiles", ABLAK_CONFIG_STRING, ABLAK_DTLS_SRTP_PROFILES, 0, 0, NULL,
     ABLAK_CONFIG_RESTART, "SRTP profiles, the preferred one first, separated by colons."},
    {"log-level", ABLAK_CONFIG_STRING, "info", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Least level of log lines: debug, info, warning or error."},
    {NULL, ABLAK_CONFIG_STRING, NULL, 0, 0, NULL, ABLAK_CONFIG_RESTART, NULL},
};

typedef struct {
  AblakConfig *config;
  GMainLoop *loop;
  GCancellable *stop;
  GStrv addresses;
  char *stun_address;
  AblakIceSettings ice;
  AblakRelay *relay;
  AblakMediaChannel *channel; /* NULL while the box is away */
  guint back_off_ms;
  bool told_away;
} Media;

static void connect_later(Media *media);

static void on_emit(const AblakMediaMessage *message, gpointer data)
{
  Media *media = data;
  if (media->channel != NULL)
    ablak_media_channel_send(media->channel, message);
}

static void on_received(AblakMediaChannel *channel, const AblakMediaMessage *message, gpointer data)
{
  ablak_relay_handle(((Media *)data)->relay, message);
}

static void on_malformed(AblakMediaChannel *channel, const GError *error, gpointer data)
{
  g_autoptr(AblakMediaMessage) reply = ablak_media_message_new(ABLAK_MEDIA_ERROR, NULL, NULL);
  reply->slug = g_strdup(ablak_error_slug(error));
  reply->detail = g_strdup(error->message);
  ablak_log_gerror(ABLAK_LOG_WARNING, "media.refused", error, NULL);
  ablak_media_channel_send(channel, reply);
}

static void on_closed(AblakMediaChannel *channel, const GError *error, gpointer data)
{
  Media *media = data;
  if (error != NULL)
    ablak_log_gerror(ABLAK_LOG_WARNING, "media.control-lost", error, NULL);
  else
    ablak_log(ABLAK_LOG_WARNING, "media.control-lost", NULL);
  g_clear_pointer(&media->channel, ablak_media_channel_free);
  connect_later(media);
}

static const AblakMediaChannelHandler channel_handler = {on_received, on_malformed, on_closed};

static void on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  Media *media = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocketConnection) connection =
      g_socket_client_connect_finish(G_SOCKET_CLIENT(source), result, &error);
  if (g_cancellable_is_cancelled(media->stop))
    return;
  if (connection == NULL) {
    if (!media->told_away)
      ablak_log_gerror(ABLAK_LOG_WARNING, "media.control-away", error, NULL);
    media->told_away = true;
    connect_later(media);
    return;
  }
  ablak_log(ABLAK_LOG_INFO, "media.control-connected", NULL);
  media->told_away = false;
  media->back_off_ms = 0;
  media->channel = ablak_media_channel_new(G_IO_STREAM(connection), &channel_handler, media);
  g_autoptr(AblakMediaMessage) hello = ablak_relay_hello(media->relay);
  ablak_media_channel_send(media->channel, hello);
}

static gboolean connect_now(gpointer data)
{
  Media *media = data;
  g_autoptr(GSocketClient) client = g_socket_client_new();
  g_autoptr(GSocketAddress) address =
      g_unix_socket_address_new(ablak_config_string(media->config, "control-socket"));
  g_socket_client_set_enable_proxy(client, FALSE);
  if (!g_cancellable_is_cancelled(media->stop))
    g_socket_client_connect_async(client, G_SOCKET_CONNECTABLE(address), media->stop, on_connected,
                                  media);
  return G_SOURCE_REMOVE;
}

static void connect_later(Media *media)
{
  media->back_off_ms =
      media->back_off_ms == 0 ? BACK_OFF_FIRST_MS : MIN(2 * media->back_off_ms, BACK_OFF_MOST_MS);
  g_timeout_add(media->back_off_ms, connect_now, media);
}

static gboolean on_stop(gpointer data)
{
  g_main_loop_quit(data);
  return G_SOURCE_CONTINUE;
}

/* Each leg takes a few descriptors. */
static void raise_descriptor_limit(void)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    ablak_log(ABLAK_LOG_WARNING, "media.descriptor-limit", NULL);
}

static bool read_stun_server(Media *media, GError **error)
{
  const char *text = ablak_config_string(media->config, "media-stun-server");
  if (*text == '\0')
    return true;
  g_autoptr(GSocketConnectable) server = g_network_address_parse(text, 3478, error);
  if (server == NULL)
    return false;
  const char *host = g_network_address_get_hostname(G_NETWORK_ADDRESS(server));
  if (!g_hostname_is_ip_address(host)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "core/config",
                    "media-stun-server: %s is not an IP address", host);
    return false;
  }
  media->stun_address = g_strdup(host);
  media->ice.stun_address = media->stun_address;
  media->ice.stun_port = g_network_address_get_port(G_NETWORK_ADDRESS(server));
  return true;
}

static bool settings_read(Media *media, GError **error)
{
  const AblakConfig *config = media->config;
  gint64 port_min = ablak_config_int(config, "media-port-min");
  gint64 port_max = ablak_config_int(config, "media-port-max");
  if (port_min > port_max) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "core/config",
                    "media-port-min is above media-port-max");
    return false;
  }
  media->addresses = g_strsplit_set(ablak_config_string(config, "media-addresses"), ", ", -1);
  gsize kept = 0;
  for (gsize i = 0; media->addresses[i] != NULL; i++)
    if (media->addresses[i][0] != '\0')
      media->addresses[kept++] = media->addresses[i];
    else
      g_free(media->addresses[i]);
  media->addresses[kept] = NULL;
  media->ice = (AblakIceSettings){
      .main_context = g_main_context_default(),
      .addresses = (const char *const *)media->addresses,
      .port_min = (guint16)port_min,
      .port_max = (guint16)port_max,
  };
  return read_stun_server(media, error);
}

static bool run(Media *media, GError **error)
{
  if (!settings_read(media, error))
    return false;
  const AblakRelaySettings settings = {
      .ice = &media->ice,
      .srtp_profiles = ablak_config_string(media->config, "media-srtp-profiles"),
      .sessions_max = (guint)ablak_config_int(media->config, "media-sessions-max"),
      .loops = (guint)ablak_config_int(media->config, "media-loops"),
  };
  media->relay = ablak_relay_new(&settings, on_emit, media, error);
  if (media->relay == NULL)
    return false;
  media->loop = g_main_loop_new(NULL, FALSE);
  media->stop = g_cancellable_new();
  g_unix_signal_add(SIGTERM, on_stop, media->loop);
  g_unix_signal_add(SIGINT, on_stop, media->loop);
  connect_now(media);
  g_main_loop_run(media->loop);
  ablak_log(ABLAK_LOG_INFO, "media.stopping", NULL);
  g_cancellable_cancel(media->stop);
  g_clear_pointer(&media->channel, ablak_media_channel_free);
  g_clear_pointer(&media->relay, ablak_relay_free);
  while (media->ice.open > 0 || g_main_context_pending(NULL))
    g_main_context_iteration(NULL, TRUE);
  return true;
}

static void media_clear(Media *media)
{
  g_clear_pointer(&media->loop, g_main_loop_unref);
  g_clear_object(&media->stop);
  g_clear_pointer(&media->addresses, g_strfreev);
  g_clear_pointer(&media->stun_address, g_free);
  g_clear_pointer(&media->config, ablak_config_free);
}

/* The sanitizer would look for leaks with another process that traces this one. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
  return 1;
}

int main(int argc, char **argv)
{
  static const AblakSandbox sandbox = {.program = "ablak-media", .sockets = true};
  Media media = {0};
  g_autoptr(GError) error = NULL;
  if (ablak_config_help_asked("ablak-media: relays the calls of ablakd", keys, argc, argv))
    return EXIT_SUCCESS;
  ablak_log_init("ablak-media", ABLAK_LOG_INFO);
  media.config = ablak_config_new(keys);
  bool good = ablak_config_load(media.config, g_getenv("ABLAK_CONFIG_FILE"), argc, argv, &error);
  if (good) {
    ablak_log_set_level_by_name(ablak_config_string(media.config, "log-level"));
    raise_descriptor_limit();
    /* No file can be read from now on, so there is nothing to reload. */
    signal(SIGHUP, SIG_IGN);
    good = ablak_sandbox_enter(&sandbox, &error) && run(&media, &error);
  }
  if (!good)
    ablak_log_gerror(ABLAK_LOG_ERROR, "media.failed", error, NULL);
  media_clear(&media);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
