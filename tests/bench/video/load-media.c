/* tests/bench/video/load-media.c: the schedule of a run. */
#include "load-media.h"
#include "load-bytes.h"
#include "video/rtp.h"
#include <openssl/rand.h>
#include <string.h>

#define SECOND_NS G_GINT64_CONSTANT(1000000000)
#define FRAMES_PER_SECOND 30
#define AUDIO_PER_SECOND 50
#define PREPARE_STEP 2000
#define SAMPLE 32 /* one packet of so many is opened */
#define MARK 0x41424c4bu
#define MARK_SIZE 12

typedef struct {
  gint64 due_ns;
  guint32 leg;
  guint32 timestamp;
  gsize offset; /* in the arena */
  guint16 size; /* before and after encryption */
  guint16 sequence;
  guint8 kind;
  bool marker;
  bool first; /* packet of a frame */
} Event;

struct LoadMedia {
  Load *load;
  GArray *events;
  guint prepared, sent;
  gint64 window_ns, window_end_ns;
  guint8 *arena;
  gsize arena_size;
};

guint32 load_media_clock_rate(LoadKind kind)
{
  return kind == LOAD_AUDIO ? 48000 : 90000;
}

static void add_event(LoadMedia *media, LoadLeg *leg, Event event)
{
  event.leg = leg->index;
  event.timestamp = leg->out[event.kind].timestamp +
                    (guint32)(event.due_ns * load_media_clock_rate(event.kind) / SECOND_NS);
  event.offset = media->arena_size;
  media->arena_size += event.size + ABLAK_SRTP_OVERHEAD;
  g_array_append_val(media->events, event);
}

static void add_frame(LoadMedia *media, LoadLeg *leg, gint64 due_ns)
{
  guint packets = 5 + (leg->out[LOAD_VIDEO].frames++ + leg->index) % 5 / 3;
  /* libwebrtc cuts a frame into equal pieces. */
  guint16 size = (guint16)(1100 + g_random_int_range(0, 100));
  for (guint i = 0; i < packets; i++)
    add_event(media, leg,
              (Event){.due_ns = due_ns,
                      .kind = LOAD_VIDEO,
                      .size = size,
                      .first = i == 0,
                      .marker = i == packets - 1});
}

/* Everyone's frames at their own times. */
static void add_leg(LoadMedia *media, LoadLeg *leg, gint64 length_ns)
{
  gint64 phase_ns = g_random_int_range(0, 20000) * G_GINT64_CONSTANT(1000);
  for (gint64 i = 0; i < length_ns * FRAMES_PER_SECOND / SECOND_NS; i++)
    add_frame(media, leg, phase_ns + i * SECOND_NS / FRAMES_PER_SECOND);
  for (gint64 i = 0; i < length_ns * AUDIO_PER_SECOND / SECOND_NS; i++)
    add_event(media, leg,
              (Event){.due_ns = phase_ns / 2 + i * SECOND_NS / AUDIO_PER_SECOND,
                      .kind = LOAD_AUDIO,
                      .size = (guint16)(90 + g_random_int_range(0, 20))});
  for (LoadKind kind = 0; kind < LOAD_KINDS; kind++)
    leg->out[kind].timestamp += (guint32)(length_ns * load_media_clock_rate(kind) / SECOND_NS);
}

/* In the order they were made where they are due together. */
static int compare(gconstpointer a, gconstpointer b)
{
  const Event *x = a, *y = b;
  if (x->due_ns != y->due_ns)
    return x->due_ns < y->due_ns ? -1 : 1;
  return x->offset < y->offset ? -1 : 1;
}

LoadMedia *load_media_new(Load *load, guint legs, gint64 length_ns, gint64 window_ns,
                          gint64 window_end_ns)
{
  LoadMedia *media = g_new0(LoadMedia, 1);
  media->load = load;
  media->window_ns = window_ns;
  media->window_end_ns = window_end_ns;
  media->events = g_array_new(FALSE, FALSE, sizeof(Event));
  for (guint i = 0; i < legs; i++)
    add_leg(media, load->legs->pdata[i], length_ns);
  g_array_sort(media->events, compare);
  /* From now on they lie as they are sent. */
  gsize offset = 0;
  for (guint i = 0; i < media->events->len; i++) {
    Event *event = &g_array_index(media->events, Event, i);
    event->offset = offset;
    offset += event->size + ABLAK_SRTP_OVERHEAD;
  }
  media->arena = g_malloc(media->arena_size);
  return media;
}

void load_media_free(LoadMedia *media)
{
  g_array_unref(media->events);
  g_free(media->arena);
  g_free(media);
}

