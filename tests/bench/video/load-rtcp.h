/* tests/bench/video/load-rtcp.h: the reports a browser sends beside its media: transport-wide
 * feedback 20 times a second while packets come, a sender report for the picture every second and
 * for the sound every five. */
#pragma once
#include "load-leg.h"

void load_rtcp_tick(LoadLeg *leg, gint64 now_ns);
