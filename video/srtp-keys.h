/* video/srtp-keys.h: session keys of SRTP and the ciphers keyed with them. Private to SRTP; apart
 * so that the RFCs' test vectors, which give session keys, can be checked. */
#pragma once
#include "video/srtp.h"

#define ABLAK_SRTP_AUTH_KEY_SIZE 20

typedef struct {
  guint8 key[ABLAK_SRTP_KEY_SIZE];
  guint8 salt[ABLAK_SRTP_SALT_MAX];
  guint8 auth_key[ABLAK_SRTP_AUTH_KEY_SIZE];
} AblakSrtpSessionKeys;

/* RFC 3711 §4.3, RFC 7714 §11: the keys of RTP (rtcp false) or RTCP. */
void ablak_srtp_derive(AblakSrtpProfile profile, const guint8 key[ABLAK_SRTP_KEY_SIZE],
                       const guint8 *salt, bool rtcp, AblakSrtpSessionKeys *ret_keys);

AblakSrtp *ablak_srtp_new_from_session_keys(AblakSrtpProfile profile,
                                            const AblakSrtpSessionKeys *rtp,
                                            const AblakSrtpSessionKeys *rtcp);
/* For test vectors that begin at a given place: the index the next control packet gets. */
void ablak_srtp_set_rtcp_index(AblakSrtp *srtp, guint32 next);

/* One cipher with its keys; `rtcp` of AblakSrtp and `rtp` are one each. */
typedef struct AblakSrtpCipher AblakSrtpCipher;
AblakSrtpCipher *ablak_srtp_cipher_new(AblakSrtpProfile profile, const AblakSrtpSessionKeys *keys);
void ablak_srtp_cipher_free(AblakSrtpCipher *cipher);

/* RFC 3711 §4.1.1: the counter block of a packet. */
void ablak_srtp_cm_iv(const guint8 salt[14], guint32 ssrc, guint64 index, guint8 ret_iv[16]);
/* RFC 7714 §8.1 and §9.1: both are two zero octets, SSRC and six octets of index, over the salt. */
void ablak_srtp_gcm_iv(const guint8 salt[12], guint32 ssrc, guint64 index, guint8 ret_iv[12]);

/* A piece of memory: authenticated but not encrypted. */
typedef struct {
  const guint8 *data;
  gsize size;
} AblakSrtpPiece;

/* Encrypts `data` in place and writes the 16-octet tag. */
bool ablak_srtp_cipher_seal(AblakSrtpCipher *cipher, const guint8 iv[12],
                            const AblakSrtpPiece pieces[2], guint8 *data, gsize size,
                            guint8 *ret_tag);
/* Decrypts in place; false when the tag does not fit. */
bool ablak_srtp_cipher_open(AblakSrtpCipher *cipher, const guint8 iv[12],
                            const AblakSrtpPiece pieces[2], guint8 *data, gsize size,
                            const guint8 *tag);
/* Counter mode over `data` in place, either direction. */
bool ablak_srtp_cipher_count(AblakSrtpCipher *cipher, const guint8 iv[16], guint8 *data,
                             gsize size);
/* HMAC-SHA1 cut to 80 bits. */
bool ablak_srtp_cipher_digest(AblakSrtpCipher *cipher, const AblakSrtpPiece pieces[2],
                              guint8 ret_tag[10]);
const guint8 *ablak_srtp_cipher_salt(const AblakSrtpCipher *cipher);
