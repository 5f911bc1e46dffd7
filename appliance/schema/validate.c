/* schema/validate.c: walks an instance along the compiled nodes.
 *
 * Evaluated properties and items (Core §11) are collected only when the schema asks for them.
 * Depth and the number of visits are bounded; reaching a bound makes the instance invalid with the
 * keyword "limit", whatever `not` or `anyOf` stands around it. */
#include "schema/visit.h"
#include <string.h>

#define DEPTH_MAX 512
#define VISITS_MAX 300000
#define VISITS_MAX_REPORTING 30000

static bool check(const Visit *visit);

/* --- evaluated properties and items --- */

static Seen *seen_new(const Visit *v)
{
  if (!v->run->schema->unevaluated)
    return NULL;
  Seen *seen = g_new0(Seen, 1);
  if (json_is_object(v->value))
    seen->names = g_hash_table_new(g_str_hash, g_str_equal);
  else if (json_is_array(v->value))
    seen->items = g_new0(guint8, json_array_size(v->value) + 1);
  seen->item_count = json_array_size(v->value);
  return seen;
}

static void seen_free(Seen *seen)
{
  if (seen == NULL)
    return;
  g_clear_pointer(&seen->names, g_hash_table_unref);
  g_free(seen->items);
  g_free(seen);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Seen, seen_free)

static void seen_merge(Seen *into, const Seen *from)
{
  if (into == NULL || from == NULL)
    return;
  for (gsize i = 0; into->items != NULL && i < into->item_count; i++)
    into->items[i] |= from->items[i];
  if (into->names == NULL)
    return;
  GHashTableIter iter;
  gpointer name;
  g_hash_table_iter_init(&iter, from->names);
  while (g_hash_table_iter_next(&iter, &name, NULL))
    g_hash_table_add(into->names, name);
}

static void seen_name(Seen *seen, const char *name)
{
  if (seen != NULL)
    g_hash_table_add(seen->names, (gpointer)name);
}

static void seen_item(Seen *seen, gsize index)
{
  if (seen != NULL)
    seen->items[index] = 1;
}

/* --- descending --- */

/* Another schema on the same instance; what it evaluated counts when it holds. */
static bool apply(const Visit *v, const AblakSchemaNode *node, const Path *through,
                  GPtrArray *issues)
{
  g_autoptr(Seen) seen = v->seen != NULL ? seen_new(v) : NULL;
  Visit inner = *v;
  inner.node = node;
  inner.through = through;
  inner.seen = seen;
  inner.issues = issues;
  bool valid = check(&inner);
  if (valid)
    seen_merge(v->seen, seen);
  return valid;
}

static bool apply_keyword(const Visit *v, const AblakSchemaNode *node, const char *keyword,
                          GPtrArray *issues)
{
  Path through = {v->through, keyword, 0};
  return apply(v, node, &through, issues);
}

/* A schema on a member or item. A plain `false` is reported under the keyword that led to it. */
static bool descend(const Visit *v, const AblakSchemaNode *node, const json_t *child,
                    const Path *at, const Path *through, const char *keyword)
{
  if (node->never)
    return ablak_schema_report_at(v, at, keyword, at->name);
  Visit inner = *v;
  inner.node = node;
  inner.value = child;
  inner.at = at;
  inner.through = through;
  inner.seen = NULL;
  return check(&inner);
}

/* --- arrays --- */

static bool check_contains(const Visit *v)
{
  gsize size = json_array_size(v->value), matches = 0;
  for (gsize i = 0; i < size; i++) {
    Path at = {v->at, NULL, i}, through = {v->through, "contains", 0};
    Visit inner = *v;
    inner.node = v->node->contains;
    inner.value = json_array_get(v->value, i);
    inner.at = &at;
    inner.through = &through;
    inner.seen = NULL;
    inner.issues = NULL;
    if (check(&inner)) {
      matches++;
      seen_item(v->seen, i);
    }
  }
  bool valid = true;
  if (matches < v->node->min_contains)
    valid = json_object_get(v->node->json, "minContains") != NULL
                ? ablak_schema_report_size(v, "minContains", v->node->min_contains)
                : ablak_schema_report(v, "contains", NULL);
  if (matches > v->node->max_contains)
    valid = ablak_schema_report_size(v, "maxContains", v->node->max_contains);
  return valid;
}

