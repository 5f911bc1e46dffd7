/* A small daemon over the test document: prints its ports, serves until its standard input ends. */
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "http/live.h"
#include "testhttp-routes.h"
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  AblakHttp *http;
  AblakLive *live;
  GMainLoop *loop;
  unsigned late_replies;
  GPtrArray *events; /* json_t */
} App;

static json_t *text_or_null(const char *text)
{
  return text != NULL ? json_string(text) : json_null();
}

void ablak_testhttp_echo(AblakRequest *request, gpointer app)
{
  ablak_request_reply_json(request, 200, json_incref(ablak_request_json(request)));
}

void ablak_testhttp_get_item(AblakRequest *request, gpointer app)
{
  ablak_request_set_header(request, "Set-Cookie", "a=1; Path=/");
  ablak_request_set_header(request, "Set-Cookie", "b=2; Path=/");
  ablak_request_set_header(request, "X-Bad", "one\r\nX-Injected: yes");
  ablak_request_reply_json(request, 200,
                           json_pack("{so so so so so}", "itemId",
                                     text_or_null(ablak_request_param(request, "itemId")), "q",
                                     text_or_null(ablak_request_query(request, "q")), "cookie",
                                     text_or_null(ablak_request_cookie(request, "session")), "peer",
                                     text_or_null(ablak_request_peer(request)), "scheme",
                                     text_or_null(ablak_request_scheme(request))));
}

void ablak_testhttp_delete_item(AblakRequest *request, gpointer app)
{
  ablak_request_reply_empty(request, 204);
}

void ablak_testhttp_get_special(AblakRequest *request, gpointer app)
{
  ablak_request_reply_json(request, 200, json_pack("{sb}", "special", 1));
}

typedef struct {
  AblakRequest *request;
  App *app;
} Late;

static gboolean reply_late(gpointer data)
{
  Late *late = data;
  late->app->late_replies++;
  ablak_request_reply_json(late->request, 200, json_pack("{sb}", "late", 1));
  ablak_request_unref(late->request);
  g_free(late);
  return G_SOURCE_REMOVE;
}

void ablak_testhttp_late(AblakRequest *request, gpointer app)
{
  const char *ms = ablak_request_query(request, "ms");
  Late *late = g_new0(Late, 1);
  late->request = ablak_request_ref(request);
  late->app = app;
  g_timeout_add((guint)g_ascii_strtoull(ms != NULL ? ms : "0", NULL, 10), reply_late, late);
}

void ablak_testhttp_late_count(AblakRequest *request, gpointer app)
{
  ablak_request_reply_json(request, 200,
                           json_pack("{si}", "count", (int)((App *)app)->late_replies));
}

void ablak_testhttp_dropped(AblakRequest *request, gpointer app)
{
}

void ablak_testhttp_big(AblakRequest *request, gpointer app)
{
  gsize size = (gsize)g_ascii_strtoull(ablak_request_query(request, "size"), NULL, 10);
  guint8 *bytes = g_malloc(size);
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8)((i * 31 + i / 251) & 0xff);
  g_autoptr(GBytes) body = g_bytes_new_take(bytes, size);
  ablak_request_reply_bytes(request, 200, "application/octet-stream", body);
}

void ablak_testhttp_upload(AblakRequest *request, gpointer app)
{
  gsize size;
  const void *bytes = g_bytes_get_data(ablak_request_bytes(request), &size);
  g_autofree char *hex = ablak_sha256_hex(bytes, size);
  ablak_request_reply_json(request, 200,
                           json_pack("{ss sI}", "sha256", hex, "size", (json_int_t)size));
}

void ablak_testhttp_optional(AblakRequest *request, gpointer app)
{
  ablak_request_reply_json(request, 200,
                           json_pack("{sb}", "body", ablak_request_json(request) != NULL));
}

void ablak_testhttp_private(AblakRequest *request, gpointer app)
{
  ablak_request_reply_empty(request, 204);
}

void ablak_testhttp_box_hello(AblakRequest *request, gpointer app)
{
  ablak_request_reply_json(request, 200,
                           json_pack("{ss ss}", "cn", ablak_request_peer_cn(request), "sha256",
                                     ablak_request_peer_cert_sha256(request)));
}

void ablak_testhttp_box_enrol(AblakRequest *request, gpointer app)
{
  ablak_request_reply_json(request, 200,
                           json_pack("{so}", "cn", text_or_null(ablak_request_peer_cn(request))));
}

static gboolean read_on(gpointer socket)
{
  ablak_socket_pause(socket, false);
  return G_SOURCE_REMOVE;
}

static void echo_message(AblakSocket *socket, const void *bytes, gsize size, bool binary,
                         gpointer data)
{
  if (!binary && strcmp(bytes, "close please") == 0)
    ablak_socket_close(socket, 4001, "as asked – gerne");
  else if (!binary && strcmp(bytes, "pause please") == 0) {
    ablak_socket_pause(socket, true);
    g_timeout_add(500, read_on, socket);
  } else if (binary)
    ablak_socket_send_binary(socket, bytes, size);
  else
    ablak_socket_send_text(socket, bytes);
}

void ablak_testhttp_open_socket(AblakRequest *request, gpointer app)
{
  static const AblakSocketCallbacks callbacks = {.message = echo_message, .message_max = 262144};
  ablak_request_accept_socket(request, &callbacks, NULL);
}

