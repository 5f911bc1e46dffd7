/* tests/interop/video/webrtcbin.c: GStreamer's webrtcbin as one end of a call.
 *
 * Reads JSON lines: {type:"offer", sdp}, {type:"candidate", candidate, mid}, {type:"stats"}; writes
 * {type:"answer", sdp}, {type:"candidate", candidate, mid} and {type:"stats", video, audio}. It
 * sends a test picture and a tone, decodes what comes, and ends when its input does. With the
 * argument "gathered" answers wait for all candidates and hold them. */
#define GST_USE_UNSTABLE_API
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Audio first: sections are matched to pads in this order. It waits 400 ms for what is
 * missing, so that a busy machine repairs too. */
static const char description[] =
    "webrtcbin name=end bundle-policy=max-bundle latency=400 "
    "audiotestsrc is-live=true volume=0.3 ! audio/x-raw,rate=48000,channels=2 ! opusenc "
    "! rtpopuspay pt=111 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! end. "
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1 "
    "! vp8enc deadline=1 target-bitrate=300000 keyframe-max-dist=600 "
    "! rtpvp8pay mtu=1100 picture-id-mode=2 "
    "! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! end. ";

typedef struct {
  GMainLoop *loop;
  GstElement *pipeline;
  GstElement *end;
  GPtrArray *jitter_buffers, *rtx_receivers;
  bool waits_for_candidates;
  bool owes_answer;
  /* Written by streaming threads. */
  gint video_packets, audio_packets, frames, width;
  double energy; /* main context only */
} End;

static void say(json_t *message)
{
  g_autofree char *line = json_dumps(message, JSON_COMPACT);
  json_decref(message);
  /* Candidates come from webrtcbin's own thread. */
  static GMutex mutex;
  g_mutex_lock(&mutex);
  puts(line);
  fflush(stdout);
  g_mutex_unlock(&mutex);
}

static GstPadProbeReturn count_buffer(GstPad *pad G_GNUC_UNUSED,
                                      GstPadProbeInfo *info G_GNUC_UNUSED, gpointer data)
{
  gint *count = data;
  g_atomic_int_inc(count);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn count_frame(GstPad *pad, GstPadProbeInfo *info G_GNUC_UNUSED,
                                     gpointer data)
{
  End *self = data;
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
  gint width = 0;
  if (caps != NULL && gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width))
    g_atomic_int_set(&self->width, width);
  g_atomic_int_inc(&self->frames);
  return GST_PAD_PROBE_OK;
}

/* A stream has come: decode it. */
static void pad_added(GstElement *end G_GNUC_UNUSED, GstPad *pad, gpointer data)
{
  End *self = data;
  if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
    return;
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
  const char *media = gst_structure_get_string(gst_caps_get_structure(caps, 0), "media");
  bool is_video = g_strcmp0(media, "video") == 0;
  g_autoptr(GError) error = NULL;
  GstElement *bin = gst_parse_bin_from_description(
      is_video ? "queue ! rtpvp8depay ! vp8dec ! fakesink name=sink sync=false async=false"
               : "queue ! rtpopusdepay ! opusdec ! level interval=100000000 ! fakesink name=sink "
                 "sync=false async=false",
      TRUE, &error);
  if (bin == NULL)
    g_error("%s", error->message);
  gst_bin_add(GST_BIN(self->pipeline), bin);
  if (is_video) {
    g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(bin), "sink");
    g_autoptr(GstPad) sink_pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(sink_pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, self, NULL);
  }
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count_buffer,
                    is_video ? &self->video_packets : &self->audio_packets, NULL);
  gst_element_sync_state_with_parent(bin);
  g_autoptr(GstPad) bin_pad = gst_element_get_static_pad(bin, "sink");
  if (gst_pad_link(pad, bin_pad) != GST_PAD_LINK_OK)
    g_error("a stream of %s cannot be decoded", media);
}

static void element_added(GstBin *bin G_GNUC_UNUSED, GstBin *parent G_GNUC_UNUSED,
                          GstElement *element, gpointer data)
{
  End *self = data;
  if (g_str_has_prefix(GST_ELEMENT_NAME(element), "rtprtxreceive"))
    g_ptr_array_add(self->rtx_receivers, gst_object_ref(element));
  if (g_str_has_prefix(GST_ELEMENT_NAME(element), "rtpjitterbuffer"))
    g_ptr_array_add(self->jitter_buffers, gst_object_ref(element));
}

