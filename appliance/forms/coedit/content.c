/* Content: text between UTF-8 and CESU-8, Any and JSON values, and the encoding of an item's
 * content in update format v1. */
#include "forms/coedit/content.h"
#include <math.h>

static const guint8 replacement[3] = {0xef, 0xbf, 0xbd}; /* U+FFFD */

bool text_to_cesu(Buffer *buffer, const char *text, gsize size)
{
  bool surrogates = false;
  const guint8 *at = (const guint8 *)text, *end = at + size, *copied = at;
  buffer_reserve(buffer, size);
  for (; at < end; at++) {
    guint64 word;
    for (; end - at >= 8; at += 8) { /* eight bytes without a first byte of four */
      memcpy(&word, at, 8);
      if ((word & word << 1 & word << 2 & word << 3 & G_GUINT64_CONSTANT(0x8080808080808080)) != 0)
        break;
    }
    if (at == end || *at < 0xf0)
      continue;
    write_raw(buffer, copied, (gsize)(at - copied));
    guint32 rest = ((guint32)(at[0] & 7) << 18 | (guint32)(at[1] & 63) << 12 |
                    (guint32)(at[2] & 63) << 6 | (guint32)(at[3] & 63)) -
                   0x10000;
    guint32 units[2] = {0xd800 | rest >> 10, 0xdc00 | (rest & 0x3ff)};
    for (int i = 0; i < 2; i++) {
      guint8 bytes[3] = {0xed, (guint8)(0x80 | (units[i] >> 6 & 63)),
                         (guint8)(0x80 | (units[i] & 63))};
      write_raw(buffer, bytes, 3);
    }
    at += 3;
    copied = at + 1;
    surrogates = true;
  }
  write_raw(buffer, copied, (gsize)(end - copied));
  return surrogates;
}

static bool is_high(const guint8 *at, const guint8 *end)
{
  return end - at >= 3 && at[0] == 0xed && at[1] >= 0xa0 && at[1] <= 0xaf;
}

static bool is_low(const guint8 *at, const guint8 *end)
{
  return end - at >= 3 && at[0] == 0xed && at[1] >= 0xb0;
}

void text_from_cesu(Buffer *buffer, const guint8 *text, gsize size)
{
  if (size == 0)
    return;
  const guint8 *end = text + size, *copied = text, *at = text;
  while (at < end) {
    if (*at != 0xed || end - at < 3 || at[1] < 0xa0) {
      at++;
      continue;
    }
    write_raw(buffer, copied, (gsize)(at - copied));
    if (is_high(at, end) && is_low(at + 3, end)) {
      guint32 code = 0x10000 + ((guint32)(at[1] & 15) << 16 | (guint32)(at[2] & 63) << 10 |
                                (guint32)(at[4] & 15) << 6 | (guint32)(at[5] & 63));
      guint8 bytes[4] = {(guint8)(0xf0 | code >> 18), (guint8)(0x80 | (code >> 12 & 63)),
                         (guint8)(0x80 | (code >> 6 & 63)), (guint8)(0x80 | (code & 63))};
      write_raw(buffer, bytes, 4);
      at += 6;
    } else {
      write_raw(buffer, replacement, 3);
      at += 3;
    }
    copied = at;
  }
  write_raw(buffer, copied, (gsize)(end - copied));
}

gsize cesu_bytes(const guint8 *text, gsize size, guint64 units)
{
  gsize at = 0;
  /* every unit begins with a byte that is no continuation: eight bytes hold at most eight */
  for (; units >= 8 && size - at >= 8; at += 8) {
    guint64 word;
    memcpy(&word, text + at, 8);
    guint64 continuations = (word >> 7) & (~word >> 6) & G_GUINT64_CONSTANT(0x0101010101010101);
    units -= 8 - (guint64)__builtin_popcountll(continuations);
  }
  for (; at < size; at++) {
    if ((text[at] & 0xc0) != 0x80 && units-- == 0)
      break;
  }
  return at;
}

