/* video/feedback.c: header extensions and the feedback of congestion control. */
#include "video/feedback.h"
#include "video/bytes.h"
#include <string.h>

/* RFC 8285: one octet of number and length before each value, or two. */
#define ONE_BYTE 0xbede
#define TWO_BYTE 0x1000

guint8 *ablak_extension_find(guint8 *packet, gsize size, guint8 number, gsize *ret_length)
{
  if (size < 12 || (packet[0] & 0x10) == 0)
    return NULL;
  gsize at = 12 + 4 * (gsize)(packet[0] & 0x0f);
  if (at + 4 > size)
    return NULL;
  guint16 profile = ablak_read16(packet + at);
  gsize end = at + 4 + 4 * (gsize)ablak_read16(packet + at + 2);
  bool two = (profile & 0xfff0) == TWO_BYTE;
  if (end > size || (profile != ONE_BYTE && !two))
    return NULL;
  for (at += 4; at < end;) {
    if (packet[at] == 0) {
      at++;
      continue;
    }
    guint8 id = two ? packet[at] : packet[at] >> 4;
    gsize head = two ? 2 : 1;
    if (at + head > end || (!two && id == 15)) /* 15: nothing after it is to be read */
      return NULL;
    gsize length = two ? packet[at + 1] : (gsize)(packet[at] & 0x0f) + 1;
    if (at + head + length > end)
      return NULL;
    if (id == number) {
      *ret_length = length;
      return packet + at + head;
    }
    at += head + length;
  }
  return NULL;
}

void ablak_extension_erase(guint8 *packet, gsize size, guint8 number)
{
  gsize length = 0;
  guint8 *value = ablak_extension_find(packet, size, number, &length);
  if (value == NULL)
    return;
  bool two = ablak_read16(packet + 12 + 4 * (gsize)(packet[0] & 0x0f)) != ONE_BYTE;
  gsize head = two ? 2 : 1;
  memset(value - head, 0, head + length);
}

void ablak_extension_set_send_time(guint8 *packet, gsize size, gint64 now_us)
{
  gsize length = 0;
  guint8 *value = ablak_extension_find(packet, size, ABLAK_EXTENSION_SEND_TIME, &length);
  if (value == NULL || length != 3)
    return;
  guint32 time = (guint32)(((guint64)now_us << 18) / G_USEC_PER_SEC);
  value[0] = (guint8)(time >> 16);
  value[1] = (guint8)(time >> 8);
  value[2] = (guint8)time;
}

/* --- arrivals ----------------------------------------------------------------------------------
 */

#define TICK_US 250
#define REFERENCE_US 64000
/* Symbols of two bits, seven a chunk. */
#define SYMBOLS 7
enum { LOST, SMALL, LARGE };
/* Numbers further apart than this are of another start. */
#define GAP_MOST 2000

void ablak_arrivals_note(AblakArrivals *arrivals, guint16 sequence, gint64 now_us)
{
  if (arrivals->length == ABLAK_ARRIVALS_MAX)
    return;
  arrivals->packets[arrivals->length].sequence = sequence;
  arrivals->packets[arrivals->length].at_us = now_us;
  arrivals->length++;
}

static gint16 distance(guint16 from, guint16 to)
{
  return (gint16)(guint16)(to - from);
}

/* By number; what comes in order, as nearly all does, is not moved. */
static void sort(AblakArrivals *arrivals)
{
  for (guint i = 1; i < arrivals->length; i++)
    for (guint j = i;
         j > 0 && distance(arrivals->packets[j - 1].sequence, arrivals->packets[j].sequence) < 0;
         j--) {
      typeof(arrivals->packets[0]) swapped = arrivals->packets[j];
      arrivals->packets[j] = arrivals->packets[j - 1];
      arrivals->packets[j - 1] = swapped;
    }
}

typedef struct {
  guint8 *packet;
  gsize chunks; /* symbols so far */
  guint8 deltas[ABLAK_ARRIVALS_MAX * 2];
  gsize deltas_size;
  gint64 ticks; /* of the last arrival told, since the reference time */
} Writer;

#define HEAD_SIZE 20

static gsize size_with(gsize symbols, gsize deltas_size)
{
  gsize size = HEAD_SIZE + 2 * ((symbols + SYMBOLS - 1) / SYMBOLS) + deltas_size;
  return (size + 3) & ~(gsize)3;
}

static void put_symbol(Writer *writer, guint symbol)
{
  guint8 *chunk = writer->packet + HEAD_SIZE + 2 * (writer->chunks / SYMBOLS);
  guint at = (guint)(writer->chunks++ % SYMBOLS);
  if (at == 0) {
    chunk[0] = 0xc0; /* a vector of two-bit symbols */
    chunk[1] = 0;
  }
  guint shift = 12 - 2 * at;
  if (shift >= 8)
    chunk[0] |= (guint8)(symbol << (shift - 8));
  else
    chunk[1] |= (guint8)(symbol << shift);
}

/* The packet after `lost` others that did not come. */
static void put_arrival(Writer *writer, guint lost, gint64 delta)
{
  bool is_small = delta >= 0 && delta <= 255;
  for (guint i = 0; i < lost; i++)
    put_symbol(writer, LOST);
  put_symbol(writer, is_small ? SMALL : LARGE);
  if (!is_small)
    writer->deltas[writer->deltas_size++] = (guint8)((guint16)delta >> 8);
  writer->deltas[writer->deltas_size++] = (guint8)delta;
  writer->ticks += delta;
}

