/* video/sdp.c: reading an answer. */
#include "video/sdp.h"
#include "core/error.h"
#include <string.h>

#define LINES_MAX 2000

/* What a description says about one section, or, before the first one, about all of them. */
typedef struct {
  bool is_media;
  bool rejected; /* port 0 */
  AblakSdpKind kind;
  guint place; /* from 0 */
  char *mid;
  char *ufrag;
  char *password;
  char *setup;
  char *fingerprint;
  bool sends;
  bool mux;
  AblakSdpPayloads payloads;
} Section;

typedef struct {
  AblakSdpAnswer *answer;
  AblakSdpShape shape;
  Section session;
  Section media[ABLAK_SDP_KINDS * ABLAK_SDP_PLACES_MAX];
  guint media_length;
  GError **error;
} Reader;

static void section_clear(Section *section)
{
  g_free(section->mid);
  g_free(section->ufrag);
  g_free(section->password);
  g_free(section->setup);
  g_free(section->fingerprint);
}

void ablak_sdp_answer_free(AblakSdpAnswer *answer)
{
  if (answer == NULL)
    return;
  g_free(answer->ufrag);
  g_free(answer->password);
  g_clear_pointer(&answer->sources, g_array_unref);
  g_clear_pointer(&answer->candidates, g_ptr_array_unref);
  g_free(answer);
}

static bool malformed(Reader *reader, const char *what)
{
  ablak_error_set(reader->error, ABLAK_ERROR_INVALID, "media/sdp-malformed", "%s", what);
  return false;
}

static bool unsupported(Reader *reader, const char *what)
{
  ablak_error_set(reader->error, ABLAK_ERROR_UNSUPPORTED, "media/sdp-unsupported", "%s", what);
  return false;
}

static Section *current(Reader *reader)
{
  return reader->media_length > 0 ? &reader->media[reader->media_length - 1] : &reader->session;
}

static bool read_media(Reader *reader, const char *value)
{
  g_auto(GStrv) parts = g_strsplit(value, " ", 64);
  guint64 port = 0;
  if (g_strv_length(parts) < 4 || !g_ascii_string_to_unsigned(parts[1], 10, 0, 65535, &port, NULL))
    return malformed(reader, "a media line cannot be read");
  guint kinds = ablak_sdp_kinds(reader->shape);
  if (reader->media_length == kinds * reader->shape.places)
    return unsupported(reader, "the answer has more sections than the offer");
  Section *section = &reader->media[reader->media_length++];
  section->is_media = true;
  section->rejected = port == 0;
  section->sends = true; /* RFC 8866 §6.7: sendrecv when nothing is said */
  /* RFC 3264 §6: an answer has the offer's sections in the offer's order. */
  section->kind = (reader->media_length - 1) % kinds;
  section->place = (reader->media_length - 1) / kinds;
  if (strcmp(parts[0], ablak_sdp_media_name(section->kind)) != 0)
    return unsupported(reader, "the answer's sections are not those of the offer");
  for (gsize i = 3; parts[i] != NULL; i++) {
    guint64 number = 0;
    if (g_ascii_string_to_unsigned(parts[i], 10, 0, 127, &number, NULL))
      section->payloads |= ablak_sdp_payload_set((guint8)number);
  }
  return true;
}

static bool set_text(Reader *reader, char **text, const char *value, gsize least, gsize most)
{
  gsize length = strlen(value);
  if (length < least || length > most)
    return malformed(reader, "an attribute is too short or too long");
  g_free(*text);
  *text = g_strdup(value);
  return true;
}

/* An entry for the SSRC, made when it is new; NULL when there are too many. */
static AblakSdpSource *source_get(Reader *reader, AblakSdpKind kind, guint32 ssrc)
{
  GArray *sources = reader->answer->sources;
  for (guint i = 0; i < sources->len; i++) {
    AblakSdpSource *source = &g_array_index(sources, AblakSdpSource, i);
    if (source->ssrc == ssrc || source->rtx_ssrc == ssrc)
      return source;
  }
  if (sources->len == ABLAK_SDP_SOURCES_MAX)
    return NULL;
  g_array_append_val(sources, ((AblakSdpSource){.kind = kind, .ssrc = ssrc}));
  return &g_array_index(sources, AblakSdpSource, sources->len - 1);
}

