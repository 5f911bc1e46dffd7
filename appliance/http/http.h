/* http/http.h: the server: listeners, routes, requests, WebSockets. HTTP/1.1 and WebSocket only.
 *
 * Threads: everything on the main context's thread. A handler must not block: it replies at once,
 * or keeps a reference to the request and replies later (store job, GTask). Replying after the
 * client has gone is allowed and does nothing.
 * Limits: header 8 KiB, body by route (default 64 KiB), chunked request bodies answer 411,
 * 2,000 connections unless configured (and of those from one address, unless it is the trusted
 * proxy), idle time-outs; every refusal is a problem document (RFC 9457). */
#pragma once
#include "core/json.h"
#include "schema/schema.h"
#include <glib.h>
#include <stdbool.h>

typedef struct AblakHttp AblakHttp;
typedef struct AblakRequest AblakRequest;
typedef struct AblakSocket AblakSocket; /* a WebSocket connection */

/* --- routes (generated from the daemon's openapi.json by appliance/generate/routes.mjs) --------
 */

typedef void (*AblakHandler)(AblakRequest *request, gpointer app);

/* A WebSocket route's handler gets the upgrade request before it is accepted: it replies with an
 * error, or calls ablak_request_accept_socket, at once or later. */
typedef struct {
  const char *method;    /* "GET"; WebSocket routes are GET with socket = true */
  const char *path;      /* "/api/tickets/{ticketId}/finish" */
  const char *operation; /* operationId */
  const char *access; /* x-access: "public", "citizen", "staff", "box", or roles: "supervisor,it" */
  const char *listener;    /* x-listener: "people" (default), "boxes" or "any" */
  const char *body_schema; /* JSON text of the request body's schema; NULL: no body allowed */
  const char *body_media;  /* "application/json", or another media type for a raw body */
  gsize body_max;          /* bytes */
  bool body_optional;      /* an empty body is allowed: ablak_request_json is then NULL */
  bool socket;
  AblakHandler handler; /* ablak_<daemon>_<operation_id_in_snake_case> */
} AblakRoute;

typedef struct {
  const AblakRoute *routes; /* ends with method NULL */
  const char *openapi;      /* the document's text, served at /api/openapi.json */
} AblakRouteTable;

/* --- requests --------------------------------------------------------------------------------- */

AblakRequest *ablak_request_ref(AblakRequest *request);
void ablak_request_unref(AblakRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakRequest, ablak_request_unref)

const AblakRoute *ablak_request_route(AblakRequest *request);
/* A path parameter, percent-decoded; never NULL for one that the route names. */
const char *ablak_request_param(AblakRequest *request, const char *name);
/* A query parameter, or NULL. */
const char *ablak_request_query(AblakRequest *request, const char *name);
/* A header by lower-case name ("accept-language"), or NULL. */
const char *ablak_request_header(AblakRequest *request, const char *name);
const char *ablak_request_cookie(AblakRequest *request, const char *name);
/* The parsed body, already valid against the route's schema; NULL when there is none. Borrowed. */
json_t *ablak_request_json(AblakRequest *request);
/* The raw body. Borrowed. */
GBytes *ablak_request_bytes(AblakRequest *request);
/* The peer's address for rate limits ("127.0.0.1"); honours a trusted proxy when configured. */
const char *ablak_request_peer(AblakRequest *request);
/* "http" or "https", and the Host header: for links that point back here. */
const char *ablak_request_scheme(AblakRequest *request);
const char *ablak_request_host(AblakRequest *request);
/* Subject common name and SHA-256 (hex) of the verified client certificate; NULL when there is
 * none. */
const char *ablak_request_peer_cn(AblakRequest *request);
const char *ablak_request_peer_cert_sha256(AblakRequest *request);

/* The request's short id: in the reply's X-Request-Id, in problems and in the log. */
const char *ablak_request_id(AblakRequest *request);
/* The catalogue's language that fits Accept-Language best; "en" when none does. */
const char *ablak_request_language(AblakRequest *request);

/* What the authorise hook found out; freed with the request. */
void ablak_request_set_identity(AblakRequest *request, gpointer identity,
                                GDestroyNotify free_identity);
gpointer ablak_request_identity(AblakRequest *request);

/* --- replies: exactly one -----------------------------------------------------------------------
 */

void ablak_request_set_header(AblakRequest *request, const char *name,
                              const char *value); /* before the reply */
void ablak_request_reply_json(AblakRequest *request, unsigned status,
                              json_t *body); /* steals body */
void ablak_request_reply_bytes(AblakRequest *request, unsigned status, const char *media,
                               GBytes *body);
