/* Reading update format v1: all of it is checked before anything is integrated. */
#include "forms/coedit/decode.h"
#include "core/error.h"
#include "forms/coedit/content.h"

#define INFO_KIND 0x1f
#define INFO_KEY 0x20
#define INFO_RIGHT 0x40
#define INFO_ORIGIN 0x80

bool fail_malformed(GError **error, const char *what)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "coedit/malformed", "not a well-formed %s", what);
  return false;
}

bool fail_large_update(GError **error, gsize max_bytes)
{
  ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "coedit/too-large",
                  "an update is larger than %" G_GSIZE_FORMAT " bytes", max_bytes);
  return false;
}

bool fail_numbers(GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "coedit/too-large",
                  "the document would pass its bound of clocks or writers");
  return false;
}

bool fail_too_large(const Doc *doc, GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "coedit/too-large",
                  "the document would pass its bound of %" G_GSIZE_FORMAT " bytes", doc->max_bytes);
  return false;
}

static bool read_id(Reader *reader, Id *ret_id)
{
  return read_uint(reader, &ret_id->client) && read_uint(reader, &ret_id->clock);
}

/* A struct may point only at what its own client wrote before it. */
static bool points_back(const Struct *s, const Id *id)
{
  return id->client != s->id.client || id->clock < s->id.clock;
}

static bool read_parent(Reader *reader, Struct *s, guint8 info)
{
  guint64 is_root;
  s->has_parent = true;
  if (!read_uint(reader, &is_root))
    return false;
  s->parent_is_root = is_root == 1;
  if (s->parent_is_root ? !read_string(reader, &s->root)
                        : !read_id(reader, &s->parent) || !points_back(s, &s->parent))
    return false;
  s->has_key = (info & INFO_KEY) != 0;
  return !s->has_key || read_string(reader, &s->key);
}

static bool read_values(Reader *reader, Struct *s)
{
  Str string;
  if (!read_uint(reader, &s->length))
    return false;
  s->content.text = (const char *)reader->at;
  for (guint64 i = 0; i < s->length; i++) {
    if (s->kind == KIND_ANY) {
      if (!skip_any(reader))
        return false;
    } else if (!read_string(reader, &string) ||
               !((string.size == 9 && memcmp(string.text, "undefined", 9) == 0) ||
                 json_text_is_valid(string.text, string.size))) {
      return false;
    }
  }
  s->content.size = (guint32)(reader->at - (const guint8 *)s->content.text);
  return true;
}

static bool read_type(Reader *reader, Struct *s)
{
  guint64 type;
  if (!read_uint(reader, &type) || type > ABLAK_YTYPE_XML_TEXT)
    return false;
  s->type = (guint8)type;
  bool named = type == ABLAK_YTYPE_XML_ELEMENT || type == ABLAK_YTYPE_XML_HOOK;
  return !named || read_string(reader, &s->name);
}

static bool read_json_text(Reader *reader, Str *ret_text)
{
  return read_string(reader, ret_text) && json_text_is_valid(ret_text->text, ret_text->size);
}

/* A format (key, JSON text) and a document (guid, options) are kept as they are encoded. */
static bool read_pair(Reader *reader, Struct *s)
{
  Str text;
  s->content.text = (const char *)reader->at;
  if (!read_string(reader, &s->name) ||
      !(s->kind == KIND_FORMAT ? read_json_text(reader, &text) : skip_any(reader)))
    return false;
  s->content.size = (guint32)(reader->at - (const guint8 *)s->content.text);
  return true;
}

static bool read_content(Reader *reader, Struct *s, bool checked)
{
  s->length = 1;
  switch (s->kind) {
  case KIND_GC:
  case KIND_SKIP:
  case KIND_DELETED:
    return read_uint(reader, &s->length);
  case KIND_JSON:
  case KIND_ANY:
    return read_values(reader, s);
  case KIND_BINARY:
    return read_bytes(reader, &s->content);
  case KIND_STRING: {
    if (!read_bytes(reader, &s->content))
      return false;
    gint64 units = checked ? (gint64)utf8_valid_units(s->content.text, s->content.size)
                           : utf8_measure(s->content.text, s->content.size, &s->pairs);
    s->length = (guint64)units;
    return units >= 0;
  }
  case KIND_EMBED:
    return read_json_text(reader, &s->content);
  case KIND_FORMAT:
  case KIND_DOC:
    return read_pair(reader, s);
  case KIND_TYPE:
    return read_type(reader, s);
  default:
    return false;
  }
}

static inline bool read_struct(Reader *reader, guint64 client, guint64 clock, bool checked,
                               Struct *ret_struct)
{
  Struct *s = ret_struct;
  guint8 info;
  /* not all of it is cleared: that would cost as much as reading it */
  s->id = (Id){client, clock};
  s->start = reader->at;
  s->has_origin = s->has_right = s->has_parent = s->has_key = s->parent_is_root = false;
  s->pairs = true;
  s->type = 0;
  s->content = s->name = (Str){NULL, 0};
  if (!read_byte(reader, &info))
    return false;
  s->kind = info & INFO_KIND;
  if (s->kind != KIND_GC && s->kind != KIND_SKIP) {
    s->has_origin = (info & INFO_ORIGIN) != 0;
    s->has_right = (info & INFO_RIGHT) != 0;
    if (s->has_origin && (!read_id(reader, &s->origin) || !points_back(s, &s->origin)))
      return false;
    if (s->has_right && (!read_id(reader, &s->right) || !points_back(s, &s->right)))
      return false;
    if (!s->has_origin && !s->has_right && !read_parent(reader, s, info))
      return false;
  }
  if (!read_content(reader, s, checked))
    return false;
  s->end = reader->at;
  return s->length <= YINT_MAX - clock;
}

