/* video/srtp.c: packets of SRTP and SRTCP. */
#include "video/srtp.h"
#include "video/bytes.h"
#include "video/replay.h"
#include "video/rtp.h"
#include "video/srtp-keys.h"
#include <openssl/crypto.h>
#include <string.h>

#define GCM_TAG 16
#define SHA1_TAG 10
#define RTCP_HEADER 8 /* the part of an SRTCP packet that is never encrypted */
#define RTCP_ENCRYPTED 0x80000000u
#define RTCP_INDEX_MAX 0x7fffffffu
/* More streams than any call has; each costs about 300 bytes and only authentic ones count. */
#define STREAMS_MAX 1024

typedef struct {
  guint32 ssrc;
  AblakReplay rtp;
  AblakReplay rtcp;
} Stream;

struct AblakSrtp {
  AblakSrtpProfile profile;
  AblakSrtpCipher *rtp;
  AblakSrtpCipher *rtcp;
  guint32 rtcp_next; /* one count for all streams, so no nonce depends on what others choose */
  GHashTable *streams;
  Stream *recent; /* packets of one picture come one after the other */
};

AblakSrtp *ablak_srtp_new_from_session_keys(AblakSrtpProfile profile,
                                            const AblakSrtpSessionKeys *rtp,
                                            const AblakSrtpSessionKeys *rtcp)
{
  AblakSrtp *srtp = g_new0(AblakSrtp, 1);
  srtp->profile = profile;
  srtp->rtp = ablak_srtp_cipher_new(profile, rtp);
  srtp->rtcp = ablak_srtp_cipher_new(profile, rtcp);
  srtp->streams = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  return srtp;
}

AblakSrtp *ablak_srtp_new(AblakSrtpProfile profile, const guint8 key[ABLAK_SRTP_KEY_SIZE],
                          const guint8 *salt)
{
  AblakSrtpSessionKeys rtp = {0}, rtcp = {0};
  ablak_srtp_derive(profile, key, salt, false, &rtp);
  ablak_srtp_derive(profile, key, salt, true, &rtcp);
  AblakSrtp *srtp = ablak_srtp_new_from_session_keys(profile, &rtp, &rtcp);
  OPENSSL_cleanse(&rtp, sizeof rtp);
  OPENSSL_cleanse(&rtcp, sizeof rtcp);
  return srtp;
}

void ablak_srtp_free(AblakSrtp *srtp)
{
  if (srtp == NULL)
    return;
  ablak_srtp_cipher_free(srtp->rtp);
  ablak_srtp_cipher_free(srtp->rtcp);
  g_hash_table_unref(srtp->streams);
  g_free(srtp);
}

void ablak_srtp_set_rtcp_index(AblakSrtp *srtp, guint32 next)
{
  srtp->rtcp_next = next;
}

static const Stream nothing_seen;

static Stream *stream_find(AblakSrtp *srtp, guint32 ssrc)
{
  if (srtp->recent == NULL || srtp->recent->ssrc != ssrc) {
    Stream *stream = g_hash_table_lookup(srtp->streams, GUINT_TO_POINTER(ssrc));
    if (stream == NULL)
      return NULL;
    srtp->recent = stream;
  }
  return srtp->recent;
}

/* Never NULL; a stream not seen yet reads as one without packets. */
static const Stream *stream_peek(AblakSrtp *srtp, guint32 ssrc)
{
  const Stream *stream = stream_find(srtp, ssrc);
  return stream != NULL ? stream : &nothing_seen;
}

/* For an authentic packet; NULL when there are too many. */
static Stream *stream_get(AblakSrtp *srtp, guint32 ssrc)
{
  Stream *stream = stream_find(srtp, ssrc);
  if (stream == NULL && g_hash_table_size(srtp->streams) < STREAMS_MAX) {
    stream = g_new0(Stream, 1);
    stream->ssrc = ssrc;
    g_hash_table_insert(srtp->streams, GUINT_TO_POINTER(ssrc), stream);
  }
  return stream;
}

static bool cm_rtp_tag(AblakSrtp *srtp, const guint8 *packet, gsize size, guint64 index,
                       guint8 ret_tag[SHA1_TAG])
{
  guint8 roc[4];
  ablak_write32(roc, (guint32)(index >> 16));
  const AblakSrtpPiece pieces[2] = {{packet, size}, {roc, sizeof roc}};
  return ablak_srtp_cipher_digest(srtp->rtp, pieces, ret_tag);
}