void ablak_request_reply_empty(AblakRequest *request, unsigned status);
/* A problem document in the request's language; `error` is borrowed. Faults (5xx) are logged. */
void ablak_request_reply_error(AblakRequest *request, const GError *error);
/* 422 with the schema issues as "errors": [{"pointer", "keyword", "detail"}]. */
void ablak_request_reply_issues(AblakRequest *request, GPtrArray *issues);
/* A problem document's object, for other ways than a reply (WebSocket messages). */
json_t *ablak_problem_new(const char *language, unsigned status, const char *slug,
                          const char *detail, const char *instance);
/* A server-sent event stream; returns a handle or NULL when the client has gone. */
typedef struct AblakStream AblakStream;
AblakStream *ablak_request_reply_stream(AblakRequest *request);
void ablak_stream_send(AblakStream *stream, const char *event, gint64 id, const char *data);
void ablak_stream_on_closed(AblakStream *stream, GDestroyNotify closed, gpointer data);
gsize ablak_stream_queued(AblakStream *stream);
/* Ends the stream; its closed callback still comes. */
void ablak_stream_close(AblakStream *stream);

/* --- WebSockets ---------------------------------------------------------------------------------
 */

typedef struct {
  void (*message)(AblakSocket *socket, const void *data, gsize size, bool binary, gpointer data_);
  void (*closed)(AblakSocket *socket,
                 gpointer data); /* called exactly once; the socket dies after it */
  /* Everything queued has gone to the kernel: more may be sent. May be NULL. */
  void (*drained)(AblakSocket *socket, gpointer data);
  gsize message_max; /* bytes; larger ones close with 1009 */
} AblakSocketCallbacks;

/* Accepts the upgrade; callbacks start after it returns. `subprotocol` may be NULL. */
AblakSocket *ablak_request_accept_socket(AblakRequest *request,
                                         const AblakSocketCallbacks *callbacks, gpointer data);
void ablak_socket_send_text(AblakSocket *socket, const char *text);
void ablak_socket_send_binary(AblakSocket *socket, const void *data, gsize size);
/* Bytes queued and not yet given to the kernel: callers push back on it. Past the hard limit
 * (default 8 MiB) the connection is closed with 1013. */
gsize ablak_socket_queued(AblakSocket *socket);
/* Reads nothing from now on, or again, so that the peer's window fills. Messages that were read
 * already are still handed over. */
void ablak_socket_pause(AblakSocket *socket, bool pause);
/* Closes after what is queued has been sent. Codes 1000, 1008, 1011, 4000-4999. */
void ablak_socket_close(AblakSocket *socket, unsigned code, const char *reason);

/* --- the server
 * ----------------------------------------------------------------------------------- */

typedef struct {
  const char *name;              /* "people" or "boxes" */
  const char *address;           /* "127.0.0.1" */
  int port;                      /* 0: a free one, see ablak_http_port */
  const char *certificate, *key; /* PEM paths; NULL: plain HTTP */
  const char *client_ca;  /* PEM path: client certificates are asked for and verified against it;
                             routes with access "box" need one, others on the listener do not */
  const char *client_crl; /* PEM path or NULL */
} AblakListener;

typedef struct {
  const AblakListener *listeners;
  gsize listener_count;
  const AblakRouteTable *table;
  const char *static_dir; /* built pages; NULL: none. "/" -> index.html, "/desk" -> desk.html */
  const char *const
      *origins; /* further allowed Origin values (NULL-terminated) beside the own host */
  const char
      *trusted_proxy;      /* address whose Forwarded / X-Forwarded-For is believed; NULL: nobody */
  const char *server_name; /* for logs and metrics: "ablakd" */
  /* The process's soft limit of open files is raised to fit, as far as the hard one allows. */
  unsigned connections_max;      /* 0: 2,000 */
  unsigned connections_peer_max; /* from one address; 0: 1,000 */
  /* Called before each routed handler. Sets the identity, or returns false with an error. */
  bool (*authorise)(AblakRequest *request, const AblakRoute *route, gpointer app, GError **error);
  gpointer app;
} AblakHttpOptions;

/* Options are copied. A busy port is ABLAK_ERROR_UNAVAILABLE "http/port-busy". */
AblakHttp *ablak_http_new(const AblakHttpOptions *options,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Closes every connection (sockets with 1001) and all listeners. */
void ablak_http_free(AblakHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakHttp, ablak_http_free)
int ablak_http_port(AblakHttp *http, const char *listener);
/* Reads every listener's certificate and key again (they are renewed while the server runs), for
 * connections to come. False: one of them cannot be used ("http/certificate"), and the one of
 * before still is. */
bool ablak_http_renew_certificates(AblakHttp *http, GError **error);

/* Built-in, outside the table: GET /healthz (calls the probe), GET /metrics (Prometheus text from
 * the metrics registry), GET /api/openapi.json, static files with ETag, strict CSP, nosniff,
 * Referrer-Policy: no-referrer, Permissions-Policy camera/microphone self, frame-ancestors none. */
void ablak_http_set_health(AblakHttp *http, bool (*probe)(gpointer data, GError **error),
                           gpointer data);
