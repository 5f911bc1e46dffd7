/* Offers written, answers and candidates read. */
#include "video/sdp.h"
#include "core/error.h"
#include <string.h>

#define FINGERPRINT                                                                                \
  "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:"  \
  "ff"
#define TRANSPORT                                                                                  \
  "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijkl\r\na=fingerprint:sha-256 " FINGERPRINT     \
  "\r\na=setup:active\r\na=rtcp-mux\r\n"
#define HEAD "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio video\r\n"
#define AUDIO                                                                                      \
  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"                                        \
  "a=candidate:1 1 udp 2122260223 192.0.2.7 40000 typ host generation 0\r\n"                       \
  "a=candidate:2 1 udp 2122260223 7b2c.local 40001 typ host\r\n" TRANSPORT                         \
  "a=mid:audio\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:1000 cname:alma\r\n"
#define VIDEO                                                                                      \
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n" TRANSPORT                            \
  "a=mid:video\r\na=recvonly\r\na=ssrc-group:FID 2000 2001\r\na=ssrc:2000 cname:alma\r\n"          \
  "a=ssrc:2001 cname:alma\r\n"
#define ANSWER HEAD AUDIO VIDEO

static const AblakSdpShape two = {.places = 1};

static AblakSdpAnswer *parse(const char *text, GError **error)
{
  return ablak_sdp_parse_answer(text, two, error);
}

static void test_answer(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakSdpAnswer) answer = parse(ANSWER, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(answer->ufrag, ==, "abcd");
  g_assert_cmpstr(answer->password, ==, "0123456789abcdefghijkl");
  g_assert_cmpuint(answer->fingerprint[1], ==, 0x11);
  g_assert_cmpuint(answer->fingerprint[31], ==, 0xff);
  g_assert_true(answer->accepted[ABLAK_SDP_AUDIO] && answer->accepted[ABLAK_SDP_VIDEO]);
  g_assert_true(answer->sends[ABLAK_SDP_AUDIO]);
  g_assert_false(answer->sends[ABLAK_SDP_VIDEO]);
  g_assert_cmpuint(answer->sources->len, ==, 2);
  const AblakSdpSource *video = &g_array_index(answer->sources, AblakSdpSource, 1);
  g_assert_cmpuint(video->ssrc, ==, 2000);
  g_assert_cmpuint(video->rtx_ssrc, ==, 2001);
  g_assert_cmpint(video->kind, ==, ABLAK_SDP_VIDEO);
  g_assert_cmpstr(video->cname, ==, "alma");
  /* The .local name is of no use and no error. */
  g_assert_cmpuint(answer->candidates->len, ==, 1);
  const AblakSdpCandidate *candidate = answer->candidates->pdata[0];
  g_assert_cmpstr(candidate->address, ==, "192.0.2.7");
  g_assert_cmpuint(candidate->port, ==, 40000);
}

/* The order of ssrc and ssrc-group lines does not matter. */
static void test_group_after(void)
{
  g_autoptr(GError) error = NULL;
  const char *text = HEAD AUDIO
      "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT "a=mid:video\r\na=ssrc:7 cname:x\r\n"
      "a=ssrc:8 cname:x\r\na=ssrc-group:FID 7 8\r\na=ssrc-group:SIM 7 8\r\n";
  g_autoptr(AblakSdpAnswer) answer = parse(text, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(answer->sources->len, ==, 2);
  g_assert_cmpuint(g_array_index(answer->sources, AblakSdpSource, 1).rtx_ssrc, ==, 8);
  g_assert_true(answer->sends[ABLAK_SDP_VIDEO]);
}

static void test_rejected_section(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakSdpAnswer) answer =
      parse(HEAD AUDIO "m=video 0 UDP/TLS/RTP/SAVPF 0\r\na=inactive\r\n", &error);
  g_assert_no_error(error);
  g_assert_false(answer->accepted[ABLAK_SDP_VIDEO]);
  g_assert_false(answer->sends[ABLAK_SDP_VIDEO]);
}

