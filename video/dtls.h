/* video/dtls.h: the DTLS handshake of one leg and the SRTP keys it yields (RFC 5764).
 *
 * Purpose: the box is always the DTLS server, because it offers actpass and browsers answer
 * active; so it chooses the SRTP profile. The peer's certificate must have the fingerprint its
 * answer named. Handshake messages may span several datagrams (post-quantum ClientHellos do).
 *
 * Ownership: the context outlives its connections. Callbacks may free the connection only from
 * outside of them. Threads: a connection belongs to one main context. */
#pragma once
#include "video/srtp.h"
#include <glib.h>
#include <stdbool.h>

/* What the box prefers, as OpenSSL's use_srtp takes it. */
#define ABLAK_DTLS_SRTP_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"

/* The certificate of this process, made anew at each start. `profiles` are those two or one of
 * them, the preferred one first; anything else is an error ("media/dtls"). */
typedef struct AblakDtlsContext AblakDtlsContext;
AblakDtlsContext *ablak_dtls_context_new(const char *profiles,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_dtls_context_free(AblakDtlsContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakDtlsContext, ablak_dtls_context_free)
/* As in SDP: "sha-256 AB:CD:…". */
const char *ablak_dtls_context_fingerprint(const AblakDtlsContext *context);

typedef struct {
  void (*send)(const guint8 *data, gsize size, gpointer user);
  /* The handshake is over; the callee takes both. */
  void (*established)(AblakSrtpProfile profile, AblakSrtp *receive, AblakSrtp *send, gpointer user);
  /* `reason`: "dtls-failed", "dtls-fingerprint", "dtls-no-srtp" or "peer-closed". */
  void (*ended)(const char *reason, gpointer user);
} AblakDtlsHandler;

typedef struct AblakDtls AblakDtls;
AblakDtls *ablak_dtls_new(AblakDtlsContext *context, GMainContext *main_context,
                          const guint8 fingerprint[32], const AblakDtlsHandler *handler,
                          gpointer user);
void ablak_dtls_free(AblakDtls *dtls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakDtls, ablak_dtls_free)
void ablak_dtls_receive(AblakDtls *dtls, const guint8 *data, gsize size);