void ablak_testhttp_open_closed_socket(AblakRequest *request, gpointer app)
{
  ablak_testhttp_open_socket(request, app);
}

void ablak_testhttp_flood(AblakRequest *request, gpointer app)
{
  static const AblakSocketCallbacks callbacks = {.message = echo_message};
  AblakSocket *socket = ablak_request_accept_socket(request, &callbacks, NULL);
  g_autofree guint8 *bytes = g_malloc0(1024 * 1024);
  for (unsigned i = 0; i < 12; i++)
    ablak_socket_send_binary(socket, bytes, 1024 * 1024);
}

/* --- live --- */

static bool may_subscribe(gpointer identity, const char *topic, gpointer app)
{
  return strcmp(topic, "secret") != 0;
}

static gint64 last_seq(gpointer data)
{
  return (gint64)((App *)data)->events->len;
}

static bool replay(gint64 since, const char *const *topics,
                   void (*emit)(json_t *event, gpointer to), gpointer to, gpointer data)
{
  App *app = data;
  if (app->events->len - (guint)since > 100)
    return false;
  for (guint i = (guint)since; i < app->events->len; i++)
    if (g_strv_contains(topics, ablak_json_get_string(app->events->pdata[i], "topic")))
      emit(app->events->pdata[i], to);
  return true;
}

static void receive(AblakLivePeer *peer, const char *topic, const char *kind, json_t *data,
                    gpointer app)
{
  ablak_live_message(((App *)app)->live, topic, kind, data, peer);
}

void ablak_testhttp_open_live(AblakRequest *request, gpointer app)
{
  ablak_live_accept(((App *)app)->live, request, g_strdup("page"), g_free);
}

void ablak_testhttp_stream_events(AblakRequest *request, gpointer app)
{
  ablak_live_stream(((App *)app)->live, request, g_strdup("stream"), g_free);
}

void ablak_testhttp_publish(AblakRequest *request, gpointer data)
{
  App *app = data;
  json_t *body = ablak_request_json(request);
  const char *topic = ablak_json_get_string(body, "topic");
  const char *kind = ablak_json_get_string(body, "kind");
  if (ablak_json_get_bool(body, "passing", false)) {
    ablak_live_message(app->live, topic, kind, body, NULL);
  } else {
    gint64 seq = (gint64)app->events->len + 1;
    g_ptr_array_add(app->events,
                    json_pack("{sI sI ss ss ss}", "seq", (json_int_t)seq, "at", (json_int_t)1,
                              "topic", topic, "kind", kind, "subject", "s"));
    ablak_live_publish(app->live, seq, 1, topic, kind, "s", NULL);
  }
  ablak_request_reply_json(request, 200, json_pack("{si}", "seq", (int)app->events->len));
}

/* --- main --- */

static bool authorise(AblakRequest *request, const AblakRoute *route, gpointer app, GError **error)
{
  if (strcmp(route->access, "staff") != 0 || ablak_request_cookie(request, "session") != NULL)
    return true;
  ablak_error_set(error, ABLAK_ERROR_UNAUTHENTICATED, "request/unauthenticated", "Not signed in");
  return false;
}

static gboolean on_input(gint fd, GIOCondition condition, gpointer loop)
{
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static void json_unref(gpointer value)
{
  json_decref(value);
}

/* server STATIC_DIR CERTIFICATE KEY CLIENT_CA */
int main(int argc, char **argv)
{
  g_assert(argc == 5);
  ablak_log_init("testhttp", ABLAK_LOG_INFO);
  App app = {.loop = g_main_loop_new(NULL, FALSE)};
  app.events = g_ptr_array_new_with_free_func(json_unref);
  static const AblakLiveCallbacks live = {
      .may_subscribe = may_subscribe, .replay = replay, .last_seq = last_seq, .receive = receive};
  app.live = ablak_live_new(&live, &app);
  /* The certificate does not name 127.0.0.2. */
  const AblakListener listeners[] = {
      {.name = "people", .address = "127.0.0.1"},
      {.name = "boxes",
       .address = "127.0.0.1",
       .certificate = argv[2],
       .key = argv[3],
       .client_ca = argv[4]},
      {.name = "elsewhere", .address = "127.0.0.2", .certificate = argv[2], .key = argv[3]},
  };
  static const char *const origins[] = {"https://office.example", NULL};
  AblakHttpOptions options = {
      .listeners = listeners,
      .listener_count = G_N_ELEMENTS(listeners),
      .table = &ablak_testhttp_route_table,
      .static_dir = argv[1],
      .origins = origins,
      .trusted_proxy = "127.0.0.1",
      .server_name = "testhttp",
      .authorise = authorise,
      .app = &app,
  };
  g_autoptr(GError) error = NULL;
  app.http = ablak_http_new(&options, &error);
  if (app.http == NULL) {
    fprintf(stderr, "%s\n", error->message);
    return 1;
  }
  printf("{\"people\":%d,\"boxes\":%d,\"elsewhere\":%d}\n", ablak_http_port(app.http, "people"),
         ablak_http_port(app.http, "boxes"), ablak_http_port(app.http, "elsewhere"));
  fflush(stdout);
  g_unix_fd_add(0, G_IO_IN | G_IO_HUP, on_input, app.loop);
  g_main_loop_run(app.loop);
  ablak_http_free(app.http);
  ablak_live_free(app.live);
  g_ptr_array_unref(app.events);
  g_main_loop_unref(app.loop);
  return 0;
}