bool struct_read(Reader *reader, guint64 client, guint64 clock, Struct *ret_struct)
{
  return read_struct(reader, client, clock, false, ret_struct);
}

bool run_advance(Run *run)
{
  run->has_current = run->left > 0;
  if (!run->has_current)
    return false;
  run->left--;
  if (!read_struct(&run->reader, run->next.client, run->next.clock, true, &run->current))
    g_assert_not_reached(); /* the update was checked */
  run->next.clock += run->current.length;
  return true;
}

/* Checks one run and steps over it. */
static bool check_run(Reader *reader, Run *run)
{
  guint64 clock = run->next.clock;
  if (!struct_read(reader, run->next.client, clock, &run->current))
    return false;
  run->next.clock += run->current.length;
  run->has_current = true;
  clock = run->next.clock;
  for (guint64 i = 0; i < run->left; i++) {
    Struct s;
    if (!struct_read(reader, run->next.client, clock, &s))
      return false;
    clock += s.length;
  }
  run->end = clock;
  run->reader = (Reader){run->current.end, reader->at};
  return true;
}

static bool check_deletes(Reader *reader, guint64 *ret_count)
{
  guint64 clients, client, count, clock, length;
  if (!read_uint(reader, &clients))
    return false;
  while (clients-- > 0) {
    if (!read_uint(reader, &client) || !read_uint(reader, &count))
      return false;
    *ret_count += count;
    while (count-- > 0) {
      if (!read_uint(reader, &clock) || !read_uint(reader, &length) || length > YINT_MAX - clock)
        return false;
    }
  }
  return reader->at == reader->end;
}

static int compare_runs(gconstpointer a, gconstpointer b)
{
  const Run *one = a, *other = b;
  if (one->next.client != other->next.client)
    return one->next.client < other->next.client ? 1 : -1;
  return one->current.id.clock < other->current.id.clock ? -1 : 1;
}

static bool read_run(Reader *reader, Run *run, guint64 *ret_structs)
{
  guint64 count;
  run->has_current = run->dead = run->waiting = false;
  if (!read_uint(reader, &count) || !read_id(reader, &run->next))
    return false;
  *ret_structs += count;
  if (count == 0)
    return true;
  run->left = count - 1;
  return check_run(reader, run);
}

static bool read_many_runs(Reader *reader, guint64 groups, Update *update)
{
  GArray *runs = g_array_new(FALSE, FALSE, sizeof(Run));
  bool good = true;
  while (good && groups-- > 0) {
    Run run;
    good = read_run(reader, &run, &update->struct_count);
    if (good && run.has_current)
      g_array_append_val(runs, run);
  }
  g_array_sort(runs, compare_runs);
  update->count = runs->len;
  update->runs = (Run *)(void *)g_array_free(runs, !good);
  return good;
}

static bool read_runs(Reader *reader, Update *update)
{
  guint64 groups;
  if (!read_uint(reader, &groups))
    return false;
  if (groups > 1)
    return read_many_runs(reader, groups, update);
  update->runs = &update->first;
  if (groups == 0)
    return true;
  bool good = read_run(reader, &update->first, &update->struct_count);
  update->count = update->first.has_current;
  return good;
}

bool update_read(const void *data, gsize size, Update *ret_update)
{
  Update *update = ret_update;
  Reader reader = reader_of(data, size);
  update->runs = NULL;
  update->count = 0;
  update->struct_count = update->delete_count = 0;
  bool good = size <= G_MAXINT32 && read_runs(&reader, update);
  update->deletes = reader;
  good = good && check_deletes(&reader, &update->delete_count);
  if (!good)
    update_clear(update);
  return good;
}

void update_clear(Update *update)
{
  if (update->runs != &update->first)
    g_free(update->runs);
  update->runs = NULL;
}

/* The content without its first `offset` units, in format v1. */
static void write_rest(Buffer *buffer, const Struct *s, guint64 offset)
{
  Reader reader = reader_of(s->content.text, s->content.size);
  Str string;
  switch (s->kind) {
  case KIND_DELETED:
    write_uint(buffer, s->length - offset);
    break;
  case KIND_ANY:
  case KIND_JSON:
    write_uint(buffer, s->length - offset);
    for (guint64 i = 0; i < offset; i++) {
      if (s->kind == KIND_ANY)
        skip_any(&reader);
      else
        read_bytes(&reader, &string);
    }
    write_raw(buffer, reader.at, (gsize)(reader.end - reader.at));
    break;
  default: { /* text: the only other kind longer than one */
    Buffer cesu = {0}, utf8 = {0};
    text_to_cesu(&cesu, s->content.text, s->content.size);
    gsize skip = cesu_bytes(cesu.data, cesu.size, offset);
    text_from_cesu(&utf8, cesu.data + skip, cesu.size - skip);
    write_string(buffer, (const char *)utf8.data, utf8.size);
    buffer_clear(&cesu);
    buffer_clear(&utf8);
  }
  }
}

void struct_write(Buffer *buffer, const Struct *s, guint64 offset)
{
  if (offset == 0) {
    write_raw(buffer, s->start, (gsize)(s->end - s->start));
    return;
  }
  if (s->kind == KIND_GC || s->kind == KIND_SKIP) {
    write_byte(buffer, s->kind);
    write_uint(buffer, s->length - offset);
    return;
  }
  /* what is left follows its own first part */
  write_byte(buffer, (guint8)(s->kind | INFO_ORIGIN | (s->has_right ? INFO_RIGHT : 0)));
  write_uint(buffer, s->id.client);
  write_uint(buffer, s->id.clock + offset - 1);
  if (s->has_right) {
    write_uint(buffer, s->right.client);
    write_uint(buffer, s->right.clock);
  }
  write_rest(buffer, s, offset);
}