/* How many of the arrivals were told. */
static guint write_all(Writer *writer, const AblakArrivals *arrivals, guint16 base, gint64 base_us)
{
  guint16 next = base;
  guint i = 0;
  for (; i < arrivals->length; i++) {
    gint16 lost = distance(next, arrivals->packets[i].sequence);
    gint64 delta = (arrivals->packets[i].at_us - base_us) / TICK_US - writer->ticks;
    if (lost < 0) /* twice */
      continue;
    if (delta < G_MININT16 || delta > G_MAXINT16 ||
        size_with(writer->chunks + (gsize)lost + 1, writer->deltas_size + 2) >
            ABLAK_RTCP_ARRIVALS_SIZE)
      break;
    put_arrival(writer, (guint)lost, delta);
    next = (guint16)(arrivals->packets[i].sequence + 1);
  }
  return i;
}

/* Late ones of before are told of as well, but never more than a gap's worth. */
static guint16 first_of(const AblakArrivals *arrivals)
{
  guint16 first = arrivals->packets[0].sequence;
  gint16 since = distance(arrivals->next, first);
  return arrivals->begun && since > 0 && since < GAP_MOST ? arrivals->next : first;
}

static void finish(Writer *writer, guint16 base, gint64 base_us, guint8 count)
{
  guint8 *packet = writer->packet;
  gsize chunks_size = 2 * ((writer->chunks + SYMBOLS - 1) / SYMBOLS);
  gsize size = size_with(writer->chunks, writer->deltas_size);
  memset(packet + HEAD_SIZE + chunks_size, 0, size - HEAD_SIZE - chunks_size);
  memcpy(packet + HEAD_SIZE + chunks_size, writer->deltas, writer->deltas_size);
  packet[0] = 0x80 | 15;
  packet[1] = ABLAK_RTCP_TRANSPORT_FEEDBACK;
  packet[2] = (guint8)((size / 4 - 1) >> 8);
  packet[3] = (guint8)(size / 4 - 1);
  ablak_write32(packet + 12, (guint32)base << 16 | (guint32)writer->chunks);
  ablak_write32(packet + 16, (guint32)(base_us / REFERENCE_US) << 8 | count);
}

gsize ablak_rtcp_write_arrivals(guint8 ret_packet[ABLAK_RTCP_ARRIVALS_SIZE],
                                AblakArrivals *arrivals, guint32 sender_ssrc, guint32 media_ssrc)
{
  if (arrivals->length == 0)
    return 0;
  sort(arrivals);
  Writer writer = {.packet = ret_packet};
  guint16 base = first_of(arrivals);
  gint64 base_us = arrivals->packets[0].at_us / REFERENCE_US * REFERENCE_US;
  guint told = write_all(&writer, arrivals, base, base_us);
  if (told == 0) { /* from another start: nothing of before is told */
    arrivals->begun = false;
    arrivals->length = 0;
    return 0;
  }
  finish(&writer, base, base_us, arrivals->count++);
  ablak_write32(ret_packet + 4, sender_ssrc);
  ablak_write32(ret_packet + 8, media_ssrc);
  guint16 next = (guint16)(base + writer.chunks);
  if (!arrivals->begun || base == arrivals->next || distance(arrivals->next, next) > 0)
    arrivals->next = next;
  arrivals->begun = true;
  arrivals->length -= told;
  memmove(arrivals->packets, arrivals->packets + told,
          arrivals->length * sizeof arrivals->packets[0]);
  return size_with(writer.chunks, writer.deltas_size);
}

bool ablak_rtcp_is_transport_wide(const AblakRtcpPacket *packet)
{
  return packet->type == ABLAK_RTCP_TRANSPORT_FEEDBACK && packet->count == 15;
}

/* --- estimates ---------------------------------------------------------------------------------
 */

bool ablak_rtcp_read_estimate(const AblakRtcpPacket *packet, guint64 *ret_bps)
{
  if (packet->type != ABLAK_RTCP_PAYLOAD_FEEDBACK || packet->count != 15 || packet->size < 20 ||
      memcmp(packet->data + 12, "REMB", 4) != 0)
    return false;
  guint32 word = ablak_read32(packet->data + 16);
  guint exponent = word >> 18 & 0x3f;
  guint64 mantissa = word & 0x3ffff;
  *ret_bps = exponent > 40 ? G_MAXUINT32 : mantissa << exponent;
  return true;
}

void ablak_rtcp_write_estimate(guint8 ret_packet[ABLAK_RTCP_ESTIMATE_SIZE], guint32 sender_ssrc,
                               guint32 media_ssrc, guint64 bps)
{
  guint32 exponent = 0;
  for (; bps > 0x3ffff; bps >>= 1)
    exponent++;
  ret_packet[0] = 0x80 | 15;
  ret_packet[1] = ABLAK_RTCP_PAYLOAD_FEEDBACK;
  ret_packet[2] = 0;
  ret_packet[3] = ABLAK_RTCP_ESTIMATE_SIZE / 4 - 1;
  ablak_write32(ret_packet + 4, sender_ssrc);
  ablak_write32(ret_packet + 8, 0);
  memcpy(ret_packet + 12, "REMB", 4);
  ablak_write32(ret_packet + 16, 1u << 24 | exponent << 18 | (guint32)bps);
  ablak_write32(ret_packet + 20, media_ssrc);
}