guint32 item_prefix(const Doc *doc, const Item *item, guint32 count)
{
  guint32 size = item->content.bytes.size;
  if (count == 0)
    return 0;
  if (count >= item->length)
    return size;
  const guint8 *data = item_bytes(doc, item);
  Reader reader = {data, data + size};
  Str string;
  switch (item->kind) {
  case KIND_STRING:
    return size == item->length ? count : (guint32)cesu_bytes(data, size, count);
  case KIND_ANY:
    while (count-- > 0)
      skip_any(&reader);
    return (guint32)(reader.at - data);
  case KIND_JSON:
    while (count-- > 0)
      read_bytes(&reader, &string);
    return (guint32)(reader.at - data);
  default:
    return size;
  }
}

static void write_text(const Doc *doc, Buffer *buffer, const Item *item, guint32 from)
{
  const guint8 *text = item_bytes(doc, item) + from;
  gsize size = item->content.bytes.size - from;
  if (!doc_client(doc, item->client)->surrogates) {
    write_string(buffer, (const char *)text, size);
    return;
  }
  Buffer utf8 = {0};
  text_from_cesu(&utf8, text, size);
  write_string(buffer, (const char *)utf8.data, utf8.size);
  buffer_clear(&utf8);
}

void item_write_content(const Doc *doc, Buffer *buffer, const Item *item, guint32 offset)
{
  if (item->kind == KIND_DELETED) {
    write_uint(buffer, item->length - offset);
    return;
  }
  if (item->kind == KIND_TYPE) {
    const Type *type = item_type(doc, item);
    write_uint(buffer, type->kind);
    if (type->name != NONE) {
      Str name = doc_key_text(doc, type->name);
      write_string(buffer, name.text, name.size);
    }
    return;
  }
  guint32 from = item_prefix(doc, item, offset);
  const guint8 *data = item_bytes(doc, item) + from;
  gsize size = item->content.bytes.size - from;
  switch (item->kind) {
  case KIND_STRING:
    write_text(doc, buffer, item, from);
    break;
  case KIND_ANY:
  case KIND_JSON:
    write_uint(buffer, item->length - offset);
    write_raw(buffer, data, size);
    break;
  case KIND_BINARY:
  case KIND_EMBED:
    write_string(buffer, (const char *)data, size);
    break;
  default: /* a format or document is kept as it is encoded */
    write_raw(buffer, data, size);
  }
}

static json_t *number_to_json(double number)
{
  if (!isfinite(number))
    return json_null();
  if (number == floor(number) && fabs(number) <= (double)YINT_MAX)
    return json_integer((json_int_t)number);
  return json_real(number);
}

static guint64 read_big_endian(Reader *reader, unsigned size)
{
  guint64 number = 0;
  while (size-- > 0)
    number = number << 8 | *reader->at++;
  return number;
}

static json_t *base64_to_json(const char *data, gsize size)
{
  g_autofree char *text = g_base64_encode((const guchar *)data, size);
  return json_string(text);
}

/* Keys with NUL are left out of JSON: neither jansson's readers nor C strings know them. */
bool has_nul(const char *text, gsize size)
{
  return memchr(text, 0, size) != NULL;
}

static json_t *any_members(Reader *reader, bool object, guint depth)
{
  json_t *value = object ? json_object() : json_array();
  guint64 members;
  read_uint(reader, &members);
  while (members-- > 0) {
    Str key;
    if (!object) {
      json_array_append_new(value, any_to_json(reader, depth - 1));
      continue;
    }
    read_bytes(reader, &key);
    json_t *member = any_to_json(reader, depth - 1);
    if (has_nul(key.text, key.size))
      json_decref(member);
    else
      json_object_setn_new_nocheck(value, key.text, key.size, member);
  }
  return value;
}

json_t *any_to_json(Reader *reader, guint depth)
{
  guint8 tag = *reader->at;
  bool negative;
  guint64 number;
  Str bytes;
  if (depth == 0 && (tag == 118 || tag == 117)) {
    skip_any(reader);
    return json_null();
  }
  reader->at++;
  switch (tag) {
  case 125:
    read_int(reader, &negative, &number);
    return json_integer(negative ? -(json_int_t)number : (json_int_t)number);
  case 124: {
    guint32 bits = (guint32)read_big_endian(reader, 4);
    float single;
    memcpy(&single, &bits, 4);
    return number_to_json((double)single);
  }
  case 123: {
    guint64 bits = read_big_endian(reader, 8);
    double real;
    memcpy(&real, &bits, 8);
    return number_to_json(real);
  }
  case 122:
    return json_integer((json_int_t)read_big_endian(reader, 8));
  case 121:
    return json_false();
  case 120:
    return json_true();
  case 119:
    read_bytes(reader, &bytes);
    return json_stringn_nocheck(bytes.text, bytes.size);
  case 118:
  case 117:
    return any_members(reader, tag == 118, depth);
  case 116:
    read_bytes(reader, &bytes);
    return base64_to_json(bytes.text, bytes.size);
  default:
    return json_null();
  }
}

