#include "http/live.h"
#include "core/error.h"
#include "core/log.h"
#include "http/live-message.h"
#include <string.h>

#define MESSAGE_MAX (64 * 1024)

struct AblakLive {
  AblakLiveCallbacks callbacks;
  gpointer app;
  GPtrArray *peers; /* not owned: each dies with its connection */
};

struct AblakLivePeer {
  AblakLive *live; /* NULL: the hub has gone */
  AblakSocket *socket;
  AblakStream *stream;
  gpointer identity;
  GDestroyNotify free_identity;
  char *language;
  /* topic -> number of the newest event already replayed on it. An event may be committed and
   * read by a replay before it is published; it must not come twice. */
  GHashTable *topics;
};

AblakLive *ablak_live_new(const AblakLiveCallbacks *callbacks, gpointer app)
{
  AblakLive *live = g_new0(AblakLive, 1);
  live->callbacks = *callbacks;
  live->app = app;
  live->peers = g_ptr_array_new();
  return live;
}

static gint64 last_seq(AblakLive *live)
{
  return live->callbacks.last_seq != NULL ? live->callbacks.last_seq(live->app) : 0;
}

static AblakLivePeer *peer_new(AblakLive *live, AblakRequest *request, gpointer identity,
                               GDestroyNotify free_identity)
{
  AblakLivePeer *peer = g_new0(AblakLivePeer, 1);
  peer->live = live;
  peer->identity = identity;
  peer->free_identity = free_identity;
  peer->language = g_strdup(ablak_request_language(request));
  peer->topics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_ptr_array_add(live->peers, peer);
  return peer;
}

static void peer_free(AblakLivePeer *peer)
{
  if (peer->live != NULL)
    g_ptr_array_remove_fast(peer->live->peers, peer);
  if (peer->identity != NULL && peer->free_identity != NULL)
    peer->free_identity(peer->identity);
  g_hash_table_unref(peer->topics);
  g_free(peer->language);
  g_free(peer);
}

static void peer_gone(gpointer data)
{
  AblakLivePeer *peer = data;
  if (peer->live != NULL && peer->live->callbacks.closed != NULL)
    peer->live->callbacks.closed(peer, peer->live->app);
  peer_free(peer);
}

void ablak_live_free(AblakLive *live)
{
  if (live == NULL)
    return;
  for (guint i = 0; i < live->peers->len; i++) {
    AblakLivePeer *peer = live->peers->pdata[i];
    peer->live = NULL;
    if (peer->socket != NULL)
      ablak_socket_close(peer->socket, 1001, NULL);
    else
      ablak_stream_close(peer->stream);
  }
  g_ptr_array_unref(live->peers);
  g_free(live);
}

/* To a stream, `event` names what is no stored event; `seq` -1: has no number. */
static void send_text(AblakLivePeer *peer, const char *event, gint64 seq, const char *text)
{
  if (peer->socket != NULL)
    ablak_socket_send_text(peer->socket, text);
  else
    ablak_stream_send(peer->stream, event, seq, text);
}

static void send_object(AblakLivePeer *peer, const char *event, json_t *object)
{
  g_autoptr(json_t) owned = object;
  g_autofree char *text = ablak_json_text(owned);
  send_text(peer, event, -1, text);
}

static void send_number(AblakLivePeer *peer, const char *type, gint64 seq)
{
  send_object(peer, type, json_pack("{ss sI}", "type", type, "seq", (json_int_t)seq));
}

static void send_error(AblakLivePeer *peer, const GError *error)
{
  ablak_log(ABLAK_LOG_INFO, "live.refused", "problem", ablak_error_slug(error), NULL);
  json_t *problem = ablak_problem_new(peer->language, ablak_error_status(error),
                                      ablak_error_slug(error), error->message, NULL);
  send_object(peer, "error", json_pack("{ss so}", "type", "error", "problem", problem));
}