static gboolean bus_message(GstBus *bus G_GNUC_UNUSED, GstMessage *message, gpointer data)
{
  End *self = data;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    g_autoptr(GError) error = NULL;
    gst_message_parse_error(message, &error, NULL);
    g_error("%s: %s", GST_OBJECT_NAME(message->src), error->message);
  }
  const GstStructure *structure = gst_message_get_structure(message);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT &&
      gst_structure_has_name(structure, "level")) {
    const GValueArray *levels = g_value_get_boxed(gst_structure_get_value(structure, "rms"));
    self->energy += pow(10, g_value_get_double(&levels->values[0]) / 10);
  }
  return G_SOURCE_CONTINUE;
}

static void say_answer(End *self)
{
  GstWebRTCSessionDescription *answer = NULL;
  g_object_get(self->end, "local-description", &answer, NULL);
  g_autofree char *sdp = gst_sdp_message_as_text(answer->sdp);
  gst_webrtc_session_description_free(answer);
  self->owes_answer = false;
  say(json_pack("{s:s, s:s}", "type", "answer", "sdp", sdp));
}

static bool is_gathered(End *self)
{
  GstWebRTCICEGatheringState state;
  g_object_get(self->end, "ice-gathering-state", &state, NULL);
  return state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE;
}

static gboolean gathered(gpointer data)
{
  End *self = data;
  if (self->owes_answer && is_gathered(self))
    say_answer(self);
  return G_SOURCE_REMOVE;
}

static void gathering_changed(GstElement *end G_GNUC_UNUSED, GParamSpec *spec G_GNUC_UNUSED,
                              gpointer data)
{
  g_idle_add(gathered, data);
}

static void found_candidate(GstElement *end G_GNUC_UNUSED, guint line, char *candidate,
                            gpointer data)
{
  End *self = data;
  if (!self->waits_for_candidates)
    say(json_pack("{s:s, s:s, s:s}", "type", "candidate", "candidate", candidate, "mid",
                  line == 0 ? "audio" : "video"));
}

/* Emits an action that takes a description, and waits until it has had its effect. */
static void describe(End *self, const char *action, GstWebRTCSessionDescription *description_)
{
  g_autoptr(GstPromise) promise = gst_promise_new();
  g_signal_emit_by_name(self->end, action, description_, promise);
  gst_promise_wait(promise);
  const GstStructure *reply = gst_promise_get_reply(promise);
  g_autoptr(GError) error = NULL;
  if (reply != NULL && gst_structure_get(reply, "error", G_TYPE_ERROR, &error, NULL))
    g_error("%s: %s", action, error->message);
}

static void ask_repairs(End *self)
{
  g_autoptr(GArray) transceivers = NULL;
  g_signal_emit_by_name(self->end, "get-transceivers", &transceivers);
  for (guint i = 0; i < transceivers->len; i++)
    g_object_set(g_array_index(transceivers, GObject *, i), "do-nack", TRUE, NULL);
}

static void take_offer(End *self, const char *text)
{
  GstSDPMessage *sdp = NULL;
  if (gst_sdp_message_new_from_text(text, &sdp) != GST_SDP_OK)
    g_error("the offer cannot be read");
  GstWebRTCSessionDescription *offer =
      gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_OFFER, sdp);
  describe(self, "set-remote-description", offer);
  gst_webrtc_session_description_free(offer);
  g_autoptr(GstPromise) promise = gst_promise_new();
  g_signal_emit_by_name(self->end, "create-answer", NULL, promise);
  gst_promise_wait(promise);
  GstWebRTCSessionDescription *answer = NULL;
  if (!gst_structure_get(gst_promise_get_reply(promise), "answer",
                         GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &answer, NULL))
    g_error("there is no answer");
  describe(self, "set-local-description", answer);
  gst_webrtc_session_description_free(answer);
  self->owes_answer = true;
  if (!self->waits_for_candidates || is_gathered(self))
    say_answer(self);
}

static void take_candidate(End *self, const char *candidate, const char *mid)
{
  /* Debian's version cannot be told that there are no more. */
  if (candidate[0] != '\0')
    g_signal_emit_by_name(self->end, "add-ice-candidate", g_strcmp0(mid, "video") == 0 ? 1u : 0u,
                          candidate);
}

