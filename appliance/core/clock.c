#include "core/clock.h"
#include "core/error.h"

struct AblakZone {
  char *name;
  GTimeZone *zone;
};

gint64 ablak_clock_wall_ms(void)
{
  return g_get_real_time() / 1000;
}

gint64 ablak_clock_monotonic_ms(void)
{
  return g_get_monotonic_time() / 1000;
}

AblakZone *ablak_zone_new(const char *iana_name, GError **error)
{
  /* GLib also takes offsets and POSIX rules; an office has a named zone. */
  bool named = iana_name != NULL && g_ascii_isalpha(iana_name[0]);
  GTimeZone *zone = named ? g_time_zone_new_identifier(iana_name) : NULL;
  if (zone == NULL) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "core/zone",
                    "the time zone \"%s\" is not known on this machine",
                    iana_name != NULL ? iana_name : "");
    return NULL;
  }
  AblakZone *made = g_new0(AblakZone, 1);
  made->name = g_strdup(iana_name);
  made->zone = zone;
  return made;
}

void ablak_zone_free(AblakZone *zone)
{
  if (zone == NULL)
    return;
  g_time_zone_unref(zone->zone);
  g_free(zone->name);
  g_free(zone);
}

const char *ablak_zone_name(const AblakZone *zone)
{
  return zone->name;
}

static gint64 floor_seconds(gint64 utc_ms)
{
  return utc_ms >= 0 ? utc_ms / 1000 : -((-utc_ms + 999) / 1000);
}

static GDateTime *local_time(const AblakZone *zone, gint64 utc_ms)
{
  g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(floor_seconds(utc_ms));
  return g_date_time_to_timezone(utc, zone->zone);
}

char *ablak_zone_date(const AblakZone *zone, gint64 utc_ms)
{
  g_autoptr(GDateTime) local = local_time(zone, utc_ms);
  return g_date_time_format(local, "%Y-%m-%d");
}

char *ablak_zone_rfc3339(const AblakZone *zone, gint64 utc_ms)
{
  g_autoptr(GDateTime) local = local_time(zone, utc_ms);
  return g_date_time_format(local, "%Y-%m-%dT%H:%M:%S%:z");
}

gint64 ablak_zone_day_start_ms(const AblakZone *zone, gint64 utc_ms)
{
  g_autoptr(GDateTime) local = local_time(zone, utc_ms);
  int year, month, day;
  g_date_time_get_ymd(local, &year, &month, &day);
  g_autoptr(GDateTime) start = g_date_time_new(zone->zone, year, month, day, 0, 0, 0);
  return g_date_time_to_unix(start) * 1000;
}

int ablak_zone_year(const AblakZone *zone, gint64 utc_ms)
{
  g_autoptr(GDateTime) local = local_time(zone, utc_ms);
  return g_date_time_get_year(local);
}
