/* tests/bench/video/load-rtcp.c: RFC 3550 §6.4 and draft-holmer-rmcat-transport-wide-cc-01. */
#include "load-rtcp.h"
#include "load-bytes.h"
#include "load-media.h"
#include "tests/bench/video/pairwise/report.h"
#include "video/feedback.h"
#include <string.h>

#define MS_NS G_GINT64_CONSTANT(1000000)
#define FEEDBACK_INTERVAL_NS (50 * MS_NS)
/* More than any leg sends in a run. */
#define NUMBERS_BACK 8192
/* As browsers do for packets without transport-wide numbers: once a second, what comes and more. */
#define ESTIMATE_INTERVAL_NS (1000 * MS_NS)
#define ESTIMATE_BPS 20000000
#define REPORT_INTERVAL_NS (1000 * MS_NS)
#define AUDIO_REPORT_EVERY 5
#define TICK_US 250
#define PACKET_MAX 1200
#define CHUNK_SYMBOLS 7
#define NTP_OFFSET_S 2208988800u

enum { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA };

static void send_rtcp(LoadLeg *leg, guint8 *data, gsize size, gsize capacity)
{
  if (ablak_srtp_protect_rtcp(leg->send, data, &size, capacity) == ABLAK_SRTP_OK)
    load_leg_send(leg, data, size);
}

static gsize begin(guint8 *data, guint8 count, guint8 type, guint32 ssrc)
{
  data[0] = 0x80 | count;
  data[1] = type;
  ablak_write32(data + 4, ssrc);
  return 8;
}

/* The length counts words less one. */
static gsize end(guint8 *data, gsize size)
{
  for (; size % 4 != 0; size++)
    data[size] = 0;
  load_write16(data + 2, (guint32)(size / 4 - 1));
  return size;
}

static int compare(gconstpointer a, gconstpointer b)
{
  const LoadArrival *x = a, *y = b;
  return (gint16)(x->sequence - y->sequence);
}

typedef struct {
  guint8 *deltas;
  gsize deltas_size;
  gint64 last_ticks;
} Deltas;

static guint32 add_delta(Deltas *deltas, gint64 at_ns)
{
  gint64 ticks = at_ns / (1000 * TICK_US), delta = ticks - deltas->last_ticks;
  deltas->last_ticks = ticks;
  if (delta >= 0 && delta <= 255) {
    deltas->deltas[deltas->deltas_size++] = (guint8)delta;
    return SMALL_DELTA;
  }
  load_write16(deltas->deltas + deltas->deltas_size, (guint32)CLAMP(delta, -32768, 32767));
  deltas->deltas_size += 2;
  return LARGE_DELTA;
}

/* Status vector chunks of two bits a packet, then the deltas. */
static void send_feedback(LoadLeg *leg)
{
  guint8 data[PACKET_MAX], delta_bytes[2 * LOAD_ARRIVALS_MAX];
  LoadArrival *arrivals = leg->arrivals;
  guint length = leg->arrivals_length, next = 0;
  leg->arrivals_length = 0;
  qsort(arrivals, length, sizeof *arrivals, compare);
  guint16 base = arrivals[0].sequence;
  guint count = (guint16)(arrivals[length - 1].sequence - base) + 1u;
  gint64 reference = arrivals[0].at_ns / (64 * MS_NS);
  Deltas deltas = {delta_bytes, 0, reference * (64 * 1000 / TICK_US)};
  if (count > 2 * LOAD_ARRIVALS_MAX)
    return;
  gsize size = begin(data, 15, ABLAK_RTCP_TRANSPORT_FEEDBACK, leg->out[LOAD_VIDEO].ssrc);
  ablak_write32(data + size, leg->in[LOAD_VIDEO].ssrc);
  load_write16(data + size + 4, base);
  load_write16(data + size + 6, count);
  ablak_write32(data + size + 8, (guint32)(reference << 8) | leg->feedbacks++);
  size += 12;
  for (guint first = 0; first < count; first += CHUNK_SYMBOLS) {
    guint32 chunk = 0xc000;
    for (guint i = 0; i < CHUNK_SYMBOLS; i++) {
      while (next < length && (guint16)(arrivals[next].sequence - base) < first + i)
        next++; /* a duplicate */
      if (next < length && (guint16)(arrivals[next].sequence - base) == first + i)
        chunk |= add_delta(&deltas, arrivals[next++].at_ns) << (12 - 2 * i);
    }
    load_write16(data + size, chunk);
    size += 2;
  }
  memcpy(data + size, delta_bytes, deltas.deltas_size);
  size = end(data, size + deltas.deltas_size);
  send_rtcp(leg, data, size, sizeof data);
}

