/* tests/bench/video/load-dtls.h: DTLS-SRTP (RFC 5764) in either role.
 *
 * As a server it prefers the profiles in the order given, as a browser's list has them. The
 * relay's certificate must have the fingerprint its description named. */
#pragma once
#include "video/srtp.h"
#include <glib.h>
#include <stdbool.h>

typedef struct LoadDtlsContext LoadDtlsContext;
/* `profiles` as OpenSSL's use_srtp takes them. NULL when OpenSSL refuses. */
LoadDtlsContext *load_dtls_context_new(const char *profiles);
void load_dtls_context_free(LoadDtlsContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadDtlsContext, load_dtls_context_free)
/* "AB:CD:…", SHA-256. */
const char *load_dtls_context_fingerprint(const LoadDtlsContext *context);

typedef void (*LoadDtlsSend)(const guint8 *data, gsize size, gpointer user);
typedef struct LoadDtls LoadDtls;
LoadDtls *load_dtls_new(LoadDtlsContext *context, bool server, const char *fingerprint,
                        LoadDtlsSend send, gpointer user);
void load_dtls_free(LoadDtls *dtls);
/* One datagram, or with NULL the passing of time. true once the handshake is over. */
bool load_dtls_advance(LoadDtls *dtls, const guint8 *data, gsize size);
/* NULL, or why it cannot go on. */
const char *load_dtls_failure(const LoadDtls *dtls);
/* After the handshake; the caller owns both. */
AblakSrtpProfile load_dtls_keys(LoadDtls *dtls, AblakSrtp **ret_receive, AblakSrtp **ret_send);
