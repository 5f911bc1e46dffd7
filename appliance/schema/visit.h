/* schema/visit.h: one visit of a schema node and an instance; private to this folder. */
#pragma once
#include "schema/private.h"

#define ISSUES_MAX 1000

typedef struct Path Path;
struct Path {
  const Path *up;
  const char *name; /* NULL: an index */
  gsize index;
};

/* The resources entered on the way, innermost first: the dynamic scope (Core §7.1). */
typedef struct Scope Scope;
struct Scope {
  const Scope *up;
  const AblakSchemaResource *resource;
};

/* What has been evaluated of one instance. */
typedef struct {
  GHashTable *names; /* borrowed property names */
  guint8 *items;
  gsize item_count;
} Seen;

typedef struct {
  const AblakSchema *schema;
  gsize visits, visits_max;
  unsigned depth;
  bool exhausted;
} Run;

/* One visit: a node, an instance, where both are, and where to report. */
typedef struct {
  Run *run;
  const AblakSchemaNode *node;
  const json_t *value;
  const Path *at;      /* in the instance */
  const Path *through; /* in the schema */
  const Scope *scope;
  Seen *seen;        /* NULL: nobody asks */
  GPtrArray *issues; /* NULL: nobody reads them, stop at the first */
} Visit;

/* --- assertions.c --- */
/* Reports end in false, so that a check can end with them. `detail` is copied. */
bool ablak_schema_report_at(const Visit *v, const Path *at, const char *keyword,
                            const char *detail);
bool ablak_schema_report(const Visit *v, const char *keyword, const char *detail);
bool ablak_schema_report_size(const Visit *v, const char *keyword, gsize limit);
/* A bound on effort was reached: nothing is valid any more. */
bool ablak_schema_exhaust(const Visit *v);

bool ablak_schema_check_any(const Visit *v);
bool ablak_schema_check_number(const Visit *v);
bool ablak_schema_check_string(const Visit *v);
