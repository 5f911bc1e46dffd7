/* Calls between pages in C, through the whole relay: the ways packets may take, restarts under
 * load, pages that move, fall silent or only listen, and what many calls leave behind. */
#include "core/clock.h"
#include "core/log.h"
#include "peer.h"
#include "video/dtls.h"
#include "video/relay.h"
#include "video/tap.h"
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  AblakIceSettings ice;
  AblakRelay *relay;
  GPtrArray *peers;
} Fixture;

static void on_emit(const AblakMediaMessage *message, gpointer data)
{
  Fixture *fixture = data;
  for (guint i = 0; i < fixture->peers->len; i++)
    peer_hear(fixture->peers->pdata[i], message);
}

static void on_say(const AblakMediaMessage *message, gpointer data)
{
  ablak_relay_handle(((Fixture *)data)->relay, message);
}

static void set_up(Fixture *fixture, gconstpointer through_ice)
{
  static const char *const addresses[] = {"127.0.0.1", NULL};
  g_autoptr(GError) error = NULL;
  fixture->ice =
      (AblakIceSettings){.main_context = g_main_context_default(), .addresses = addresses};
  const AblakRelaySettings settings = {.ice = &fixture->ice,
                                       .srtp_profiles = ABLAK_DTLS_SRTP_PROFILES,
                                       .sessions_max = 2000,
                                       .loops = 2,
                                       .through_ice = through_ice != NULL};
  fixture->peers = g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))peer_free);
  fixture->relay = ablak_relay_new(&settings, on_emit, fixture, &error);
  g_assert_no_error(error);
}

static void tear_down(Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer(&fixture->relay, ablak_relay_free);
  while (fixture->ice.open > 0)
    g_main_context_iteration(NULL, TRUE);
  g_ptr_array_unref(fixture->peers);
}

static void tell(Fixture *fixture, AblakMediaType type, const char *session, const char *leg)
{
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(type, session, leg);
  message->audio = message->video = true;
  ablak_relay_handle(fixture->relay, message);
}

static Peer *join(Fixture *fixture, const char *session, const char *leg)
{
  Peer *peer = peer_new(session, leg, 1000 + 2 * fixture->peers->len, on_say, fixture);
  g_ptr_array_add(fixture->peers, peer);
  tell(fixture, ABLAK_MEDIA_JOIN, session, leg);
  return peer;
}

static void run_ms(gint64 duration_ms)
{
  gint64 end_ms = ablak_clock_monotonic_ms() + duration_ms;
  while (ablak_clock_monotonic_ms() < end_ms)
    if (!g_main_context_iteration(NULL, FALSE))
      g_usleep(200);
}

#define await(condition, limit_ms)                                                                 \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gint64 until_ms = ablak_clock_monotonic_ms() + (limit_ms);                                     \
    while (!(condition)) {                                                                         \
      if (ablak_clock_monotonic_ms() > until_ms)                                                   \
        g_error("waited in vain: %s", #condition);                                                 \
      run_ms(1);                                                                                   \
    }                                                                                              \
  }                                                                                                \
  G_STMT_END

static bool all_connected(const Fixture *fixture)
{
  for (guint i = 0; i < fixture->peers->len; i++)
    if (!peer_is_connected(fixture->peers->pdata[i]))
      return false;
  return true;
}

/* Sockets of this machine that are connected to the peer: its leg's own one. */
static guint own_sockets(const Peer *peer)
{
  char line[256];
  guint count = 0;
  g_autofree char *wanted = g_strdup_printf(" 0100007F:%04X ", peer_port(peer));
  FILE *table = fopen("/proc/net/udp", "r");
  while (fgets(line, sizeof line, table) != NULL)
    count += strstr(line + 20, wanted) != NULL;
  fclose(table);
  return count;
}

static void exchange(Peer *a, Peer *b, guint packets)
{
  guint to_a = peer_received(a) + packets, to_b = peer_received(b) + packets;
  for (guint i = 0; i < packets; i++) {
    peer_send(a);
    peer_send(b);
    run_ms(1);
  }
  await(peer_received(a) == to_a && peer_received(b) == to_b, 10000);
}

/* More at once than a loop takes in a turn. */
static void burst(Peer *from, Peer *to, guint packets)
{
  guint wanted = peer_received(to) + packets;
  for (guint i = 0; i < packets; i++)
    peer_send(from);
  await(peer_received(to) == wanted, 10000);
}

