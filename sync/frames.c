#include "sync/frames.h"
#include "core/crypto.h"
#include "core/error.h"
#include <string.h>

/* The fields of each type, one letter a field; see field_table. */
static const char *const layouts[] = {
    [ABLAK_FRAME_HELLO] = "vbeoshgd",
    [ABLAK_FRAME_WELCOME] = "shwg",
    [ABLAK_FRAME_SCHEMA] = "cB",
    [ABLAK_FRAME_DATA] = "srcxtfB",
    [ABLAK_FRAME_ACK] = "sh",
    [ABLAK_FRAME_NAK] = "s",
    [ABLAK_FRAME_SNAPSHOT_BEGIN] = "shca",
    [ABLAK_FRAME_SNAPSHOT_CHUNK] = "ixtfB",
    [ABLAK_FRAME_SNAPSHOT_END] = "ix",
    [ABLAK_FRAME_SNAPSHOT_ACK] = "i",
    [ABLAK_FRAME_DIGEST] = "scB",
    [ABLAK_FRAME_DIGEST_RESULT] = "sa",
    [ABLAK_FRAME_DOWN] = "sdkxtfB",
    [ABLAK_FRAME_DOWN_ACK] = "s",
    [ABLAK_FRAME_ERROR] = "l",
};

typedef enum { FIELD_NUMBER, FIELD_COUNT, FIELD_FLAG, FIELD_HASH, FIELD_TEXT } FieldKind;

static const struct {
  char letter;
  FieldKind kind;
  gsize at;
} fields[] = {
    {'e', FIELD_NUMBER, G_STRUCT_OFFSET(AblakFrame, epoch)},
    {'o', FIELD_NUMBER, G_STRUCT_OFFSET(AblakFrame, oldest_seq)},
    {'s', FIELD_NUMBER, G_STRUCT_OFFSET(AblakFrame, seq)},
    {'d', FIELD_NUMBER, G_STRUCT_OFFSET(AblakFrame, down_seq)},
    {'v', FIELD_COUNT, G_STRUCT_OFFSET(AblakFrame, protocol)},
    {'w', FIELD_COUNT, G_STRUCT_OFFSET(AblakFrame, window)},
    {'i', FIELD_COUNT, G_STRUCT_OFFSET(AblakFrame, index)},
    {'t', FIELD_COUNT, G_STRUCT_OFFSET(AblakFrame, total)},
    {'f', FIELD_COUNT, G_STRUCT_OFFSET(AblakFrame, offset)},
    {'a', FIELD_FLAG, G_STRUCT_OFFSET(AblakFrame, flag)},
    {'h', FIELD_HASH, G_STRUCT_OFFSET(AblakFrame, hash)},
    {'r', FIELD_HASH, G_STRUCT_OFFSET(AblakFrame, prev_hash)},
    {'c', FIELD_HASH, G_STRUCT_OFFSET(AblakFrame, schema)},
    {'x', FIELD_HASH, G_STRUCT_OFFSET(AblakFrame, sha256)},
    {'b', FIELD_TEXT, G_STRUCT_OFFSET(AblakFrame, box)},
    {'g', FIELD_TEXT, G_STRUCT_OFFSET(AblakFrame, generation)},
    {'k', FIELD_TEXT, G_STRUCT_OFFSET(AblakFrame, kind)},
    {'l', FIELD_TEXT, G_STRUCT_OFFSET(AblakFrame, slug)},
};
#define TEXT_SIZE 64
G_STATIC_ASSERT(sizeof(((AblakFrame *)0)->box) == TEXT_SIZE);
G_STATIC_ASSERT(sizeof(((AblakFrame *)0)->slug) == TEXT_SIZE);

static gsize field_of(char letter)
{
  gsize i = 0;
  while (fields[i].letter != letter)
    i++;
  return i;
}

/* --- encoding ------------------------------------------------------------------------------------
 */

