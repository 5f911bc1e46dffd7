/* http/tls-client.h: the client's TLS 1.3 over any carrier of bytes, private to this folder.
 *
 * libwebsockets 4.1.6 does not carry TLS through on raw client connections, so the client's side
 * runs on OpenSSL's memory BIOs: only the pinned CA counts, and the name or address must match. */
#pragma once
#include "http/client.h"

typedef struct AblakTlsSession AblakTlsSession;

typedef enum {
  ABLAK_TLS_HANDSHAKE,
  ABLAK_TLS_OPEN,
  ABLAK_TLS_ENDED,
  ABLAK_TLS_FAILED
} AblakTlsState;

AblakTlsSession *ablak_tls_session_new(const AblakClientTls *tls, const char *host,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_tls_session_free(AblakTlsSession *session);
/* Goes on with the hand-shake; call at the start and after each ablak_tls_session_feed. */
AblakTlsState ablak_tls_session_step(AblakTlsSession *session, GError **error);
/* Bytes that came from the carrier. */
void ablak_tls_session_feed(AblakTlsSession *session, const guint8 *bytes, gsize size);
/* Plain bytes that can be read now; 0: none. */
gsize ablak_tls_session_read(AblakTlsSession *session, guint8 *ret_bytes, gsize size);
void ablak_tls_session_write(AblakTlsSession *session, const void *bytes, gsize size);
void ablak_tls_session_shutdown(AblakTlsSession *session);
/* Bytes for the carrier; NULL when there are none. */
GBytes *ablak_tls_session_take(AblakTlsSession *session);