static void test_call(Fixture *fixture, gconstpointer through_ice)
{
  Peer *a = join(fixture, "s", "a"), *b = join(fixture, "s", "b");
  await(all_connected(fixture), 10000);
  run_ms(100);
  g_assert_cmpuint(own_sockets(a), ==, through_ice != NULL ? 0 : 1);
  exchange(a, b, 200);
  for (guint packets = 2; packets <= 80; packets += 13)
    burst(a, b, packets);
  /* Who was there first is asked for the newcomer, who begins with a key frame anyway. */
  g_assert_cmpuint(peer_key_frames_asked(a) + peer_key_frames_asked(b), >, 0);
  tell(fixture, ABLAK_MEDIA_LEAVE, "s", "a");
  run_ms(100);
  g_assert_cmpuint(own_sockets(a), ==, 0);
}

/* These peers know nothing of RTX. What is lost after the relay the relay sends again, and the
 * sender hears nothing of it; what is lost before it the sender is asked for. */
static void test_again(Fixture *fixture, gconstpointer unused)
{
  Peer *a = join(fixture, "s", "a"), *b = join(fixture, "s", "b");
  const guint32 video_of_a = 1001;
  await(all_connected(fixture), 10000);
  run_ms(100);
  exchange(a, b, 20);
  peer_lose(b, 4);
  for (int i = 0; i < 200; i++) {
    peer_send(a);
    run_ms(1);
  }
  run_ms(100);
  peer_lose(b, 0);
  peer_send(a);
  await(peer_received(b) == 171, 10000);
  g_assert_cmpuint(peer_ask_again(b, video_of_a), ==, 50);
  await(peer_received(b) == 221, 10000);
  g_assert_cmpuint(peer_nacks(a), ==, 0);

  guint skipped = peer_sent(a);
  peer_skip(a);
  peer_send(a);
  await(peer_received(b) == 222, 10000);
  g_assert_cmpuint(peer_ask_again(b, video_of_a), ==, 1);
  await(peer_nacks(a) == 1, 10000);
  peer_send_skipped(a, skipped);
  await(peer_received(b) == 223, 10000);
}

/* Not one packet is lost on the way over to libnice and back. */
static void test_restart(Fixture *fixture, gconstpointer through_ice)
{
  Peer *a = join(fixture, "s", "a"), *b = join(fixture, "s", "b");
  await(all_connected(fixture), 10000);
  run_ms(100);
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 300; i++) {
      if (i == 50)
        tell(fixture, ABLAK_MEDIA_RESTART, "s", round % 2 == 0 ? "a" : "b");
      peer_send(a);
      peer_send(b);
      run_ms(1);
    }
    await(peer_received(a) == peer_sent(b) && peer_received(b) == peer_sent(a), 10000);
    g_assert_cmpuint(own_sockets(a), ==, through_ice != NULL ? 0 : 1);
    g_assert_cmpuint(own_sockets(b), ==, through_ice != NULL ? 0 : 1);
  }
}

static void test_move(Fixture *fixture, gconstpointer unused)
{
  Peer *a = join(fixture, "s", "a"), *b = join(fixture, "s", "b");
  await(all_connected(fixture), 10000);
  exchange(a, b, 20);
  for (int round = 0; round < 3; round++) {
    guint before = peer_received(a);
    gint64 began_ms = ablak_clock_monotonic_ms();
    peer_move(a);
    while (peer_received(a) == before) {
      g_assert_cmpint(ablak_clock_monotonic_ms() - began_ms, <, 4000);
      peer_send(a);
      peer_send(b);
      run_ms(5);
    }
    g_test_message("moved, found again after %d ms", (int)(ablak_clock_monotonic_ms() - began_ms));
    g_assert_cmpuint(own_sockets(a), ==, 1);
    run_ms(300);
    exchange(a, b, 50);
    g_assert_true(all_connected(fixture));
  }
}

/* A page that has nothing to say but answers stays; a line that is cut is noticed, and heals. */
static void test_silence(Fixture *fixture, gconstpointer unused)
{
  Peer *a = join(fixture, "s", "a"), *b = join(fixture, "s", "b");
  await(all_connected(fixture), 10000);
  run_ms(8000);
  g_assert_true(all_connected(fixture));
  peer_cut(a, true);
  await(peer_state(a) == ABLAK_MEDIA_LEG_DISCONNECTED, 8000);
  g_assert_cmpstr(peer_reason(a), ==, "silent");
  g_assert_true(peer_is_connected(b));
  peer_cut(a, false);
  await(peer_is_connected(a), 10000);
  exchange(a, b, 20);
}

