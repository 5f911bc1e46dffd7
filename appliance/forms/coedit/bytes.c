#include "forms/coedit/bytes.h"

bool read_long_uint(Reader *reader, guint64 *ret_number)
{
  guint64 number = 0;
  for (unsigned shift = 0; reader->at < reader->end && shift < 63; shift += 7) {
    guint8 byte = *reader->at++;
    number |= (guint64)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *ret_number = number;
      return number <= YINT_MAX;
    }
  }
  *ret_number = 0;
  return false;
}

bool read_int(Reader *reader, bool *ret_negative, guint64 *ret_magnitude)
{
  guint8 byte;
  if (!read_byte(reader, &byte))
    return false;
  *ret_negative = (byte & 0x40) != 0;
  guint64 number = byte & 0x3f;
  for (unsigned shift = 6; byte & 0x80; shift += 7) {
    if (shift > 55 || !read_byte(reader, &byte))
      return false;
    number |= (guint64)(byte & 0x7f) << shift;
  }
  *ret_magnitude = number;
  return number <= YINT_MAX;
}

void write_int(Buffer *buffer, bool negative, guint64 magnitude)
{
  guint8 first = (guint8)((negative ? 0x40 : 0) | (magnitude & 0x3f));
  magnitude >>= 6;
  write_byte(buffer, magnitude != 0 ? first | 0x80 : first);
  if (magnitude != 0)
    write_uint(buffer, magnitude);
}

/* The sequence at `at` (RFC 3629 §4): its length, or 0 when it is not valid. */
static unsigned utf8_sequence(const guint8 *at, const guint8 *end)
{
  guint8 first = at[0];
  if (first < 0x80)
    return 1;
  unsigned length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || (gsize)(end - at) < length)
    return 0;
  guint8 low = 0x80, high = 0xbf;
  if (first == 0xe0)
    low = 0xa0;
  else if (first == 0xed)
    high = 0x9f;
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f;
  if (at[1] < low || at[1] > high)
    return 0;
  for (unsigned i = 2; i < length; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  return length;
}

#define EACH_BYTE G_GUINT64_CONSTANT(0x0101010101010101)

/* The first eight bytes, the lowest first; what is behind the end is zero. */
static guint64 word_at(const guint8 *at, gsize size)
{
  if (size >= 8) {
    guint64 word;
    memcpy(&word, at, 8);
    return GUINT64_FROM_LE(word);
  }
  if (size >= 4) { /* two halves, which may have bytes in common */
    guint32 low, high;
    memcpy(&low, at, 4);
    memcpy(&high, at + size - 4, 4);
    return GUINT32_FROM_LE(low) | (guint64)GUINT32_FROM_LE(high) << 8 * (size - 4);
  }
  if (size == 0)
    return 0;
  return at[0] | (guint64)at[size / 2] << 8 * (size / 2) | (guint64)at[size - 1] << 8 * (size - 1);
}

/* Of eight bytes that begin a character: how many are ASCII and whole characters of two bytes, as
 * most letters of Europe are. `ret_units`: how many characters. 0: there is something else. */
static unsigned short_ahead(guint64 word, unsigned *ret_units)
{
  guint64 first = (word >> 7) & (word >> 6) & EACH_BYTE,
          next = (word >> 7) & (~word >> 6) & EACH_BYTE;
  guint64 longer = word >> 5, overlong = ~(word >> 4 | word >> 3 | word >> 2 | word >> 1);
  if (next != first << 8 || (first & (longer | overlong)) != 0)
    return 0;
  unsigned cut = (unsigned)(first >> 56); /* the last byte begins what ends behind */
  *ret_units = 8 - cut - (unsigned)(next * EACH_BYTE >> 56);
  return 8 - cut;
}

