/* Update format v2: the same structs as v1, in columns with run lengths. */
#include "forms/coedit/v2.h"
#include "core/json.h"
#include "forms/coedit/content.h"
#include "forms/coedit/decode.h"
#include "forms/coedit/update.h"

#define INFO_KIND 0x1f
#define INFO_KEY 0x20
#define INFO_RIGHT 0x40
#define INFO_ORIGIN 0x80

enum { KEY_CLOCK, CLIENT, LEFT, RIGHT, INFO, STRINGS, PARENT, TYPE, LENGTH, COLUMNS };

/* ---- from v2 ---- */

typedef struct {
  Column columns[COLUMNS]; /* STRINGS: the lengths */
  Buffer text;             /* all strings, CESU-8 */
  gsize text_at;
  Reader rest;
  GArray *keys; /* of Str into `text` */
  Buffer out;
  gsize max_bytes;
} Source;

static bool copy_uint(Source *source, int column)
{
  guint64 number;
  if (!column_read_uint(&source->columns[column], &number))
    return false;
  write_uint(&source->out, number);
  return true;
}

static bool copy_rest_uint(Source *source, guint64 *ret_number)
{
  if (!read_uint(&source->rest, ret_number))
    return false;
  write_uint(&source->out, *ret_number);
  return true;
}

static bool next_string(Source *source, Str *ret_string)
{
  guint64 units;
  if (!column_read_uint(&source->columns[STRINGS], &units))
    return false;
  gsize left = source->text.size - source->text_at;
  const guint8 *at = source->text.data + source->text_at;
  gsize size = units > left ? left + 1 : cesu_bytes(at, left, units);
  if (size > left || (units > 0 && left == 0))
    return false;
  *ret_string = (Str){(const char *)at, (guint32)size};
  source->text_at += size;
  return true;
}

static void put_string(Source *source, const Str *string)
{
  Buffer utf8 = {0};
  text_from_cesu(&utf8, (const guint8 *)string->text, string->size);
  write_string(&source->out, (const char *)utf8.data, utf8.size);
  buffer_clear(&utf8);
}

static bool copy_string(Source *source)
{
  Str string;
  if (!next_string(source, &string))
    return false;
  put_string(source, &string);
  return true;
}

static bool copy_key(Source *source)
{
  guint64 clock;
  Str key;
  if (!column_read_difference(&source->columns[KEY_CLOCK], &clock))
    return false;
  if (clock < source->keys->len) {
    key = g_array_index(source->keys, Str, clock);
  } else {
    if (!next_string(source, &key))
      return false;
    g_array_append_val(source->keys, key);
  }
  put_string(source, &key);
  return true;
}

static bool copy_id(Source *source, int clocks)
{
  guint64 clock;
  if (!copy_uint(source, CLIENT) || !column_read_difference(&source->columns[clocks], &clock))
    return false;
  write_uint(&source->out, clock);
  return true;
}

static bool copy_any(Source *source)
{
  const guint8 *start = source->rest.at;
  if (!skip_any(&source->rest))
    return false;
  write_raw(&source->out, start, (gsize)(source->rest.at - start));
  return true;
}

/* v2 has an Any value where v1 has JSON text. */
static bool copy_json(Source *source)
{
  Reader reader = source->rest;
  if (!skip_any(&source->rest))
    return false;
  g_autoptr(json_t) value = any_to_json(&reader, YVALUE_DEPTH);
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  write_string(&source->out, text, strlen(text));
  free(text);
  return true;
}

static bool copy_values(Source *source, guint8 kind)
{
  guint64 count;
  if (!column_read_uint(&source->columns[LENGTH], &count))
    return false;
  write_uint(&source->out, count);
  while (count-- > 0) {
    if (!(kind == KIND_ANY ? copy_any(source) : copy_string(source)) ||
        source->out.size > source->max_bytes)
      return false;
  }
  return true;
}

static bool copy_type(Source *source)
{
  guint64 type;
  if (!column_read_uint(&source->columns[TYPE], &type))
    return false;
  write_uint(&source->out, type);
  bool named = type == ABLAK_YTYPE_XML_ELEMENT || type == ABLAK_YTYPE_XML_HOOK;
  return !named || copy_key(source);
}

static bool copy_binary(Source *source)
{
  Str bytes;
  if (!read_bytes(&source->rest, &bytes))
    return false;
  write_string(&source->out, bytes.text, bytes.size);
  return true;
}

static bool copy_content(Source *source, guint8 kind)
{
  switch (kind) {
  case KIND_GC:
  case KIND_DELETED:
    return copy_uint(source, LENGTH);
  case KIND_JSON:
  case KIND_ANY:
    return copy_values(source, kind);
  case KIND_BINARY:
    return copy_binary(source);
  case KIND_STRING:
    return copy_string(source);
  case KIND_EMBED:
    return copy_json(source);
  case KIND_FORMAT:
    return copy_key(source) && copy_json(source);
  case KIND_TYPE:
    return copy_type(source);
  case KIND_DOC:
    return copy_string(source) && copy_any(source);
  default:
    return false;
  }
}