/* A cname of a stranger must not write lines into other people's offers. */
static void test_cname(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakSdpAnswer) answer =
      parse(HEAD AUDIO "a=ssrc:5 cname:a b\r\na=ssrc:6 cname:"
                       "0123456789012345678901234567890123456789\r\n" VIDEO,
            &error);
  g_assert_no_error(error);
  g_assert_cmpstr(g_array_index(answer->sources, AblakSdpSource, 1).cname, ==, "");
  g_assert_cmpstr(g_array_index(answer->sources, AblakSdpSource, 2).cname, ==, "");
}

static void test_refused_answers(void)
{
  static const struct {
    const char *slug;
    const char *text;
  } cases[] = {
      {"media/sdp-malformed", ""},
      {"media/sdp-malformed", "hello"},
      {"media/sdp-malformed", "v=1\r\n"},
      {"media/sdp-malformed", HEAD "m=audio\r\n"},
      {"media/sdp-malformed", HEAD "m=audio x UDP/TLS/RTP/SAVPF 111\r\n"},
      {"media/sdp-malformed", HEAD AUDIO "a=ssrc:0 cname:x\r\n" VIDEO},
      {"media/sdp-malformed", HEAD AUDIO "a=ssrc:99999999999 cname:x\r\n" VIDEO},
      {"media/sdp-malformed", HEAD AUDIO "a=ssrc-group:FID 1\r\n" VIDEO},
      {"media/sdp-malformed", HEAD AUDIO "a=ssrc-group:FID 1 1\r\n" VIDEO},
      {"media/sdp-malformed", HEAD AUDIO "a=candidate:1 1 udp\r\n" VIDEO},
      {"media/sdp-malformed", HEAD AUDIO "\r\n" VIDEO},
      {"media/sdp-malformed", HEAD AUDIO "A=x\r\n" VIDEO},
      {"media/sdp-malformed",
       HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio\r\na=setup:active\r\n" VIDEO},
      {"media/sdp-malformed", HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-pwd:short\r\n" VIDEO},
      {"media/sdp-unsupported", HEAD AUDIO},
      {"media/sdp-unsupported", HEAD VIDEO AUDIO},
      {"media/sdp-unsupported", HEAD AUDIO VIDEO AUDIO},
      {"media/sdp-unsupported", HEAD AUDIO "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"},
      {"media/sdp-unsupported", HEAD "m=audio 0 X 0\r\nm=video 0 X 0\r\n"},
      {"media/sdp-unsupported", HEAD AUDIO "a=mid:other\r\n" VIDEO},
      {"media/sdp-unsupported", HEAD AUDIO "a=setup:passive\r\n" VIDEO},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(parse(cases[i].text, &error));
    g_test_message("%s: %s", cases[i].slug, error->message);
    g_assert_cmpstr(ablak_error_slug(error), ==, cases[i].slug);
  }
}

static void test_limits(void)
{
  g_autoptr(GError) long_error = NULL, many_error = NULL, sources_error = NULL;
  GString *text = g_string_new(HEAD AUDIO);
  for (int i = 0; i < 20; i++)
    g_string_append_printf(text, "a=ssrc:%d cname:x\r\n", 5000 + i);
  g_assert_null(parse(text->str, &sources_error));
  g_assert_cmpstr(ablak_error_slug(sources_error), ==, "media/sdp-unsupported");
  g_string_assign(text, HEAD);
  for (int i = 0; i < 2100; i++)
    g_string_append(text, "a=x\r\n");
  g_assert_null(parse(text->str, &many_error));
  for (int i = 0; i < 20000; i++)
    g_string_append(text, "a=x\r\n");
  g_assert_null(parse(text->str, &long_error));
  g_string_free(text, TRUE);
}

static void test_candidates(void)
{
  static const struct {
    const char *text;
    int usable; /* -1: malformed */
  } cases[] = {
      {"candidate:1 1 udp 1 192.0.2.1 5000 typ host", 1},
      {"a=candidate:1 1 UDP 1 2001:db8::1 5000 typ srflx raddr 10.0.0.1 rport 1", 1},
      {"candidate:1 1 udp 1 192.0.2.1 5000 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag x",
       1},
      {"candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", 0},
      {"candidate:1 2 udp 1 192.0.2.1 5000 typ host", 0},
      {"candidate:1 1 udp 1 0a1b2c3d-0000-4000-8000-000000000000.local 5000 typ host", 0},
      {"candidate:1 1 udp 1 example.org 5000 typ host", 0},
      {"candidate:1 1 udp 1 192.0.2.1 0 typ host", 0},
      {"candidate:", -1},
      {"candidate:1 1 udp 1 192.0.2.1 65536 typ host", -1},
      {"candidate:1 0 udp 1 192.0.2.1 5000 typ host", -1},
      {"candidate:1 1 udp x 192.0.2.1 5000 typ host", -1},
      {"candidate:1 1 udp 1 192.0.2.1 5000 typ guest", -1},
      {"candidate:1 1 udp 1 192.0.2.1 5000 host", -1},
      {"candidate:1 1 udp 1 192.0.2.1 5000 typ host odd", -1},
      {"candidate:\t 1 udp 1 192.0.2.1 5000 typ host", -1},
      {"1 1 udp 1 192.0.2.1 5000 typ host", -1},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(AblakSdpCandidate) candidate = NULL;
    bool good = ablak_sdp_parse_candidate(cases[i].text, &candidate, &error);
    g_test_message("%s", cases[i].text);
    g_assert_cmpint(good, ==, cases[i].usable >= 0);
    g_assert_cmpint(candidate != NULL, ==, cases[i].usable == 1);
    if (!good)
      g_assert_cmpstr(ablak_error_slug(error), ==, "media/candidate-malformed");
  }
}

static void test_offer(void)
{
  static const char *const candidates[] = {"candidate:1 1 udp 1 192.0.2.1 5000 typ host", NULL};
  static const AblakSdpSource sources[] = {
      {.kind = ABLAK_SDP_VIDEO, .ssrc = 77, .rtx_ssrc = 78, .cname = "alma"}};
  AblakSdpOffer offer = {
      .session_id = 5,
      .generation = 3,
      .ufrag = "uuuu",
      .password = "pppppppppppppppppppppp",
      .fingerprint = "sha-256 " FINGERPRINT,
      .payloads = ABLAK_SDP_PAYLOADS_ALL,
      .candidates = candidates,
      .receives = {true, true},
      .shape = two,
      .places = {{.shown = true, .sources = sources, .sources_length = 1}},
  };
  g_autofree char *sdp = ablak_sdp_write_offer(&offer);
  g_assert_true(g_str_has_prefix(sdp, "v=0\r\no=- 5 3 IN IP4 0.0.0.0\r\n"));
  g_assert_nonnull(strstr(sdp, "a=group:BUNDLE audio video\r\n"));
  g_assert_nonnull(strstr(sdp, "a=setup:actpass\r\n"));
  g_assert_nonnull(strstr(sdp, "a=ssrc-group:FID 77 78\r\na=ssrc:77 cname:alma\r\n"));
  g_assert_nonnull(strstr(sdp, "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n"));
  g_assert_nonnull(strstr(sdp, "a=sendrecv\r\n"));
  offer.receives[ABLAK_SDP_VIDEO] = false;
  g_autofree char *no_camera = ablak_sdp_write_offer(&offer);
  g_assert_nonnull(strstr(no_camera, "a=sendonly\r\n"));
  offer.places[0].shown = false;
  g_autofree char *alone = ablak_sdp_write_offer(&offer);
  g_assert_nonnull(strstr(alone, "a=recvonly\r\n"));
  g_assert_nonnull(strstr(alone, "a=inactive\r\n"));
  g_assert_null(strstr(alone, "a=ssrc"));
  g_assert_null(strstr(alone, "a=msid:"));
}

static gsize count_of(const char *text, const char *part)
{
  gsize count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
    count++;
  return count;
}

/* Three others, each with a screen; the page's own streams are those of the first sections. */
static void test_places(void)
{
  static const char *const candidates[] = {NULL};
  static const AblakSdpSource sources[] = {{.kind = ABLAK_SDP_VIDEO, .ssrc = 5},
                                           {.kind = ABLAK_SDP_SCREEN, .ssrc = 6, .rtx_ssrc = 7}};
  g_autoptr(GError) error = NULL;
  AblakSdpOffer offer = {.ufrag = "uuuu",
                         .password = "pppppppppppppppppppppp",
                         .fingerprint = "sha-256 " FINGERPRINT,
                         .payloads = ABLAK_SDP_PAYLOADS_ALL,
                         .candidates = candidates,
                         .receives = {true, true, true},
                         .shape = {.places = 3, .screens = true},
                         .places = {{.shown = true, .label = "citizen"},
                                    {.label = "nobody"},
                                    {true, "guest-1", sources, G_N_ELEMENTS(sources)}}};
  g_autofree char *sdp = ablak_sdp_write_offer(&offer);
  g_assert_nonnull(strstr(sdp, "a=group:BUNDLE audio video screen audio-2 video-2 screen-2 audio-3 "
                               "video-3 screen-3\r\n"));
  g_assert_cmpuint(count_of(sdp, "a=label:citizen\r\n"), ==, 3);
  g_assert_cmpuint(count_of(sdp, "a=label:guest-1\r\n"), ==, 3);
  g_assert_null(strstr(sdp, "nobody"));
  g_assert_cmpuint(count_of(sdp, "a=sendrecv\r\n"), ==, 3);
  g_assert_cmpuint(count_of(sdp, "a=inactive\r\n"), ==, 3);
  g_assert_cmpuint(count_of(sdp, "a=sendonly\r\n"), ==, 3);
  g_assert_nonnull(strstr(sdp, "a=msid:remote-3 remote-3-video\r\n"));
  g_assert_nonnull(strstr(sdp, "a=ssrc-group:FID 6 7\r\na=ssrc:6 cname:remote-3-screen\r\n"
                               "a=ssrc:6 msid:remote-3-screen remote-3-screen-screen\r\n"));
  GString *text = g_string_new(sdp);
  g_string_replace(text, "actpass", "active", 0);
  g_string_replace(text, "a=mid:screen\r\n", "a=mid:screen\r\na=ssrc:11 cname:own\r\n", 0);
  g_assert_null(ablak_sdp_parse_answer(text->str, (AblakSdpShape){2, true}, NULL));
  g_assert_null(ablak_sdp_parse_answer(text->str, (AblakSdpShape){3, false}, NULL));
  g_autoptr(AblakSdpAnswer) answer = ablak_sdp_parse_answer(text->str, offer.shape, &error);
  g_assert_no_error(error);
  g_assert_true(answer->sends[ABLAK_SDP_SCREEN]);
  g_assert_cmpuint(answer->sources->len, ==, 1);
  const AblakSdpSource *own = &g_array_index(answer->sources, AblakSdpSource, 0);
  g_assert_true(own->kind == ABLAK_SDP_SCREEN && own->ssrc == 11);
  g_string_free(text, TRUE);
}

/* What is offered can be read as an answer once the peer has chosen its role. */
static void test_round_trip(void)
{
  static const char *const candidates[] = {NULL};
  g_autoptr(GError) error = NULL;
  AblakSdpOffer offer = {
      .ufrag = "uuuu",
      .password = "pppppppppppppppppppppp",
      .fingerprint = "sha-256 " FINGERPRINT,
      .payloads = ABLAK_SDP_PAYLOADS_ALL,
      .candidates = candidates,
      .receives = {true, true},
      .shape = two,
      .places = {{.shown = true}},
  };
  g_autofree char *sdp = ablak_sdp_write_offer(&offer);
  GString *text = g_string_new(sdp);
  g_string_replace(text, "actpass", "active", 0);
  g_autoptr(AblakSdpAnswer) answer = parse(text->str, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(answer->ufrag, ==, "uuuu");
  g_string_free(text, TRUE);
}

static void assert_offers(AblakSdpPayloads payloads, const char *line)
{
  static const char *const candidates[] = {NULL};
  AblakSdpOffer offer = {.ufrag = "uuuu",
                         .password = "pppppppppppppppppppppp",
                         .fingerprint = "sha-256 " FINGERPRINT,
                         .payloads = ablak_sdp_payloads_offerable(payloads),
                         .candidates = candidates,
                         .shape = two};
  g_autofree char *sdp = ablak_sdp_write_offer(&offer);
  g_assert_nonnull(strstr(sdp, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
  g_assert_nonnull(strstr(sdp, line));
}

/* What one page does not understand the other is not offered, under the same numbers. */
static void test_payloads(void)
{
  const AblakSdpPayloads vp8 = ablak_sdp_payload_set(ABLAK_PT_VP8),
                         vp9 = ablak_sdp_payload_set(ABLAK_PT_VP9),
                         vp9_rtx = ablak_sdp_payload_set(ABLAK_PT_VP9_RTX),
                         h264_rtx = ablak_sdp_payload_set(ABLAK_PT_H264_RTX);
  assert_offers(ABLAK_SDP_PAYLOADS_ALL, "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 102 103\r\n");
  assert_offers(vp9 | vp9_rtx, "m=video 9 UDP/TLS/RTP/SAVPF 98 99\r\n");
  assert_offers(vp8 | vp9 | h264_rtx, "m=video 9 UDP/TLS/RTP/SAVPF 96 98\r\n");
  assert_offers(h264_rtx, "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 102 103\r\n");
  g_assert_cmpuint(ablak_sdp_payload_set(0), ==, 0);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakSdpAnswer) answer = parse(
      HEAD AUDIO "m=video 9 UDP/TLS/RTP/SAVPF 98 45 999\r\n" TRANSPORT "a=mid:video\r\n", &error);
  g_assert_no_error(error);
  g_assert_cmpuint(answer->payloads, ==, ablak_sdp_payload_set(ABLAK_PT_OPUS) | vp9);
  g_autoptr(AblakSdpAnswer) mute = parse(HEAD AUDIO "m=video 0 UDP/TLS/RTP/SAVPF 0\r\n", &error);
  g_assert_no_error(error);
  g_assert_cmpuint(mute->payloads, ==, ABLAK_SDP_PAYLOADS_ALL);
}

static void test_without_rtx(void)
{
  const AblakSdpPayloads vp8 = ablak_sdp_payload_set(ABLAK_PT_VP8),
                         vp8_rtx = ablak_sdp_payload_set(ABLAK_PT_VP8_RTX),
                         h264 = ablak_sdp_payload_set(ABLAK_PT_H264),
                         opus = ablak_sdp_payload_set(ABLAK_PT_OPUS);
  g_assert_cmpuint(ablak_sdp_payloads_without_rtx(ABLAK_SDP_PAYLOADS_ALL), ==, 0);
  g_assert_cmpuint(ablak_sdp_payloads_without_rtx(opus | vp8 | vp8_rtx), ==, 0);
  g_assert_cmpuint(ablak_sdp_payloads_without_rtx(opus | vp8 | h264), ==, vp8 | h264);
  g_assert_cmpuint(ablak_sdp_payloads_without_rtx(vp8 | vp8_rtx | h264), ==, h264);
}

static void test_payload_kinds(void)
{
  AblakSdpKind kind;
  bool rtx;
  g_assert_true(ablak_sdp_payload_kind(ABLAK_PT_OPUS, &kind, &rtx));
  g_assert_true(kind == ABLAK_SDP_AUDIO && !rtx);
  g_assert_true(ablak_sdp_payload_kind(ABLAK_PT_H264_RTX, &kind, &rtx));
  g_assert_true(kind == ABLAK_SDP_VIDEO && rtx);
  g_assert_false(ablak_sdp_payload_kind(0, &kind, &rtx));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sdp/answer", test_answer);
  g_test_add_func("/sdp/group-after", test_group_after);
  g_test_add_func("/sdp/rejected-section", test_rejected_section);
  g_test_add_func("/sdp/cname", test_cname);
  g_test_add_func("/sdp/refused-answers", test_refused_answers);
  g_test_add_func("/sdp/limits", test_limits);
  g_test_add_func("/sdp/candidates", test_candidates);
  g_test_add_func("/sdp/offer", test_offer);
  g_test_add_func("/sdp/round-trip", test_round_trip);
  g_test_add_func("/sdp/places", test_places);
  g_test_add_func("/sdp/payloads", test_payloads);
  g_test_add_func("/sdp/without-rtx", test_without_rtx);
  g_test_add_func("/sdp/payload-kinds", test_payload_kinds);
  return g_test_run();
}