static gsize write_extensions(guint8 *data, LoadLeg *leg, const Event *event)
{
  guint8 *at = data + 4;
  if (event->kind == LOAD_AUDIO) {
    *at++ = LOAD_EXT_LEVEL << 4;
    *at++ = 0x80 | 30;
  }
  guint32 send_time = (guint32)((event->due_ns << 18) / SECOND_NS);
  *at++ = LOAD_EXT_SEND_TIME << 4 | 2;
  *at++ = (guint8)(send_time >> 16);
  load_write16(at, send_time);
  at += 2;
  *at++ = LOAD_EXT_TRANSPORT << 4 | 1;
  load_write16(at, leg->transport_sequence++);
  at += 2;
  while ((at - data) % 4 != 0)
    *at++ = 0;
  load_write16(data, 0xbede);
  load_write16(data + 2, (guint32)(at - data - 4) / 4);
  return (gsize)(at - data);
}

/* RFC 7741: descriptor with a picture number; the first frame begins like a key frame. */
static gsize write_vp8(guint8 *data, const LoadOut *out, const Event *event)
{
  static const guint8 key_frame[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};
  static const guint8 other_frame[] = {0x11, 0x02, 0x00};
  bool key = out->packets < 6;
  data[0] = event->first ? 0x90 : 0x80;
  data[1] = 0x80;
  load_write16(data + 2, 0x8000 | (event->timestamp / 3000 & 0x7fff));
  if (!event->first)
    return 4;
  gsize size = key ? sizeof key_frame : sizeof other_frame;
  memcpy(data + 4, key ? key_frame : other_frame, size);
  return 4 + size;
}

static void write_packet(LoadLeg *leg, Event *event, guint8 *data)
{
  LoadOut *out = &leg->out[event->kind];
  event->sequence = out->sequence++;
  data[0] = 0x90;
  data[1] = (guint8)((event->kind == LOAD_AUDIO ? LOAD_PT_AUDIO : LOAD_PT_VIDEO) |
                     (event->marker ? 0x80 : 0));
  load_write16(data + 2, event->sequence);
  ablak_write32(data + 4, event->timestamp);
  ablak_write32(data + 8, out->ssrc);
  gsize at = 12 + write_extensions(data + 12, leg, event);
  if (event->kind == LOAD_VIDEO)
    at += write_vp8(data + at, out, event);
  else
    data[at++] = 0x78; /* Opus, full band, 20 ms */
  for (; at + MARK_SIZE < event->size; at++)
    data[at] = (guint8)(at * 167 + event->sequence);
  guint8 *mark = data + event->size - MARK_SIZE;
  ablak_write32(mark, MARK);
  ablak_write32(mark + 4, leg->index);
  load_write16(mark + 8, event->kind);
  load_write16(mark + 10, event->sequence);
  out->packets++;
  out->bytes += event->size;
}

gboolean load_media_prepare(LoadMedia *media)
{
  for (guint i = 0; i < PREPARE_STEP && media->prepared < media->events->len; i++) {
    Event *event = &g_array_index(media->events, Event, media->prepared++);
    LoadLeg *leg = media->load->legs->pdata[event->leg];
    guint8 *data = media->arena + event->offset;
    gsize size = event->size;
    write_packet(leg, event, data);
    if (leg->send != NULL &&
        ablak_srtp_protect(leg->send, data, &size, size + ABLAK_SRTP_OVERHEAD) != ABLAK_SRTP_OK)
      g_error("a packet of one's own cannot be encrypted");
    event->size = (guint16)size;
  }
  return media->prepared < media->events->len;
}

/* The packets that follow in the schedule, are due together and make one frame. */
static guint burst_length(const LoadMedia *media)
{
  const Event *first = &g_array_index(media->events, Event, media->sent);
  guint length = 1;
  for (; length < LOAD_BURST_MAX && media->sent + length < media->events->len; length++) {
    const Event *next = first + length;
    if (next->due_ns != first->due_ns || next->leg != first->leg || next->kind != first->kind ||
        next->size != first->size)
      break;
  }
  return length;
}

