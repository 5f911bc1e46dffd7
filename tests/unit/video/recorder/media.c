#include "media.h"
#include "video/bytes.h"
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <math.h>
#include <string.h>

#define WIDTH 160
#define HEIGHT 120
#define FPS 15
#define FLASH_MS 100
#define BEEP_MS 60
#define RATE 48000
#define LOUD 3000

static void packet_free(gpointer data)
{
  MediaPacket *packet = data;
  g_bytes_unref(packet->data);
  g_free(packet);
}

static void add(GPtrArray *packets, gconstpointer data, gsize size, gboolean rtcp, gint64 said_us)
{
  MediaPacket *packet = g_new0(MediaPacket, 1);
  *packet = (MediaPacket){g_bytes_new(data, size), rtcp, said_us};
  g_ptr_array_add(packets, packet);
}

static GstBuffer *picture(gint64 at_us)
{
  gboolean white = at_us % G_USEC_PER_SEC < FLASH_MS * 1000;
  gsize luma = WIDTH * HEIGHT;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, luma * 3 / 2, NULL);
  gst_buffer_memset(buffer, 0, white ? 235 : 16, luma);
  gst_buffer_memset(buffer, luma, 128, luma / 2);
  return buffer;
}

static GstBuffer *sound(gint64 at_us)
{
  gint16 samples[RATE / 50];
  gboolean loud = at_us % G_USEC_PER_SEC < BEEP_MS * 1000;
  for (gsize i = 0; i < G_N_ELEMENTS(samples); i++)
    samples[i] = loud ? (gint16)(12000 * sin((double)i * 2 * G_PI * 1000 / RATE)) : 0;
  return gst_buffer_new_memdup(samples, sizeof samples);
}

/* Frames through an encoder and payloader; what comes out is theirs. */
static void encode(GPtrArray *packets, const char *description, GstBuffer *(*make)(gint64),
                   gint64 frame_us, gint64 end_us)
{
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = gst_parse_launch(description, &error);
  g_assert_no_error(error);
  g_autoptr(GstAppSrc) in = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline), "in"));
  g_autoptr(GstAppSink) out = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  for (gint64 i = 0; i * frame_us < end_us; i++) {
    GstBuffer *buffer = make(i * frame_us);
    GST_BUFFER_PTS(buffer) = (GstClockTime)(i * frame_us * 1000);
    GST_BUFFER_DURATION(buffer) = (GstClockTime)(frame_us * 1000);
    gst_app_src_push_buffer(in, buffer);
  }
  gst_app_src_end_of_stream(in);
  for (GstSample *sample; (sample = gst_app_sink_pull_sample(out)) != NULL;) {
    GstBuffer *single = gst_sample_get_buffer(sample);
    GstBufferList *list = gst_sample_get_buffer_list(sample);
    guint length = list != NULL ? gst_buffer_list_length(list) : 1;
    for (guint i = 0; i < length; i++) {
      GstBuffer *buffer = list != NULL ? gst_buffer_list_get(list, i) : single;
      GstMapInfo map;
      gst_buffer_map(buffer, &map, GST_MAP_READ);
      add(packets, map.data, map.size, FALSE, (gint64)(GST_BUFFER_PTS(buffer) / 1000));
      gst_buffer_unmap(buffer, &map);
    }
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}

static void add_reports(GPtrArray *packets, guint32 ssrc, guint32 rate, guint32 offset,
                        guint seconds, gint64 clock_us)
{
  for (gint64 at_us = 500000; at_us < seconds * G_USEC_PER_SEC; at_us += G_USEC_PER_SEC) {
    guint8 report[28] = {0x80, 200, 0, 6};
    gint64 us = clock_us + at_us;
    ablak_write32(report + 4, ssrc);
    ablak_write32(report + 8, (guint32)(us / G_USEC_PER_SEC));
    ablak_write32(report + 12, (guint32)((us % G_USEC_PER_SEC << 32) / G_USEC_PER_SEC));
    ablak_write32(report + 16, (guint32)(offset + at_us * rate / G_USEC_PER_SEC));
    add(packets, report, sizeof report, TRUE, at_us);
  }
}

static gint by_time(gconstpointer a, gconstpointer b)
{
  const MediaPacket *x = *(MediaPacket *const *)a, *y = *(MediaPacket *const *)b;
  return x->said_us < y->said_us ? -1 : x->said_us > y->said_us;
}

static const char *encoder(const char *codec)
{
  if (strcmp(codec, "vp8") == 0)
    return "vp8enc deadline=1 keyframe-max-dist=15 ! rtpvp8pay pt=96 picture-id-mode=2";
  if (strcmp(codec, "vp9") == 0)
    return "vp9enc deadline=1 cpu-used=8 lag-in-frames=0 keyframe-max-dist=15 ! rtpvp9pay pt=98";
  return "openh264enc gop-size=15 ! h264parse ! rtph264pay pt=102 config-interval=-1";
}