static guint64 asked_again(End *self)
{
  guint64 sum = 0;
  for (guint i = 0; i < self->jitter_buffers->len; i++) {
    g_autoptr(GstStructure) stats = NULL;
    guint64 count = 0;
    g_object_get(g_ptr_array_index(self->jitter_buffers, i), "stats", &stats, NULL);
    gst_structure_get_uint64(stats, "rtx-count", &count);
    sum += count;
  }
  return sum;
}

/* Retransmissions that came. The jitter buffer's own count misses those that came before GStreamer
 * learnt, from one that it had asked for, which stream they repeat. */
static guint64 came_again(End *self)
{
  guint64 sum = 0;
  for (guint i = 0; i < self->rtx_receivers->len; i++) {
    guint count = 0;
    g_object_get(g_ptr_array_index(self->rtx_receivers, i), "num-rtx-packets", &count, NULL);
    sum += count;
  }
  return sum;
}

static void say_stats(End *self)
{
  say(json_pack("{s:s, s:{s:i, s:i, s:i, s:I, s:I}, s:{s:i, s:f}, s:n}", "type", "stats", "video",
                "packets", g_atomic_int_get(&self->video_packets), "frames",
                g_atomic_int_get(&self->frames), "width", g_atomic_int_get(&self->width), "nacks",
                (json_int_t)asked_again(self), "repaired", (json_int_t)came_again(self), "audio",
                "packets", g_atomic_int_get(&self->audio_packets), "energy", self->energy,
                "cipher"));
}

static void take_line(End *self, const char *line)
{
  json_error_t error;
  json_t *message = json_loads(line, 0, &error);
  const char *type = NULL, *sdp = NULL, *candidate = "", *mid = NULL;
  if (message == NULL || json_unpack(message, "{s:s, s?s, s?s, s?s}", "type", &type, "sdp", &sdp,
                                     "candidate", &candidate, "mid", &mid) != 0)
    g_error("a line cannot be read: %s", line);
  if (strcmp(type, "offer") == 0)
    take_offer(self, sdp);
  else if (strcmp(type, "candidate") == 0)
    take_candidate(self, candidate, mid);
  else
    say_stats(self);
  json_decref(message);
}

static void line_read(GObject *source, GAsyncResult *result, gpointer data)
{
  End *self = data;
  GDataInputStream *input = G_DATA_INPUT_STREAM(source);
  g_autofree char *line = g_data_input_stream_read_line_finish(input, result, NULL, NULL);
  if (line == NULL) {
    g_main_loop_quit(self->loop);
    return;
  }
  take_line(self, line);
  g_data_input_stream_read_line_async(input, G_PRIORITY_DEFAULT, NULL, line_read, self);
}

int main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_autoptr(GError) error = NULL;
  End self = {.waits_for_candidates = argc > 1 && strcmp(argv[1], "gathered") == 0,
              .jitter_buffers = g_ptr_array_new_with_free_func(gst_object_unref),
              .rtx_receivers = g_ptr_array_new_with_free_func(gst_object_unref),
              .loop = g_main_loop_new(NULL, FALSE),
              .pipeline = gst_parse_launch(description, &error)};
  if (error != NULL)
    g_error("%s", error->message);
  self.end = gst_bin_get_by_name(GST_BIN(self.pipeline), "end");
  g_signal_connect(self.end, "pad-added", G_CALLBACK(pad_added), &self);
  g_signal_connect(self.end, "on-ice-candidate", G_CALLBACK(found_candidate), &self);
  g_signal_connect(self.end, "notify::ice-gathering-state", G_CALLBACK(gathering_changed), &self);
  g_signal_connect(self.end, "deep-element-added", G_CALLBACK(element_added), &self);
  ask_repairs(&self);
  g_autoptr(GstBus) bus = gst_element_get_bus(self.pipeline);
  gst_bus_add_watch(bus, bus_message, &self);
  gst_element_set_state(self.pipeline, GST_STATE_PLAYING);

  g_autoptr(GInputStream) input = g_unix_input_stream_new(STDIN_FILENO, FALSE);
  g_autoptr(GDataInputStream) lines = g_data_input_stream_new(input);
  g_data_input_stream_read_line_async(lines, G_PRIORITY_DEFAULT, NULL, line_read, &self);
  say(json_pack("{s:s, s:s}", "type", "hello", "version", gst_version_string()));
  g_main_loop_run(self.loop);
  /* The process ends as a killed one would: taking webrtcbin apart can wait for its peer. */
  _exit(0);
}