static void send_estimate(LoadLeg *leg)
{
  guint8 data[ABLAK_RTCP_ESTIMATE_SIZE + ABLAK_SRTP_OVERHEAD];
  ablak_rtcp_write_estimate(data, leg->out[LOAD_VIDEO].ssrc, leg->in[LOAD_VIDEO].ssrc,
                            ESTIMATE_BPS);
  send_rtcp(leg, data, ABLAK_RTCP_ESTIMATE_SIZE, sizeof data);
}

static gsize add_report_block(guint8 *data, const LoadIn *in)
{
  memset(data, 0, 24);
  ablak_write32(data, in->ssrc);
  ablak_write32(data + 8, in->highest);
  return 24;
}

static void send_report(LoadLeg *leg, LoadKind kind, gint64 now_ns)
{
  guint8 data[256];
  const LoadOut *out = &leg->out[kind];
  const LoadIn *in = &leg->in[kind];
  gsize size = begin(data, in->ssrc != 0, ABLAK_RTCP_SR, out->ssrc);
  ablak_write32(data + size, (guint32)(now_ns / 1000000000) + NTP_OFFSET_S);
  ablak_write32(data + size + 4, (guint32)(((now_ns % 1000000000) << 32) / 1000000000));
  ablak_write32(data + size + 8, out->timestamp);
  ablak_write32(data + size + 12, out->packets);
  ablak_write32(data + size + 16, out->bytes);
  size += 20;
  if (in->ssrc != 0)
    size += add_report_block(data + size, in);
  size = end(data, size);
  guint8 *description = data + size;
  gsize description_size = begin(description, 1, 202, out->ssrc);
  memcpy(description + description_size, "\001\004load\0\0", 8);
  size += end(description, description_size + 8);
  send_rtcp(leg, data, size, sizeof data);
}

static void tick_feedback(LoadLeg *leg, gint64 now_ns)
{
  if (leg->next_feedback_ns > now_ns)
    return;
  if (leg->arrivals_length > 0) {
    leg->next_feedback_ns = now_ns + FEEDBACK_INTERVAL_NS - leg->index % 7 * MS_NS;
    send_feedback(leg);
  } else if (!leg->numbered) {
    leg->next_feedback_ns = now_ns + ESTIMATE_INTERVAL_NS - leg->index % 97 * MS_NS;
    send_estimate(leg);
  }
}

void load_rtcp_tick(LoadLeg *leg, gint64 now_ns)
{
  /* Nothing is reported before there is anything, and every leg at its own times. */
  if (leg->in[LOAD_VIDEO].packets == 0)
    return;
  tick_feedback(leg, now_ns);
  if (leg->next_report_ns <= now_ns) {
    bool first = leg->next_report_ns == 0;
    leg->next_report_ns = now_ns + REPORT_INTERVAL_NS - (first ? leg->index % 97 * 10 * MS_NS : 0);
    send_report(leg, LOAD_VIDEO, now_ns);
    if (leg->reports++ % AUDIO_REPORT_EVERY == 0)
      send_report(leg, LOAD_AUDIO, now_ns);
  }
}

static void note_told(guint16 number, bool arrived, gint64 at_us, gpointer data)
{
  const LoadLeg *leg = data;
  LoadReport *report = &leg->load->report;
  (void)at_us;
  /* Its packets of the run lie ready, numbered, from the begin. */
  if ((guint16)(leg->transport_sequence - number - 1) >= NUMBERS_BACK)
    report->strays++;
  else
    report->told += arrived && leg->load->measuring;
}

void load_rtcp_received(LoadLeg *leg, guint8 *data, gsize size)
{
  AblakRtcpPacket packet;
  gsize offset = 0;
  if (leg->receive == NULL || ablak_srtp_unprotect_rtcp(leg->receive, data, &size) != ABLAK_SRTP_OK)
    return;
  while (ablak_rtcp_next(data, size, &offset, &packet))
    if (ablak_rtcp_is_transport_wide(&packet))
      pairwise_report_each(&packet, note_told, leg);
}
