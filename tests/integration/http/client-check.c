/* The client against the test server: client-check PEOPLE_PORT BOXES_PORT PKI_DIR, as GLib tests.
 */
#include "core/error.h"
#include "core/log.h"
#include "http/client.h"
#include <string.h>

static int people, boxes, elsewhere;
static char *pki;

static char *pem(const char *name)
{
  return g_strdup_printf("%s/%s", pki, name);
}

typedef struct {
  bool done;
  unsigned status;
  GBytes *body;
  char *media, *slug, *message;
} Result;

static void result_clear(Result *result)
{
  g_clear_pointer(&result->body, g_bytes_unref);
  g_free(result->media);
  g_free(result->slug);
  g_free(result->message);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Result, result_clear)

static void on_done(const AblakResponse *response, const GError *error, gpointer data)
{
  Result *result = data;
  g_assert_true((response == NULL) != (error == NULL));
  result->done = true;
  if (error != NULL) {
    result->slug = g_strdup(ablak_error_slug(error));
    result->message = g_strdup(error->message);
    return;
  }
  result->status = response->status;
  result->media = g_strdup(response->media);
  result->body = g_bytes_ref(response->body);
}

static void get(const AblakClientTls *tls, const char *url, Result *result)
{
  ablak_client_request(tls, "GET", url, NULL, NULL, NULL, on_done, result);
  while (!result->done)
    g_main_context_iteration(NULL, TRUE);
}

/* Lets what was freed from the loop go. */
static void settle(void)
{
  while (g_main_context_iteration(NULL, FALSE))
    ;
}

static void assert_body(const Result *result, const char *wanted)
{
  gsize size;
  const char *text = g_bytes_get_data(result->body, &size);
  g_autofree char *body = g_strndup(text, size);
  g_assert_cmpstr(body, ==, wanted);
}

static void test_plain(void)
{
  g_auto(Result) result = {0};
  g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d/api/items/special", people);
  get(NULL, url, &result);
  g_assert_cmpstr(result.slug, ==, NULL);
  g_assert_cmpuint(result.status, ==, 200);
  g_assert_cmpstr(result.media, ==, "application/json");
  assert_body(&result, "{\"special\":true}");
}

static void test_post(void)
{
  g_auto(Result) result = {0};
  g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d/api/echo", people);
  g_autoptr(GBytes) body = g_bytes_new_static("{\"name\":\"x\"}", 12);
  static const char *const headers[] = {"Accept-Language", "hu", NULL};
  ablak_client_request(NULL, "POST", url, headers, "application/json", body, on_done, &result);
  while (!result.done)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpuint(result.status, ==, 200);
  assert_body(&result, "{\"name\":\"x\"}");
}

static void test_large(void)
{
  g_auto(Result) result = {0};
  g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d/api/big?size=5000000", people);
  get(NULL, url, &result);
  gsize size;
  const guint8 *bytes = g_bytes_get_data(result.body, &size);
  g_assert_cmpuint(size, ==, 5000000);
  for (gsize i = 0; i < size; i++)
    if (bytes[i] != (guint8)((i * 31 + i / 251) & 0xff))
      g_error("byte %zu differs", i);
}

static void test_refused_port(void)
{
  g_auto(Result) result = {0};
  get(NULL, "http://127.0.0.1:1/", &result);
  g_assert_cmpstr(result.slug, ==, "http/connect");
}

static void test_bad_urls(void)
{
  static const char *const urls[] = {"ftp://localhost/",      "localhost",          "http://",
                                     "http://u:p@localhost/", "https://localhost/", NULL};
  for (gsize i = 0; urls[i] != NULL; i++) {
    g_auto(Result) result = {0};
    get(NULL, urls[i], &result);
    g_assert_cmpstr(result.slug, ==, "http/url");
  }
}