static void put_text(GByteArray *out, const char *text)
{
  gsize length = strnlen(text, TEXT_SIZE);
  g_assert(length < TEXT_SIZE);
  guint16 size = GUINT16_TO_BE((guint16)length);
  g_byte_array_append(out, (const guint8 *)&size, sizeof size);
  g_byte_array_append(out, (const guint8 *)text, (guint)length);
}

static void put_field(GByteArray *out, gsize field, const AblakFrame *frame)
{
  const guint8 *at = (const guint8 *)frame + fields[field].at;
  if (fields[field].kind == FIELD_NUMBER) {
    gint64 number = GINT64_TO_BE(*(const gint64 *)(gconstpointer)at);
    g_byte_array_append(out, (const guint8 *)&number, sizeof number);
  } else if (fields[field].kind == FIELD_COUNT) {
    guint32 count = GUINT32_TO_BE(*(const guint32 *)(gconstpointer)at);
    g_byte_array_append(out, (const guint8 *)&count, sizeof count);
  } else if (fields[field].kind == FIELD_TEXT) {
    put_text(out, (const char *)at);
  } else {
    g_byte_array_append(out, at, fields[field].kind == FIELD_HASH ? ABLAK_HASH_SIZE : 1);
  }
}

GBytes *ablak_frame_encode(const AblakFrame *frame)
{
  g_assert(frame->type >= ABLAK_FRAME_HELLO && frame->type <= ABLAK_FRAME_ERROR);
  GByteArray *out = g_byte_array_sized_new((guint)(frame->body_size + 256));
  guint8 type = (guint8)frame->type;
  g_byte_array_append(out, &type, 1);
  for (const char *letter = layouts[frame->type]; *letter != '\0'; letter++) {
    if (*letter != 'B')
      put_field(out, field_of(*letter), frame);
    else if (frame->body_size > 0)
      g_byte_array_append(out, frame->body, (guint)frame->body_size);
  }
  g_assert(out->len <= ABLAK_FRAME_MAX);
  return g_byte_array_free_to_bytes(out);
}

/* --- decoding ------------------------------------------------------------------------------------
 */

typedef struct {
  const guint8 *at;
  gsize left;
} Input;

static const guint8 *take(Input *input, gsize size)
{
  if (input->left < size)
    return NULL;
  const guint8 *at = input->at;
  input->at += size;
  input->left -= size;
  return at;
}

static bool get_text(Input *input, char *ret_text)
{
  const guint8 *head = take(input, 2);
  gsize length = head != NULL ? (gsize)head[0] << 8 | head[1] : TEXT_SIZE;
  const guint8 *text = length < TEXT_SIZE ? take(input, length) : NULL;
  if (text == NULL)
    return false;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isprint((char)text[i]))
      return false;
  memcpy(ret_text, text, length);
  return true; /* the frame was zeroed, so the text ends */
}

static bool get_field(Input *input, gsize field, AblakFrame *frame)
{
  static const gsize sizes[] = {
      [FIELD_NUMBER] = 8, [FIELD_COUNT] = 4, [FIELD_FLAG] = 1, [FIELD_HASH] = ABLAK_HASH_SIZE};
  guint8 *to = (guint8 *)frame + fields[field].at;
  if (fields[field].kind == FIELD_TEXT)
    return get_text(input, (char *)to);
  gsize size = sizes[fields[field].kind];
  const guint8 *from = take(input, size);
  if (from == NULL)
    return false;
  memcpy(to, from, size);
  if (fields[field].kind == FIELD_NUMBER) {
    gint64 *number = (gint64 *)(gpointer)to;
    *number = GINT64_FROM_BE(*number);
    return *number >= 0;
  }
  if (fields[field].kind == FIELD_COUNT) {
    guint32 *count = (guint32 *)(gpointer)to;
    *count = GUINT32_FROM_BE(*count);
  }
  return true;
}

static bool is_in_parts(AblakFrameType type)
{
  return type == ABLAK_FRAME_DATA || type == ABLAK_FRAME_SNAPSHOT_CHUNK || type == ABLAK_FRAME_DOWN;
}