static bool copy_parent(Source *source, guint8 info)
{
  guint8 is_root;
  if (!column_read_byte(&source->columns[PARENT], &is_root))
    return false;
  write_uint(&source->out, is_root == 1);
  return (is_root == 1 ? copy_string(source) : copy_id(source, LEFT)) &&
         ((info & INFO_KEY) == 0 || copy_string(source));
}

static bool copy_struct(Source *source)
{
  guint8 info;
  guint64 number;
  if (!column_read_byte(&source->columns[INFO], &info))
    return false;
  write_byte(&source->out, info);
  guint8 kind = info & INFO_KIND;
  if (kind == KIND_SKIP)
    return copy_rest_uint(source, &number);
  if (kind != KIND_GC) {
    if ((info & INFO_ORIGIN) != 0 && !copy_id(source, LEFT))
      return false;
    if ((info & INFO_RIGHT) != 0 && !copy_id(source, RIGHT))
      return false;
    if ((info & (INFO_ORIGIN | INFO_RIGHT)) == 0 && !copy_parent(source, info))
      return false;
  }
  return copy_content(source, kind) && source->out.size <= source->max_bytes;
}

static bool copy_runs(Source *source)
{
  guint64 runs, count, clock;
  if (!copy_rest_uint(source, &runs))
    return false;
  while (runs-- > 0) {
    if (!copy_rest_uint(source, &count) || !copy_uint(source, CLIENT) ||
        !copy_rest_uint(source, &clock))
      return false;
    while (count-- > 0) {
      if (!copy_struct(source))
        return false;
    }
  }
  return true;
}

static bool copy_deletes(Source *source)
{
  guint64 clients, number, count, step, length;
  if (!copy_rest_uint(source, &clients))
    return false;
  while (clients-- > 0) {
    guint64 clock = 0;
    if (!copy_rest_uint(source, &number) || !copy_rest_uint(source, &count))
      return false;
    while (count-- > 0) {
      if (!read_uint(&source->rest, &step) || !read_uint(&source->rest, &length) ||
          clock > YINT_MAX)
        return false;
      write_uint(&source->out, clock + step);
      write_uint(&source->out, length + 1);
      clock += step + length + 1;
    }
  }
  return source->rest.at == source->rest.end;
}

static bool open_source(Source *source, const void *data, gsize size)
{
  guint64 flags;
  Str column;
  source->rest = reader_of(data, size);
  if (!read_uint(&source->rest, &flags))
    return false;
  for (int i = 0; i < COLUMNS; i++) {
    if (!read_bytes(&source->rest, &column))
      return false;
    source->columns[i].reader = reader_of(column.text, column.size);
  }
  Str text;
  if (!read_string(&source->columns[STRINGS].reader, &text))
    return false;
  buffer_reserve(&source->text, 1);
  text_to_cesu(&source->text, text.text, text.size);
  return true;
}

GBytes *ablak_yupdate_from_v2(const void *data, gsize size, gsize max_bytes, GError **error)
{
  Source source = {.keys = g_array_new(FALSE, FALSE, sizeof(Str)),
                   .max_bytes = max_bytes == 0 ? 4096 + 256 * size : max_bytes};
  Update update;
  bool good = open_source(&source, data, size) && copy_runs(&source) && copy_deletes(&source) &&
              update_read(source.out.data, source.out.size, &update);
  if (good)
    update_clear(&update);
  else if (source.out.size > source.max_bytes)
    fail_large_update(error, source.max_bytes);
  else
    fail_malformed(error, "update of format v2");
  g_array_unref(source.keys);
  buffer_clear(&source.text);
  if (good)
    return buffer_steal(&source.out);
  buffer_clear(&source.out);
  return NULL;
}

/* ---- to v2 ---- */

typedef struct {
  ColumnWriter columns[COLUMNS];
  Buffer text, rest;
  guint64 key_clock;
} Target;

static void target_string(Target *target, const Str *string)
{
  write_raw(&target->text, string->text, string->size);
  column_write_uint(&target->columns[STRINGS], (guint64)utf8_units(string->text, string->size));
}

static void target_key(Target *target, const Str *key)
{
  column_write_difference(&target->columns[KEY_CLOCK], target->key_clock++);
  target_string(target, key);
}

static void target_id(Target *target, const Id *id, int clocks)
{
  column_write_uint(&target->columns[CLIENT], id->client);
  column_write_difference(&target->columns[clocks], id->clock);
}

static void target_json(Target *target, const Str *text)
{
  g_autoptr(json_t) value = json_text_to_json(text->text, text->size, YVALUE_DEPTH);
  any_from_json(&target->rest, value);
}

static void target_values(Target *target, const Struct *s)
{
  Reader reader = reader_of(s->content.text, s->content.size);
  Str string;
  column_write_uint(&target->columns[LENGTH], s->length);
  if (s->kind == KIND_ANY) {
    write_raw(&target->rest, s->content.text, s->content.size);
    return;
  }
  for (guint64 i = 0; i < s->length; i++) {
    read_bytes(&reader, &string);
    target_string(target, &string);
  }
}