static void test_timeout(void)
{
  g_auto(Result) result = {0};
  AblakClientTls tls = {.timeout_ms = 100};
  g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d/api/late?ms=2000", people);
  get(&tls, url, &result);
  g_assert_cmpstr(result.slug, ==, "http/timeout");
}

static void test_tls(void)
{
  g_auto(Result) result = {0};
  g_autofree char *ca = pem("ca.pem");
  g_autofree char *url = g_strdup_printf("https://localhost:%d/box/enrol", boxes);
  get(&(AblakClientTls){.ca = ca}, url, &result);
  g_assert_cmpstr(result.message, ==, NULL);
  g_assert_cmpuint(result.status, ==, 200);
  assert_body(&result, "{\"cn\":null}");
}

static void test_tls_large(void)
{
  g_auto(Result) result = {0};
  g_autofree char *ca = pem("ca.pem");
  g_autofree char *url = g_strdup_printf("https://127.0.0.1:%d/big.bin", boxes);
  get(&(AblakClientTls){.ca = ca}, url, &result);
  g_assert_cmpstr(result.message, ==, NULL);
  g_assert_cmpuint(g_bytes_get_size(result.body), ==, 5000000);
}

static void test_client_certificate(void)
{
  g_auto(Result) result = {0};
  g_autofree char *ca = pem("ca.pem"), *certificate = pem("box.pem"), *key = pem("box.key");
  g_autofree char *url = g_strdup_printf("https://localhost:%d/box/hello", boxes);
  get(&(AblakClientTls){.ca = ca, .certificate = certificate, .key = key}, url, &result);
  g_assert_cmpuint(result.status, ==, 200);
  g_assert_nonnull(strstr(g_bytes_get_data(result.body, NULL), "\"cn\":\"box-7\""));
}

static void test_wrong_client_certificate(void)
{
  g_auto(Result) result = {0};
  g_autofree char *ca = pem("ca.pem"), *certificate = pem("stranger.pem"),
                  *key = pem("stranger.key");
  g_autofree char *url = g_strdup_printf("https://localhost:%d/box/hello", boxes);
  get(&(AblakClientTls){.ca = ca, .certificate = certificate, .key = key}, url, &result);
  g_assert_nonnull(result.slug);
}

static void expect_refused(const char *ca_name, const char *host, int port, const char *why)
{
  g_auto(Result) result = {0};
  g_autofree char *ca = pem(ca_name);
  g_autofree char *url = g_strdup_printf("https://%s:%d/healthz", host, port);
  get(&(AblakClientTls){.ca = ca}, url, &result);
  g_assert_cmpstr(result.slug, ==, "http/connect");
  if (strstr(result.message, why) == NULL)
    g_error("unexpected: %s", result.message);
}

static void test_wrong_ca(void)
{
  expect_refused("other.pem", "localhost", boxes, "certificate verify failed");
}

static void test_wrong_name(void)
{
  expect_refused("ca.pem", "127.0.0.2", elsewhere, "IP address mismatch");
}

static void test_plain_on_tls(void)
{
  g_auto(Result) result = {0};
  g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d/box/enrol", boxes);
  get(NULL, url, &result);
  g_assert_nonnull(result.slug);
}

/* --- WebSocket --- */

typedef struct {
  GString *log;
  gsize largest;
  bool closed;
  unsigned code;
  char *slug;
} Socket;

static void socket_clear(Socket *socket)
{
  g_string_free(socket->log, TRUE);
  g_free(socket->slug);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Socket, socket_clear)

static void on_opened(AblakClientSocket *socket, gpointer data)
{
  g_string_append(((Socket *)data)->log, "opened ");
  ablak_client_socket_send(socket, "one", 3, false);
  g_autofree guint8 *large = g_malloc0(200000);
  ablak_client_socket_send(socket, large, 200000, true);
}

static void on_message(AblakClientSocket *socket, const void *bytes, gsize size, bool binary,
                       gpointer data)
{
  Socket *state = data;
  state->largest = MAX(state->largest, size);
  g_string_append_printf(state->log, "%s:%zu ", binary ? "binary" : (const char *)bytes, size);
  if (binary)
    ablak_client_socket_send(socket, "close please", 12, false);
}

