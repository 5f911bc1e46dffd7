/* video/recorder/depay.h: one RTP stream's packets into encoded frames, by GStreamer's elements.
 *
 * The element is fed and emptied in the caller's thread, so what comes out depends on nothing but
 * what went in. Frames carry their place on the timeline. Video begins with a key frame, again
 * after a loss: what cannot be decoded is not worth keeping.
 * Errors: UNSUPPORTED "recordings/codec". */
#pragma once
#include "video/recorder/recorder.h"
#include <gst/gst.h>

typedef struct AblakDepay AblakDepay;
/* `frame` and `caps` are borrowed; the caps change rarely. */
typedef void (*AblakDepayFrame)(GstBuffer *frame, GstCaps *caps, gpointer data);

AblakDepay *ablak_depay_new(guint8 payload_type, AblakDepayFrame frame, gpointer data,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_depay_free(AblakDepay *depay);
/* In order; a gap in the sequence numbers is a loss. */
void ablak_depay_push(AblakDepay *depay, GBytes *packet, GstClockTime place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakDepay, ablak_depay_free)

/* Loads the elements' code, while files can be read. */
void ablak_depay_load(void);
/* Of the payload types that the box offers; retransmissions are not among them. */
bool ablak_depay_knows(guint8 payload_type, AblakTrack *ret_track, guint32 *ret_rate);
