#include "http/live-message.h"
#include "core/error.h"
#include <string.h>

#define NAME_MAX_BYTES 200

void ablak_live_message_free(AblakLiveMessage *message)
{
  if (message == NULL)
    return;
  g_strfreev(message->topics);
  g_free(message->topic);
  g_free(message->kind);
  g_clear_pointer(&message->data, json_decref);
  g_free(message);
}

static bool bad(GError **error, const char *slug, const char *what)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, slug, "%s", what);
  return false;
}

static bool is_name(const char *text)
{
  return text != NULL && text[0] != '\0' && strlen(text) <= NAME_MAX_BYTES;
}

static bool read_topics(AblakLiveMessage *message, const json_t *topics, GError **error)
{
  gsize count = json_array_size(topics);
  if (!json_is_array(topics) || count == 0)
    return bad(error, "live/message", "subscribe needs topics");
  if (count > ABLAK_LIVE_TOPICS_MAX)
    return bad(error, "live/topics", "Too many topics");
  message->topics = g_new0(char *, count + 1);
  for (gsize i = 0; i < count; i++) {
    const char *topic = json_string_value(json_array_get(topics, i));
    if (!is_name(topic))
      return bad(error, "live/message", "A topic is not a name");
    message->topics[i] = g_strdup(topic);
  }
  return true;
}

static bool read_subscribe(AblakLiveMessage *message, const json_t *object, GError **error)
{
  const json_t *since = json_object_get(object, "since");
  message->type = ABLAK_LIVE_SUBSCRIBE;
  message->since = -1;
  if (json_is_integer(since) && json_integer_value(since) >= 0)
    message->since = json_integer_value(since);
  else if (since != NULL && !json_is_null(since))
    return bad(error, "live/message", "since is not an event's number");
  return read_topics(message, json_object_get(object, "topics"), error);
}

static bool read_send(AblakLiveMessage *message, const json_t *object, GError **error)
{
  const char *topic = ablak_json_get_string(object, "topic");
  const char *kind = ablak_json_get_string(object, "kind");
  if (!is_name(topic) || !is_name(kind))
    return bad(error, "live/message", "send needs a topic and a kind");
  message->type = ABLAK_LIVE_SEND;
  message->topic = g_strdup(topic);
  message->kind = g_strdup(kind);
  message->data = json_incref(json_object_get(object, "data"));
  return true;
}

AblakLiveMessage *ablak_live_message_parse(const char *text, gsize size, GError **error)
{
  g_autoptr(json_t) object = ablak_json_parse(text, size, error);
  if (object == NULL)
    return NULL;
  g_autoptr(AblakLiveMessage) message = g_new0(AblakLiveMessage, 1);
  const char *type = ablak_json_get_string(object, "type");
  bool good = g_strcmp0(type, "ping") == 0;
  if (good)
    message->type = ABLAK_LIVE_PING;
  else if (g_strcmp0(type, "subscribe") == 0)
    good = read_subscribe(message, object, error);
  else if (g_strcmp0(type, "send") == 0)
    good = read_send(message, object, error);
  else
    bad(error, "live/message", "The type is none of subscribe, send and ping");
  return good ? g_steal_pointer(&message) : NULL;
}