static bool part_is_valid(const AblakFrame *frame)
{
  return frame->body_size > 0 && frame->body_size <= ABLAK_FRAME_PART_MAX &&
         frame->total <= ABLAK_PAYLOAD_MAX && frame->offset < frame->total &&
         frame->body_size <= frame->total - frame->offset;
}

static bool decode(Input *input, AblakFrame *frame)
{
  const guint8 *type = take(input, 1);
  if (type == NULL || *type < ABLAK_FRAME_HELLO || *type > ABLAK_FRAME_ERROR)
    return false;
  frame->type = *type;
  for (const char *letter = layouts[*type]; *letter != '\0'; letter++) {
    if (*letter == 'B') {
      frame->body_size = input->left;
      frame->body = take(input, input->left);
    } else if (!get_field(input, field_of(*letter), frame)) {
      return false;
    }
  }
  return input->left == 0 && (!is_in_parts(frame->type) || part_is_valid(frame));
}

bool ablak_frame_decode(const void *message, gsize size, AblakFrame *ret_frame, GError **error)
{
  AblakFrame frame = {0};
  Input input = {message, size};
  if (size > ABLAK_FRAME_MAX || !decode(&input, &frame)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/frame",
                    "a frame of %" G_GSIZE_FORMAT " bytes cannot be read", size);
    return false;
  }
  *ret_frame = frame;
  return true;
}

void ablak_chain_next(const guint8 prev_hash[ABLAK_HASH_SIZE], gint64 seq,
                      const guint8 schema[ABLAK_HASH_SIZE], const guint8 sha256[ABLAK_HASH_SIZE],
                      guint8 ret_hash[ABLAK_HASH_SIZE])
{
  guint8 link[3 * ABLAK_HASH_SIZE + 8];
  gint64 number = GINT64_TO_BE(seq);
  memcpy(link, prev_hash, ABLAK_HASH_SIZE);
  memcpy(link + ABLAK_HASH_SIZE, &number, 8);
  memcpy(link + ABLAK_HASH_SIZE + 8, schema, ABLAK_HASH_SIZE);
  memcpy(link + 2 * ABLAK_HASH_SIZE + 8, sha256, ABLAK_HASH_SIZE);
  ablak_sha256(link, sizeof link, ret_hash);
}

/* --- payloads in parts --- */

static bool continues(const AblakAssembly *assembly, gint64 id, const AblakFrame *part)
{
  return assembly->bytes != NULL && assembly->id == id && assembly->total == part->total &&
         assembly->bytes->len == part->offset &&
         memcmp(assembly->sha256, part->sha256, ABLAK_HASH_SIZE) == 0;
}

bool ablak_assembly_add(AblakAssembly *assembly, gint64 id, const AblakFrame *part,
                        GBytes **ret_payload, GError **error)
{
  if (part->offset == 0) {
    ablak_assembly_clear(assembly);
    assembly->bytes = g_byte_array_new();
    assembly->id = id;
    assembly->total = part->total;
    memcpy(assembly->sha256, part->sha256, ABLAK_HASH_SIZE);
  }
  if (!continues(assembly, id, part)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol", "a part of a payload is missing");
    return false;
  }
  g_byte_array_append(assembly->bytes, part->body, (guint)part->body_size);
  if (assembly->bytes->len < assembly->total) {
    *ret_payload = NULL;
    return true;
  }
  g_autoptr(GBytes) payload = g_byte_array_free_to_bytes(g_steal_pointer(&assembly->bytes));
  guint8 found[ABLAK_HASH_SIZE];
  ablak_sha256(g_bytes_get_data(payload, NULL), g_bytes_get_size(payload), found);
  if (memcmp(found, part->sha256, ABLAK_HASH_SIZE) != 0) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/corrupt",
                    "a payload does not have the hash it was announced with");
    return false;
  }
  *ret_payload = g_steal_pointer(&payload);
  return true;
}

void ablak_assembly_clear(AblakAssembly *assembly)
{
  g_clear_pointer(&assembly->bytes, g_byte_array_unref);
}
