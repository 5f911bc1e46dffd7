/* Sessions and legs without a peer: what the box may say and in which order, and what is left. */
#include "video/relay.h"
#include "core/log.h"
#include "video/dtls.h"
#include <string.h>

typedef struct {
  AblakIceSettings ice;
  AblakRelay *relay;
  GPtrArray *emitted; /* AblakMediaMessage by JSON */
} Fixture;

static void on_emit(const AblakMediaMessage *message, gpointer data)
{
  g_ptr_array_add(((Fixture *)data)->emitted, ablak_media_message_to_json(message));
}

static void set_up(Fixture *fixture, gconstpointer unused)
{
  static const char *const addresses[] = {"127.0.0.1", NULL};
  g_autoptr(GError) error = NULL;
  fixture->ice =
      (AblakIceSettings){.main_context = g_main_context_default(), .addresses = addresses};
  fixture->emitted = g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))json_decref);
  const AblakRelaySettings settings = {.ice = &fixture->ice,
                                       .srtp_profiles = ABLAK_DTLS_SRTP_PROFILES,
                                       .sessions_max = 3,
                                       .loops = 2};
  fixture->relay = ablak_relay_new(&settings, on_emit, fixture, &error);
  g_assert_no_error(error);
}

static void settle(Fixture *fixture)
{
  while (fixture->ice.open > 0)
    g_main_context_iteration(NULL, TRUE);
}

static void tear_down(Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer(&fixture->relay, ablak_relay_free);
  settle(fixture);
  g_ptr_array_unref(fixture->emitted);
}

static void say(Fixture *fixture, const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakMediaMessage) message = ablak_media_message_parse(text, strlen(text), &error);
  g_assert_no_error(error);
  ablak_relay_handle(fixture->relay, message);
}

static void join(Fixture *fixture, const char *session, const char *leg)
{
  g_autofree char *text =
      g_strdup_printf("{\"type\":\"join\",\"session\":\"%s\",\"leg\":\"%s\",\"audio\":true,"
                      "\"video\":true}",
                      session, leg);
  say(fixture, text);
}

/* The next message emitted, waiting for it; compared by type and one member. */
static json_t *expect(Fixture *fixture, const char *type, const char *member, const char *value)
{
  while (fixture->emitted->len == 0)
    g_main_context_iteration(NULL, TRUE);
  json_t *message = g_ptr_array_steal_index(fixture->emitted, 0);
  g_assert_cmpstr(ablak_json_get_string(message, "type"), ==, type);
  if (member != NULL)
    g_assert_cmpstr(ablak_json_get_string(message, member), ==, value);
  return message;
}

static void expect_error(Fixture *fixture, const char *slug)
{
  g_autoptr(json_t) message = expect(fixture, "error", "slug", slug);
}

static gint64 expect_offer(Fixture *fixture, const char *leg)
{
  g_autoptr(json_t) message = expect(fixture, "offer", "leg", leg);
  g_assert_nonnull(strstr(ablak_json_get_string(message, "sdp"), "a=candidate:"));
  return ablak_json_get_int(message, "generation", 0);
}

static void expect_state(Fixture *fixture, const char *state)
{
  g_autoptr(json_t) message = expect(fixture, "state", "state", state);
}

static void test_join(Fixture *fixture, gconstpointer unused)
{
  join(fixture, "s", "a");
  expect_state(fixture, "new");
  g_assert_cmpint(expect_offer(fixture, "a"), ==, 1);
  /* Again: fresh ICE and DTLS, and the generation goes on. */
  join(fixture, "s", "a");
  expect_state(fixture, "new");
  g_assert_cmpint(expect_offer(fixture, "a"), ==, 2);
  g_autoptr(AblakMediaMessage) hello = ablak_relay_hello(fixture->relay);
  g_assert_cmpuint(json_array_size(hello->legs), ==, 1);
  say(fixture, "{\"type\":\"leave\",\"session\":\"s\",\"leg\":\"a\"}");
  expect_state(fixture, "closed");
  say(fixture, "{\"type\":\"close\",\"session\":\"s\"}");
  expect_error(fixture, "media/leg-unknown");
}

