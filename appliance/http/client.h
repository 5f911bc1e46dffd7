/* http/client.h: the client side: one request, or a WebSocket, over HTTP or TLS 1.3 with a pinned
 * CA and optionally a client certificate. Main context only; callbacks come on it. */
#pragma once
#include "core/json.h"
#include <glib.h>
#include <stdbool.h>

typedef struct {
  const char *ca;                /* PEM path of the only trusted CA; NULL: plain http only */
  const char *certificate, *key; /* PEM paths or NULL */
  guint timeout_ms;              /* whole request; 0: 15,000 */
} AblakClientTls;

typedef struct {
  unsigned status;
  const char *media; /* borrowed during the call */
  GBytes *body;      /* borrowed during the call; at most 64 MiB */
} AblakResponse;
/* Either response or error is set. */
typedef void (*AblakResponseDone)(const AblakResponse *response, const GError *error,
                                  gpointer data);

/* `headers`: pairs name, value up to NULL; may be NULL. `body` may be NULL. */
void ablak_client_request(const AblakClientTls *tls, const char *method, const char *url,
                          const char *const *headers, const char *media, GBytes *body,
                          AblakResponseDone done, gpointer data);

typedef struct AblakClientSocket AblakClientSocket;
typedef struct {
  void (*opened)(AblakClientSocket *socket, gpointer data);
  void (*message)(AblakClientSocket *socket, const void *bytes, gsize size, bool binary,
                  gpointer data);
  /* Once, also when connecting failed (then error is set); the socket dies after it. */
  void (*closed)(AblakClientSocket *socket, unsigned code, const GError *error, gpointer data);
  void (*writable)(AblakClientSocket *socket, gpointer data); /* queue drained; may be NULL */
} AblakClientSocketCallbacks;

AblakClientSocket *ablak_client_socket_new(const AblakClientTls *tls, const char *url,
                                           const AblakClientSocketCallbacks *callbacks,
                                           gpointer data);
/* Before it is opened, and once it is closing, what is sent is dropped. */
void ablak_client_socket_send(AblakClientSocket *socket, const void *bytes, gsize size,
                              bool binary);
gsize ablak_client_socket_queued(AblakClientSocket *socket);
void ablak_client_socket_close(AblakClientSocket *socket, unsigned code);