static bool may_hear(const AblakLivePeer *peer, const char *kind)
{
  const AblakLiveCallbacks *callbacks = &peer->live->callbacks;
  return callbacks->may_hear == NULL || callbacks->may_hear(peer->identity, kind, peer->live->app);
}

static void emit(json_t *event, gpointer to)
{
  AblakLivePeer *peer = to;
  const char *topic = ablak_json_get_string(event, "topic");
  gint64 seq = ablak_json_get_int(event, "seq", 0);
  gint64 *replayed = topic != NULL ? g_hash_table_lookup(peer->topics, topic) : NULL;
  if (replayed != NULL)
    *replayed = MAX(*replayed, seq);
  if (!may_hear(peer, ablak_json_get_string(event, "kind")))
    return;
  g_autoptr(json_t) typed = json_copy(event);
  json_object_set_new(typed, "type", json_string("event"));
  g_autofree char *text = ablak_json_text(typed);
  send_text(peer, NULL, seq, text);
}

static bool may_subscribe(AblakLivePeer *peer, const char *const *topics, GError **error)
{
  AblakLive *live = peer->live;
  guint known = g_hash_table_size(peer->topics);
  for (gsize i = 0; topics[i] != NULL; i++) {
    if (!live->callbacks.may_subscribe(peer->identity, topics[i], live->app)) {
      ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "live/topic", "Not allowed to follow a topic");
      return false;
    }
    known += g_hash_table_contains(peer->topics, topics[i]) ? 0 : 1;
  }
  if (known > ABLAK_LIVE_TOPICS_MAX) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "live/topics", "Too many topics");
    return false;
  }
  return true;
}

static void subscribe(AblakLivePeer *peer, const char *const *topics, gint64 since)
{
  AblakLive *live = peer->live;
  for (gsize i = 0; topics[i] != NULL; i++)
    if (!g_hash_table_contains(peer->topics, topics[i])) {
      g_hash_table_insert(peer->topics, g_strdup(topics[i]), g_new0(gint64, 1));
      if (live->callbacks.subscribed != NULL)
        live->callbacks.subscribed(peer, topics[i], live->app);
    }
  if (since < 0)
    return;
  gint64 newest = last_seq(live);
  /* A number from the future is from before a restored backup. */
  bool good = since <= newest && (live->callbacks.replay == NULL ||
                                  live->callbacks.replay(since, topics, emit, peer, live->app));
  if (!good)
    send_number(peer, "reset", newest);
}

static void on_message(AblakSocket *socket, const void *bytes, gsize size, bool binary,
                       gpointer data)
{
  AblakLivePeer *peer = data;
  if (peer->live == NULL)
    return;
  AblakLive *live = peer->live;
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakLiveMessage) message = ablak_live_message_parse(bytes, size, &error);
  if (message == NULL) {
    send_error(peer, error);
  } else if (message->type == ABLAK_LIVE_PING) {
    send_text(peer, NULL, -1, "{\"type\":\"pong\"}");
  } else if (message->type == ABLAK_LIVE_SUBSCRIBE) {
    const char *const *topics = (const char *const *)message->topics;
    if (may_subscribe(peer, topics, &error))
      subscribe(peer, topics, message->since);
    else
      send_error(peer, error);
  } else if (live->callbacks.receive != NULL) {
    live->callbacks.receive(peer, message->topic, message->kind, message->data, live->app);
  }
}

static void on_closed(AblakSocket *socket, gpointer data)
{
  peer_gone(data);
}

void ablak_live_accept(AblakLive *live, AblakRequest *request, gpointer identity,
                       GDestroyNotify free_identity)
{
  static const AblakSocketCallbacks callbacks = {
      .message = on_message, .closed = on_closed, .message_max = MESSAGE_MAX};
  AblakLivePeer *peer = peer_new(live, request, identity, free_identity);
  peer->socket = ablak_request_accept_socket(request, &callbacks, peer);
  if (peer->socket == NULL) {
    peer_free(peer);
    return;
  }
  send_number(peer, "hello", last_seq(live));
  if (live->callbacks.opened != NULL)
    live->callbacks.opened(peer, live->app);
}

