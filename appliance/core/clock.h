/* core/clock.h: time. Wall time is UTC milliseconds since 1970; durations come from the monotonic
 * clock; what people read goes through the office's zone. Threads: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

gint64 ablak_clock_wall_ms(void);
gint64 ablak_clock_monotonic_ms(void);

/* The office's time zone, in one place. */
typedef struct AblakZone AblakZone;
/* NULL and an error when the IANA name is not known on this machine. */
AblakZone *ablak_zone_new(const char *iana_name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_zone_free(AblakZone *zone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakZone, ablak_zone_free)
const char *ablak_zone_name(const AblakZone *zone);
/* "2026-11-21" of the local day that holds `utc_ms`. Free with g_free. */
char *ablak_zone_date(const AblakZone *zone, gint64 utc_ms);
/* RFC 3339 with the local offset: "2026-11-21T09:15:00+01:00". Free with g_free. */
char *ablak_zone_rfc3339(const AblakZone *zone, gint64 utc_ms);
/* The UTC ms at which the local day that holds `utc_ms` begins. */
gint64 ablak_zone_day_start_ms(const AblakZone *zone, gint64 utc_ms);
/* The local year that holds `utc_ms`. */
int ablak_zone_year(const AblakZone *zone, gint64 utc_ms);
