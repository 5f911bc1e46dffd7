/* tests/bench/video/load-rtcp.h: the reports a browser sends beside its media: transport-wide
 * feedback 20 times a second while packets come, or an estimate every second when they have no
 * transport-wide numbers; a sender report for the picture every second and for the sound every
 * five. And what it is told of its own packets. */
#pragma once
#include "load-leg.h"

void load_rtcp_tick(LoadLeg *leg, gint64 now_ns);
/* Decrypted in place. */
void load_rtcp_received(LoadLeg *leg, guint8 *data, gsize size);
