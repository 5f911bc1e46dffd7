/* forms/coedit/bytes.h: lib0's variable-length numbers and strings, read strictly and written into
 * a growing buffer. Private to the folder. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define YINT_MAX ((G_GUINT64_CONSTANT(1) << 53) - 1) /* Number.MAX_SAFE_INTEGER */
#define YVALUE_DEPTH 64                              /* nesting of one JSON or Any value */

typedef struct {
  const guint8 *at, *end;
} Reader;

typedef struct {
  const char *text; /* not terminated; UTF-8 */
  guint32 size;
} Str;

static inline Reader reader_of(const void *data, gsize size)
{
  const guint8 *at = data != NULL ? data : (const void *)"";
  return (Reader){at, at + size};
}

bool read_long_uint(Reader *reader, guint64 *ret_number);
static inline bool read_uint(Reader *reader, guint64 *ret_number)
{
  const guint8 *at = reader->at;
  if (reader->end - at < 3) /* what follows looks at three bytes */
    return read_long_uint(reader, ret_number);
  if (at[0] < 0x80) {
    *ret_number = at[0];
    reader->at = at + 1;
    return true;
  }
  if (at[1] < 0x80) {
    *ret_number = (guint64)at[1] << 7 | (at[0] & 0x7fu);
    reader->at = at + 2;
    return true;
  }
  if (at[2] < 0x80) {
    *ret_number = (guint64)at[2] << 14 | (at[1] & 0x7fu) << 7 | (at[0] & 0x7fu);
    reader->at = at + 3;
    return true;
  }
  return read_long_uint(reader, ret_number);
}

static inline bool read_byte(Reader *reader, guint8 *ret_byte)
{
  if (reader->at >= reader->end)
    return false;
  *ret_byte = *reader->at++;
  return true;
}

/* A length and that many bytes. */
static inline bool read_bytes(Reader *reader, Str *ret_bytes)
{
  guint64 size;
  *ret_bytes = (Str){"", 0};
  if (!read_uint(reader, &size) || size > (guint64)(reader->end - reader->at) || size > G_MAXINT32)
    return false;
  *ret_bytes = (Str){(const char *)reader->at, (guint32)size};
  reader->at += size;
  return true;
}

/* lib0's varint: sign in the first byte's bit 6. */
bool read_int(Reader *reader, bool *ret_negative, guint64 *ret_magnitude);
/* A length and valid UTF-8. */
bool read_string(Reader *reader, Str *ret_string);
/* Steps over one Any value of at most YVALUE_DEPTH levels. */
bool skip_any(Reader *reader);
/* Whether the text is one JSON value of at most YVALUE_DEPTH levels (RFC 8259). */
bool json_text_is_valid(const char *text, gsize size);

/* UTF-16 units of UTF-8 text, or -1 when it is not valid UTF-8. `ret_pairs`: some characters take
 * two units. */
gint64 utf8_measure(const char *text, gsize size, bool *ret_pairs);
gint64 utf8_units(const char *text, gsize size);
/* The same of text that is known to be valid. */
gsize utf8_valid_units(const char *text, gsize size);

typedef struct {
  guint8 *data;
  gsize size, capacity;
} Buffer;

void buffer_grow(Buffer *buffer, gsize more);
void buffer_clear(Buffer *buffer);
/* Gives back the room that is not used. */
void buffer_fit(Buffer *buffer);
/* Takes the content over into GBytes; the buffer is empty then. */
GBytes *buffer_steal(Buffer *buffer);

static inline guint8 *buffer_reserve(Buffer *buffer, gsize more)
{
  if (buffer->capacity - buffer->size < more)
    buffer_grow(buffer, more);
  return buffer->data + buffer->size;
}

static inline void write_byte(Buffer *buffer, guint8 byte)
{
  *buffer_reserve(buffer, 1) = byte;
  buffer->size++;
}

static inline void write_raw(Buffer *buffer, const void *data, gsize size)
{
  if (size == 0)
    return;
  memcpy(buffer_reserve(buffer, size), data, size);
  buffer->size += size;
}

static inline void write_uint(Buffer *buffer, guint64 number)
{
  guint8 *at = buffer_reserve(buffer, 10);
  gsize count = 0;
  while (number > 0x7f) {
    at[count++] = (guint8)(number | 0x80);
    number >>= 7;
  }
  at[count++] = (guint8)number;
  buffer->size += count;
}

static inline void write_string(Buffer *buffer, const char *text, gsize size)
{
  write_uint(buffer, size);
  write_raw(buffer, text, size);
}

void write_int(Buffer *buffer, bool negative, guint64 magnitude);
