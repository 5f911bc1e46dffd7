/* Answers and candidates of browsers. What an answer names ends up in other people's offers, so an
 * offer made of it must still have only lines of its own. */
#include "video/sdp.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void offer_from(const AblakSdpAnswer *answer, AblakSdpShape shape)
{
  static const char *const candidates[] = {NULL};
  AblakSdpOffer offer = {
      .ufrag = "uuuu",
      .password = "pppppppppppppppppppppp",
      .fingerprint = "sha-256 00",
      .payloads = ablak_sdp_payloads_offerable(answer->payloads),
      .candidates = candidates,
      .receives = {true, true},
      .shape = shape,
  };
  for (guint at = 0; at < shape.places; at++)
    offer.places[at] =
        (AblakSdpPlace){.shown = true,
                        .label = "citizen",
                        .sources = (const AblakSdpSource *)(gpointer)answer->sources->data,
                        .sources_length = answer->sources->len};
  g_autofree char *sdp = ablak_sdp_write_offer(&offer);
  g_auto(GStrv) lines = g_strsplit(sdp, "\r\n", -1);
  for (gsize i = 0; lines[i + 1] != NULL; i++) {
    g_assert_true(strlen(lines[i]) > 2 && lines[i][1] == '=');
    g_assert_null(strchr(lines[i], '\n'));
  }
}

static void read_answer(const char *text, AblakSdpShape shape)
{
  g_autoptr(AblakSdpAnswer) answer = ablak_sdp_parse_answer(text, shape, NULL);
  if (answer == NULL)
    return;
  g_assert_true(answer->accepted[ABLAK_SDP_AUDIO] || answer->accepted[ABLAK_SDP_VIDEO] ||
                answer->accepted[ABLAK_SDP_SCREEN] || shape.places > 1);
  g_assert_cmpuint(answer->sources->len, <=, ABLAK_SDP_SOURCES_MAX);
  g_assert_cmpuint(answer->candidates->len, <=, ABLAK_SDP_CANDIDATES_MAX);
  offer_from(answer, shape);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(AblakSdpCandidate) candidate = NULL;
  if (ablak_sdp_parse_candidate(text, &candidate, NULL) && candidate != NULL)
    g_assert_cmpuint(candidate->port, !=, 0);
  for (guint i = 0; i < 2 * ABLAK_SDP_PLACES_MAX; i++)
    read_answer(text, (AblakSdpShape){.places = i / 2 + 1, .screens = i % 2 == 1});
  return 0;
}
