/* sync/frames.h: the messages between a box and headquarters.
 *
 * One frame is one binary WebSocket message (RFC 6455) over mutual TLS; who the box is comes from
 * its certificate, never from a frame. A frame is a type byte and the fields of its type, in order,
 * big-endian, nothing after them:
 *
 *   number  i64, never negative        hash  32 bytes (SHA-256)
 *   count   u32                        flag  u8
 *   text    u16 length and that many bytes of printable ASCII
 *   body    the rest of the frame
 *
 *   1 HELLO          box -> hq   protocol count, box text, epoch number, oldest_seq number, seq
 * number (the journal's last), hash (of that), generation text, down_seq number (what the box has
 * applied of that generation) 2 WELCOME        hq -> box   seq number (applied), hash (of that),
 * window count (bytes the box may send unacknowledged), generation text 3 SCHEMA         box -> hq
 * schema hash, body (JSON, see journal.h; schema = its SHA-256) 4 DATA           box -> hq   seq
 * number, prev_hash hash, schema hash, sha256 hash (of the whole payload), total count, offset
 * count, body (a part of the payload) 5 ACK            hq -> box   seq number, hash: durable at
 * headquarters up to here 6 NAK            hq -> box   seq number: send again from here 7
 * SNAPSHOT_BEGIN box -> hq   seq number, hash, schema hash, flag (AblakSnapshotReason) 8
 * SNAPSHOT_CHUNK box -> hq   index count, sha256 hash, total count, offset count, body (a part of
 *                                a changeset of inserts)
 *   9 SNAPSHOT_END   box -> hq   index count (chunks), sha256 hash (over the chunks' hashes)
 *  10 SNAPSHOT_ACK   hq -> box   index count: chunks below it are durable
 *  11 DIGEST         box -> hq   seq number, schema hash, body (digest.h)
 *  12 DIGEST_RESULT  hq -> box   seq number, flag: 1 equal, 0 different
 *  13 DOWN           hq -> box   seq number, down_seq number (the entry before it), kind text,
 * sha256 hash, total count, offset count, body (a part) 14 DOWN_ACK       box -> hq   seq number:
 * durable at the box 15 ERROR          both        slug text; the connection ends after it
 *
 * The journal is a chain: hash(n) = SHA-256(hash(n-1) || n || schema || sha256), hash(0) is 32
 * zero bytes. Parts of one payload follow each other in order without gaps.
 *
 * Decoding copies nothing: `body` points into the message. Threads: any.
 * Errors: INVALID "sync/frame". */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ABLAK_SYNC_PROTOCOL 1
#define ABLAK_HASH_SIZE 32
/* Largest part of a payload in one frame, largest frame, largest payload. */
#define ABLAK_FRAME_PART_MAX (64 * 1024)
#define ABLAK_FRAME_MAX (256 * 1024)
#define ABLAK_PAYLOAD_MAX (64 * 1024 * 1024)

typedef enum {
  ABLAK_FRAME_HELLO = 1,
  ABLAK_FRAME_WELCOME,
  ABLAK_FRAME_SCHEMA,
  ABLAK_FRAME_DATA,
  ABLAK_FRAME_ACK,
  ABLAK_FRAME_NAK,
  ABLAK_FRAME_SNAPSHOT_BEGIN,
  ABLAK_FRAME_SNAPSHOT_CHUNK,
  ABLAK_FRAME_SNAPSHOT_END,
  ABLAK_FRAME_SNAPSHOT_ACK,
  ABLAK_FRAME_DIGEST,
  ABLAK_FRAME_DIGEST_RESULT,
  ABLAK_FRAME_DOWN,
  ABLAK_FRAME_DOWN_ACK,
  ABLAK_FRAME_ERROR,
} AblakFrameType;

typedef enum {
  ABLAK_SNAPSHOT_PRUNED,  /* the wanted entry is no longer in the journal */
  ABLAK_SNAPSHOT_DIFFERS, /* headquarters holds another history: it keeps that aside */
} AblakSnapshotReason;

typedef struct {
  AblakFrameType type;
  gint64 epoch, oldest_seq, seq, down_seq;
  guint32 protocol, window, index, total, offset;
  guint8 flag;
  guint8 hash[ABLAK_HASH_SIZE], prev_hash[ABLAK_HASH_SIZE];
  guint8 schema[ABLAK_HASH_SIZE], sha256[ABLAK_HASH_SIZE];
  char box[64], generation[64], kind[64], slug[64];
  const guint8 *body;
  gsize body_size;
} AblakFrame;

/* Strings that do not fit their member, or a body that is too large, are programming errors. */
GBytes *ablak_frame_encode(const AblakFrame *frame);
bool ablak_frame_decode(const void *message, gsize size, AblakFrame *ret_frame,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The chain's next hash. */
void ablak_chain_next(const guint8 prev_hash[ABLAK_HASH_SIZE], gint64 seq,
                      const guint8 schema[ABLAK_HASH_SIZE], const guint8 sha256[ABLAK_HASH_SIZE],
                      guint8 ret_hash[ABLAK_HASH_SIZE]);

/* --- payloads in parts ---------------------------------------------------------------------------
 */

/* Puts the parts of one payload together. */
typedef struct {
  GByteArray *bytes; /* NULL between payloads */
  gint64 id;         /* seq or chunk index */
  guint8 sha256[ABLAK_HASH_SIZE];
  guint32 total;
} AblakAssembly;

/* Takes a part; `*ret_payload` is set (the caller's) when it was the last one and the hash fits,
 * else NULL. INVALID "sync/protocol" for a part out of place, "sync/corrupt" for a wrong hash. */
bool ablak_assembly_add(AblakAssembly *assembly, gint64 id, const AblakFrame *part,
                        GBytes **ret_payload, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_assembly_clear(AblakAssembly *assembly);
