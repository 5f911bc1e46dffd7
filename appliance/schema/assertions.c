/* schema/assertions.c: reporting, and the keywords that look at one value alone. */
#include "schema/visit.h"
#include <string.h>

void ablak_schema_issue_free(AblakSchemaIssue *issue)
{
  g_free(issue->instance_path);
  g_free(issue->schema_path);
  g_free(issue->keyword);
  g_free(issue->detail);
  g_free(issue);
}

static void put_path(GString *out, const Path *path)
{
  if (path == NULL)
    return;
  put_path(out, path->up);
  g_string_append_c(out, '/');
  if (path->name == NULL) {
    g_string_append_printf(out, "%" G_GSIZE_FORMAT, path->index);
    return;
  }
  for (const char *c = path->name; *c != '\0'; c++) {
    if (*c == '~')
      g_string_append(out, "~0");
    else if (*c == '/')
      g_string_append(out, "~1");
    else
      g_string_append_c(out, *c);
  }
}

static char *path_text(const Path *path)
{
  GString *out = g_string_new(NULL);
  put_path(out, path);
  return g_string_free(out, FALSE);
}

bool ablak_schema_report_at(const Visit *v, const Path *at, const char *keyword, const char *detail)
{
  if (v->issues == NULL || v->issues->len >= ISSUES_MAX)
    return false;
  AblakSchemaIssue *issue = g_new0(AblakSchemaIssue, 1);
  Path through = {v->through, keyword, 0};
  issue->instance_path = path_text(at);
  issue->schema_path = path_text(&through);
  issue->keyword = g_strdup(keyword);
  issue->detail = g_strdup(detail);
  g_ptr_array_add(v->issues, issue);
  return false;
}

bool ablak_schema_report(const Visit *v, const char *keyword, const char *detail)
{
  return ablak_schema_report_at(v, v->at, keyword, detail);
}

bool ablak_schema_report_size(const Visit *v, const char *keyword, gsize limit)
{
  char text[32];
  g_snprintf(text, sizeof text, "%" G_GSIZE_FORMAT, limit);
  return ablak_schema_report(v, keyword, text);
}

static bool report_json(const Visit *v, const char *keyword, const json_t *limit)
{
  if (v->issues == NULL)
    return false;
  g_autofree char *text = ablak_json_text(limit);
  return ablak_schema_report(v, keyword, text);
}

bool ablak_schema_exhaust(const Visit *v)
{
  if (!v->run->exhausted)
    ablak_schema_report(v, "limit", NULL);
  v->run->exhausted = true;
  return false;
}

/* --- assertions --- */

static unsigned type_of(const json_t *value)
{
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return SCHEMA_TYPE_OBJECT;
  case JSON_ARRAY:
    return SCHEMA_TYPE_ARRAY;
  case JSON_STRING:
    return SCHEMA_TYPE_STRING;
  case JSON_INTEGER:
    return SCHEMA_TYPE_INTEGER | SCHEMA_TYPE_NUMBER;
  case JSON_REAL:
    return ablak_schema_number_is_integer(value) ? SCHEMA_TYPE_INTEGER | SCHEMA_TYPE_NUMBER
                                                 : SCHEMA_TYPE_NUMBER;
  case JSON_TRUE:
  case JSON_FALSE:
    return SCHEMA_TYPE_BOOLEAN;
  default:
    return SCHEMA_TYPE_NULL;
  }
}

bool ablak_schema_check_any(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  bool valid = true;
  if (node->types != 0 && (node->types & type_of(v->value)) == 0)
    valid = report_json(v, "type", json_object_get(node->json, "type"));
  if (node->constant != NULL && !ablak_schema_equal(node->constant, v->value))
    valid = report_json(v, "const", node->constant);
  if (node->enumeration != NULL) {
    bool found = false;
    for (gsize i = 0; !found && i < json_array_size(node->enumeration); i++)
      found = ablak_schema_equal(json_array_get(node->enumeration, i), v->value);
    if (!found)
      valid = report_json(v, "enum", node->enumeration);
  }
  return valid;
}

bool ablak_schema_check_number(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  bool valid = true;
  if (node->maximum != NULL && ablak_schema_number_compare(v->value, node->maximum) > 0)
    valid = report_json(v, "maximum", node->maximum);
  if (node->minimum != NULL && ablak_schema_number_compare(v->value, node->minimum) < 0)
    valid = report_json(v, "minimum", node->minimum);
  if (node->exclusive_maximum != NULL &&
      ablak_schema_number_compare(v->value, node->exclusive_maximum) >= 0)
    valid = report_json(v, "exclusiveMaximum", node->exclusive_maximum);
  if (node->exclusive_minimum != NULL &&
      ablak_schema_number_compare(v->value, node->exclusive_minimum) <= 0)
    valid = report_json(v, "exclusiveMinimum", node->exclusive_minimum);
  if (node->multiple_of != NULL && !ablak_schema_number_is_multiple(v->value, node->multiple_of))
    valid = report_json(v, "multipleOf", node->multiple_of);
  return valid;
}

bool ablak_schema_check_string(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  const char *text = json_string_value(v->value);
  gsize size = json_string_length(v->value);
  bool valid = true;
  if (node->max_length != SCHEMA_NO_LIMIT || node->min_length != 0) {
    gsize length = (gsize)g_utf8_strlen(text, (gssize)size);
    if (length > node->max_length)
      valid = ablak_schema_report_size(v, "maxLength", node->max_length);
    if (length < node->min_length)
      valid = ablak_schema_report_size(v, "minLength", node->min_length);
  }
  if (node->pattern != NULL) {
    int matched = ablak_schema_pattern_match(node->pattern, text, size);
    if (matched < 0)
      return ablak_schema_exhaust(v);
    if (matched == 0)
      valid = ablak_schema_report(v, "pattern", ablak_json_get_string(node->json, "pattern"));
  }
  if (node->format != NULL && !node->format(text, size))
    valid = ablak_schema_report(v, "format", node->format_name);
  return valid;
}
