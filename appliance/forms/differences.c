/* forms/differences.c: what a completion has changed, by field. */
#include "forms/private.h"
#include <string.h>

static bool equal(const json_t *before, const json_t *after)
{
  return before == NULL || after == NULL ? before == after : json_equal(before, after);
}

static void append(json_t *paths, const char *path)
{
  json_array_append_new(paths, json_string(path));
}

static void compare_row(const AblakFormField *group, const char *path, const json_t *before,
                        const json_t *after, json_t *paths)
{
  for (guint i = 0; i < group->fields->len; i++) {
    const AblakFormField *field = g_ptr_array_index(group->fields, i);
    g_autofree char *place = ablak_form_path_join(path, field->name);
    if (!equal(json_object_get(before, field->name), json_object_get(after, field->name)))
      append(paths, place);
  }
}

/* Rows have no names: one that was taken away in the middle moves those below it up, and each of
 * them is named, for each of these places holds something else now. */
static void compare_rows(const AblakFormField *group, const char *path, const json_t *before,
                         const json_t *after, json_t *paths)
{
  gsize old = json_array_size(before), now = json_array_size(after);
  for (gsize i = 0; i < MAX(old, now); i++) {
    g_autofree char *place = g_strdup_printf("%s/%" G_GSIZE_FORMAT, path, i);
    if (i < old && i < now)
      compare_row(group, place, json_array_get(before, i), json_array_get(after, i), paths);
    else
      append(paths, place);
  }
}

json_t *ablak_form_differences(const AblakForm *form, const json_t *before, const json_t *after)
{
  json_t *paths = json_array();
  for (guint i = 0; i < form->fields->len; i++) {
    const AblakFormField *field = g_ptr_array_index(form->fields, i);
    const json_t *old = json_object_get(before, field->name);
    const json_t *now = json_object_get(after, field->name);
    g_autofree char *path = ablak_form_path_join("", field->name);
    if (field->fields != NULL)
      compare_rows(field, path, old, now, paths);
    else if (!equal(old, now))
      append(paths, path);
  }
  return paths;
}