static void any_from_number(Buffer *buffer, double number)
{
  if (number == floor(number) && fabs(number) <= (double)G_MAXINT32) {
    write_byte(buffer, 125);
    write_int(buffer, signbit(number) != 0, (guint64)fabs(number));
    return;
  }
  float single = (float)number;
  guint64 bits = 0;
  unsigned size = (double)single == number ? 4 : 8;
  if (size == 4) {
    guint32 word;
    memcpy(&word, &single, 4);
    bits = word;
  } else {
    memcpy(&bits, &number, 8);
  }
  write_byte(buffer, size == 4 ? 124 : 123);
  while (size-- > 0)
    write_byte(buffer, (guint8)(bits >> (8 * size)));
}

/* The caller has checked the value's depth. */
void any_from_json(Buffer *buffer, const json_t *value)
{
  size_t index;
  const json_t *member;
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    write_byte(buffer, 118);
    write_uint(buffer, json_object_size(value));
    for (void *at = json_object_iter((json_t *)value); at != NULL;
         at = json_object_iter_next((json_t *)value, at)) {
      write_string(buffer, json_object_iter_key(at), json_object_iter_key_len(at));
      any_from_json(buffer, json_object_iter_value(at));
    }
    break;
  case JSON_ARRAY:
    write_byte(buffer, 117);
    write_uint(buffer, json_array_size(value));
    json_array_foreach(value, index, member) any_from_json(buffer, member);
    break;
  case JSON_STRING:
    write_byte(buffer, 119);
    write_string(buffer, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
  case JSON_REAL:
    any_from_number(buffer, json_number_value(value));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    write_byte(buffer, json_is_true(value) ? 120 : 121);
    break;
  case JSON_NULL:
    write_byte(buffer, 126);
    break;
  }
}

static json_t *limit_depth(json_t *value, guint depth)
{
  const char *key;
  void *next;
  size_t index;
  json_t *member;
  if (depth == 0 && (json_is_object(value) || json_is_array(value)))
    return json_null();
  json_object_foreach_safe(value, next, key, member)
      json_object_set_new(value, key, limit_depth(json_incref(member), depth - 1));
  json_array_foreach(value, index, member)
      json_array_set_new(value, index, limit_depth(json_incref(member), depth - 1));
  return value;
}

json_t *json_text_to_json(const char *text, gsize size, guint depth)
{
  json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  if (value == NULL) /* "undefined", or what JavaScript can hold and JSON cannot */
    return json_null();
  if (!json_is_object(value) && !json_is_array(value))
    return value;
  json_t *limited = limit_depth(value, depth);
  if (limited != value)
    json_decref(value);
  return limited;
}

json_t *item_value(const Doc *doc, const Item *item, guint32 index)
{
  const guint8 *data = item_bytes(doc, item);
  Reader reader = {data + item_prefix(doc, item, index), data + item->content.bytes.size};
  Str string;
  switch (item->kind) {
  case KIND_ANY:
    return any_to_json(&reader, doc->max_depth);
  case KIND_JSON:
    read_bytes(&reader, &string);
    return json_text_to_json(string.text, string.size, doc->max_depth);
  case KIND_EMBED:
    return json_text_to_json((const char *)data, item->content.bytes.size, doc->max_depth);
  case KIND_BINARY:
    return base64_to_json((const char *)data, item->content.bytes.size);
  case KIND_DOC: { /* a document by reference: its guid */
    read_bytes(&reader, &string);
    json_t *value = json_object();
    json_object_set_new(value, "guid", json_stringn_nocheck(string.text, string.size));
    return value;
  }
  default:
    return json_null();
  }
}