static void test_limits(Fixture *fixture, gconstpointer unused)
{
  static const char *const legs[] = {"a", "b", "c", "d"};
  for (gsize i = 0; i < G_N_ELEMENTS(legs); i++) {
    join(fixture, "s", legs[i]);
    expect_state(fixture, "new");
    expect_offer(fixture, legs[i]);
  }
  join(fixture, "s", "e");
  expect_error(fixture, "media/session-full");
  /* Who comes again takes the place of before. */
  for (gsize i = 0; i < G_N_ELEMENTS(legs); i++) {
    join(fixture, "s", legs[i]);
    expect_state(fixture, "new");
    g_assert_cmpint(expect_offer(fixture, legs[i]), ==, 2);
  }
  for (int i = 0; i < 2; i++) {
    g_autofree char *session = g_strdup_printf("s%d", i);
    join(fixture, session, "a");
    expect_state(fixture, "new");
    expect_offer(fixture, "a");
  }
  join(fixture, "s2", "a");
  expect_error(fixture, "media/busy");
}

static void test_out_of_order(Fixture *fixture, gconstpointer unused)
{
  join(fixture, "s", "a");
  expect_state(fixture, "new");
  /* Not offered yet. */
  say(fixture, "{\"type\":\"restart\",\"session\":\"s\",\"leg\":\"a\"}");
  expect_error(fixture, "media/leg-new");
  say(fixture,
      "{\"type\":\"answer\",\"session\":\"s\",\"leg\":\"a\",\"generation\":1,\"sdp\":\"\"}");
  expect_error(fixture, "media/generation-stale");
  expect_offer(fixture, "a");
  say(fixture,
      "{\"type\":\"answer\",\"session\":\"s\",\"leg\":\"a\",\"generation\":1,\"sdp\":\"\"}");
  expect_error(fixture, "media/sdp-malformed");
  say(fixture,
      "{\"type\":\"answer\",\"session\":\"s\",\"leg\":\"a\",\"generation\":2,\"sdp\":\"\"}");
  expect_error(fixture, "media/generation-stale");
  say(fixture,
      "{\"type\":\"offer\",\"session\":\"s\",\"leg\":\"a\",\"generation\":2,\"sdp\":\"\"}");
  expect_error(fixture, "media/control-unknown");
  say(fixture, "{\"type\":\"leave\",\"session\":\"t\",\"leg\":\"a\"}");
  expect_error(fixture, "media/leg-unknown");
}

/* The relay ends while several legs of a session are there. */
static void test_end(Fixture *fixture, gconstpointer unused)
{
  static const char *const legs[] = {"a", "b", "c"};
  for (gsize i = 0; i < G_N_ELEMENTS(legs); i++) {
    join(fixture, "s", legs[i]);
    expect_state(fixture, "new");
    expect_offer(fixture, legs[i]);
  }
  g_clear_pointer(&fixture->relay, ablak_relay_free);
  g_assert_cmpuint(fixture->emitted->len, ==, 0);
}

/* Every port of the range is taken by somebody else. */
static void test_no_port(Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) socket =
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &error);
  g_autoptr(GSocketAddress) any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
  g_assert_true(g_socket_bind(socket, any, FALSE, &error));
  g_autoptr(GSocketAddress) taken = g_socket_get_local_address(socket, &error);
  g_assert_no_error(error);
  guint16 port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(taken));
  fixture->ice.port_min = fixture->ice.port_max = port;
  join(fixture, "s", "a");
  expect_error(fixture, "media/ice");
  fixture->ice.port_min = fixture->ice.port_max = 0;
  join(fixture, "s", "a");
  expect_state(fixture, "new");
  expect_offer(fixture, "a");
}

static guint open_descriptors(void)
{
  g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
  guint count = 0;
  while (g_dir_read_name(dir) != NULL)
    count++;
  return count;
}

static void test_descriptors(Fixture *fixture, gconstpointer unused)
{
  guint before = open_descriptors();
  for (int i = 0; i < 50; i++) {
    join(fixture, "s", "a");
    expect_state(fixture, "new");
    if (i % 2 == 0) /* every other one leaves before it was offered anything */
      expect_offer(fixture, "a");
    say(fixture, "{\"type\":\"leave\",\"session\":\"s\",\"leg\":\"a\"}");
    expect_state(fixture, "closed");
  }
  settle(fixture);
  g_assert_cmpuint(open_descriptors(), ==, before);
  g_assert_cmpuint(fixture->emitted->len, ==, 0);
}

int main(int argc, char **argv)
{
  static const struct {
    const char *path;
    void (*call)(Fixture *fixture, gconstpointer data);
  } tests[] = {
      {"/relay/join", test_join},
      {"/relay/limits", test_limits},
      {"/relay/out-of-order", test_out_of_order},
      {"/relay/no-port", test_no_port},
      {"/relay/end", test_end},
      {"/relay/descriptors", test_descriptors},
  };
  g_test_init(&argc, &argv, NULL);
  ablak_log_init("test-video-relay", ABLAK_LOG_ERROR);
  for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].call, tear_down);
  return g_test_run();
}