AblakSrtpStatus ablak_srtp_protect(AblakSrtp *srtp, guint8 *packet, gsize *size, gsize capacity)
{
  AblakRtpHeader header;
  guint64 index = 0;
  if (capacity < *size + ABLAK_SRTP_OVERHEAD || !ablak_rtp_parse(packet, *size, &header))
    return ABLAK_SRTP_MALFORMED;
  Stream *stream = stream_get(srtp, header.ssrc);
  if (stream == NULL)
    return ABLAK_SRTP_FULL;
  if (!ablak_replay_estimate(&stream->rtp, header.sequence, &index) ||
      !ablak_replay_is_fresh(&stream->rtp, index))
    return ABLAK_SRTP_REPLAYED;
  /* Marked before the cipher runs: an index is spent even when sending fails. */
  ablak_replay_mark(&stream->rtp, index);
  guint8 *payload = packet + header.header_size;
  gsize payload_size = *size - header.header_size;
  guint8 iv[16];
  const guint8 *salt = ablak_srtp_cipher_salt(srtp->rtp);
  if (srtp->profile == ABLAK_SRTP_AEAD_AES_128_GCM) {
    const AblakSrtpPiece pieces[2] = {{packet, header.header_size}, {NULL, 0}};
    ablak_srtp_gcm_iv(salt, header.ssrc, index, iv);
    if (!ablak_srtp_cipher_seal(srtp->rtp, iv, pieces, payload, payload_size, packet + *size))
      return ABLAK_SRTP_MALFORMED;
    *size += GCM_TAG;
    return ABLAK_SRTP_OK;
  }
  ablak_srtp_cm_iv(salt, header.ssrc, index, iv);
  if (!ablak_srtp_cipher_count(srtp->rtp, iv, payload, payload_size) ||
      !cm_rtp_tag(srtp, packet, *size, index, packet + *size))
    return ABLAK_SRTP_MALFORMED;
  *size += SHA1_TAG;
  return ABLAK_SRTP_OK;
}

static AblakSrtpStatus open_rtp(AblakSrtp *srtp, guint8 *packet, const AblakRtpHeader *header,
                                gsize *size, guint64 index)
{
  guint8 iv[16];
  const guint8 *salt = ablak_srtp_cipher_salt(srtp->rtp);
  gsize tag_size = srtp->profile == ABLAK_SRTP_AEAD_AES_128_GCM ? GCM_TAG : SHA1_TAG;
  if (*size < header->header_size + tag_size)
    return ABLAK_SRTP_MALFORMED;
  gsize plain_size = *size - tag_size;
  guint8 *payload = packet + header->header_size;
  gsize payload_size = plain_size - header->header_size;
  if (srtp->profile == ABLAK_SRTP_AEAD_AES_128_GCM) {
    const AblakSrtpPiece pieces[2] = {{packet, header->header_size}, {NULL, 0}};
    ablak_srtp_gcm_iv(salt, header->ssrc, index, iv);
    if (!ablak_srtp_cipher_open(srtp->rtp, iv, pieces, payload, payload_size, packet + plain_size))
      return ABLAK_SRTP_FORGED;
  } else {
    guint8 tag[SHA1_TAG];
    if (!cm_rtp_tag(srtp, packet, plain_size, index, tag) ||
        CRYPTO_memcmp(tag, packet + plain_size, SHA1_TAG) != 0)
      return ABLAK_SRTP_FORGED;
    ablak_srtp_cm_iv(salt, header->ssrc, index, iv);
    if (!ablak_srtp_cipher_count(srtp->rtp, iv, payload, payload_size))
      return ABLAK_SRTP_FORGED;
  }
  *size = plain_size;
  return ABLAK_SRTP_OK;
}

AblakSrtpStatus ablak_srtp_unprotect(AblakSrtp *srtp, guint8 *packet, gsize *size)
{
  AblakRtpHeader header;
  guint64 index = 0;
  if (!ablak_rtp_parse(packet, *size, &header))
    return ABLAK_SRTP_MALFORMED;
  const Stream *known = stream_peek(srtp, header.ssrc);
  if (!ablak_replay_estimate(&known->rtp, header.sequence, &index) ||
      !ablak_replay_is_fresh(&known->rtp, index))
    return ABLAK_SRTP_REPLAYED;
  AblakSrtpStatus status = open_rtp(srtp, packet, &header, size, index);
  if (status != ABLAK_SRTP_OK)
    return status;
  Stream *stream = stream_get(srtp, header.ssrc);
  if (stream == NULL)
    return ABLAK_SRTP_FULL;
  ablak_replay_mark(&stream->rtp, index);
  return ABLAK_SRTP_OK;
}

