/* video/sdp-candidate.c: candidates of the other side (RFC 8839 §5.1). */
#include "core/error.h"
#include "video/sdp.h"
#include <gio/gio.h>
#include <string.h>

#define CANDIDATE_SIZE_MAX 512

void ablak_sdp_candidate_free(AblakSdpCandidate *candidate)
{
  if (candidate == NULL)
    return;
  g_free(candidate->foundation);
  g_free(candidate->address);
  g_free(candidate);
}

static bool is_ice_text(const char *text, gsize least, gsize most)
{
  gsize length = strlen(text);
  return length >= least && length <= most &&
         strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/") == length;
}

static bool read_type(const char *text, AblakSdpCandidate *candidate)
{
  static const char *const names[] = {"host", "srflx", "prflx", "relay"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (strcmp(names[i], text) == 0) {
      candidate->type = (AblakSdpCandidateType)i;
      return true;
    }
  return false;
}

/* Extension attributes after the type come as name and value. */
static bool pairs_are_even(char *const *parts)
{
  return g_strv_length((char **)parts) % 2 == 0;
}

static bool read_parts(char *const *parts, AblakSdpCandidate *candidate, bool *ret_usable)
{
  guint64 component = 0, priority = 0, port = 0;
  if (!is_ice_text(parts[0], 1, 32) ||
      !g_ascii_string_to_unsigned(parts[1], 10, 1, 256, &component, NULL) ||
      !g_ascii_string_to_unsigned(parts[3], 10, 0, G_MAXUINT32, &priority, NULL) ||
      !g_ascii_string_to_unsigned(parts[5], 10, 0, 65535, &port, NULL) ||
      strcmp(parts[6], "typ") != 0 || !read_type(parts[7], candidate) || !pairs_are_even(parts + 8))
    return false;
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string(parts[4]);
  candidate->foundation = g_strdup(parts[0]);
  candidate->address = g_strdup(parts[4]);
  candidate->port = (guint16)port;
  candidate->priority = (guint32)priority;
  *ret_usable =
      component == 1 && g_ascii_strcasecmp(parts[2], "udp") == 0 && address != NULL && port != 0;
  return true;
}

bool ablak_sdp_parse_candidate(const char *text, AblakSdpCandidate **ret_candidate, GError **error)
{
  bool usable = false;
  g_autoptr(AblakSdpCandidate) candidate = g_new0(AblakSdpCandidate, 1);
  if (g_str_has_prefix(text, "a="))
    text += 2;
  if (g_str_has_prefix(text, "candidate:") && strlen(text) <= CANDIDATE_SIZE_MAX) {
    g_auto(GStrv) parts = g_strsplit(text + strlen("candidate:"), " ", 64);
    if (g_strv_length(parts) >= 8 && read_parts(parts, candidate, &usable)) {
      *ret_candidate = usable ? g_steal_pointer(&candidate) : NULL;
      return true;
    }
  }
  ablak_error_set(error, ABLAK_ERROR_INVALID, "media/candidate-malformed",
                  "the ICE candidate cannot be read");
  return false;
}
