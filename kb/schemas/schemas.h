/* kb/schemas/schemas.h: the formats of the sources, compiled in. */
#pragma once

typedef struct {
  const char *name; /* "text", "office", "service", "form" */
  const char *text;
} AblakKbSchemaText;

/* Ends with a name of NULL. */
extern const AblakKbSchemaText ablak_kb_schema_texts[];
