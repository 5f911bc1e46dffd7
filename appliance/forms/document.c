/* forms/document.c: a form as a Yjs document. Containers are the box's; people fill them. */
#include "core/error.h"
#include "forms/private.h"
#include <string.h>

#define ROWS_MAX 200 /* of a group whose schema names no maxItems */

static bool prepare_map(const GPtrArray *fields, bool office, AblakYtype *map, GError **error)
{
  for (guint i = 0; i < fields->len; i++) {
    const AblakFormField *field = g_ptr_array_index(fields, i);
    bool group = field->widget == ABLAK_WIDGET_REPEAT;
    if (field->office != office || (!group && !ablak_widget_is_text(field->widget)))
      continue;
    if (ablak_ymap_get_type(map, field->name) == NULL &&
        ablak_ymap_set_type(map, field->name, group ? ABLAK_YTYPE_ARRAY : ABLAK_YTYPE_TEXT,
                            error) == NULL)
      return false;
  }
  return true;
}

bool ablak_form_prepare(const AblakForm *form, bool office, AblakYdoc *doc, GError **error)
{
  return prepare_map(form->fields, office, ablak_ydoc_root(doc, FORM_ROOT), error);
}

bool ablak_form_append_row(const AblakForm *form, AblakYdoc *doc, const AblakFormField *group,
                           GError **error)
{
  AblakYtype *rows = ablak_ymap_get_type(ablak_ydoc_root(doc, FORM_ROOT), group->name);
  guint64 count = rows != NULL ? ablak_ytype_length(rows) : 0;
  gint64 most = ablak_json_get_int(group->schema, "maxItems", ROWS_MAX);
  if (rows == NULL || count >= (guint64)MIN(most, ROWS_MAX)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/too-many-rows",
                    "the group has all its rows");
    return false;
  }
  AblakYtype *row = ablak_yarray_insert_type(rows, count, ABLAK_YTYPE_MAP, error);
  return row != NULL && prepare_map(group->fields, group->office, row, error);
}

bool ablak_form_value_fits(const AblakFormField *field, const json_t *value)
{
  if (json_is_null(value))
    return true;
  switch (field->widget) {
  case ABLAK_WIDGET_CHECKBOX:
    return json_is_boolean(value);
  case ABLAK_WIDGET_NUMBER: /* what is no number yet is kept as it was typed, and is a gap */
    return json_is_number(value) || (json_is_string(value) && json_string_length(value) <= 100);
  case ABLAK_WIDGET_DATE:
  case ABLAK_WIDGET_SELECT:
  case ABLAK_WIDGET_RADIO:
    return json_is_string(value) && json_string_length(value) <= 400;
  case ABLAK_WIDGET_REPEAT:
    return false;
  default:
    return json_is_string(value) && json_string_length(value) <= FORM_TEXT_MAX;
  }
}

/* The map that holds the field at `path`, and the key in it. */
static AblakYtype *map_of(AblakYdoc *doc, const AblakFormField *field, const char *path)
{
  AblakYtype *root = ablak_ydoc_root(doc, FORM_ROOT);
  if (field->group == NULL)
    return root;
  g_auto(GStrv) tokens = ablak_form_path_tokens(path);
  AblakYtype *rows = ablak_ymap_get_type(root, field->group->name);
  guint64 row = g_ascii_strtoull(tokens[1], NULL, 10);
  return rows != NULL && row < ablak_ytype_length(rows) ? ablak_yarray_get_type(rows, row) : NULL;
}

bool ablak_form_set(const AblakForm *form, AblakYdoc *doc, const char *path, const json_t *value,
                    GError **error)
{
  const AblakFormField *field = ablak_form_field_at(form, path);
  AblakYtype *map = field != NULL ? map_of(doc, field, path) : NULL;
  if (map == NULL) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/unknown-field", "no such field");
    return false;
  }
  if (!ablak_form_value_fits(field, value)) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/value", "not a value of that field");
    return false;
  }
  if (ablak_widget_is_text(field->widget)) {
    AblakYtype *text = ablak_ymap_get_type(map, field->name);
    if (text == NULL)
      text = ablak_ymap_set_type(map, field->name, ABLAK_YTYPE_TEXT, error);
    const char *string = json_is_string(value) ? json_string_value(value) : "";
    return text != NULL && ablak_ytext_replace(text, string, error);
  }
  if (json_is_null(value)) {
    ablak_ymap_delete(map, field->name);
    return true;
  }
  g_autoptr(json_t) before = ablak_ymap_get(map, field->name);
  return (before != NULL && json_equal(before, value)) ||
         ablak_ymap_set(map, field->name, value, error);
}