static void send_burst(LoadMedia *media, const Event *events, guint length, gint64 at_ns)
{
  LoadReport *report = &media->load->report;
  LoadLeg *leg = media->load->legs->pdata[events->leg];
  bool counts = events->due_ns >= media->window_ns && events->due_ns < media->window_end_ns;
  LoadBurst burst = {.count = length};
  for (guint i = 0; i < length; i++) {
    guint16 sequence = events[i].sequence;
    LoadSent *sent = &leg->out[events->kind].sent[sequence % LOAD_SENT_MAX];
    *sent = (LoadSent){.sequence = sequence, .waiting = true, .counts = counts};
    burst.data[i] = media->arena + events[i].offset;
    burst.sizes[i] = events[i].size;
    burst.ret_sent_ns[i] = &sent->sent_ns;
  }
  load_net_queue(leg->load->net, leg->index, &leg->ice.remote, &burst);
  if (!counts)
    return;
  report->sent += length;
  report->late_max_ns = MAX(report->late_max_ns, (guint64)(at_ns - events->due_ns));
}

gboolean load_media_send(LoadMedia *media, gint64 at_ns)
{
  while (media->sent < media->events->len) {
    const Event *event = &g_array_index(media->events, Event, media->sent);
    if (event->due_ns > at_ns)
      break;
    guint length = burst_length(media);
    send_burst(media, event, length, at_ns);
    media->sent += length;
  }
  load_net_flush(media->load->net);
  return media->sent < media->events->len;
}

/* A relay that renumbers streams has calls of two. */
static LoadLeg *sender_of(const LoadLeg *leg, guint32 ssrc)
{
  LoadLeg *sender = g_hash_table_lookup(leg->load->senders, GUINT_TO_POINTER(ssrc));
  return sender != NULL ? sender : leg->load->legs->pdata[leg->peer];
}

/* Is it what the other leg sent? Also tells how the relay numbers the stream. */
static void open_sample(LoadLeg *leg, const LoadLeg *sender, LoadKind kind, guint8 *data,
                        gsize size, guint16 sequence)
{
  LoadReport *report = &leg->load->report;
  report->opened++;
  if ((leg->receive != NULL && ablak_srtp_unprotect(leg->receive, data, &size) != ABLAK_SRTP_OK) ||
      size < MARK_SIZE) {
    report->forged++;
    return;
  }
  const guint8 *mark = data + size - MARK_SIZE;
  if (ablak_read32(mark) != MARK || ablak_read32(mark + 4) != sender->index ||
      ablak_read16(mark + 8) != kind)
    report->forged++;
  leg->in[kind].renumbered = (guint16)(sequence - ablak_read16(mark + 10));
}

static void note_number(LoadLeg *leg, guint16 number, gint64 at_ns)
{
  leg->load->report.gaps += leg->numbered && number != leg->number_next;
  leg->numbered = true;
  leg->number_next = (guint16)(number + 1);
  if (leg->arrivals_length < LOAD_ARRIVALS_MAX)
    leg->arrivals[leg->arrivals_length++] = (LoadArrival){number, at_ns};
}

/* One-byte header extensions only, as they were sent. */
static void note_arrival(LoadLeg *leg, const guint8 *data, gsize size, gint64 at_ns)
{
  gsize end = 16 + 4u * ablak_read16(data + 14);
  if ((data[0] & 0x10) == 0 || ablak_read16(data + 12) != 0xbede || end > size)
    return;
  for (gsize at = 16; at < end; at += data[at] == 0 ? 1 : 2 + (data[at] & 15u))
    if (data[at] >> 4 == LOAD_EXT_TRANSPORT)
      note_number(leg, ablak_read16(data + at + 1), at_ns);
}

void load_media_received(LoadLeg *leg, guint8 *data, gsize size, gint64 at_ns)
{
  LoadReport *report = &leg->load->report;
  guint8 type = data[1] & 0x7f;
  if (size < 16 || (type != LOAD_PT_AUDIO && type != LOAD_PT_VIDEO))
    return;
  LoadKind kind = type == LOAD_PT_AUDIO ? LOAD_AUDIO : LOAD_VIDEO;
  LoadIn *in = &leg->in[kind];
  guint16 sequence = ablak_read16(data + 2);
  in->ssrc = ablak_read32(data + 8);
  in->highest += in->packets == 0 ? sequence : (guint16)MAX((gint16)(sequence - in->highest), 0);
  note_arrival(leg, data, size, at_ns);
  LoadLeg *sender = sender_of(leg, in->ssrc);
  if (in->packets++ % SAMPLE == 0)
    open_sample(leg, sender, kind, data, size, sequence);
  report->wall_received += leg->load->measuring;
  sequence = (guint16)(sequence - in->renumbered);
  LoadSent *sent = &sender->out[kind].sent[sequence % LOAD_SENT_MAX];
  if (sent->sequence != sequence || !sent->waiting) {
    report->duplicates++;
    return;
  }
  sent->waiting = false;
  if (!sent->counts)
    return;
  report->received++;
  load_report_delay(report, at_ns - sent->sent_ns);
}