/* "<ssrc> <attribute>[:<value>]" (RFC 5576 §4.1). */
static bool read_ssrc(Reader *reader, const char *value)
{
  char *end = NULL;
  guint64 ssrc = g_ascii_strtoull(value, &end, 10);
  if (end == value || *end != ' ' || ssrc == 0 || ssrc > G_MAXUINT32)
    return malformed(reader, "an ssrc line cannot be read");
  AblakSdpSource *source = source_get(reader, current(reader)->kind, (guint32)ssrc);
  if (source == NULL)
    return unsupported(reader, "the answer names too many streams");
  const char *name = end + 1;
  if (g_str_has_prefix(name, "cname:")) {
    const char *cname = name + strlen("cname:");
    gsize length = strlen(cname);
    /* Written into other people's offers: only what cannot change a line's meaning. */
    if (length < sizeof source->cname &&
        strspn(cname, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=._-{}") ==
            length)
      memcpy(source->cname, cname, length + 1);
  }
  return true;
}

static void source_remove(Reader *reader, guint32 ssrc)
{
  GArray *sources = reader->answer->sources;
  for (guint i = 0; i < sources->len; i++)
    if (g_array_index(sources, AblakSdpSource, i).ssrc == ssrc) {
      g_array_remove_index(sources, i);
      return;
    }
}

/* "FID <ssrc> <retransmissions>" (RFC 5576 §4.2, RFC 4588 §8.4); other groups do not matter. */
static bool read_ssrc_group(Reader *reader, const char *value)
{
  g_auto(GStrv) parts = g_strsplit(value, " ", 8);
  guint64 ssrc = 0, rtx = 0;
  if (g_strcmp0(parts[0], "FID") != 0)
    return true;
  if (g_strv_length(parts) != 3 ||
      !g_ascii_string_to_unsigned(parts[1], 10, 1, G_MAXUINT32, &ssrc, NULL) ||
      !g_ascii_string_to_unsigned(parts[2], 10, 1, G_MAXUINT32, &rtx, NULL) || ssrc == rtx)
    return malformed(reader, "an ssrc-group line cannot be read");
  source_remove(reader, (guint32)rtx);
  AblakSdpSource *source = source_get(reader, current(reader)->kind, (guint32)ssrc);
  if (source == NULL)
    return unsupported(reader, "the answer names too many streams");
  if (source->ssrc != (guint32)ssrc)
    return malformed(reader, "an SSRC stands in two groups");
  source->rtx_ssrc = (guint32)rtx;
  return true;
}

static bool read_candidate(Reader *reader, const char *line)
{
  AblakSdpCandidate *candidate = NULL;
  if (!ablak_sdp_parse_candidate(line, &candidate, NULL))
    return malformed(reader, "a candidate cannot be read");
  if (candidate == NULL)
    return true;
  if (reader->answer->candidates->len == ABLAK_SDP_CANDIDATES_MAX)
    ablak_sdp_candidate_free(candidate);
  else
    g_ptr_array_add(reader->answer->candidates, candidate);
  return true;
}

static bool read_attribute(Reader *reader, const char *attribute)
{
  Section *section = current(reader);
  const char *colon = strchr(attribute, ':');
  g_autofree char *name =
      colon != NULL ? g_strndup(attribute, (gsize)(colon - attribute)) : g_strdup(attribute);
  const char *value = colon != NULL ? colon + 1 : "";
  if (strcmp(name, "ice-ufrag") == 0)
    return set_text(reader, &section->ufrag, value, 4, 256);
  if (strcmp(name, "ice-pwd") == 0)
    return set_text(reader, &section->password, value, 22, 256);
  if (strcmp(name, "setup") == 0)
    return set_text(reader, &section->setup, value, 1, 16);
  if (strcmp(name, "mid") == 0)
    return set_text(reader, &section->mid, value, 1, 16);
  if (strcmp(name, "fingerprint") == 0 && g_ascii_strncasecmp(value, "sha-256 ", 8) == 0)
    return set_text(reader, &section->fingerprint, value + 8, 95, 95);
  /* The page sends through the first place's sections alone. */
  bool own = section->is_media && section->place == 0;
  if (strcmp(name, "ssrc") == 0 && own)
    return read_ssrc(reader, value);
  if (strcmp(name, "ssrc-group") == 0 && own)
    return read_ssrc_group(reader, value);
  if (strcmp(name, "candidate") == 0)
    return read_candidate(reader, attribute);
  if (strcmp(name, "end-of-candidates") == 0)
    reader->answer->end_of_candidates = true;
  else if (strcmp(name, "rtcp-mux") == 0)
    section->mux = true;
  else if (strcmp(name, "sendrecv") == 0 || strcmp(name, "sendonly") == 0)
    section->sends = true;
  else if (strcmp(name, "recvonly") == 0 || strcmp(name, "inactive") == 0)
    section->sends = false;
  return true;
}

static bool read_lines(Reader *reader, const char *text)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX + 1);
  if (lines[0] == NULL)
    return malformed(reader, "the description is empty");
  if (g_strv_length(lines) > LINES_MAX)
    return malformed(reader, "the description has too many lines");
  for (gsize i = 0; lines[i] != NULL; i++) {
    char *line = lines[i];
    gsize length = strlen(line);
    if (length > 0 && line[length - 1] == '\r')
      line[--length] = '\0';
    if (length == 0 && lines[i + 1] == NULL)
      break;
    if (length < 2 || !g_ascii_islower(line[0]) || line[1] != '=' || strchr(line, '\r') != NULL)
      return malformed(reader, "a line is not of the form x=…");
    if (i == 0 && strcmp(line, "v=0") != 0)
      return malformed(reader, "the description does not begin with v=0");
    if (line[0] == 'm' && !read_media(reader, line + 2))
      return false;
    if (line[0] == 'a' && !read_attribute(reader, line + 2))
      return false;
  }
  return true;
}