static bool check_items(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  gsize size = json_array_size(v->value), prefix = 0;
  bool valid = true;
  if (node->prefix_items != NULL)
    prefix = MIN(size, node->prefix_items->len);
  for (gsize i = 0; i < size && (i < prefix || node->items != NULL); i++) {
    const char *keyword = i < prefix ? "prefixItems" : "items";
    Path at = {v->at, NULL, i}, list = {v->through, keyword, 0}, item = {&list, NULL, i};
    valid &= descend(v, i < prefix ? g_ptr_array_index(node->prefix_items, i) : node->items,
                     json_array_get(v->value, i), &at, i < prefix ? &item : &list, keyword);
    seen_item(v->seen, i);
    if (!valid && v->issues == NULL)
      return false;
  }
  return valid;
}

static bool check_array(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  gsize size = json_array_size(v->value);
  bool valid = true;
  if (size > node->max_items)
    valid = ablak_schema_report_size(v, "maxItems", node->max_items);
  if (size < node->min_items)
    valid = ablak_schema_report_size(v, "minItems", node->min_items);
  if (node->unique_items && !ablak_schema_items_unique(v->value))
    valid = ablak_schema_report(v, "uniqueItems", NULL);
  valid &= check_items(v);
  if (node->contains != NULL)
    valid &= check_contains(v);
  return valid;
}

/* --- objects --- */

static bool check_property(const Visit *v, const char *name, const json_t *child)
{
  const AblakSchemaNode *node = v->node;
  const AblakSchemaNode *known =
      node->properties != NULL ? g_hash_table_lookup(node->properties, name) : NULL;
  bool valid = true, covered = known != NULL;
  Path at = {v->at, name, 0};
  if (known != NULL) {
    Path map = {v->through, "properties", 0}, through = {&map, name, 0};
    valid = descend(v, known, child, &at, &through, "properties");
  }
  for (guint i = 0; node->pattern_properties != NULL && i < node->pattern_properties->len; i++) {
    AblakSchemaPatternProperty *property = g_ptr_array_index(node->pattern_properties, i);
    int matched = ablak_schema_pattern_match(property->regex, name, strlen(name));
    if (matched < 0)
      return ablak_schema_exhaust(v);
    if (matched == 0)
      continue;
    covered = true;
    Path through = {v->through, "patternProperties", 0};
    valid &= descend(v, property->node, child, &at, &through, "patternProperties");
  }
  if (!covered && node->additional_properties != NULL) {
    covered = true;
    Path through = {v->through, "additionalProperties", 0};
    valid &= descend(v, node->additional_properties, child, &at, &through, "additionalProperties");
  }
  if (covered)
    seen_name(v->seen, name);
  return valid;
}

static bool check_name(const Visit *v, const char *name)
{
  g_autoptr(json_t) text = json_string(name);
  Visit inner = *v;
  inner.node = v->node->property_names;
  inner.value = text;
  inner.seen = NULL;
  inner.issues = NULL;
  return check(&inner) || ablak_schema_report(v, "propertyNames", name);
}

static bool check_required(const Visit *v, const json_t *names, const char *keyword)
{
  bool valid = true;
  for (gsize i = 0; i < json_array_size(names); i++) {
    const char *name = json_string_value(json_array_get(names, i));
    if (json_object_get(v->value, name) == NULL)
      valid = ablak_schema_report(v, keyword, name);
  }
  return valid;
}

static bool check_dependents(const Visit *v)
{
  bool valid = true;
  const char *name;
  json_t *names;
  json_object_foreach(v->node->dependent_required, name, names)
  {
    if (json_object_get(v->value, name) != NULL)
      valid &= check_required(v, names, "dependentRequired");
  }
  if (v->node->dependent_schemas == NULL)
    return valid;
  GHashTableIter iter;
  gpointer key, node;
  g_hash_table_iter_init(&iter, v->node->dependent_schemas);
  while (g_hash_table_iter_next(&iter, &key, &node)) {
    Path map = {v->through, "dependentSchemas", 0}, through = {&map, key, 0};
    if (json_object_get(v->value, key) != NULL)
      valid &= apply(v, node, &through, v->issues);
  }
  return valid;
}

