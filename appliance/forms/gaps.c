/* forms/gaps.c: what the schema says, by field. */
#include "forms/private.h"
#include <string.h>

#define GAPS_MAX 500

typedef struct {
  char *path;
  const AblakSchemaIssue *issue;
  guint order;
} Gap;

static void gap_free(gpointer data)
{
  Gap *gap = data;
  g_free(gap->path);
  g_free(gap);
}

/* A missing member is a gap of that member, not of the object around it. */
static char *gap_path(const AblakSchemaIssue *issue)
{
  bool member = g_str_equal(issue->keyword, "required") ||
                g_str_equal(issue->keyword, "dependentRequired") ||
                g_str_equal(issue->keyword, "propertyNames");
  if (member && issue->detail != NULL)
    return ablak_form_path_join(issue->instance_path, issue->detail);
  return g_strdup(issue->instance_path);
}

static guint index_of(const GPtrArray *fields, const char *name)
{
  for (guint i = 0; i < fields->len; i++)
    if (g_str_equal(((AblakFormField *)g_ptr_array_index(fields, i))->name, name))
      return i;
  return fields->len;
}

/* The place in the layout: field, row, field of the row. */
static guint order_of(const AblakForm *form, const char *path)
{
  g_auto(GStrv) tokens = ablak_form_path_tokens(path);
  if (tokens == NULL || tokens[0] == NULL)
    return 0; /* of the form as a whole */
  guint top = index_of(form->fields, tokens[0]), order = (top + 1) << 20;
  const AblakFormField *field = ablak_form_top(form, tokens[0]);
  if (field == NULL || field->fields == NULL || tokens[1] == NULL)
    return order;
  guint row = (guint)g_ascii_strtoull(tokens[1], NULL, 10);
  order += (MIN(row, 4094) + 1) << 8;
  return order + (tokens[2] != NULL ? MIN(index_of(field->fields, tokens[2]), 254) + 1 : 0);
}

static gint by_order(gconstpointer a, gconstpointer b)
{
  const Gap *x = *(const Gap *const *)a, *y = *(const Gap *const *)b;
  return x->order < y->order ? -1 : x->order > y->order ? 1 : 0;
}

json_t *ablak_form_gaps(const AblakForm *form, const json_t *content)
{
  json_t *list = json_array();
  g_autoptr(GPtrArray) issues = NULL;
  if (ablak_schema_validate(form->schema, content, GAPS_MAX, &issues))
    return list;
  g_autoptr(GPtrArray) gaps = g_ptr_array_new_with_free_func(gap_free);
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < issues->len; i++) {
    g_autofree char *path = gap_path(g_ptr_array_index(issues, i));
    if (g_hash_table_contains(seen, path))
      continue;
    Gap *gap = g_new0(Gap, 1);
    gap->issue = g_ptr_array_index(issues, i);
    gap->order = order_of(form, path);
    gap->path = g_steal_pointer(&path);
    g_hash_table_add(seen, gap->path);
    g_ptr_array_add(gaps, gap);
  }
  g_ptr_array_sort(gaps, by_order);
  for (guint i = 0; i < gaps->len; i++) {
    const Gap *gap = g_ptr_array_index(gaps, i);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s?}", "path", gap->path, "keyword",
                                          gap->issue->keyword, "detail", gap->issue->detail));
  }
  return list;
}
