/* schema/schema.h: JSON Schema 2020-12 validation.
 *
 * A compiled schema is immutable and may be used from any thread. Formats are asserted for the
 * listed ones (date, date-time, time, email, uuid, uri, ipv4, ipv6, regex) when `assert_format`
 * is set. `pattern` follows ECMA-262 as far as PCRE2 (through GRegex) can. No network: a $ref to
 * an unknown document is a compile error, except the 2020-12 metaschemas, which are built in.
 * Hostile depth and patterns are bounded. */
#pragma once
#include "core/json.h"
#include <glib.h>
#include <stdbool.h>

typedef struct AblakSchema AblakSchema;

typedef struct {
  bool assert_format;
  /* Other documents that may be referred to: object of URI -> schema; borrowed during compile. */
  json_t *documents;
} AblakSchemaOptions;

/* `schema` is borrowed (a reference is kept). `options` may be NULL. */
AblakSchema *ablak_schema_compile(json_t *schema, const AblakSchemaOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_schema_free(AblakSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSchema, ablak_schema_free)

typedef struct {
  char *instance_path; /* JSON Pointer into the instance (RFC 6901) */
  char *schema_path;   /* JSON Pointer of the keyword that failed, through $refs */
  char *keyword;       /* "required", "maxLength", ... */
  char *detail;        /* what the keyword says: the missing property's name, the limit; may be NULL */
} AblakSchemaIssue;
void ablak_schema_issue_free(AblakSchemaIssue *issue);

/* True when valid. Otherwise false and, when `ret_issues` is not NULL, at most `most` issues
 * (elements AblakSchemaIssue, freed with the array), outermost useful ones first. */
bool ablak_schema_validate(const AblakSchema *schema, const json_t *instance, gsize most, GPtrArray **ret_issues);