static bool check_object(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  gsize size = json_object_size(v->value);
  bool valid = check_required(v, node->required, "required");
  if (size > node->max_properties)
    valid = ablak_schema_report_size(v, "maxProperties", node->max_properties);
  if (size < node->min_properties)
    valid = ablak_schema_report_size(v, "minProperties", node->min_properties);
  valid &= check_dependents(v);
  if (node->properties == NULL && node->pattern_properties == NULL &&
      node->additional_properties == NULL && node->property_names == NULL)
    return valid;
  const char *name;
  json_t *child;
  json_object_foreach((json_t *)v->value, name, child)
  {
    valid &= check_property(v, name, child);
    if (node->property_names != NULL)
      valid &= check_name(v, name);
    if (!valid && v->issues == NULL)
      return false;
  }
  return valid;
}

/* --- applicators in place --- */

/* anyOf and oneOf report themselves, and then the branch that came nearest. */
static bool check_branches(const Visit *v, const GPtrArray *branches, const char *keyword,
                           bool exactly_one)
{
  gsize valid = 0;
  g_autoptr(GPtrArray) nearest = NULL;
  for (guint i = 0; i < branches->len; i++) {
    g_autoptr(GPtrArray) issues = NULL;
    if (v->issues != NULL)
      issues = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_schema_issue_free);
    Path list = {v->through, keyword, 0}, through = {&list, NULL, i};
    if (apply(v, g_ptr_array_index(branches, i), &through, issues)) {
      valid++;
      if (!exactly_one && v->seen == NULL)
        return true;
    } else if (issues != NULL && (nearest == NULL || issues->len < nearest->len)) {
      g_clear_pointer(&nearest, g_ptr_array_unref);
      nearest = g_steal_pointer(&issues);
    }
  }
  if (exactly_one ? valid == 1 : valid > 0)
    return true;
  ablak_schema_report(v, keyword, valid > 1 ? "more than one" : NULL);
  while (valid == 0 && nearest != NULL && nearest->len > 0 && v->issues->len < ISSUES_MAX)
    g_ptr_array_add(v->issues, g_ptr_array_steal_index(nearest, 0));
  return false;
}

static bool check_conditional(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  if (apply_keyword(v, node->if_of, "if", NULL))
    return node->then_of == NULL || apply_keyword(v, node->then_of, "then", v->issues);
  return node->else_of == NULL || apply_keyword(v, node->else_of, "else", v->issues);
}

static const AblakSchemaNode *dynamic_target(const Visit *v, const Scope *scope)
{
  const AblakSchemaNode *target = v->node->dynamic_ref;
  for (; v->node->dynamic_name != NULL && scope != NULL; scope = scope->up) {
    const AblakSchemaNode *outer =
        g_hash_table_lookup(scope->resource->dynamic_nodes, v->node->dynamic_name);
    if (outer != NULL)
      target = outer;
  }
  return target;
}

static bool check_in_place(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  bool valid = true;
  if (node->ref != NULL)
    valid &= apply_keyword(v, node->ref, "$ref", v->issues);
  if (node->dynamic_ref != NULL)
    valid &= apply_keyword(v, dynamic_target(v, v->scope), "$dynamicRef", v->issues);
  for (guint i = 0; node->all_of != NULL && i < node->all_of->len; i++) {
    Path list = {v->through, "allOf", 0}, through = {&list, NULL, i};
    valid &= apply(v, g_ptr_array_index(node->all_of, i), &through, v->issues);
  }
  if (!valid && v->issues == NULL)
    return false;
  if (node->any_of != NULL)
    valid &= check_branches(v, node->any_of, "anyOf", false);
  if (node->one_of != NULL)
    valid &= check_branches(v, node->one_of, "oneOf", true);
  if (node->if_of != NULL)
    valid &= check_conditional(v);
  if (node->not_of != NULL) {
    Visit inner = *v;
    inner.node = node->not_of;
    inner.seen = NULL; /* what a refused schema evaluated never counts */
    inner.issues = NULL;
    if (check(&inner))
      valid = ablak_schema_report(v, "not", NULL);
  }
  return valid;
}

/* --- what nothing else looked at --- */