static gint64 resume_number(AblakRequest *request)
{
  const char *text = ablak_request_header(request, "last-event-id");
  if (text == NULL)
    text = ablak_request_query(request, "since");
  guint64 number = 0;
  bool good = text != NULL && g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &number, NULL);
  return good ? (gint64)number : -1;
}

void ablak_live_stream(AblakLive *live, AblakRequest *request, gpointer identity,
                       GDestroyNotify free_identity)
{
  AblakLivePeer *peer = peer_new(live, request, identity, free_identity);
  const char *asked = ablak_request_query(request, "topics");
  g_auto(GStrv) topics = g_strsplit(asked != NULL ? asked : "", ",", ABLAK_LIVE_TOPICS_MAX + 1);
  g_autoptr(GError) error = NULL;
  if (topics[0] == NULL)
    ablak_error_set(&error, ABLAK_ERROR_INVALID, "live/topics", "No topics asked for");
  if (error != NULL || !may_subscribe(peer, (const char *const *)topics, &error)) {
    ablak_request_reply_error(request, error);
    peer_free(peer);
    return;
  }
  peer->stream = ablak_request_reply_stream(request);
  if (peer->stream == NULL) {
    peer_free(peer);
    return;
  }
  ablak_stream_on_closed(peer->stream, peer_gone, peer);
  send_number(peer, "hello", last_seq(live));
  subscribe(peer, (const char *const *)topics, resume_number(request));
  if (live->callbacks.opened != NULL)
    live->callbacks.opened(peer, live->app);
}

void ablak_live_publish(AblakLive *live, gint64 seq, gint64 at_ms, const char *topic,
                        const char *kind, const char *subject, json_t *data)
{
  g_autoptr(json_t) event =
      json_pack("{ss sI sI ss ss ss? sO?}", "type", "event", "seq", (json_int_t)seq, "at",
                (json_int_t)at_ms, "topic", topic, "kind", kind, "subject", subject, "data", data);
  g_autofree char *text = ablak_json_text(event);
  for (guint i = 0; i < live->peers->len; i++) {
    AblakLivePeer *peer = live->peers->pdata[i];
    const gint64 *replayed = g_hash_table_lookup(peer->topics, topic);
    if (replayed != NULL && seq > *replayed && may_hear(peer, kind))
      send_text(peer, NULL, seq, text);
  }
}

static json_t *passing(const char *topic, const char *kind, json_t *data)
{
  return json_pack("{ss ss ss sO?}", "type", "message", "topic", topic, "kind", kind, "data", data);
}

void ablak_live_message(AblakLive *live, const char *topic, const char *kind, json_t *data,
                        const AblakLivePeer *except)
{
  g_autoptr(json_t) object = passing(topic, kind, data);
  g_autofree char *text = ablak_json_text(object);
  for (guint i = 0; i < live->peers->len; i++) {
    AblakLivePeer *peer = live->peers->pdata[i];
    if (peer != except && g_hash_table_contains(peer->topics, topic) && may_hear(peer, kind))
      send_text(peer, "passing", -1, text);
  }
}

void ablak_live_peer_message(AblakLivePeer *peer, const char *topic, const char *kind, json_t *data)
{
  send_object(peer, "passing", passing(topic, kind, data));
}

gpointer ablak_live_peer_identity(AblakLivePeer *peer)
{
  return peer->identity;
}

bool ablak_live_peer_subscribed(AblakLivePeer *peer, const char *topic)
{
  return g_hash_table_contains(peer->topics, topic);
}

void ablak_live_peer_close(AblakLivePeer *peer, unsigned code, const char *reason)
{
  if (peer->socket != NULL)
    ablak_socket_close(peer->socket, code, reason);
  else
    ablak_stream_close(peer->stream);
}
