/* video/recorder/track.h: a party's sound or picture: its packets into frames on the timeline.
 *
 * One stream at a time: a stream with another SSRC (the page was loaded again) follows when the one
 * before has been silent for a second; a second picture beside it, as of a shared screen, is not
 * recorded. Retransmissions (RFC 4588) take their places. */
#pragma once
#include "video/recorder/depay.h"
#include "video/recorder/order.h"
#include "video/recorder/timeline.h"

typedef struct AblakTrackIn AblakTrackIn;
/* The frame's time is its place on the timeline and never goes back. Borrowed. */
typedef void (*AblakTrackFrame)(AblakTrack track, GstBuffer *frame, GstCaps *caps, gpointer data);

AblakTrackIn *ablak_track_new(AblakTrack track, AblakPartyClock *clock, AblakTrackFrame frame,
                              gpointer data);
void ablak_track_free(AblakTrackIn *track);
/* A packet of the track's payload types, or a retransmission of one. */
void ablak_track_packet(AblakTrackIn *track, const guint8 *data, gsize size,
                        const AblakRtpHeader *header, gint64 at_us);
void ablak_track_report(AblakTrackIn *track, guint32 ssrc, guint64 ntp, guint32 timestamp,
                        gint64 at_us);
/* What waits for missing packets has waited long enough; G_MAXINT64: gives all. */
void ablak_track_expire(AblakTrackIn *track, gint64 now_us);
guint64 ablak_track_missed(const AblakTrackIn *track);
