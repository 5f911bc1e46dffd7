#include "video/recorder/part.h"
#include "core/error.h"
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <string.h>

/* A player that seeks loads from the last cluster before. */
#define CLUSTER_MOST ((gint64)(5 * GST_SECOND))
/* A muxer that does not end by then never will. */
#define FINISH_MOST (10 * GST_SECOND)

static const guint8 cluster_id[] = {0x1f, 0x43, 0xb6, 0x75};

struct AblakPart {
  GstElement *pipeline;
  GstAppSrc *tracks[ABLAK_TRACKS];
  GstCaps *caps[ABLAK_TRACKS];
  GMutex mutex; /* what the muxer's threads write */
  AblakSealWriter *file;
  GError *problem;
  GArray *entries;
};

/* The muxer gives a cluster's head in a buffer of its own, a delta unit unless the cluster begins
 * with a key frame (or has no pictures). */
static void note_cluster(AblakPart *part, GstBuffer *buffer, const GstMapInfo *map)
{
  if (map->size < sizeof cluster_id || memcmp(map->data, cluster_id, sizeof cluster_id) != 0 ||
      GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT) ||
      !GST_BUFFER_PTS_IS_VALID(buffer))
    return;
  const AblakPartEntry entry = {(gint64)(GST_BUFFER_PTS(buffer) / GST_MSECOND),
                                ablak_seal_writer_offset(part->file)};
  g_array_append_val(part->entries, entry);
}

static void write_buffer(AblakPart *part, GstBuffer *buffer)
{
  GstMapInfo map;
  if (part->problem != NULL || !gst_buffer_map(buffer, &map, GST_MAP_READ))
    return;
  note_cluster(part, buffer, &map);
  if (!ablak_seal_writer_write(part->file, map.data, map.size, &part->problem))
    g_prefix_error(&part->problem, "part: ");
  gst_buffer_unmap(buffer, &map);
}