AblakSrtpStatus ablak_srtp_protect_rtcp(AblakSrtp *srtp, guint8 *packet, gsize *size,
                                        gsize capacity)
{
  guint8 iv[16];
  if (*size < RTCP_HEADER || capacity < *size + ABLAK_SRTP_OVERHEAD)
    return ABLAK_SRTP_MALFORMED;
  if (srtp->rtcp_next > RTCP_INDEX_MAX)
    return ABLAK_SRTP_FULL;
  guint32 ssrc = ablak_read32(packet + 4);
  guint32 index = srtp->rtcp_next++;
  const guint8 *salt = ablak_srtp_cipher_salt(srtp->rtcp);
  guint8 *body = packet + RTCP_HEADER;
  gsize body_size = *size - RTCP_HEADER;
  guint8 word[4];
  ablak_write32(word, index | RTCP_ENCRYPTED);
  if (srtp->profile == ABLAK_SRTP_AEAD_AES_128_GCM) {
    const AblakSrtpPiece pieces[2] = {{packet, RTCP_HEADER}, {word, sizeof word}};
    ablak_srtp_gcm_iv(salt, ssrc, index, iv);
    if (!ablak_srtp_cipher_seal(srtp->rtcp, iv, pieces, body, body_size, packet + *size))
      return ABLAK_SRTP_MALFORMED;
    memcpy(packet + *size + GCM_TAG, word, sizeof word);
    *size += GCM_TAG + sizeof word;
    return ABLAK_SRTP_OK;
  }
  ablak_srtp_cm_iv(salt, ssrc, index, iv);
  const AblakSrtpPiece pieces[2] = {{packet, *size}, {word, sizeof word}};
  if (!ablak_srtp_cipher_count(srtp->rtcp, iv, body, body_size))
    return ABLAK_SRTP_MALFORMED;
  memcpy(packet + *size, word, sizeof word);
  if (!ablak_srtp_cipher_digest(srtp->rtcp, pieces, packet + *size + sizeof word))
    return ABLAK_SRTP_MALFORMED;
  *size += sizeof word + SHA1_TAG;
  return ABLAK_SRTP_OK;
}

/* header | body | tag | E and index (RFC 7714 §9.2). With E clear the body is in the open. */
static AblakSrtpStatus open_rtcp_gcm(AblakSrtp *srtp, guint8 *packet, gsize *size, guint32 ssrc,
                                     const guint8 *word)
{
  guint8 iv[12];
  gsize plain_size = *size - GCM_TAG - 4;
  bool encrypted = (ablak_read32(word) & RTCP_ENCRYPTED) != 0;
  gsize open_size = encrypted ? RTCP_HEADER : plain_size;
  const AblakSrtpPiece pieces[2] = {{packet, open_size}, {word, 4}};
  ablak_srtp_gcm_iv(ablak_srtp_cipher_salt(srtp->rtcp), ssrc, ablak_read32(word) & RTCP_INDEX_MAX,
                    iv);
  if (!ablak_srtp_cipher_open(srtp->rtcp, iv, pieces, packet + open_size, plain_size - open_size,
                              packet + plain_size))
    return ABLAK_SRTP_FORGED;
  *size = plain_size;
  return ABLAK_SRTP_OK;
}

/* header | body | E and index | tag (RFC 3711 §3.4). */
static AblakSrtpStatus open_rtcp_cm(AblakSrtp *srtp, guint8 *packet, gsize *size, guint32 ssrc,
                                    const guint8 *word)
{
  guint8 iv[16], tag[SHA1_TAG];
  gsize plain_size = *size - SHA1_TAG - 4;
  const AblakSrtpPiece pieces[2] = {{packet, plain_size + 4}, {NULL, 0}};
  if (!ablak_srtp_cipher_digest(srtp->rtcp, pieces, tag) ||
      CRYPTO_memcmp(tag, packet + plain_size + 4, SHA1_TAG) != 0)
    return ABLAK_SRTP_FORGED;
  ablak_srtp_cm_iv(ablak_srtp_cipher_salt(srtp->rtcp), ssrc, ablak_read32(word) & RTCP_INDEX_MAX,
                   iv);
  if ((ablak_read32(word) & RTCP_ENCRYPTED) != 0 &&
      !ablak_srtp_cipher_count(srtp->rtcp, iv, packet + RTCP_HEADER, plain_size - RTCP_HEADER))
    return ABLAK_SRTP_FORGED;
  *size = plain_size;
  return ABLAK_SRTP_OK;
}

AblakSrtpStatus ablak_srtp_unprotect_rtcp(AblakSrtp *srtp, guint8 *packet, gsize *size)
{
  bool gcm = srtp->profile == ABLAK_SRTP_AEAD_AES_128_GCM;
  if (*size < RTCP_HEADER + 4 + (gcm ? GCM_TAG : SHA1_TAG))
    return ABLAK_SRTP_MALFORMED;
  guint8 word[4];
  memcpy(word, packet + *size - 4 - (gcm ? 0 : SHA1_TAG), sizeof word);
  guint32 ssrc = ablak_read32(packet + 4);
  guint32 index = ablak_read32(word) & RTCP_INDEX_MAX;
  if (!ablak_replay_is_fresh(&stream_peek(srtp, ssrc)->rtcp, index))
    return ABLAK_SRTP_REPLAYED;
  AblakSrtpStatus status = gcm ? open_rtcp_gcm(srtp, packet, size, ssrc, word)
                               : open_rtcp_cm(srtp, packet, size, ssrc, word);
  if (status != ABLAK_SRTP_OK)
    return status;
  Stream *stream = stream_get(srtp, ssrc);
  if (stream == NULL)
    return ABLAK_SRTP_FULL;
  ablak_replay_mark(&stream->rtcp, index);
  return ABLAK_SRTP_OK;
}