static void test_hostile(Fixture *fixture, gconstpointer unused)
{
  static const guint8 cookie_only[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
  guint8 noise[1400];
  Peer *a = join(fixture, "s", "a"), *b = join(fixture, "s", "b");
  await(all_connected(fixture), 10000);
  for (int i = 0; i < 2000; i++) {
    for (gsize j = 0; j < sizeof noise; j++)
      noise[j] = (guint8)g_test_rand_int();
    peer_send_raw(a, noise, (gsize)g_test_rand_int_range(1, sizeof noise));
    peer_send_raw(a, cookie_only, sizeof cookie_only);
    if (i % 50 == 0)
      run_ms(1);
  }
  exchange(a, b, 50);
  g_assert_true(all_connected(fixture));
}

static guint open_descriptors(void)
{
  g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
  guint count = 0;
  while (g_dir_read_name(dir) != NULL)
    count++;
  return count;
}

/* `count` calls at once, in both loops; everybody gets everything. */
static void many_calls(Fixture *fixture, guint count)
{
  for (guint i = 0; i < count; i++) {
    g_autofree char *session = g_strdup_printf("s%u", i);
    join(fixture, session, "a");
    join(fixture, session, "b");
  }
  await(all_connected(fixture), 60000);
  run_ms(100);
  for (int round = 0; round < 10; round++) {
    for (guint i = 0; i < fixture->peers->len; i++)
      peer_send(fixture->peers->pdata[i]);
    run_ms(20);
  }
  for (guint i = 0; i < fixture->peers->len; i++)
    await(peer_received(fixture->peers->pdata[i]) == 10, 5000);
  for (guint i = 0; i < count; i++) {
    g_autofree char *session = g_strdup_printf("s%u", i);
    tell(fixture, ABLAK_MEDIA_CLOSE, session, NULL);
  }
  g_ptr_array_set_size(fixture->peers, 0);
  while (fixture->ice.open > 0)
    g_main_context_iteration(NULL, TRUE);
  run_ms(200);
}

/* AddressSanitizer has an allocator of its own. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static gsize allocated_bytes(void)
{
  return __sanitizer_get_current_allocated_bytes != NULL ? __sanitizer_get_current_allocated_bytes()
                                                         : mallinfo2().uordblks;
}

/* 1,000 of them with --full. */
static void test_many(Fixture *fixture, gconstpointer unused)
{
  guint rounds = g_strcmp0(g_getenv("ABLAK_FULL"), "1") == 0 ? 20 : 2;
  many_calls(fixture, 5);
  guint descriptors = open_descriptors();
  many_calls(fixture, 50);
  gsize bytes = allocated_bytes();
  for (guint i = 1; i < rounds; i++)
    many_calls(fixture, 50);
  await(open_descriptors() == descriptors, 10000);
  gssize growth = (gssize)allocated_bytes() - (gssize)bytes;
  g_test_message("%u calls more: %" G_GSSIZE_FORMAT " bytes more", 50 * (rounds - 1), growth);
  g_assert_cmpint(growth / (gssize)(50 * (rounds - 1)), <, 200);
}

static Peer *join_as(Fixture *fixture, const char *leg, bool first)
{
  Peer *peer = peer_new("s", leg, 1000 + 2 * fixture->peers->len, on_say, fixture);
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(ABLAK_MEDIA_JOIN, "s", leg);
  message->audio = message->video = message->screens = true;
  message->first = first;
  message->label = g_strdup(leg);
  g_ptr_array_add(fixture->peers, peer);
  peer_extend(peer);
  ablak_relay_handle(fixture->relay, message);
  return peer;
}

static void all_send(Fixture *fixture, guint packets)
{
  guint wanted[ABLAK_RELAY_LEGS_MAX] = {0};
  for (guint i = 0; i < fixture->peers->len; i++)
    wanted[i] = peer_received(fixture->peers->pdata[i]) + packets * (fixture->peers->len - 1);
  for (guint i = 0; i < packets; i++) {
    for (guint j = 0; j < fixture->peers->len; j++)
      peer_send(fixture->peers->pdata[j]);
    run_ms(1);
  }
  for (guint i = 0; i < fixture->peers->len; i++)
    await(peer_received(fixture->peers->pdata[i]) == wanted[i], 10000);
}

/* Whether the page is shown somebody in that section. */
static bool shows(const Peer *peer, const char *mid, const char *label)
{
  g_autofree char *section = g_strdup_printf("\r\na=mid:%s\r\n", mid);
  const char *begin = strstr(peer_offer(peer), section);
  const char *next = begin != NULL ? strstr(begin, "\r\nm=") : NULL;
  g_autofree char *text =
      begin != NULL ? g_strndup(begin, next ? (gsize)(next - begin) : strlen(begin)) : g_strdup("");
  g_autofree char *line = g_strdup_printf("a=label:%s\r\n", label);
  return strstr(text, line) != NULL && strstr(text, "a=inactive") == NULL;
}

/* Every fourth packet does not reach the one it is for, who asks for it. */
static void lose_and_ask(Peer *from, Peer *to, guint32 ssrc)
{
  guint before = peer_received(to);
  peer_lose(to, 4);
  for (int i = 0; i < 20; i++) {
    peer_send(from);
    run_ms(1);
  }
  run_ms(100);
  peer_lose(to, 0);
  peer_send(from);
  await(peer_received(to) == before + 16, 10000);
  g_assert_cmpuint(peer_ask_again(to, ssrc), ==, 5);
}

/* Who comes third disturbs nobody's place; each is told what it may send by the weakest line; who
 * leaves takes limits along. */
static void test_several(Fixture *fixture, gconstpointer unused)
{
  Peer *clerk = join_as(fixture, "clerk", false), *citizen = join_as(fixture, "citizen", false);
  await(all_connected(fixture), 10000);
  await(shows(clerk, "video", "citizen") && shows(citizen, "video", "clerk"), 10000);
  run_ms(100);
  all_send(fixture, 20);
  g_assert_cmpuint(peer_feedback(clerk).numbered, ==, 20);
  g_assert_cmpuint(peer_feedback(clerk).named, ==, 20);
  g_assert_cmpuint(peer_feedback(clerk).arrivals_told, ==, 0);

  Peer *sign = join_as(fixture, "sign", true);
  await(all_connected(fixture), 10000);
  await(shows(clerk, "video-2", "sign") && shows(citizen, "screen-2", "sign"), 10000);
  g_assert_true(shows(clerk, "video", "citizen") && shows(citizen, "audio", "clerk"));
  await(shows(sign, "video", "clerk") && shows(sign, "video-2", "citizen"), 10000);
  run_ms(100);
  all_send(fixture, 20);
  g_assert_cmpuint(peer_feedback(citizen).numbered, ==, 20);
  g_assert_cmpuint(peer_feedback(sign).numbered, ==, 0);
  g_assert_cmpuint(peer_feedback(sign).named, ==, 0);
  await(peer_feedback(clerk).arrivals_told > 0 && peer_feedback(sign).arrivals_told > 0, 10000);

  /* A sender that was told what arrived has forgotten it: the relay sends it again. */
  guint received = peer_received(citizen);
  lose_and_ask(clerk, citizen, 1001);
  await(peer_received(citizen) == received + 21, 10000);
  g_assert_cmpuint(peer_nacks(clerk), ==, 0);

  /* One who sends a picture beside the interpreter has a quarter, the interpreter three. */
  peer_tell_estimate(citizen, 1000, 600000);
  peer_tell_estimate(clerk, 1002, 4000000);
  await(peer_feedback(clerk).limit_bps == 150000 && peer_feedback(sign).limit_bps == 450000, 10000);
  /* An estimate that went down because little came must not keep it little. */
  peer_tell_estimate(citizen, 1000, 8000);
  await(peer_feedback(clerk).limit_bps == 125000 && peer_feedback(sign).limit_bps == 180000, 10000);

  tell(fixture, ABLAK_MEDIA_LEAVE, "s", "sign");
  await(peer_feedback(clerk).limit_bps > 900000000, 10000);
  await(strstr(peer_offer(clerk), "a=label:sign") == NULL, 10000);
  g_assert_true(shows(clerk, "video", "citizen"));
  g_ptr_array_remove(fixture->peers, sign);
  all_send(fixture, 20);
  g_assert_cmpuint(peer_feedback(clerk).numbered, ==, 40);
  lose_and_ask(clerk, citizen, 1001);
  await(peer_nacks(clerk) == 1, 10000);
}

static void record(Fixture *fixture, const char *leg, int fd, guint8 party)
{
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(ABLAK_MEDIA_RECORD, "s", leg);
  message->fd = fd;
  message->party = party + 1;
  ablak_relay_handle(fixture->relay, message);
  run_ms(50); /* a loop takes packets before commands */
}

/* Packets of each party that the recorder got; `ret_dropped` the most told. */
static void tapped(int fd, guint ret_parties[2], guint32 *ret_dropped)
{
  guint8 message[ABLAK_TAP_MESSAGE_MAX];
  gssize size;
  run_ms(50); /* the recorder comes after the page */
  while ((size = recv(fd, message, sizeof message, MSG_DONTWAIT)) > 0) {
    AblakTapHeader header;
    AblakRtpHeader rtp;
    memcpy(&header, message, sizeof header);
    g_assert_cmpuint(header.party, <, 2);
    g_assert_cmpint(ABS(g_get_monotonic_time() - header.at_us), <, 20 * G_USEC_PER_SEC);
    if (!header.rtcp)
      g_assert_true(ablak_rtp_parse(message + sizeof header, (gsize)size - sizeof header, &rtp));
    ret_parties[header.party] += !header.rtcp;
    *ret_dropped = MAX(*ret_dropped, header.dropped);
  }
}

/* Who is named is handed over, nobody else; a recorder that does not read costs it packets and the
 * call nothing; what follows "unrecord" is not handed over. */
static void test_record(Fixture *fixture, gconstpointer unused)
{
  int fds[2], kept;
  guint parties[2] = {0};
  guint32 dropped = 0;
  Peer *a = join(fixture, "s", "a"), *b = join(fixture, "s", "b");
  await(all_connected(fixture), 10000);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
  kept = dup(fds[1]);
  record(fixture, "b", fds[1], 1);
  exchange(a, b, 50);
  tapped(fds[0], parties, &dropped);
  g_assert_cmpuint(parties[0], ==, 0);
  g_assert_cmpuint(parties[1], ==, 50);
  record(fixture, "a", kept, 0);
  exchange(a, b, 20);
  tapped(fds[0], parties, &dropped);
  g_assert_cmpuint(parties[0], ==, 20);
  g_assert_cmpuint(dropped, ==, 0);
  exchange(a, b, 1000);
  tapped(fds[0], parties, &dropped);
  exchange(a, b, 1);
  tapped(fds[0], parties, &dropped);
  g_assert_cmpuint(dropped, >, 0);
  g_assert_cmpuint(parties[0] + parties[1], <, 2092);
  tell(fixture, ABLAK_MEDIA_UNRECORD, "s", NULL);
  run_ms(50);
  tapped(fds[0], parties, &dropped);
  guint before = parties[0] + parties[1];
  exchange(a, b, 20);
  tapped(fds[0], parties, &dropped);
  g_assert_cmpuint(parties[0] + parties[1], ==, before);
  /* Both descriptors of the relay are closed: nobody could send any more. */
  guint8 octet;
  g_assert_cmpint(recv(fds[0], &octet, 1, MSG_DONTWAIT), ==, 0);
  close(fds[0]);
}

/* The recorder's end closes: the call goes on. */
static void test_recorder_gone(Fixture *fixture, gconstpointer unused)
{
  int fds[2];
  Peer *a = join(fixture, "s", "a"), *b = join(fixture, "s", "b");
  await(all_connected(fixture), 10000);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
  record(fixture, "a", fds[1], 0);
  exchange(a, b, 10);
  close(fds[0]);
  exchange(a, b, 50);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ablak_log_init("test-video-call", ABLAK_LOG_ERROR);
#define add(path, data, call) g_test_add(path, Fixture, data, set_up, call, tear_down)
  add("/video/call/record", NULL, test_record);
  add("/video/call/recorder-gone", NULL, test_recorder_gone);
  add("/call/own-sockets", NULL, test_call);
  add("/call/through-ice", "yes", test_call);
  add("/call/again", NULL, test_again);
  add("/call/restart", NULL, test_restart);
  add("/call/restart-through-ice", "yes", test_restart);
  add("/call/move", NULL, test_move);
  add("/call/silence", NULL, test_silence);
  add("/call/hostile", NULL, test_hostile);
  add("/call/several", NULL, test_several);
  add("/call/many", NULL, test_many);
  return g_test_run();
}