static bool check_unevaluated(const Visit *v)
{
  const AblakSchemaNode *node = v->node;
  bool valid = true;
  if (node->unevaluated_items != NULL && json_is_array(v->value)) {
    Path through = {v->through, "unevaluatedItems", 0};
    for (gsize i = 0; i < v->seen->item_count; i++) {
      Path at = {v->at, NULL, i};
      if (v->seen->items[i])
        continue;
      valid &= descend(v, node->unevaluated_items, json_array_get(v->value, i), &at, &through,
                       "unevaluatedItems");
      v->seen->items[i] = 1;
    }
  }
  if (node->unevaluated_properties == NULL || !json_is_object(v->value))
    return valid;
  Path through = {v->through, "unevaluatedProperties", 0};
  const char *name;
  json_t *child;
  json_object_foreach((json_t *)v->value, name, child)
  {
    Path at = {v->at, name, 0};
    if (g_hash_table_contains(v->seen->names, name))
      continue;
    valid &=
        descend(v, node->unevaluated_properties, child, &at, &through, "unevaluatedProperties");
    seen_name(v->seen, name);
  }
  return valid;
}

static bool check_keywords(const Visit *v)
{
  bool all = v->issues != NULL;
  bool valid = ablak_schema_check_any(v);
  if (!valid && !all)
    return false;
  if (json_is_number(v->value))
    valid &= ablak_schema_check_number(v);
  else if (json_is_string(v->value))
    valid &= ablak_schema_check_string(v);
  else if (json_is_array(v->value))
    valid &= check_array(v);
  else if (json_is_object(v->value))
    valid &= check_object(v);
  if (!valid && !all)
    return false;
  valid &= check_in_place(v);
  if (!valid && !all)
    return false;
  if (v->node->unevaluated_items != NULL || v->node->unevaluated_properties != NULL)
    valid &= check_unevaluated(v);
  return valid;
}

static bool check(const Visit *visit)
{
  Visit v = *visit;
  Run *run = v.run;
  if (run->exhausted)
    return false;
  if (run->depth >= DEPTH_MAX || ++run->visits > run->visits_max)
    return ablak_schema_exhaust(&v);
  if (v.node->never)
    return ablak_schema_report(&v, "false", NULL);
  Scope scope = {v.scope, v.node->resource};
  if (v.scope == NULL || v.scope->resource != v.node->resource)
    v.scope = &scope;
  /* A schema that asks needs the record even when nobody above does. */
  g_autoptr(Seen) own = NULL;
  if (v.seen == NULL &&
      (v.node->unevaluated_items != NULL || v.node->unevaluated_properties != NULL))
    v.seen = own = seen_new(&v);
  run->depth++;
  bool valid = check_keywords(&v);
  run->depth--;
  return valid && !run->exhausted;
}

static gint by_depth(gconstpointer a, gconstpointer b, gpointer order)
{
  const AblakSchemaIssue *x = *(const AblakSchemaIssue *const *)a;
  const AblakSchemaIssue *y = *(const AblakSchemaIssue *const *)b;
  int slashes = 0;
  for (const char *c = x->instance_path; *c != '\0'; c++)
    slashes += *c == '/';
  for (const char *c = y->instance_path; *c != '\0'; c++)
    slashes -= *c == '/';
  return slashes;
}

/* The verdict comes first, without a record; who wants to know more pays for a second walk, which
 * may stop early. */
bool ablak_schema_validate(const AblakSchema *schema, const json_t *instance, gsize most,
                           GPtrArray **ret_issues)
{
  Run run = {.schema = schema, .visits_max = VISITS_MAX};
  Visit visit = {.run = &run, .node = schema->root, .value = instance};
  if (check(&visit))
    return true;
  if (ret_issues == NULL)
    return false;
  bool exhausted = run.exhausted;
  g_autoptr(GPtrArray) issues =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_schema_issue_free);
  run = (Run){.schema = schema, .visits_max = VISITS_MAX_REPORTING, .exhausted = exhausted};
  visit.issues = issues;
  if (exhausted)
    ablak_schema_report(&visit, "limit", NULL);
  else
    check(&visit);
  g_qsort_with_data(issues->pdata, (gint)issues->len, sizeof(gpointer), by_depth, NULL);
  if (issues->len > most)
    g_ptr_array_set_size(issues, (gint)most);
  *ret_issues = g_steal_pointer(&issues);
  return false;
}
