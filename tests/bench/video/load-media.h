/* tests/bench/video/load-media.h: the media every leg sends and what comes back.
 *
 * A leg sends what a browser does in a call at 1.5 Mbit/s: 50 packets of sound a second, and 30
 * frames of picture of five or six packets each (libwebrtc's pacer sends a frame in one burst),
 * with the header extensions the relays are offered. The packets of a run are encrypted before it
 * begins and lie in memory in the order in which they are due, so that sending them costs little
 * more than the system call. */
#pragma once
#include "load-leg.h"

enum { LOAD_PT_AUDIO = 111, LOAD_PT_VIDEO = 96 };
/* RFC 8285 numbers; ablak-media offers these, and to Janus the clients do. */
enum { LOAD_EXT_LEVEL = 1, LOAD_EXT_SEND_TIME = 2, LOAD_EXT_TRANSPORT = 3 };

typedef struct LoadMedia LoadMedia;
/* What the first `legs` of the legs send in `length_ns`, of which the part from `window_ns` to
 * `window_end_ns` is measured. */
LoadMedia *load_media_new(Load *load, guint legs, gint64 length_ns, gint64 window_ns,
                          gint64 window_end_ns);
void load_media_free(LoadMedia *media);
/* Encrypts some more; false when all is done. */
gboolean load_media_prepare(LoadMedia *media);
/* Sends what is due `at_ns` after the begin; false when that was all. */
gboolean load_media_send(LoadMedia *media, gint64 at_ns);

void load_media_received(LoadLeg *leg, guint8 *data, gsize size, gint64 at_ns);
/* The picture's clock (90 kHz) or the sound's (48 kHz) for a sender report. */
guint32 load_media_clock_rate(LoadKind kind);
