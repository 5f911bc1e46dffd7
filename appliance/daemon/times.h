/* daemon/times.h: times as the interface gives them. Threads: any. */
#pragma once
#include "core/json.h"

/* RFC 3339 in UTC with milliseconds; JSON null for 0. New reference. */
json_t *ablak_json_time(gint64 utc_ms);
/* Whole minutes, rounded up; JSON null for a negative duration. New reference. */
json_t *ablak_json_minutes(gint64 duration_ms);