static bool read_fingerprint(const char *text, guint8 ret_digest[32])
{
  for (int i = 0; i < 32; i++) {
    int high = g_ascii_xdigit_value(text[3 * i]), low = g_ascii_xdigit_value(text[3 * i + 1]);
    if (high < 0 || low < 0 || (i < 31 && text[3 * i + 2] != ':'))
      return false;
    ret_digest[i] = (guint8)(high << 4 | low);
  }
  return true;
}

/* All accepted sections are bundled (RFC 9143): the first one's transport is everyone's. */
static bool take_transport(Reader *reader, const Section *section)
{
  AblakSdpAnswer *answer = reader->answer;
  const Section *session = &reader->session;
  const char *ufrag = section->ufrag != NULL ? section->ufrag : session->ufrag;
  const char *password = section->password != NULL ? section->password : session->password;
  const char *setup = section->setup != NULL ? section->setup : session->setup;
  const char *fingerprint =
      section->fingerprint != NULL ? section->fingerprint : session->fingerprint;
  if (ufrag == NULL || password == NULL)
    return malformed(reader, "the ICE credentials are missing");
  if (setup == NULL || strcmp(setup, "active") != 0)
    return unsupported(reader, "the answer must choose setup:active");
  if (fingerprint == NULL)
    return unsupported(reader, "a SHA-256 fingerprint is needed");
  if (!read_fingerprint(fingerprint, answer->fingerprint))
    return malformed(reader, "the fingerprint cannot be read");
  if (!section->mux && !session->mux)
    return unsupported(reader, "rtcp-mux is needed");
  answer->ufrag = g_strdup(ufrag);
  answer->password = g_strdup(password);
  return true;
}

static void take_own(AblakSdpAnswer *answer, const Section *section)
{
  answer->accepted[section->kind] = !section->rejected;
  answer->sends[section->kind] = !section->rejected && section->sends;
  if (section->kind != ABLAK_SDP_SCREEN)
    answer->payloads |=
        section->rejected ? ablak_sdp_payloads_of(section->kind) : section->payloads;
}

static bool take_sections(Reader *reader)
{
  bool transport = false;
  if (reader->media_length != ablak_sdp_kinds(reader->shape) * reader->shape.places)
    return unsupported(reader, "the answer's sections are not those of the offer");
  for (guint i = 0; i < reader->media_length; i++) {
    const Section *section = &reader->media[i];
    if (section->place == 0)
      take_own(reader->answer, section);
    if (section->rejected)
      continue;
    g_autofree char *mid = ablak_sdp_mid(section->kind, section->place);
    if (g_strcmp0(section->mid, mid) != 0)
      return unsupported(reader, "a section's mid is not the offer's");
    if (!transport && !take_transport(reader, section))
      return false;
    transport = true;
  }
  if (!transport)
    return unsupported(reader, "the answer refuses every section");
  return true;
}

AblakSdpAnswer *ablak_sdp_parse_answer(const char *text, AblakSdpShape shape, GError **error)
{
  g_autoptr(AblakSdpAnswer) answer = g_new0(AblakSdpAnswer, 1);
  answer->sources = g_array_new(FALSE, TRUE, sizeof(AblakSdpSource));
  answer->candidates =
      g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))ablak_sdp_candidate_free);
  Reader reader = {.answer = answer, .shape = shape, .error = error};
  bool good = strlen(text) <= ABLAK_SDP_SIZE_MAX
                  ? read_lines(&reader, text)
                  : malformed(&reader, "the description is too long");
  good = good && take_sections(&reader);
  section_clear(&reader.session);
  for (guint i = 0; i < reader.media_length; i++)
    section_clear(&reader.media[i]);
  return good ? g_steal_pointer(&answer) : NULL;
}
