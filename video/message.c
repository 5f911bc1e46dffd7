/* video/message.c: control messages to and from JSON. One table says which members a type has. */
#include "core/error.h"
#include "video/control.h"
#include <string.h>
#include <unistd.h>

typedef enum { MEMBER_ID, MEMBER_TEXT, MEMBER_INT, MEMBER_BOOL, MEMBER_STATE, MEMBER_ARRAY } Kind;

typedef struct {
  const char *name;
  Kind kind;
  gsize offset;
} Member;

static const Member members[] = {
    {"session", MEMBER_ID, offsetof(AblakMediaMessage, session)},
    {"leg", MEMBER_ID, offsetof(AblakMediaMessage, leg)},
    {"generation", MEMBER_INT, offsetof(AblakMediaMessage, generation)},
    {"sdp", MEMBER_TEXT, offsetof(AblakMediaMessage, sdp)},
    {"candidate", MEMBER_TEXT, offsetof(AblakMediaMessage, candidate)},
    {"mid", MEMBER_TEXT, offsetof(AblakMediaMessage, mid)},
    {"audio", MEMBER_BOOL, offsetof(AblakMediaMessage, audio)},
    {"video", MEMBER_BOOL, offsetof(AblakMediaMessage, video)},
    {"label", MEMBER_ID, offsetof(AblakMediaMessage, label)},
    {"screens", MEMBER_BOOL, offsetof(AblakMediaMessage, screens)},
    {"screen", MEMBER_BOOL, offsetof(AblakMediaMessage, screen)},
    {"first", MEMBER_BOOL, offsetof(AblakMediaMessage, first)},
    {"state", MEMBER_STATE, offsetof(AblakMediaMessage, state)},
    {"cipher", MEMBER_TEXT, offsetof(AblakMediaMessage, cipher)},
    {"reason", MEMBER_TEXT, offsetof(AblakMediaMessage, reason)},
    {"slug", MEMBER_TEXT, offsetof(AblakMediaMessage, slug)},
    {"detail", MEMBER_TEXT, offsetof(AblakMediaMessage, detail)},
    {"version", MEMBER_INT, offsetof(AblakMediaMessage, version)},
    {"party", MEMBER_INT, offsetof(AblakMediaMessage, party)},
    {"legs", MEMBER_ARRAY, offsetof(AblakMediaMessage, legs)},
};

/* A '?' after a name makes the member optional. */
static const struct {
  const char *name;
  const char *members[8];
} types[] = {
    [ABLAK_MEDIA_HELLO] = {"hello", {"version", "legs"}},
    [ABLAK_MEDIA_OFFER] = {"offer", {"session", "leg", "generation", "sdp"}},
    [ABLAK_MEDIA_CANDIDATE] = {"candidate", {"session", "leg", "generation", "candidate", "mid?"}},
    [ABLAK_MEDIA_STATE] = {"state", {"session", "leg", "state", "cipher?", "reason?"}},
    [ABLAK_MEDIA_ERROR] = {"error", {"session?", "leg?", "slug", "detail"}},
    [ABLAK_MEDIA_STATS] = {"stats", {"legs?"}},
    [ABLAK_MEDIA_JOIN] = {"join",
                          {"session", "leg", "audio", "video", "label?", "screens?", "screen?",
                           "first?"}},
    [ABLAK_MEDIA_ANSWER] = {"answer", {"session", "leg", "generation", "sdp"}},
    [ABLAK_MEDIA_RESTART] = {"restart", {"session", "leg"}},
    [ABLAK_MEDIA_LEAVE] = {"leave", {"session", "leg"}},
    [ABLAK_MEDIA_CLOSE] = {"close", {"session"}},
    [ABLAK_MEDIA_RECORD] = {"record", {"session", "leg", "party"}},
    [ABLAK_MEDIA_UNRECORD] = {"unrecord", {"session"}},
};

static const char *const states[] = {
    [ABLAK_MEDIA_LEG_NEW] = "new",
    [ABLAK_MEDIA_LEG_CONNECTING] = "connecting",
    [ABLAK_MEDIA_LEG_CONNECTED] = "connected",
    [ABLAK_MEDIA_LEG_DISCONNECTED] = "disconnected",
    [ABLAK_MEDIA_LEG_FAILED] = "failed",
    [ABLAK_MEDIA_LEG_CLOSED] = "closed",
};

const char *ablak_media_type_name(AblakMediaType type)
{
  return types[type].name;
}

const char *ablak_media_leg_state_name(AblakMediaLegState state)
{
  return states[state];
}

AblakMediaMessage *ablak_media_message_new(AblakMediaType type, const char *session,
                                           const char *leg)
{
  AblakMediaMessage *message = g_new0(AblakMediaMessage, 1);
  message->type = type;
  message->session = g_strdup(session);
  message->leg = g_strdup(leg);
  message->fd = -1;
  return message;
}

void ablak_media_message_free(AblakMediaMessage *message)
{
  if (message == NULL)
    return;
  g_free(message->session);
  g_free(message->leg);
  g_free(message->sdp);
  g_free(message->candidate);
  g_free(message->mid);
  g_free(message->label);
  g_free(message->cipher);
  g_free(message->reason);
  g_free(message->slug);
  g_free(message->detail);
  json_decref(message->legs);
  if (message->fd >= 0)
    close(message->fd);
  g_free(message);
}

