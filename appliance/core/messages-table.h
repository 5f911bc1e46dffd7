/* core/messages-table.h: what appliance/generate/messages.mjs writes and messages.c reads. */
#pragma once
#include <glib.h>

typedef struct {
  const char *key;
  const char *const *texts; /* in the order of the languages */
} AblakMessageRow;

extern const char *const ablak_messages_table_languages[]; /* ends with NULL */
extern const AblakMessageRow ablak_messages_table[];       /* sorted by key, bytewise */
extern const gsize ablak_messages_table_size;
