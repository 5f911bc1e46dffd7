#include "video/recorder/party.h"
#include "core/log.h"
#include "video/bytes.h"
#include "video/recorder/part.h"
#include "video/recorder/track.h"
#include "video/sdp.h"

#define COMPANY_US (2 * G_USEC_PER_SEC)
#define SILENT_US (4 * G_USEC_PER_SEC)
#define REPORT_SIZE 20

struct AblakParty {
  AblakFiles *files;
  char *name;
  AblakPartyClock clock;
  AblakTrackIn *tracks[ABLAK_TRACKS];
  gint64 now_us;

  AblakPart *part; /* NULL: frames wait */
  guint number;
  bool of_part[ABLAK_TRACKS];
  gint64 frame_us[ABLAK_TRACKS]; /* when the last frame came */
  GQueue waiting[ABLAK_TRACKS];  /* GstBuffer */
  GstCaps *caps[ABLAK_TRACKS];   /* of those */
  gint64 waiting_since_us;
  gint64 last_ms; /* of the newest frame, on the timeline */

  guint32 dropped; /* of the flow there is now */
  guint64 dropped_before;
  guint64 told_missed;
};

static void tell_entries(AblakParty *party)
{
  g_autoptr(GArray) entries = ablak_part_entries(party->part);
  for (guint i = 0; i < entries->len; i++) {
    const AblakPartEntry *entry = &g_array_index(entries, AblakPartEntry, i);
    ablak_files_say(
        party->files, entry->at_ms, "cluster",
        json_pack("{s:i, s:I}", "part", (int)party->number, "offset", (json_int_t)entry->offset));
  }
}

static void part_end(AblakParty *party)
{
  g_autoptr(GError) error = NULL;
  if (party->part == NULL)
    return;
  if (!ablak_part_finish(party->part, &error))
    ablak_log_gerror(ABLAK_LOG_ERROR, "recorder.part", error, NULL);
  tell_entries(party);
  g_clear_pointer(&party->part, ablak_part_free);
  ablak_files_say(party->files, party->last_ms, "end",
                  json_pack("{s:i}", "part", (int)party->number));
}

static void waiting_clear(AblakParty *party)
{
  for (int track = 0; track < ABLAK_TRACKS; track++) {
    g_queue_clear_full(&party->waiting[track], (GDestroyNotify)gst_buffer_unref);
    gst_caps_replace(&party->caps[track], NULL);
  }
  party->waiting_since_us = 0;
}

static void push_waiting(AblakParty *party)
{
  for (int track = 0; track < ABLAK_TRACKS; track++) {
    party->of_part[track] = party->waiting[track].length > 0;
    for (GList *at = party->waiting[track].head; at != NULL; at = at->next)
      ablak_part_push(party->part, (AblakTrack)track, at->data);
  }
}

static gint64 first_waiting_ms(const AblakParty *party)
{
  gint64 first_ms = G_MAXINT64;
  for (int track = 0; track < ABLAK_TRACKS; track++) {
    GstBuffer *frame = g_queue_peek_head((GQueue *)&party->waiting[track]);
    if (frame != NULL)
      first_ms = MIN(first_ms, (gint64)(GST_BUFFER_PTS(frame) / GST_MSECOND));
  }
  return first_ms;
}

static void part_begin(AblakParty *party)
{
  g_autoptr(GError) error = NULL;
  AblakSealWriter *file = ablak_files_part(party->files, &party->number, &error);
  if (file != NULL)
    party->part = ablak_part_new(party->caps, file, &error);
  if (party->part == NULL) {
    ablak_log_gerror(ABLAK_LOG_ERROR, "recorder.part", error, NULL);
  } else {
    g_autofree char *media = ablak_part_media(party->part);
    ablak_files_say(party->files, first_waiting_ms(party), "part",
                    json_pack("{s:i, s:s, s:s}", "part", (int)party->number, "party", party->name,
                              "media", media));
    push_waiting(party);
  }
  waiting_clear(party);
}

/* The other track is here, or has been waited for long enough. */
static void part_begin_if_due(AblakParty *party)
{
  bool company = true;
  for (int track = 0; track < ABLAK_TRACKS; track++)
    company = company && party->waiting[track].length > 0;
  if (party->part == NULL && party->waiting_since_us != 0 &&
      (company || party->now_us - party->waiting_since_us >= COMPANY_US))
    part_begin(party);
}