GPtrArray *media_make(guint seconds, const char *codec, guint32 ssrc, gint64 clock_us)
{
  GPtrArray *packets = g_ptr_array_new_with_free_func(packet_free);
  g_autofree char *audio = g_strdup_printf(
      "appsrc name=in format=time caps=audio/x-raw,format=S16LE,rate=%d,channels=1,"
      "layout=interleaved ! opusenc bitrate-type=cbr bitrate=96000 ! rtpopuspay pt=111 ssrc=%u seqnum-offset=65530 "
      "timestamp-offset=4294960000 ! appsink name=out sync=false",
      RATE, ssrc);
  encode(packets, audio, sound, 20000, seconds * G_USEC_PER_SEC);
  add_reports(packets, ssrc, RATE, 4294960000u, seconds, clock_us);
  if (codec != NULL) {
    g_autofree char *video = g_strdup_printf(
        "appsrc name=in format=time caps=video/x-raw,format=I420,width=%d,height=%d,framerate=%d/1 "
        "! %s mtu=300 ssrc=%u seqnum-offset=100 timestamp-offset=77 ! appsink name=out sync=false",
        WIDTH, HEIGHT, FPS, encoder(codec), ssrc + 1);
    encode(packets, video, picture, G_USEC_PER_SEC / FPS, seconds * G_USEC_PER_SEC);
    add_reports(packets, ssrc + 1, 90000, 77, seconds, clock_us);
  }
  g_ptr_array_sort(packets, by_time);
  return packets;
}

/* --- what is in a file ------------------------------------------------------------------------ */

typedef struct {
  MediaSeen *seen;
  GArray *begins;
  gboolean sound;
  gboolean on;
} Looker;

static gboolean is_on(const Looker *looker, const GstMapInfo *map)
{
  if (!looker->sound)
    return map->data[WIDTH * HEIGHT / 2 + WIDTH / 2] > 128;
  for (gsize i = 0; i + 1 < map->size; i += 2)
    if (ABS((gint)(gint16)(map->data[i] | map->data[i + 1] << 8)) > LOUD)
      return TRUE;
  return FALSE;
}

static void look_at(Looker *looker, GstBuffer *buffer)
{
  gint64 at_ms = (gint64)(GST_BUFFER_PTS(buffer) / GST_MSECOND);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_READ);
  gboolean on = is_on(looker, &map);
  gst_buffer_unmap(buffer, &map);
  if (on && !looker->on)
    g_array_append_val(looker->begins, at_ms);
  looker->on = on;
  looker->seen->frames += !looker->sound;
  looker->seen->first_ms = MIN(looker->seen->first_ms, at_ms);
  looker->seen->last_ms = MAX(looker->seen->last_ms, at_ms);
}

static void look_through(GBytes *file, const char *description, Looker *looker)
{
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = gst_parse_launch(description, &error);
  g_assert_no_error(error);
  g_autoptr(GstAppSrc) in = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline), "in"));
  g_autoptr(GstAppSink) out = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  gst_app_src_push_buffer(in, gst_buffer_new_wrapped_bytes(file));
  gst_app_src_end_of_stream(in);
  for (GstSample *sample; (sample = gst_app_sink_pull_sample(out)) != NULL;) {
    look_at(looker, gst_sample_get_buffer(sample));
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}

/* The element that opens the pictures; NULL when there are none. */
static const char *decoder(GBytes *file)
{
  gsize size = 0;
  const void *data = g_bytes_get_data(file, &size);
  if (memmem(data, MIN(size, (gsize)4096), "V_VP8", 5) != NULL)
    return "vp8dec";
  if (memmem(data, MIN(size, (gsize)4096), "V_VP9", 5) != NULL)
    return "vp9dec";
  return memmem(data, MIN(size, (gsize)4096), "V_MPEG4/ISO/AVC", 15) != NULL
             ? "h264parse ! openh264dec"
             : NULL;
}

void media_look(GBytes *matroska, MediaSeen *ret_seen)
{
  *ret_seen = (MediaSeen){g_array_new(FALSE, FALSE, sizeof(gint64)),
                          g_array_new(FALSE, FALSE, sizeof(gint64)), G_MAXINT64, 0, 0};
  Looker beeps = {ret_seen, ret_seen->beeps, TRUE, FALSE};
  Looker flashes = {ret_seen, ret_seen->flashes, FALSE, FALSE};
  look_through(matroska,
               "appsrc name=in ! matroskademux name=d d.audio_0 ! opusdec plc=false ! audioconvert "
               "! audio/x-raw,format=S16LE,channels=1 ! appsink name=out sync=false",
               &beeps);
  if (decoder(matroska) == NULL)
    return;
  g_autofree char *video =
      g_strdup_printf("appsrc name=in ! matroskademux name=d d.video_0 ! %s ! videoconvert ! "
                      "video/x-raw,format=I420 ! appsink name=out sync=false",
                      decoder(matroska));
  look_through(matroska, video, &flashes);
}

void media_seen_clear(MediaSeen *seen)
{
  g_array_unref(seen->beeps);
  g_array_unref(seen->flashes);
}
