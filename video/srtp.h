/* video/srtp.h: SRTP and SRTCP (RFC 3711, RFC 7714) on OpenSSL, because Debian's libsrtp2 is built
 * on NSS and several times slower.
 *
 * Purpose: one AblakSrtp is one direction of one leg: a master key, all its streams. Receiving,
 * each packet's index is estimated and checked against a replay window once it is authentic.
 * Sending, the same window guarantees that no (stream, index) is ever encrypted twice: the relay
 * forwards sequence numbers of others, and a GCM nonce used twice gives the key away.
 *
 * Ownership: packets are changed in place in the caller's buffer. Threads: one at a time. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum {
  ABLAK_SRTP_AEAD_AES_128_GCM,
  ABLAK_SRTP_AES128_CM_SHA1_80,
} AblakSrtpProfile;

typedef enum {
  ABLAK_SRTP_OK,
  ABLAK_SRTP_MALFORMED, /* not a packet, or no room for the tag */
  ABLAK_SRTP_REPLAYED,  /* seen before, or older than the window */
  ABLAK_SRTP_FORGED,    /* authentication failed */
  ABLAK_SRTP_FULL,      /* more streams, or more control packets, than one key may serve */
} AblakSrtpStatus;

/* What protecting adds to a packet at most. */
#define ABLAK_SRTP_OVERHEAD 20
#define ABLAK_SRTP_KEY_SIZE 16
#define ABLAK_SRTP_SALT_MAX 14

gsize ablak_srtp_salt_size(AblakSrtpProfile profile);
/* As RFC 4568 and RFC 7714 name them: "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80". */
const char *ablak_srtp_profile_name(AblakSrtpProfile profile);

typedef struct AblakSrtp AblakSrtp;
AblakSrtp *ablak_srtp_new(AblakSrtpProfile profile, const guint8 key[ABLAK_SRTP_KEY_SIZE],
                          const guint8 *salt);
void ablak_srtp_free(AblakSrtp *srtp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSrtp, ablak_srtp_free)

/* *size is the packet's size before and after. `capacity` is at least *size +
 * ABLAK_SRTP_OVERHEAD. On failure the packet's content is undefined. */
AblakSrtpStatus ablak_srtp_protect(AblakSrtp *srtp, guint8 *packet, gsize *size, gsize capacity);
AblakSrtpStatus ablak_srtp_unprotect(AblakSrtp *srtp, guint8 *packet, gsize *size);
AblakSrtpStatus ablak_srtp_protect_rtcp(AblakSrtp *srtp, guint8 *packet, gsize *size,
                                        gsize capacity);
AblakSrtpStatus ablak_srtp_unprotect_rtcp(AblakSrtp *srtp, guint8 *packet, gsize *size);
