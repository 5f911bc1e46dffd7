#include "video/recorder/depay.h"
#include "core/error.h"
#include "video/sdp.h"

typedef struct {
  guint8 payload_type;
  AblakTrack track;
  guint32 rate;
  const char *encoding;
  const char *element;
  const char *out; /* what is asked of the element */
} Codec;

static const Codec codecs[] = {
    {ABLAK_PT_OPUS, ABLAK_TRACK_AUDIO, 48000, "OPUS", "rtpopusdepay", "audio/x-opus"},
    {ABLAK_PT_VP8, ABLAK_TRACK_VIDEO, 90000, "VP8", "rtpvp8depay", "video/x-vp8"},
    {ABLAK_PT_VP9, ABLAK_TRACK_VIDEO, 90000, "VP9", "rtpvp9depay", "video/x-vp9"},
    {ABLAK_PT_H264, ABLAK_TRACK_VIDEO, 90000, "H264", "rtph264depay",
     "video/x-h264, stream-format=avc, alignment=au"},
};

struct AblakDepay {
  GstElement *element;
  GstPad *in, *out; /* ours, linked to the element's */
  GstCaps *caps;    /* of the frames; NULL before the first */
  AblakDepayFrame frame;
  gpointer data;
};

static const Codec *codec_find(guint8 payload_type)
{
  for (gsize i = 0; i < G_N_ELEMENTS(codecs); i++)
    if (codecs[i].payload_type == payload_type)
      return &codecs[i];
  return NULL;
}

/* What is missing is said when it is needed. */
void ablak_depay_load(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(codecs); i++) {
    GstElement *element = gst_element_factory_make(codecs[i].element, NULL);
    g_clear_pointer(&element, gst_object_unref);
  }
}

bool ablak_depay_knows(guint8 payload_type, AblakTrack *ret_track, guint32 *ret_rate)
{
  const Codec *codec = codec_find(payload_type);
  if (codec == NULL)
    return false;
  *ret_track = codec->track;
  *ret_rate = codec->rate;
  return true;
}

static GstFlowReturn on_frame(GstPad *pad, GstObject *parent, GstBuffer *frame)
{
  AblakDepay *depay = gst_pad_get_element_private(pad);
  if (depay->caps != NULL)
    depay->frame(frame, depay->caps, depay->data);
  gst_buffer_unref(frame);
  return GST_FLOW_OK;
}

static gboolean on_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  AblakDepay *depay = gst_pad_get_element_private(pad);
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps *caps = NULL;
    gst_event_parse_caps(event, &caps);
    gst_caps_replace(&depay->caps, caps);
  }
  gst_event_unref(event);
  return TRUE;
}

static void out_prepare(AblakDepay *depay, const Codec *codec)
{
  GstCaps *wanted = gst_caps_from_string(codec->out);
  GstPadTemplate *template = gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, wanted);
  depay->out = gst_pad_new_from_template(template, "frames");
  gst_pad_set_element_private(depay->out, depay);
  gst_pad_set_chain_function(depay->out, on_frame);
  gst_pad_set_event_function(depay->out, on_event);
  gst_object_unref(template);
  gst_caps_unref(wanted);
}

static bool link_up(AblakDepay *depay)
{
  GstPad *sink = gst_element_get_static_pad(depay->element, "sink");
  GstPad *src = gst_element_get_static_pad(depay->element, "src");
  bool good = gst_pad_link(depay->in, sink) == GST_PAD_LINK_OK &&
              gst_pad_link(src, depay->out) == GST_PAD_LINK_OK;
  gst_object_unref(sink);
  gst_object_unref(src);
  return good;
}

static void begin(AblakDepay *depay, const Codec *codec)
{
  GstCaps *caps =
      gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING,
                          codec->track == ABLAK_TRACK_AUDIO ? "audio" : "video", "clock-rate",
                          G_TYPE_INT, (gint)codec->rate, "encoding-name", G_TYPE_STRING,
                          codec->encoding, "payload", G_TYPE_INT, (gint)codec->payload_type, NULL);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_set_active(depay->out, TRUE);
  gst_pad_set_active(depay->in, TRUE);
  gst_element_set_state(depay->element, GST_STATE_PLAYING);
  gst_pad_push_event(depay->in, gst_event_new_stream_start("recording"));
  gst_pad_push_event(depay->in, gst_event_new_caps(caps));
  gst_pad_push_event(depay->in, gst_event_new_segment(&segment));
  gst_caps_unref(caps);
}

AblakDepay *ablak_depay_new(guint8 payload_type, AblakDepayFrame frame, gpointer data,
                            GError **error)
{
  const Codec *codec = codec_find(payload_type);
  g_autoptr(AblakDepay) depay = g_new0(AblakDepay, 1);
  depay->element = codec != NULL ? gst_element_factory_make(codec->element, NULL) : NULL;
  if (depay->element == NULL) {
    ablak_error_set(error, ABLAK_ERROR_UNSUPPORTED, "recordings/codec",
                    "nothing here opens payload type %u", payload_type);
    return NULL;
  }
  gst_object_ref_sink(depay->element);
  if (codec->track == ABLAK_TRACK_VIDEO)
    g_object_set(depay->element, "wait-for-keyframe", TRUE, NULL);
  depay->frame = frame;
  depay->data = data;
  depay->in = gst_pad_new("packets", GST_PAD_SRC);
  out_prepare(depay, codec);
  if (!link_up(depay)) {
    ablak_error_set(error, ABLAK_ERROR_UNSUPPORTED, "recordings/codec", "%s gives no %s",
                    codec->element, codec->out);
    return NULL;
  }
  begin(depay, codec);
  return g_steal_pointer(&depay);
}

static void pad_free(GstPad *pad)
{
  gst_pad_set_active(pad, FALSE);
  gst_object_unref(pad);
}

void ablak_depay_free(AblakDepay *depay)
{
  if (depay == NULL)
    return;
  if (depay->element != NULL)
    gst_element_set_state(depay->element, GST_STATE_NULL);
  g_clear_pointer(&depay->in, pad_free);
  g_clear_pointer(&depay->out, pad_free);
  g_clear_pointer(&depay->element, gst_object_unref);
  gst_caps_replace(&depay->caps, NULL);
  g_free(depay);
}

void ablak_depay_push(AblakDepay *depay, GBytes *packet, GstClockTime place)
{
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes(packet);
  GST_BUFFER_PTS(buffer) = place;
  gst_pad_push(depay->in, buffer);
}