static void on_frame(AblakTrack track, GstBuffer *frame, GstCaps *caps, gpointer data)
{
  AblakParty *party = data;
  party->frame_us[track] = party->now_us;
  party->last_ms = MAX(party->last_ms, (gint64)(GST_BUFFER_PTS(frame) / GST_MSECOND));
  if (party->part != NULL && ablak_part_fits(party->part, track, caps)) {
    ablak_part_push(party->part, track, frame);
    return;
  }
  part_end(party);
  if (party->waiting_since_us == 0)
    party->waiting_since_us = party->now_us;
  if (party->caps[track] == NULL)
    party->caps[track] = gst_caps_ref(caps);
  g_queue_push_tail(&party->waiting[track], gst_buffer_ref(frame));
  part_begin_if_due(party);
}

AblakParty *ablak_party_new(AblakFiles *files, const char *name)
{
  AblakParty *party = g_new0(AblakParty, 1);
  party->files = files;
  party->name = g_strdup(name);
  ablak_party_clock_init(&party->clock, ablak_files_origin_us(files));
  for (int track = 0; track < ABLAK_TRACKS; track++)
    party->tracks[track] = ablak_track_new((AblakTrack)track, &party->clock, on_frame, party);
  return party;
}

void ablak_party_free(AblakParty *party)
{
  if (party == NULL)
    return;
  for (int track = 0; track < ABLAK_TRACKS; track++)
    ablak_track_free(party->tracks[track]);
  waiting_clear(party);
  ablak_part_free(party->part);
  g_free(party->name);
  g_free(party);
}

static void take_rtp(AblakParty *party, const guint8 *data, gsize size, gint64 at_us)
{
  AblakRtpHeader header;
  AblakSdpKind kind;
  bool rtx;
  if (ablak_rtp_parse(data, size, &header) &&
      ablak_sdp_payload_kind(header.payload_type, &kind, &rtx))
    ablak_track_packet(
        party->tracks[kind == ABLAK_SDP_AUDIO ? ABLAK_TRACK_AUDIO : ABLAK_TRACK_VIDEO], data, size,
        &header, at_us);
}

static void take_rtcp(AblakParty *party, const guint8 *data, gsize size, gint64 at_us)
{
  AblakRtcpPacket packet;
  gsize offset = 0;
  while (ablak_rtcp_next(data, size, &offset, &packet)) {
    if (packet.type != ABLAK_RTCP_SR || packet.size < REPORT_SIZE)
      continue;
    guint64 ntp = (guint64)ablak_read32(packet.data + 8) << 32 | ablak_read32(packet.data + 12);
    for (int track = 0; track < ABLAK_TRACKS; track++)
      ablak_track_report(party->tracks[track], ablak_read32(packet.data + 4), ntp,
                         ablak_read32(packet.data + 16), at_us);
  }
}

void ablak_party_receive(AblakParty *party, const guint8 *data, gsize size, bool rtcp, gint64 at_us,
                         guint32 dropped)
{
  party->now_us = MAX(party->now_us, at_us);
  /* Another flow of the party's begins to count anew. */
  if (dropped < party->dropped)
    party->dropped_before += party->dropped;
  party->dropped = dropped;
  if (rtcp)
    take_rtcp(party, data, size, at_us);
  else
    take_rtp(party, data, size, at_us);
}

static void tell_missed(AblakParty *party)
{
  guint64 missed = party->dropped_before + party->dropped;
  for (int track = 0; track < ABLAK_TRACKS; track++)
    missed += ablak_track_missed(party->tracks[track]);
  if (missed == party->told_missed)
    return;
  party->told_missed = missed;
  ablak_files_say(party->files, ablak_files_ms(party->files, party->now_us), "missed",
                  json_pack("{s:s, s:I}", "party", party->name, "packets", (json_int_t)missed));
}

void ablak_party_tick(AblakParty *party, gint64 now_us)
{
  party->now_us = MAX(party->now_us, now_us);
  for (int track = 0; track < ABLAK_TRACKS; track++)
    ablak_track_expire(party->tracks[track], now_us);
  bool silent = false;
  for (int track = 0; track < ABLAK_TRACKS; track++)
    silent =
        silent || (party->of_part[track] && party->now_us - party->frame_us[track] >= SILENT_US);
  if (party->part != NULL && silent)
    part_end(party);
  part_begin_if_due(party);
  if (party->part != NULL)
    tell_entries(party);
  tell_missed(party);
}

void ablak_party_finish(AblakParty *party, gint64 now_us)
{
  party->now_us = MAX(party->now_us, now_us);
  for (int track = 0; track < ABLAK_TRACKS; track++)
    ablak_track_expire(party->tracks[track], G_MAXINT64);
  if (party->part == NULL && party->waiting_since_us != 0)
    part_begin(party);
  part_end(party);
  tell_missed(party);
}
