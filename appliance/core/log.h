/* core/log.h: structured logs, one JSON object a line on standard error.
 *
 * Purpose: a line has "at" (RFC 3339, UTC, ms), "level", "event" and the given fields.
 * Fields carry ids, counts and codes, never names, content, secrets or addresses of citizens.
 * GLib's own warnings and criticals come out in the same shape. Threads: any. */
#pragma once
#include <glib.h>

typedef enum { ABLAK_LOG_DEBUG, ABLAK_LOG_INFO, ABLAK_LOG_WARNING, ABLAK_LOG_ERROR } AblakLogLevel;

/* `program` is put into every line. Call once, first thing in main. */
void ablak_log_init(const char *program, AblakLogLevel least);
void ablak_log_set_level(AblakLogLevel least);
/* By the name "debug", "info", "warning" or "error"; any other name changes nothing. */
void ablak_log_set_level_by_name(const char *least);

/* Pairs of (const char *name, const char *value) up to NULL; a NULL value is left out. */
void ablak_log(AblakLogLevel level, const char *event, ...) G_GNUC_NULL_TERMINATED;

/* One line for an error: its slug and message beside the fields. */
void ablak_log_gerror(AblakLogLevel level, const char *event, const GError *error,
                      ...) G_GNUC_NULL_TERMINATED;