/* The entry of `members` that a type's member list names. */
static const Member *member_find(const char *listed, bool *ret_optional)
{
  gsize length = strcspn(listed, "?");
  for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
    if (strlen(members[i].name) == length && strncmp(members[i].name, listed, length) == 0) {
      *ret_optional = listed[length] == '?';
      return &members[i];
    }
  g_assert_not_reached();
}

static bool is_id(const char *text)
{
  gsize length = strlen(text);
  return length >= 1 && length <= ABLAK_MEDIA_ID_MAX &&
         strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") ==
             length;
}

static bool state_parse(const char *text, AblakMediaLegState *ret_state)
{
  for (gsize i = 0; text != NULL && i < G_N_ELEMENTS(states); i++)
    if (strcmp(states[i], text) == 0) {
      *ret_state = (AblakMediaLegState)i;
      return true;
    }
  return false;
}

static bool member_read(AblakMediaMessage *message, const Member *member, const json_t *value)
{
  gpointer field = (char *)message + member->offset;
  switch (member->kind) {
  case MEMBER_ID:
    if (!json_is_string(value) || !is_id(json_string_value(value)))
      return false;
    *(char **)field = g_strdup(json_string_value(value));
    return true;
  case MEMBER_TEXT:
    if (!json_is_string(value))
      return false;
    *(char **)field = g_strdup(json_string_value(value));
    return true;
  case MEMBER_INT:
    if (!json_is_integer(value) || json_integer_value(value) < 1)
      return false;
    *(gint64 *)field = json_integer_value(value);
    return true;
  case MEMBER_BOOL:
    if (!json_is_boolean(value))
      return false;
    *(bool *)field = json_is_true(value);
    return true;
  case MEMBER_STATE:
    return state_parse(json_string_value(value), field);
  case MEMBER_ARRAY:
    if (!json_is_array(value))
      return false;
    *(json_t **)field = json_incref((json_t *)value);
    return true;
  }
  g_assert_not_reached();
}

static bool type_find(const char *name, AblakMediaType *ret_type)
{
  for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
    if (strcmp(types[i].name, name) == 0) {
      *ret_type = (AblakMediaType)i;
      return true;
    }
  return false;
}

AblakMediaMessage *ablak_media_message_parse(const char *text, gsize length, GError **error)
{
  g_autoptr(GError) json_error = NULL;
  g_autoptr(json_t) object = ablak_json_parse(text, length, &json_error);
  const char *name = object != NULL ? ablak_json_get_string(object, "type") : NULL;
  if (name == NULL) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "media/control-malformed", "%s",
                    json_error != NULL ? json_error->message : "an object with a type is expected");
    return NULL;
  }
  AblakMediaType type = ABLAK_MEDIA_HELLO;
  if (!type_find(name, &type)) {
    ablak_error_set(error, ABLAK_ERROR_UNSUPPORTED, "media/control-unknown",
                    "no such message type");
    return NULL;
  }
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(type, NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(types[type].members) && types[type].members[i]; i++) {
    bool optional = false;
    const Member *member = member_find(types[type].members[i], &optional);
    const json_t *value = json_object_get(object, member->name);
    if (optional && (value == NULL || json_is_null(value)))
      continue;
    if (!member_read(message, member, value)) {
      ablak_error_set(error, ABLAK_ERROR_INVALID, "media/control-malformed",
                      "%s: member \"%s\" is missing or not of its type", types[type].name,
                      member->name);
      return NULL;
    }
  }
  return g_steal_pointer(&message);
}

static json_t *member_write(const AblakMediaMessage *message, const Member *member)
{
  gconstpointer field = (const char *)message + member->offset;
  switch (member->kind) {
  case MEMBER_ID:
  case MEMBER_TEXT: {
    const char *text = *(char *const *)field;
    return text != NULL ? json_string(text) : NULL;
  }
  case MEMBER_INT:
    return json_integer(*(const gint64 *)field);
  case MEMBER_BOOL:
    return json_boolean(*(const bool *)field);
  case MEMBER_STATE:
    return json_string(states[*(const AblakMediaLegState *)field]);
  case MEMBER_ARRAY:
    return json_incref(*(json_t *const *)field);
  }
  g_assert_not_reached();
}

json_t *ablak_media_message_to_json(const AblakMediaMessage *message)
{
  json_t *object = json_object();
  json_object_set_new(object, "type", json_string(types[message->type].name));
  for (gsize i = 0; i < G_N_ELEMENTS(types[message->type].members); i++) {
    const char *listed = types[message->type].members[i];
    if (listed == NULL)
      break;
    bool optional = false;
    const Member *member = member_find(listed, &optional);
    json_t *value = member_write(message, member);
    if (optional && json_is_false(value)) /* that is what a missing one says */
      value = NULL;
    if (value != NULL)
      json_object_set_new(object, member->name, value);
  }
  return object;
}

GBytes *ablak_media_message_frame(const AblakMediaMessage *message, GError **error)
{
  g_autoptr(json_t) object = ablak_media_message_to_json(message);
  g_autofree char *text = ablak_json_text(object);
  gsize length = strlen(text);
  if (length > ABLAK_MEDIA_FRAME_MAX) {
    ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "media/frame-too-large",
                    "the message takes %" G_GSIZE_FORMAT " bytes", length);
    return NULL;
  }
  guint8 *frame = g_malloc(4 + length);
  guint32 announced = GUINT32_TO_BE((guint32)length);
  memcpy(frame, &announced, 4);
  memcpy(frame + 4, text, length);
  return g_bytes_new_take(frame, 4 + length);
}