gint64 utf8_measure(const char *text, gsize size, bool *ret_pairs)
{
  const guint8 *at = (const guint8 *)text, *end = at + size;
  gint64 units = 0;
  *ret_pairs = false;
  while (at < end) {
    guint64 word = word_at(at, (gsize)(end - at));
    unsigned met = 8, length = (word & EACH_BYTE << 7) == 0 ? 8 : short_ahead(word, &met);
    if (length > 0) {
      gsize beyond = (gsize)MAX(0, 8 - (end - at)); /* zeros, each taken for a character */
      at += length - beyond;
      units += met - beyond;
      continue;
    }
    for (; *at < 0x80; at++)
      units++;
    length = utf8_sequence(at, end);
    if (length == 0)
      return -1;
    at += length;
    units += length == 4 ? 2 : 1;
    *ret_pairs |= length == 4;
  }
  return units;
}

gint64 utf8_units(const char *text, gsize size)
{
  bool pairs;
  return utf8_measure(text, size, &pairs);
}

gsize utf8_valid_units(const char *text, gsize size)
{
  gsize units = size, at = 0;
  /* a sequence of four bytes is a pair: one unit for its first byte and one for the others */
  for (; size - at >= 8; at += 8) {
    guint64 word;
    memcpy(&word, text + at, 8);
    guint64 continuations = (word >> 7) & (~word >> 6) & EACH_BYTE;
    guint64 pairs = (word >> 7) & (word >> 6) & (word >> 5) & (word >> 4) & EACH_BYTE;
    units -= continuations * EACH_BYTE >> 56; /* the sum of the bytes */
    units += pairs * EACH_BYTE >> 56;
  }
  for (; at < size; at++) {
    units -= ((guint8)text[at] & 0xc0) == 0x80;
    units += (guint8)text[at] >= 0xf0;
  }
  return units;
}

bool read_string(Reader *reader, Str *ret_string)
{
  return read_bytes(reader, ret_string) && utf8_units(ret_string->text, ret_string->size) >= 0;
}

static bool skip_size(Reader *reader, gsize size)
{
  if ((gsize)(reader->end - reader->at) < size)
    return false;
  reader->at += size;
  return true;
}

/* One value without its members; for an object or array their number is left to be read. */
static bool skip_any_head(Reader *reader, bool *ret_object, guint64 *ret_members)
{
  guint8 tag;
  Str string;
  bool negative;
  guint64 number;
  *ret_members = 0;
  *ret_object = false;
  if (!read_byte(reader, &tag))
    return false;
  switch (tag) {
  case 127: /* undefined */
  case 126: /* null */
  case 121: /* false */
  case 120: /* true */
    return true;
  case 125:
    return read_int(reader, &negative, &number);
  case 124:
    return skip_size(reader, 4);
  case 123:
  case 122:
    return skip_size(reader, 8);
  case 119:
    return read_string(reader, &string);
  case 118:
    *ret_object = true;
    return read_uint(reader, ret_members);
  case 117:
    return read_uint(reader, ret_members);
  case 116:
    return read_bytes(reader, &string);
  default:
    return false;
  }
}

bool skip_any(Reader *reader)
{
  struct {
    guint64 members;
    bool object;
  } open[YVALUE_DEPTH];
  unsigned depth = 0;
  do {
    Str key;
    bool object;
    guint64 members;
    if (depth > 0) {
      open[depth - 1].members--;
      if (open[depth - 1].object && !read_string(reader, &key))
        return false;
    }
    if (!skip_any_head(reader, &object, &members))
      return false;
    if (members > 0) {
      if (depth == YVALUE_DEPTH)
        return false;
      open[depth].members = members;
      open[depth++].object = object;
    }
    while (depth > 0 && open[depth - 1].members == 0)
      depth--;
  } while (depth > 0);
  return true;
}

