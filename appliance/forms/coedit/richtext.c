/* Formatted text: as a Quill delta, and XML as its markup. */
#include "forms/coedit/content.h"
#include "forms/coedit/read.h"

typedef struct {
  json_t *ops;
  json_t *attributes; /* in force */
  Buffer text;        /* CESU-8, not yet an op */
} Delta;

static void push_op(Delta *delta, json_t *insert)
{
  json_t *op = json_object();
  json_object_set_new(op, "insert", insert);
  if (json_object_size(delta->attributes) > 0)
    json_object_set_new(op, "attributes", json_copy(delta->attributes));
  json_array_append_new(delta->ops, op);
}

static void flush_text(Delta *delta)
{
  if (delta->text.size == 0)
    return;
  Buffer utf8 = {0};
  text_from_cesu(&utf8, delta->text.data, delta->text.size);
  push_op(delta, json_stringn_nocheck((const char *)utf8.data, utf8.size));
  buffer_clear(&utf8);
  delta->text.size = 0;
}

static void take_format(Delta *delta, const Doc *doc, const Item *item)
{
  const guint8 *data = item_bytes(doc, item);
  Reader reader = {data, data + item->content.bytes.size};
  Str key, text;
  read_bytes(&reader, &key);
  read_bytes(&reader, &text);
  json_t *value = json_text_to_json(text.text, text.size, doc->max_depth);
  if (json_is_null(value) || has_nul(key.text, key.size)) {
    json_object_deln(delta->attributes, key.text, key.size);
    json_decref(value);
  } else {
    json_object_setn_new_nocheck(delta->attributes, key.text, key.size, value);
  }
}

static void take_item(Delta *delta, const Type *type, const Item *item, guint32 visible,
                      bool before, guint depth)
{
  switch (item->kind) {
  case KIND_STRING:
    write_raw(&delta->text, item_bytes(type->doc, item), item_prefix(type->doc, item, visible));
    break;
  case KIND_TYPE:
  case KIND_EMBED:
    flush_text(delta);
    push_op(delta, item->kind == KIND_EMBED ? item_value(type->doc, item, 0)
                                            : type_to_json(item_type(type->doc, item),
                                                           ABLAK_YTYPE_UNKNOWN, before, depth - 1));
    break;
  case KIND_FORMAT:
    flush_text(delta);
    take_format(delta, type->doc, item);
    break;
  default:
    break;
  }
}

static json_t *text_to_delta(const Type *type, bool before, guint depth)
{
  Delta delta = {json_array(), json_object(), {0}};
  for (const Item *item = type_first(type); item != NULL; item = item_right(type->doc, item)) {
    guint32 visible = item_visible(type->doc, item, before);
    if (visible > 0)
      take_item(&delta, type, item, visible, before, depth);
  }
  flush_text(&delta);
  json_decref(delta.attributes);
  buffer_clear(&delta.text);
  return delta.ops;
}

json_t *ablak_ytext_delta(const AblakYtype *text)
{
  return text_to_delta(text, false, text->doc->max_depth);
}

/* ---- XML ---- */

/* A value as JavaScript would put it into a string. */
static void append_value(GString *out, const json_t *value)
{
  if (json_is_string(value)) {
    g_string_append_len(out, json_string_value(value), (gssize)json_string_length(value));
  } else if (json_is_object(value)) {
    g_string_append(out, "[object Object]");
  } else {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    g_string_append(out, text);
    free(text);
  }
}

static int compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *sorted_names(json_t *object)
{
  GPtrArray *names = g_ptr_array_new();
  const char *name;
  json_t *value;
  json_object_foreach(object, name, value) g_ptr_array_add(names, (gpointer)name);
  g_ptr_array_sort(names, compare_names);
  return names;
}

static void append_attributes(GString *out, json_t *attributes)
{
  g_autoptr(GPtrArray) names = sorted_names(attributes);
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index(names, i);
    g_string_append_printf(out, " %s=\"", name);
    append_value(out, json_object_get(attributes, name));
    g_string_append_c(out, '"');
  }
}

/* Formats become elements around the text, in the order of their names. */
static void append_formatted(GString *out, json_t *op)
{
  json_t *attributes = json_object_get(op, "attributes");
  g_autoptr(GPtrArray) names = sorted_names(attributes);
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index(names, i);
    g_string_append_printf(out, "<%s", name);
    append_attributes(out, json_object_get(attributes, name));
    g_string_append_c(out, '>');
  }
  append_value(out, json_object_get(op, "insert"));
  for (guint i = names->len; i-- > 0;)
    g_string_append_printf(out, "</%s>", (const char *)g_ptr_array_index(names, i));
}

static json_t *markup(GString *out)
{
  json_t *value = json_stringn_nocheck(out->str, out->len);
  g_string_free(out, TRUE);
  return value;
}

static json_t *xml_text(const Type *type, bool before, guint depth)
{
  g_autoptr(GString) out = g_string_new(NULL);
  json_t *ops = text_to_delta(type, before, depth);
  size_t index;
  json_t *op;
  json_array_foreach(ops, index, op) append_formatted(out, op);
  json_decref(ops);
  return markup(g_steal_pointer(&out));
}

static void append_children(GString *out, const Type *type, bool before, guint depth)
{
  for (const Item *item = type_first(type); item != NULL; item = item_right(type->doc, item)) {
    guint32 count = kind_is_countable(item->kind) ? item_visible(type->doc, item, before) : 0;
    for (guint32 i = 0; i < count; i++) {
      json_t *child = item->kind == KIND_TYPE ? type_to_json(item_type(type->doc, item),
                                                             ABLAK_YTYPE_UNKNOWN, before, depth)
                                              : item_value(type->doc, item, i);
      append_value(out, child);
      json_decref(child);
    }
  }
}

json_t *xml_to_json(const Type *type, AblakYtypeKind kind, bool before, guint depth)
{
  if (kind == ABLAK_YTYPE_XML_TEXT)
    return xml_text(type, before, depth);
  GString *out = g_string_new(NULL);
  if (kind == ABLAK_YTYPE_XML_FRAGMENT) {
    append_children(out, type, before, depth - 1);
    return markup(out);
  }
  g_autofree char *name = type->name == NONE
                              ? g_strdup("undefined")
                              : g_utf8_strdown(doc_key_text(type->doc, type->name).text, -1);
  g_string_append_printf(out, "<%s", name);
  json_t *attributes = json_object();
  guint32 cursor = 0, chain;
  while (table_next(type->entries, &cursor, &chain)) {
    guint32 key = type->doc->chains[chain].key;
    json_t *value = entry_to_json(type, key, before, depth - 1);
    if (value != NULL)
      json_object_set_new_nocheck(attributes, doc_key_text(type->doc, key).text, value);
  }
  append_attributes(out, attributes);
  json_decref(attributes);
  g_string_append_c(out, '>');
  append_children(out, type, before, depth - 1);
  g_string_append_printf(out, "</%s>", name);
  return markup(out);
}
