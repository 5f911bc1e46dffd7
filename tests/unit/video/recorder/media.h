/* Sound and pictures of known moments as RTP, and what moments a Matroska file has them at: each
 * second begins with a white picture (black before and after) and with a beep. */
#pragma once
#include <glib.h>

typedef struct {
  GBytes *data;
  gboolean rtcp;
  gint64 said_us; /* since the first second began */
} MediaPacket;

/* Every packet of `seconds` seconds in the order of their making, with sender reports by a clock
 * that shows `clock_us` at the beginning. MediaPacket; free with g_ptr_array_unref. `codec`: "vp8",
 * "vp9", "h264", or NULL for sound alone. */
GPtrArray *media_make(guint seconds, const char *codec, guint32 ssrc, gint64 clock_us);

typedef struct {
  GArray *beeps, *flashes;  /* gint64, ms on the timeline at which they begin */
  gint64 first_ms, last_ms; /* of any frame */
  guint frames;             /* pictures */
} MediaSeen;
/* Decodes a file. */
void media_look(GBytes *matroska, MediaSeen *ret_seen);
void media_seen_clear(MediaSeen *seen);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MediaSeen, media_seen_clear)