static void json_space(Reader *reader)
{
  while (reader->at < reader->end &&
         (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r'))
    reader->at++;
}

static bool json_literal(Reader *reader, const char *word)
{
  gsize size = strlen(word);
  if ((gsize)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
    return false;
  reader->at += size;
  return true;
}

static bool json_string(Reader *reader)
{
  if (reader->at == reader->end || *reader->at++ != '"')
    return false;
  while (reader->at < reader->end) {
    guint8 byte = *reader->at++;
    if (byte == '"')
      return true;
    if (byte < 0x20)
      return false;
    if (byte != '\\')
      continue;
    if (reader->at == reader->end)
      return false;
    byte = *reader->at++;
    if (byte == 'u') {
      for (int i = 0; i < 4; i++)
        if (reader->at == reader->end || !g_ascii_isxdigit((char)*reader->at++))
          return false;
    } else if (byte == 0 || strchr("\"\\/bfnrt", byte) == NULL) {
      return false;
    }
  }
  return false;
}

static bool json_digits(Reader *reader)
{
  const guint8 *start = reader->at;
  while (reader->at < reader->end && g_ascii_isdigit((char)*reader->at))
    reader->at++;
  return reader->at > start;
}

static bool json_number(Reader *reader)
{
  if (reader->at < reader->end && *reader->at == '-')
    reader->at++;
  if (reader->at < reader->end && *reader->at == '0')
    reader->at++;
  else if (!json_digits(reader))
    return false;
  if (reader->at < reader->end && *reader->at == '.') {
    reader->at++;
    if (!json_digits(reader))
      return false;
  }
  if (reader->at < reader->end && (*reader->at | 0x20) == 'e') {
    reader->at++;
    if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
      reader->at++;
    return json_digits(reader);
  }
  return true;
}

static bool json_scalar(Reader *reader)
{
  switch (*reader->at) {
  case '"':
    return json_string(reader);
  case 't':
    return json_literal(reader, "true");
  case 'f':
    return json_literal(reader, "false");
  case 'n':
    return json_literal(reader, "null");
  default:
    return json_number(reader);
  }
}

/* A key and its colon. */
static bool json_key(Reader *reader)
{
  json_space(reader);
  if (!json_string(reader))
    return false;
  json_space(reader);
  return json_literal(reader, ":");
}

bool json_text_is_valid(const char *text, gsize size)
{
  Reader reader = {(const guint8 *)text, (const guint8 *)text + size};
  char open[YVALUE_DEPTH]; /* the closing brackets that are due */
  unsigned depth = 0;
  for (;;) {
    json_space(&reader);
    if (reader.at == reader.end)
      return false;
    bool closed = true;
    if (*reader.at == '{' || *reader.at == '[') {
      if (depth == YVALUE_DEPTH)
        return false;
      open[depth++] = *reader.at == '{' ? '}' : ']';
      reader.at++;
      json_space(&reader);
      closed = reader.at < reader.end && *reader.at == open[depth - 1];
      if (!closed) {
        if (open[depth - 1] == '}' && !json_key(&reader))
          return false;
        continue;
      }
    } else if (!json_scalar(&reader)) {
      return false;
    }
    /* a value just ended, or an empty container is about to close */
    for (json_space(&reader); depth > 0; json_space(&reader)) {
      if (reader.at == reader.end)
        return false;
      if (*reader.at != open[depth - 1])
        break;
      reader.at++;
      depth--;
    }
    if (depth == 0)
      return reader.at == reader.end;
    if (*reader.at++ != ',' || (open[depth - 1] == '}' && !json_key(&reader)))
      return false;
  }
}

void buffer_grow(Buffer *buffer, gsize more)
{
  gsize capacity = buffer->capacity + buffer->capacity / 4;
  buffer->capacity = MAX(MAX(capacity, buffer->size + more), 32);
  buffer->data = g_realloc(buffer->data, buffer->capacity);
}

void buffer_fit(Buffer *buffer)
{
  buffer->data = g_realloc(buffer->data, buffer->size);
  buffer->capacity = buffer->size;
}

void buffer_clear(Buffer *buffer)
{
  g_free(buffer->data);
  *buffer = (Buffer){0};
}

GBytes *buffer_steal(Buffer *buffer)
{
  GBytes *bytes = g_bytes_new_take(buffer->data, buffer->size);
  *buffer = (Buffer){0};
  return bytes;
}
