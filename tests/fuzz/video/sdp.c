/* Answers and candidates of browsers. What an answer names ends up in other people's offers, so an
 * offer made of it must still have only lines of its own. */
#include "video/sdp.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void offer_from(const AblakSdpAnswer *answer)
{
  static const char *const candidates[] = {NULL};
  AblakSdpOffer offer = {
      .ufrag = "uuuu",
      .password = "pppppppppppppppppppppp",
      .fingerprint = "sha-256 00",
      .payloads = ablak_sdp_payloads_offerable(answer->payloads),
      .candidates = candidates,
      .receives = {true, true},
      .sends = true,
      .stream = "remote",
      .sources = (const AblakSdpSource *)(gpointer)answer->sources->data,
      .sources_length = answer->sources->len,
  };
  g_autofree char *sdp = ablak_sdp_write_offer(&offer);
  g_auto(GStrv) lines = g_strsplit(sdp, "\r\n", -1);
  for (gsize i = 0; lines[i + 1] != NULL; i++) {
    g_assert_true(strlen(lines[i]) > 2 && lines[i][1] == '=');
    g_assert_null(strchr(lines[i], '\n'));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(AblakSdpAnswer) answer = ablak_sdp_parse_answer(text, NULL);
  g_autoptr(AblakSdpCandidate) candidate = NULL;
  if (ablak_sdp_parse_candidate(text, &candidate, NULL) && candidate != NULL)
    g_assert_cmpuint(candidate->port, !=, 0);
  if (answer == NULL)
    return 0;
  g_assert_true(answer->accepted[ABLAK_SDP_AUDIO] || answer->accepted[ABLAK_SDP_VIDEO]);
  g_assert_cmpuint(answer->sources->len, <=, ABLAK_SDP_SOURCES_MAX);
  g_assert_cmpuint(answer->candidates->len, <=, ABLAK_SDP_CANDIDATES_MAX);
  offer_from(answer);
  return 0;
}