static void collect_map(const GPtrArray *fields, bool office, AblakYtype *map, json_t *content);

static json_t *collect_rows(const AblakFormField *group, AblakYtype *rows)
{
  json_t *list = json_array();
  guint64 count =
      rows != NULL && ablak_ytype_kind(rows) == ABLAK_YTYPE_ARRAY ? ablak_ytype_length(rows) : 0;
  for (guint64 i = 0; i < count; i++) {
    json_t *row = json_object();
    AblakYtype *map = ablak_yarray_get_type(rows, i);
    if (map != NULL)
      collect_map(group->fields, group->office, map, row);
    json_array_append_new(list, row);
  }
  return list;
}

static json_t *collect_field(const AblakFormField *field, AblakYtype *map)
{
  if (field->widget == ABLAK_WIDGET_REPEAT)
    return collect_rows(field, ablak_ymap_get_type(map, field->name));
  if (!ablak_widget_is_text(field->widget))
    return ablak_ymap_get(map, field->name);
  AblakYtype *text = ablak_ymap_get_type(map, field->name);
  if (text == NULL || ablak_ytype_kind(text) != ABLAK_YTYPE_TEXT)
    return NULL;
  g_autofree char *string = ablak_ytext_string(text);
  g_strstrip(string);
  return json_string(string);
}

/* Only what is a field of the form counts; nothing filled in is nothing there. */
static void collect_map(const GPtrArray *fields, bool office, AblakYtype *map, json_t *content)
{
  for (guint i = 0; i < fields->len; i++) {
    const AblakFormField *field = g_ptr_array_index(fields, i);
    if (field->office != office)
      continue;
    g_autoptr(json_t) value = collect_field(field, map);
    bool empty = value == NULL || json_is_null(value) ||
                 (json_is_string(value) && json_string_length(value) == 0) ||
                 (json_is_array(value) && json_array_size(value) == 0);
    if (!empty)
      json_object_set(content, field->name, value);
  }
}

void ablak_form_collect(const AblakForm *form, bool office, AblakYdoc *doc, json_t *content)
{
  collect_map(form->fields, office, ablak_ydoc_root(doc, FORM_ROOT), content);
}

static char *pointer_of(const json_t *path)
{
  g_autofree char *pointer = g_strdup("");
  for (gsize i = 1; i < json_array_size(path); i++) {
    const json_t *token = json_array_get(path, i);
    g_autofree char *number = NULL;
    if (json_is_integer(token))
      number = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(token));
    char *joined =
        ablak_form_path_join(pointer, number != NULL ? number : json_string_value(token));
    g_free(pointer);
    pointer = joined;
  }
  return g_steal_pointer(&pointer);
}

const char *ablak_form_refusal(const AblakForm *form, bool office, const AblakYdocChange *change,
                               char **ret_path)
{
  g_autofree char *path = pointer_of(change->path);
  const char *root = json_string_value(json_array_get(change->path, 0));
  const AblakFormField *field =
      g_strcmp0(root, FORM_ROOT) == 0 ? ablak_form_field_at(form, path) : NULL;
  *ret_path = g_steal_pointer(&path);
  if (field == NULL || field->office != office)
    return "unknown";
  switch (change->kind) {
  case ABLAK_YDOC_TEXT:
    return ablak_widget_is_text(field->widget) ? NULL : "structure";
  case ABLAK_YDOC_MAP_SET:
  case ABLAK_YDOC_MAP_DELETE:
    return field->widget == ABLAK_WIDGET_REPEAT || ablak_widget_is_text(field->widget) ? "structure"
                                                                                       : NULL;
  default: /* rows may be taken away; new ones are the box's */
    return field->widget == ABLAK_WIDGET_REPEAT && change->inserted == 0 ? NULL : "structure";
  }
}
