#include "core/log.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};
/* Set once in main before any thread, read by all. */
static char *log_program;
static int log_least = ABLAK_LOG_INFO;

/* A line goes out in one write(2), so lines of several threads and processes do not mix. */
static void write_line(json_t *line)
{
  g_autofree char *text = ablak_json_text(line);
  if (text == NULL)
    return;
  g_autofree char *whole = g_strconcat(text, "\n", NULL);
  gsize length = strlen(whole);
  for (gsize done = 0; done < length;) {
    gssize wrote = write(STDERR_FILENO, whole + done, length - done);
    if (wrote <= 0)
      return;
    done += (gsize)wrote;
  }
}

static void set_text(json_t *line, const char *name, const char *value)
{
  json_t *text = json_string(value);
  if (text == NULL) { /* not UTF-8 */
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    text = json_string(valid);
  }
  json_object_set_new(line, name, text);
}

static json_t *line_new(AblakLogLevel level, const char *event)
{
  json_t *line = json_object();
  gint64 now_ms = ablak_clock_wall_ms();
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(now_ms / 1000);
  g_autofree char *seconds = g_date_time_format(at, "%Y-%m-%dT%H:%M:%S");
  g_autofree char *stamp = g_strdup_printf("%s.%03dZ", seconds, (int)(now_ms % 1000));
  set_text(line, "at", stamp);
  set_text(line, "level", level_names[level]);
  if (log_program != NULL)
    set_text(line, "program", log_program);
  set_text(line, "event", event);
  return line;
}

static void add_fields(json_t *line, va_list fields)
{
  for (const char *name; (name = va_arg(fields, const char *)) != NULL;) {
    const char *value = va_arg(fields, const char *);
    if (value != NULL)
      set_text(line, name, value);
  }
}

void ablak_log(AblakLogLevel level, const char *event, ...)
{
  if ((int)level < g_atomic_int_get(&log_least))
    return;
  g_autoptr(json_t) line = line_new(level, event);
  va_list fields;
  va_start(fields, event);
  add_fields(line, fields);
  va_end(fields);
  write_line(line);
}

void ablak_log_gerror(AblakLogLevel level, const char *event, const GError *error, ...)
{
  if ((int)level < g_atomic_int_get(&log_least))
    return;
  g_autoptr(json_t) line = line_new(level, event);
  set_text(line, "problem", ablak_error_slug(error));
  if (error != NULL)
    set_text(line, "message", error->message);
  va_list fields;
  va_start(fields, error);
  add_fields(line, fields);
  va_end(fields);
  write_line(line);
}

static AblakLogLevel level_of_glib(GLogLevelFlags flags)
{
  if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return ABLAK_LOG_ERROR;
  if (flags & G_LOG_LEVEL_WARNING)
    return ABLAK_LOG_WARNING;
  if (flags & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO))
    return ABLAK_LOG_INFO;
  return ABLAK_LOG_DEBUG;
}

static GLogWriterOutput write_glib(GLogLevelFlags flags, const GLogField *fields, gsize count,
                                   gpointer data)
{
  const char *domain = NULL, *message = NULL;
  for (gsize i = 0; i < count; i++) {
    if (fields[i].length >= 0)
      continue;
    if (strcmp(fields[i].key, "GLIB_DOMAIN") == 0)
      domain = fields[i].value;
    else if (strcmp(fields[i].key, "MESSAGE") == 0)
      message = fields[i].value;
  }
  ablak_log(level_of_glib(flags), "glib", "domain", domain, "message", message, NULL);
  return G_LOG_WRITER_HANDLED;
}

void ablak_log_init(const char *program, AblakLogLevel least)
{
  static gsize once;
  ablak_log_set_level(least);
  if (g_once_init_enter(&once)) {
    log_program = g_strdup(program);
    g_log_set_writer_func(write_glib, NULL, NULL);
    g_once_init_leave(&once, 1);
  }
}

void ablak_log_set_level(AblakLogLevel least)
{
  g_atomic_int_set(&log_least, (int)least);
}

void ablak_log_set_level_by_name(const char *least)
{
  for (gsize i = 0; i < G_N_ELEMENTS(level_names); i++)
    if (strcmp(level_names[i], least) == 0)
      ablak_log_set_level((AblakLogLevel)i);
}
