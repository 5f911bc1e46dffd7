/* mirror URL [COOKIE]: follows a draft of a box from outside and prints the document's JSON, a line
 * whenever it changed, until it is ended. It comes back by itself after a cut.
 *
 * All it knows of Yjs is what the engine's public headers say; the WebSocket is libwebsockets' own
 * client. Read as an example: below "the protocol" is everything a follower has to do. */
#include "forms/coedit/awareness.h"
#include "forms/coedit/sync.h"
#include "forms/coedit/ydoc.h"
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_US (200 * LWS_US_PER_MS)
#define MESSAGE_MAX (4u * 1024 * 1024)

typedef struct {
  const char *host, *path, *cookie;
  int port;
  struct lws_context *context;
  struct lws *socket; /* NULL: cut */
  lws_sorted_usec_list_t retry;
  GByteArray *message; /* what has come of one so far */
  GQueue out;          /* of GBytes */
  AblakYdoc *doc;
  AblakYawareness *awareness;
  char *shown;
} Mirror;

/* --- the protocol --- */

static void send_message(Mirror *mirror, AblakYsyncKind kind, GBytes *body)
{
  gsize size = 0;
  const void *data = g_bytes_get_data(body, &size);
  g_queue_push_tail(&mirror->out, ablak_ysync_encode(kind, 0, data, size));
  lws_callback_on_writable(mirror->socket);
}

static void show(Mirror *mirror)
{
  json_t *value = ablak_ydoc_json(mirror->doc);
  char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
  json_decref(value);
  if (mirror->shown != NULL && strcmp(text, mirror->shown) == 0) {
    free(text);
    return;
  }
  puts(text);
  fflush(stdout);
  free(mirror->shown);
  mirror->shown = text;
}

/* After connecting: what we have, so that the answer is only what we lack. */
static void greet(Mirror *mirror)
{
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(mirror->doc);
  send_message(mirror, ABLAK_YSYNC_STEP1, vector);
}

static bool answer(Mirror *mirror, const AblakYsyncMessage *message, GError **error)
{
  g_autoptr(GBytes) lacked = ablak_ydoc_encode(mirror->doc, message->body, message->size, error);
  if (lacked != NULL)
    send_message(mirror, ABLAK_YSYNC_STEP2, lacked);
  return lacked != NULL;
}

static bool take(Mirror *mirror, const void *data, gsize size, GError **error)
{
  AblakYsyncMessage message;
  if (!ablak_ysync_decode(data, size, &message, error))
    return false;
  switch (message.kind) {
  case ABLAK_YSYNC_STEP1:
    return answer(mirror, &message, error);
  case ABLAK_YSYNC_STEP2:
  case ABLAK_YSYNC_UPDATE:
    if (!ablak_ydoc_apply(mirror->doc, message.body, message.size, 0, 0, NULL, error))
      return false;
    show(mirror);
    return true;
  case ABLAK_YSYNC_AWARENESS:
    return ablak_yawareness_apply(mirror->awareness, message.body, message.size,
                                  g_get_monotonic_time() / 1000, NULL, error);
  default: /* the box's own kinds are for those who write */
    return true;
  }
}

/* --- the socket --- */

static void connect_now(lws_sorted_usec_list_t *list)
{
  Mirror *mirror = lws_container_of(list, Mirror, retry);
  struct lws_client_connect_info info = {
      .context = mirror->context,
      .address = mirror->host,
      .host = mirror->host,
      .port = mirror->port,
      .path = mirror->path,
      .local_protocol_name = "mirror",
      .ietf_version_or_minus_one = -1,
      .userdata = mirror,
  };
  (void)lws_client_connect_via_info(&info); /* a failure is told to on_socket */
}

static void forget(gpointer message)
{
  g_bytes_unref(message);
}

static void cut(Mirror *mirror)
{
  mirror->socket = NULL;
  g_byte_array_set_size(mirror->message, 0);
  g_queue_clear_full(&mirror->out, forget);
  lws_sul_schedule(mirror->context, 0, &mirror->retry, connect_now, RETRY_US);
}

static int add_cookie(Mirror *mirror, struct lws *wsi, unsigned char **at, unsigned char *end)
{
  return mirror->cookie != NULL &&
         lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_COOKIE,
                                      (const unsigned char *)mirror->cookie,
                                      (int)strlen(mirror->cookie), at, end);
}

static int receive(Mirror *mirror, struct lws *wsi, const void *data, size_t size)
{
  if (mirror->message->len + size > MESSAGE_MAX)
    return -1;
  g_byte_array_append(mirror->message, data, (guint)size);
  if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
    return 0;
  g_autoptr(GError) error = NULL;
  bool good = take(mirror, mirror->message->data, mirror->message->len, &error);
  g_byte_array_set_size(mirror->message, 0);
  if (!good)
    fprintf(stderr, "mirror: %s\n", error->message);
  return good ? 0 : -1;
}

static int write_one(Mirror *mirror, struct lws *wsi)
{
  g_autoptr(GBytes) message = g_queue_pop_head(&mirror->out);
  if (message == NULL)
    return 0;
  gsize size = 0;
  const void *data = g_bytes_get_data(message, &size);
  g_autofree unsigned char *room = g_malloc(LWS_PRE + size);
  memcpy(room + LWS_PRE, data, size);
  if (lws_write(wsi, room + LWS_PRE, size, LWS_WRITE_BINARY) < 0)
    return -1;
  lws_callback_on_writable(wsi);
  return 0;
}

static int on_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t size)
{
  Mirror *mirror = user;
  switch (reason) {
  case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    return add_cookie(mirror, wsi, in, *(unsigned char **)in + size);
  case LWS_CALLBACK_CLIENT_ESTABLISHED:
    mirror->socket = wsi;
    greet(mirror);
    return 0;
  case LWS_CALLBACK_CLIENT_RECEIVE:
    return receive(mirror, wsi, in, size);
  case LWS_CALLBACK_CLIENT_WRITEABLE:
    return write_one(mirror, wsi);
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
  case LWS_CALLBACK_CLIENT_CLOSED:
    cut(mirror);
    return 0;
  default:
    return 0;
  }
}

static volatile bool ended;

static void end(int number)
{
  ended = true;
}

int main(int argc, char **argv)
{
  const char *scheme, *path;
  Mirror mirror = {.cookie = argc > 2 ? argv[2] : NULL};
  if (argc < 2 || lws_parse_uri(argv[1], &scheme, &mirror.host, &mirror.port, &path) != 0 ||
      strcmp(scheme, "ws") != 0) {
    fprintf(stderr, "usage: mirror ws://HOST:PORT/PATH [COOKIE]\n");
    return 2;
  }
  static const struct lws_protocols protocols[] = {{.name = "mirror", .callback = on_socket},
                                                   {.name = NULL}};
  struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols};
  g_autofree char *whole = g_strconcat("/", path, NULL);
  mirror.path = whole;
  mirror.message = g_byte_array_new();
  mirror.doc = ablak_ydoc_new(NULL);
  mirror.awareness = ablak_yawareness_new(0, 0);
  lws_set_log_level(LLL_ERR, NULL);
  mirror.context = lws_create_context(&info);
  signal(SIGTERM, end);
  connect_now(&mirror.retry);
  while (!ended && lws_service(mirror.context, 0) >= 0)
    continue;
  lws_context_destroy(mirror.context);
  g_queue_clear_full(&mirror.out, forget);
  g_byte_array_unref(mirror.message);
  ablak_yawareness_free(mirror.awareness);
  ablak_ydoc_free(mirror.doc);
  free(mirror.shown);
  return 0;
}