static GstFlowReturn on_sample(GstAppSink *sink, gpointer data)
{
  AblakPart *part = data;
  GstSample *sample = gst_app_sink_pull_sample(sink);
  if (sample == NULL)
    return GST_FLOW_EOS;
  g_mutex_lock(&part->mutex);
  GstBuffer *buffer = gst_sample_get_buffer(sample);
  GstBufferList *list = gst_sample_get_buffer_list(sample);
  if (buffer != NULL)
    write_buffer(part, buffer);
  for (guint i = 0; list != NULL && i < gst_buffer_list_length(list); i++)
    write_buffer(part, gst_buffer_list_get(list, i));
  bool good = part->problem == NULL;
  g_mutex_unlock(&part->mutex);
  gst_sample_unref(sample);
  return good ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* The muxer wants a picture size, which H.264 carries where the depayloader does not look; players
 * read it there, too. Opus is always decoded at 48 kHz (RFC 7845 §5.1), and browsers refuse a file
 * that does not say so. */
static GstCaps *caps_for_muxer(GstCaps *caps)
{
  GstCaps *complete = gst_caps_copy(caps);
  GstStructure *structure = gst_caps_get_structure(complete, 0);
  if (gst_structure_has_name(structure, "video/x-h264") &&
      !gst_structure_has_field(structure, "width"))
    gst_structure_set(structure, "width", G_TYPE_INT, 640, "height", G_TYPE_INT, 480, NULL);
  if (gst_structure_has_name(structure, "audio/x-opus") &&
      !gst_structure_has_field(structure, "rate"))
    gst_structure_set(structure, "rate", G_TYPE_INT, 48000, NULL);
  return complete;
}

static bool add_track(AblakPart *part, AblakTrack track, GstCaps *caps, GstElement *muxer)
{
  GstElement *source = gst_element_factory_make("appsrc", NULL);
  if (source == NULL)
    return false;
  GstCaps *complete = caps_for_muxer(caps);
  part->caps[track] = gst_caps_ref(caps);
  part->tracks[track] = GST_APP_SRC(source);
  g_object_set(source, "format", GST_FORMAT_TIME, "caps", complete, "max-bytes", (guint64)0, NULL);
  gst_caps_unref(complete);
  gst_bin_add(GST_BIN(part->pipeline), source);
  return gst_element_link_pads(source, "src", muxer,
                               track == ABLAK_TRACK_AUDIO ? "audio_%u" : "video_%u");
}

static bool build(AblakPart *part, GstCaps *const caps[ABLAK_TRACKS])
{
  static GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
  GstElement *muxer = gst_element_factory_make("matroskamux", NULL);
  GstElement *sink = gst_element_factory_make("appsink", NULL);
  if (muxer == NULL || sink == NULL) {
    g_clear_pointer(&muxer, gst_object_unref);
    g_clear_pointer(&sink, gst_object_unref);
    return false;
  }
  g_object_set(muxer, "streamable", TRUE, "max-cluster-duration", CLUSTER_MOST, "writing-app",
               "Ablak", NULL);
  g_object_set(sink, "sync", FALSE, "async", FALSE, NULL);
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, part, NULL);
  gst_bin_add_many(GST_BIN(part->pipeline), muxer, sink, NULL);
  bool good = gst_element_link(muxer, sink);
  /* Video first: players show the first track. */
  for (int track = ABLAK_TRACKS - 1; good && track >= 0; track--)
    good = caps[track] == NULL || add_track(part, (AblakTrack)track, caps[track], muxer);
  return good &&
         gst_element_set_state(part->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
}

/* What is missing is said when it is needed. */
void ablak_part_load(void)
{
  static const char *const elements[] = {"appsrc", "matroskamux", "appsink"};
  for (gsize i = 0; i < G_N_ELEMENTS(elements); i++) {
    GstElement *element = gst_element_factory_make(elements[i], NULL);
    g_clear_pointer(&element, gst_object_unref);
  }
}

AblakPart *ablak_part_new(GstCaps *const caps[ABLAK_TRACKS], AblakSealWriter *file, GError **error)
{
  g_autoptr(AblakPart) part = g_new0(AblakPart, 1);
  g_mutex_init(&part->mutex);
  part->file = file;
  part->entries = g_array_new(FALSE, FALSE, sizeof(AblakPartEntry));
  part->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
  if (build(part, caps))
    return g_steal_pointer(&part);
  ablak_error_set(error, ABLAK_ERROR_UNSUPPORTED, "recordings/codec",
                  "GStreamer's Matroska muxer is missing or refuses the tracks");
  return NULL;
}

void ablak_part_push(AblakPart *part, AblakTrack track, GstBuffer *frame)
{
  gst_app_src_push_buffer(part->tracks[track], gst_buffer_ref(frame));
}

bool ablak_part_fits(const AblakPart *part, AblakTrack track, const GstCaps *caps)
{
  const GstCaps *mine = part->caps[track];
  if (mine == NULL)
    return false;
  const GstStructure *a = gst_caps_get_structure(mine, 0), *b = gst_caps_get_structure(caps, 0);
  const GValue *x = gst_structure_get_value(a, "codec_data"),
               *y = gst_structure_get_value(b, "codec_data");
  if (!gst_structure_has_name(b, gst_structure_get_name(a)) || (x == NULL) != (y == NULL))
    return false;
  return x == NULL || gst_value_compare(x, y) == GST_VALUE_EQUAL;
}

GArray *ablak_part_entries(AblakPart *part)
{
  g_mutex_lock(&part->mutex);
  GArray *entries = part->entries;
  part->entries = g_array_new(FALSE, FALSE, sizeof(AblakPartEntry));
  g_mutex_unlock(&part->mutex);
  return entries;
}

static bool await_end(AblakPart *part, GError **error)
{
  for (int track = 0; track < ABLAK_TRACKS; track++)
    if (part->tracks[track] != NULL)
      gst_app_src_end_of_stream(part->tracks[track]);
  GstBus *bus = gst_element_get_bus(part->pipeline);
  GstMessage *message =
      gst_bus_timed_pop_filtered(bus, FINISH_MOST, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  bool good = message != NULL && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
  if (!good) {
    g_autoptr(GError) problem = NULL;
    if (message != NULL)
      gst_message_parse_error(message, &problem, NULL);
    ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/codec", "the muxer did not end: %s",
                    problem != NULL ? problem->message : "no word from it");
  }
  g_clear_pointer(&message, gst_message_unref);
  gst_object_unref(bus);
  gst_element_set_state(part->pipeline, GST_STATE_NULL);
  return good;
}

bool ablak_part_finish(AblakPart *part, GError **error)
{
  g_autoptr(GError) problem = NULL;
  bool ended = await_end(part, &problem);
  if (part->problem != NULL) {
    g_propagate_error(error, g_steal_pointer(&part->problem));
    return false;
  }
  /* What the muxer wrote is kept, also when it ended badly. */
  if (!ablak_seal_writer_finish(part->file, error))
    return false;
  if (!ended)
    g_propagate_error(error, g_steal_pointer(&problem));
  return ended;
}

void ablak_part_free(AblakPart *part)
{
  if (part == NULL)
    return;
  gst_element_set_state(part->pipeline, GST_STATE_NULL);
  gst_object_unref(part->pipeline);
  for (int track = 0; track < ABLAK_TRACKS; track++)
    gst_caps_replace(&part->caps[track], NULL);
  ablak_seal_writer_free(part->file);
  g_clear_error(&part->problem);
  g_array_unref(part->entries);
  g_mutex_clear(&part->mutex);
  g_free(part);
}

char *ablak_part_media(const AblakPart *part)
{
  static const struct {
    const char *caps, *codec;
  } known[] = {{"video/x-vp8", "vp8"}, {"video/x-vp9", "vp9"}, {"audio/x-opus", "opus"}};
  g_autoptr(GString) codecs = g_string_new(NULL);
  for (int track = ABLAK_TRACKS - 1; track >= 0; track--) {
    const char *codec = part->caps[track] == NULL ? "" : NULL;
    for (gsize i = 0; codec == NULL && i < G_N_ELEMENTS(known); i++)
      if (gst_structure_has_name(gst_caps_get_structure(part->caps[track], 0), known[i].caps))
        codec = known[i].codec;
    if (codec == NULL)
      return g_strdup("video/x-matroska");
    g_string_append_printf(codecs, "%s%s", codecs->len > 0 && *codec != '\0' ? "," : "", codec);
  }
  return g_strdup_printf("%s/webm; codecs=\"%s\"",
                         part->caps[ABLAK_TRACK_VIDEO] != NULL ? "video" : "audio", codecs->str);
}