/* A format's key and JSON text, or a document's guid and options. */
static void target_pair(Target *target, const Struct *s)
{
  Reader reader = reader_of(s->content.text, s->content.size);
  Str name, text;
  read_bytes(&reader, &name);
  if (s->kind == KIND_DOC) {
    target_string(target, &name);
    write_raw(&target->rest, reader.at, (gsize)(reader.end - reader.at));
    return;
  }
  read_bytes(&reader, &text);
  target_key(target, &name);
  target_json(target, &text);
}

static void target_content(Target *target, const Struct *s)
{
  switch (s->kind) {
  case KIND_JSON:
  case KIND_ANY:
    target_values(target, s);
    break;
  case KIND_BINARY:
    write_string(&target->rest, s->content.text, s->content.size);
    break;
  case KIND_STRING:
    target_string(target, &s->content);
    break;
  case KIND_EMBED:
    target_json(target, &s->content);
    break;
  case KIND_FORMAT:
  case KIND_DOC:
    target_pair(target, s);
    break;
  case KIND_TYPE:
    column_write_uint(&target->columns[TYPE], s->type);
    if (s->type == ABLAK_YTYPE_XML_ELEMENT || s->type == ABLAK_YTYPE_XML_HOOK)
      target_key(target, &s->name);
    break;
  default: /* GC, deleted */
    column_write_uint(&target->columns[LENGTH], s->length);
  }
}

static void target_struct(Target *target, const Struct *s)
{
  column_write_byte(&target->columns[INFO], *s->start);
  if (s->kind == KIND_SKIP) {
    write_uint(&target->rest, s->length);
    return;
  }
  if (s->has_origin)
    target_id(target, &s->origin, LEFT);
  if (s->has_right)
    target_id(target, &s->right, RIGHT);
  if (s->has_parent) {
    column_write_byte(&target->columns[PARENT], s->parent_is_root);
    if (s->parent_is_root)
      target_string(target, &s->root);
    else
      target_id(target, &s->parent, LEFT);
    if (s->has_key)
      target_string(target, &s->key);
  }
  target_content(target, s);
}

static void target_deletes(Target *target, Reader reader)
{
  guint64 clients = 0, number = 0, count = 0, start = 0, length = 0;
  read_uint(&reader, &clients);
  write_uint(&target->rest, clients);
  while (clients-- > 0) {
    guint64 clock = 0;
    read_uint(&reader, &number);
    read_uint(&reader, &count);
    write_uint(&target->rest, number);
    write_uint(&target->rest, count);
    while (count-- > 0) {
      read_uint(&reader, &start);
      read_uint(&reader, &length);
      write_uint(&target->rest, start - clock);
      write_uint(&target->rest, length - 1);
      clock = start + length;
    }
  }
}

static GBytes *close_target(Target *target)
{
  Buffer out = {0}, strings = {0};
  column_flush_difference(&target->columns[KEY_CLOCK]);
  column_flush_difference(&target->columns[LEFT]);
  column_flush_difference(&target->columns[RIGHT]);
  column_flush_uint(&target->columns[CLIENT]);
  column_flush_uint(&target->columns[STRINGS]);
  column_flush_uint(&target->columns[TYPE]);
  column_flush_uint(&target->columns[LENGTH]);
  write_string(&strings, (const char *)target->text.data, target->text.size);
  write_raw(&strings, target->columns[STRINGS].buffer.data, target->columns[STRINGS].buffer.size);
  write_uint(&out, 0);
  for (int i = 0; i < COLUMNS; i++) {
    const Buffer *column = i == STRINGS ? &strings : &target->columns[i].buffer;
    write_string(&out, (const char *)column->data, column->size);
  }
  write_raw(&out, target->rest.data, target->rest.size);
  buffer_clear(&strings);
  return buffer_steal(&out);
}

GBytes *ablak_yupdate_to_v2(const void *data, gsize size, GError **error)
{
  /* merging sorts the delete set, whose gaps v2 writes as differences */
  g_autoptr(GBytes) input = g_bytes_new_static(data, size);
  g_autoptr(GBytes) sorted = ablak_yupdate_merge(&input, 1, error);
  Update update;
  if (sorted == NULL)
    return NULL;
  gsize sorted_size;
  const void *sorted_data = g_bytes_get_data(sorted, &sorted_size);
  if (!update_read(sorted_data, sorted_size, &update))
    g_assert_not_reached();
  Target target = {0};
  write_uint(&target.rest, update.count);
  for (guint i = 0; i < update.count; i++) {
    Run *run = &update.runs[i];
    write_uint(&target.rest, run->left + 1);
    column_write_uint(&target.columns[CLIENT], run->current.id.client);
    write_uint(&target.rest, run->current.id.clock);
    do
      target_struct(&target, &run->current);
    while (run_advance(run));
  }
  target_deletes(&target, update.deletes);
  update_clear(&update);
  GBytes *result = close_target(&target);
  for (int i = 0; i < COLUMNS; i++)
    buffer_clear(&target.columns[i].buffer);
  buffer_clear(&target.text);
  buffer_clear(&target.rest);
  return result;
}