static void on_closed(AblakClientSocket *socket, unsigned code, const GError *error, gpointer data)
{
  Socket *state = data;
  g_assert_false(state->closed);
  state->closed = true;
  state->code = code;
  state->slug = error != NULL ? g_strdup(ablak_error_slug(error)) : NULL;
}

static const AblakClientSocketCallbacks callbacks = {
    .opened = on_opened, .message = on_message, .closed = on_closed};

static void run_socket(const AblakClientTls *tls, const char *url, Socket *state)
{
  ablak_client_socket_new(tls, url, &callbacks, state);
  while (!state->closed)
    g_main_context_iteration(NULL, TRUE);
}

static void test_socket(void)
{
  g_auto(Socket) state = {.log = g_string_new(NULL)};
  g_autofree char *url = g_strdup_printf("ws://127.0.0.1:%d/api/socket", people);
  run_socket(NULL, url, &state);
  g_assert_cmpstr(state.log->str, ==, "opened one:3 binary:200000 ");
  g_assert_cmpuint(state.code, ==, 4001);
  g_assert_cmpstr(state.slug, ==, NULL);
}

static void test_socket_refused(void)
{
  g_auto(Socket) state = {.log = g_string_new(NULL)};
  g_autofree char *url = g_strdup_printf("ws://127.0.0.1:%d/api/closed-socket", people);
  run_socket(NULL, url, &state);
  g_assert_cmpstr(state.log->str, ==, "");
  g_assert_cmpstr(state.slug, ==, "http/reply");
}

static void test_socket_no_server(void)
{
  g_auto(Socket) state = {.log = g_string_new(NULL)};
  run_socket(NULL, "ws://localhost:1/", &state);
  g_assert_cmpstr(state.slug, ==, "http/connect");
}

static void test_socket_closed_before_open(void)
{
  g_auto(Socket) state = {.log = g_string_new(NULL)};
  g_autofree char *url = g_strdup_printf("ws://127.0.0.1:%d/api/socket", people);
  AblakClientSocket *socket = ablak_client_socket_new(NULL, url, &callbacks, &state);
  ablak_client_socket_close(socket, 1000);
  g_assert_false(state.closed);
  while (!state.closed)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpstr(state.log->str, ==, "");
}

int main(int argc, char **argv)
{
  ablak_log_init("client-check", ABLAK_LOG_WARNING);
  g_test_init(&argc, &argv, NULL);
  people = atoi(argv[1]);
  boxes = atoi(argv[2]);
  elsewhere = atoi(argv[3]);
  pki = argv[4];
  g_test_add_func("/client/plain", test_plain);
  g_test_add_func("/client/post", test_post);
  g_test_add_func("/client/large", test_large);
  g_test_add_func("/client/refused-port", test_refused_port);
  g_test_add_func("/client/bad-urls", test_bad_urls);
  g_test_add_func("/client/timeout", test_timeout);
  g_test_add_func("/client/tls", test_tls);
  g_test_add_func("/client/tls-large", test_tls_large);
  g_test_add_func("/client/client-certificate", test_client_certificate);
  g_test_add_func("/client/wrong-client-certificate", test_wrong_client_certificate);
  g_test_add_func("/client/wrong-ca", test_wrong_ca);
  g_test_add_func("/client/wrong-name", test_wrong_name);
  g_test_add_func("/client/plain-on-tls", test_plain_on_tls);
  g_test_add_func("/client/socket", test_socket);
  g_test_add_func("/client/socket-refused", test_socket_refused);
  g_test_add_func("/client/socket-no-server", test_socket_no_server);
  g_test_add_func("/client/socket-closed-before-open", test_socket_closed_before_open);
  int result = g_test_run();
  settle();
  return result;
}
