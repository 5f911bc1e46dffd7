/* The server without a client: starting, failing to start, figures. */
#include "core/clock.h"
#include "core/error.h"
#include "http/http.h"
#include "http/live-message.h"
#include "http/metrics.h"
#include "http/private.h"
#include <arpa/inet.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void nothing(AblakRequest *request, gpointer app)
{
  ablak_request_reply_empty(request, 204);
}

static AblakHttp *start(const char *schema, AblakListener listener, GError **error)
{
  static AblakRoute routes[2];
  static AblakRouteTable table = {.routes = routes};
  routes[0] = (AblakRoute){.method = "POST",
                           .path = "/x",
                           .operation = "x",
                           .access = "public",
                           .body_schema = schema,
                           .handler = nothing};
  AblakHttpOptions options = {
      .listeners = &listener, .listener_count = 1, .table = &table, .server_name = "test"};
  return ablak_http_new(&options, error);
}

static const AblakListener local = {.name = "people", .address = "127.0.0.1"};

static void test_start(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakHttp) http = start("{\"type\":\"object\"}", local, &error);
  g_assert_no_error(error);
  g_assert_cmpint(ablak_http_port(http, "people"), >, 0);
  g_assert_cmpint(ablak_http_port(http, "boxes"), ==, 0);
}

static void assert_no_start(const char *schema, AblakListener listener, const char *slug)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakHttp) http = start(schema, listener, &error);
  g_assert_null(http);
  if (slug != NULL)
    g_assert_cmpstr(ablak_error_slug(error), ==, slug);
  else
    g_assert_nonnull(error);
}

static void test_no_start(void)
{
  g_autoptr(AblakHttp) http = start(NULL, local, NULL);
  AblakListener busy = local;
  busy.port = ablak_http_port(http, "people");
  assert_no_start(NULL, busy, "http/port-busy");
  AblakListener nowhere = local;
  nowhere.address = "localhost";
  assert_no_start(NULL, nowhere, NULL);
  AblakListener foreign = local;
  foreign.address = "192.0.2.1";
  assert_no_start(NULL, foreign, "http/listen");
  AblakListener no_certificate = local;
  no_certificate.certificate = no_certificate.key = "/nonexistent";
  assert_no_start(NULL, no_certificate, "http/certificate");
  assert_no_start("{\"type\":\"nonsense\"}", local, NULL);
  assert_no_start("{", local, NULL);
}

static int call(int port)
{
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((guint16)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

/* Somebody waits whom nothing is left for: asked after once a second, and served when there is. */
static void test_no_descriptors(void)
{
  g_autoptr(AblakHttp) http = start(NULL, local, NULL);
  const AblakHttpListener *listener = http->listeners->pdata[0];
  guint awaited = listener->source;
  struct rlimit usual, none;
  int caller = call(listener->port), free_fd = dup(caller);
  close(free_fd);
  getrlimit(RLIMIT_NOFILE, &usual);
  none = usual;
  none.rlim_cur = (rlim_t)free_fd;
  gint64 began_ms = ablak_clock_monotonic_ms();
  setrlimit(RLIMIT_NOFILE, &none);
  while (listener->source == awaited)
    g_main_context_iteration(NULL, TRUE);
  setrlimit(RLIMIT_NOFILE, &usual);
  while (http->connections.length == 0)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpint(ablak_clock_monotonic_ms() - began_ms, >=, 500);
  close(caller);
}

static void test_origin(void)
{
  static const char *const further[] = {"https://office.example", NULL};
  g_assert_true(ablak_origin_allowed("http://localhost:8080", "http", "localhost:8080", NULL));
  g_assert_true(ablak_origin_allowed("http://LOCALHOST:8080", "http", "localhost:8080", NULL));
  g_assert_true(ablak_origin_allowed("https://office.example", "http", "x", further));
  g_assert_false(ablak_origin_allowed("http://localhost:8090", "http", "localhost:8080", NULL));
  g_assert_false(ablak_origin_allowed("https://localhost:8080", "http", "localhost:8080", NULL));
  g_assert_false(ablak_origin_allowed("null", "http", "localhost:8080", further));
  g_assert_false(ablak_origin_allowed("", "http", "localhost:8080", further));
  g_assert_false(
      ablak_origin_allowed("http://localhost:8080.evil.example", "http", "localhost:8080", NULL));
}

static void test_metrics(void)
{
  AblakMetric *one = ablak_metric_counter("test_things_total", "kind=\"a\"", "Things.");
  AblakMetric *gauge = ablak_metric_gauge("test_level", NULL, "A level.");
  AblakMetric *two = ablak_metric_counter("test_things_total", "kind=\"b\"", "Things.");
  g_assert_true(one == ablak_metric_counter("test_things_total", "kind=\"a\"", "Things."));
  ablak_metric_add(one, 2);
  ablak_metric_add(two, 3);
  ablak_metric_set(gauge, -7);
  AblakMetric *durations = ablak_metric_histogram("test_seconds", NULL, "Durations.");
  ablak_metric_observe(durations, 7);
  ablak_metric_observe(durations, 70000);
  g_autofree char *text = ablak_metrics_text();
  g_assert_nonnull(strstr(text,
                          "# HELP test_things_total Things.\n# TYPE test_things_total counter\n"
                          "test_things_total{kind=\"a\"} 2\ntest_things_total{kind=\"b\"} 3\n"));
  g_assert_nonnull(strstr(text, "# TYPE test_level gauge\ntest_level -7\n"));
  g_assert_nonnull(strstr(text, "test_seconds_bucket{le=\"0.005\"} 0\n"
                                "test_seconds_bucket{le=\"0.01\"} 1\n"));
  g_assert_nonnull(strstr(text, "test_seconds_bucket{le=\"5\"} 1\n"
                                "test_seconds_bucket{le=\"+Inf\"} 2\n"
                                "test_seconds_sum 70.007\ntest_seconds_count 2\n"));
}

static void test_live_message(void)
{
  static const char text[] = "{\"type\":\"subscribe\",\"topics\":[\"a\",\"b\"],\"since\":7}";
  g_autoptr(AblakLiveMessage) message = ablak_live_message_parse(text, sizeof text - 1, NULL);
  g_assert_cmpint(message->type, ==, ABLAK_LIVE_SUBSCRIBE);
  g_assert_cmpint(message->since, ==, 7);
  g_assert_cmpuint(g_strv_length(message->topics), ==, 2);
  g_autoptr(AblakLiveMessage) ping = ablak_live_message_parse("{\"type\":\"ping\"}", 15, NULL);
  g_assert_cmpint(ping->type, ==, ABLAK_LIVE_PING);
  static const char *const bad[][2] = {
      {"", "request/json"},
      {"7", "live/message"},
      {"{\"type\":7}", "live/message"},
      {"{\"type\":\"subscribe\",\"topics\":[]}", "live/message"},
      {"{\"type\":\"subscribe\",\"topics\":[\"\"]}", "live/message"},
      {"{\"type\":\"subscribe\",\"topics\":[\"a\"],\"since\":\"1\"}", "live/message"},
      {"{\"type\":\"send\",\"topic\":\"a\",\"kind\":7}", "live/message"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ablak_live_message_parse(bad[i][0], strlen(bad[i][0]), &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, bad[i][1]);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/http/server/start", test_start);
  g_test_add_func("/http/server/no-start", test_no_start);
  g_test_add_func("/http/server/no-descriptors", test_no_descriptors);
  g_test_add_func("/http/origin", test_origin);
  g_test_add_func("/http/metrics", test_metrics);
  g_test_add_func("/http/live-message", test_live_message);
  return g_test_run();
}
