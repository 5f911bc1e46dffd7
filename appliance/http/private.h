/* What this folder's files share. */
#pragma once
#include "http/frame.h"
#include "http/head.h"
#include "http/http.h"
#include "http/metrics.h"
#include "http/pages.h"
#include "http/transport.h"

#define ABLAK_BODY_DEFAULT (64 * 1024)
#define ABLAK_QUEUE_MAX (8 * 1024 * 1024)

typedef struct {
  AblakHttp *http;
  char *name;
  int port, fd;
  guint source; /* a connection is awaited, or, without descriptors, a better moment */
  bool tls;
  AblakNet *net;
} AblakHttpListener;

struct AblakHttp {
  GPtrArray *listeners; /* AblakHttpListener */
  const AblakRouteTable *table;
  GPtrArray *schemas; /* AblakSchema or NULL, as the table's routes */
  AblakPages *pages;
  GStrv origins;
  char *trusted_proxy, *server_name, *openapi_etag;
  bool (*authorise)(AblakRequest *request, const AblakRoute *route, gpointer app, GError **error);
  gpointer app;
  bool (*probe)(gpointer data, GError **error);
  gpointer probe_data;
  GQueue connections;      /* of AblakConnection; whoever was looked at last is at the tail */
  GHashTable *peers;       /* address -> how many connections, as a pointer */
  guint connections_max, connections_peer_max;
  guint tick;
};

typedef enum {
  ABLAK_CONNECTION_HEAD,    /* waiting for, or reading, a request's head */
  ABLAK_CONNECTION_BODY,    /* reading its body */
  ABLAK_CONNECTION_BUSY,    /* a handler has it */
  ABLAK_CONNECTION_STREAM,  /* server-sent events */
  ABLAK_CONNECTION_SOCKET,  /* a WebSocket */
  ABLAK_CONNECTION_CLOSING, /* only what is queued still goes out */
} AblakConnectionState;

typedef struct {
  AblakHttp *http;
  AblakHttpListener *listener;
  AblakTransport *transport;
  GList *place; /* in http->connections */
  AblakConnectionState state;
  char *peer; /* the socket's own address */
  GByteArray *in;
  AblakRequest *request; /* in BODY and BUSY; not a reference in BUSY */
  gint64 body_left;
  AblakSocket *socket;
  AblakStream *stream;
  bool processing, keep_alive, expect_continue;
  bool silenced; /* the WebSocket's owner wants to read nothing */
  gint64 deadline_ms; /* monotonic; 0: none */
  gint64 stalled_ms;  /* since when nothing could be written; 0: it flows */
  guint64 written;
  guint resume;
} AblakConnection;

struct AblakRequest {
  guint refs;
  AblakConnection *connection; /* NULL once replied or gone */
  AblakHead *head;             /* NULL when it could not be read */
  const AblakRoute *route;
  const AblakSchema *schema;
  GStrv segments;
  GHashTable *parameters, *query, *cookies;
  GByteArray *body;
  GBytes *bytes;
  json_t *json;
  char *id, *peer, *scheme, *cn, *cert_sha256;
  gint64 started_ms;
  gpointer identity;
  GDestroyNotify free_identity;
  GPtrArray *reply_headers; /* name, value, name, value */
  bool replied;
};

/* server.c: the connections of one address, one more or one less. */
void ablak_http_count_peer(AblakHttp *http, const char *peer, int change);

/* connection.c */
void ablak_connection_accept(AblakHttpListener *listener, int fd, const char *peer);
void ablak_connection_tick(AblakConnection *connection, gint64 now_ms);
void ablak_connection_free(AblakConnection *connection);
/* Reads on, or not: after a change of what holds it back. */
void ablak_connection_flow(AblakConnection *connection);
/* After a reply has been queued: on to the next request, or to the end. */
void ablak_connection_replied(AblakConnection *connection);

/* request.c */
AblakRequest *ablak_request_new(AblakConnection *connection, AblakHead *head);

/* dispatch.c: from a head to a handler. */
/* Refuses (a reply has been given), or leaves the request ready for its body or handler. */
bool ablak_dispatch_head(AblakRequest *request);
void ablak_dispatch_run(AblakRequest *request);
bool ablak_dispatch_compile(AblakHttp *http, GError **error);
bool ablak_origin_allowed(const char *origin, const char *scheme, const char *host,
                          const char *const *further);

/* reply.c */
void ablak_request_refuse(AblakRequest *request, unsigned status, const char *slug,
                          const char *detail);
/* Head of a reply without the framing headers. */
GString *ablak_reply_head(AblakRequest *request, unsigned status);
void ablak_reply_count(AblakRequest *request, unsigned status);

/* builtin.c: true when it has replied. */
bool ablak_builtin_reply(AblakHttp *http, AblakRequest *request);

/* socket.c, stream.c */
void ablak_socket_received(AblakSocket *socket, const guint8 *bytes, gsize size);
void ablak_socket_drained(AblakSocket *socket);
void ablak_socket_tick(AblakSocket *socket, gint64 now_ms);
void ablak_socket_gone(AblakSocket *socket);
void ablak_stream_tick(AblakStream *stream, gint64 now_ms);
void ablak_stream_gone(AblakStream *stream);
/* NULL when the upgrade headers are right, otherwise what is wrong with them. */
const char *ablak_socket_check(AblakRequest *request);
