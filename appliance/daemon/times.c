#include "daemon/times.h"

json_t *ablak_json_time(gint64 utc_ms)
{
  if (utc_ms == 0)
    return json_null();
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(utc_ms / 1000);
  g_autofree char *seconds = g_date_time_format(at, "%Y-%m-%dT%H:%M:%S");
  g_autofree char *text = g_strdup_printf("%s.%03dZ", seconds, (int)(utc_ms % 1000));
  return json_string(text);
}

json_t *ablak_json_minutes(gint64 duration_ms)
{
  return duration_ms < 0 ? json_null() : json_integer((duration_ms + 59999) / 60000);
}
