/* tests/bench/video/pairwise/report.c: chunks of what arrived, then how long after one another. */
#include "report.h"
#include "video/bytes.h"
#include "video/feedback.h"

#define HEAD_SIZE 20
#define TICK_US 250

enum { LOST, SMALL, LARGE };

typedef struct {
  guint16 word;
  guint length;
} Chunk;

/* A run of one symbol, or a vector of 14 of one bit or seven of two. */
static Chunk chunk_at(const guint8 *data)
{
  guint16 word = ablak_read16(data);
  if ((word & 0x8000) == 0)
    return (Chunk){word, word & 0x1fff};
  return (Chunk){word, (word & 0x4000) == 0 ? 14 : 7};
}

static guint symbol_of(Chunk chunk, guint at)
{
  if ((chunk.word & 0x8000) == 0)
    return chunk.word >> 13 & 3;
  if ((chunk.word & 0x4000) == 0)
    return chunk.word >> (13 - at) & 1;
  return chunk.word >> (12 - 2 * at) & 3;
}

/* Where the deltas begin; past the end when the chunks are cut short. */
static gsize deltas_at(const AblakRtcpPacket *packet, guint count)
{
  gsize at = HEAD_SIZE;
  for (guint told = 0; told < count && at + 2 <= packet->size; at += 2)
    told += MAX(chunk_at(packet->data + at).length, 1);
  return at;
}

bool pairwise_report_head(const AblakRtcpPacket *packet, PairwiseReport *ret_report)
{
  if (!ablak_rtcp_is_transport_wide(packet) || packet->size < HEAD_SIZE)
    return false;
  ret_report->base = ablak_read16(packet->data + 12);
  ret_report->count = ablak_read16(packet->data + 14);
  ret_report->reference = (gint32)(ablak_read32(packet->data + 16) & 0xffffff00) >> 8;
  return true;
}

void pairwise_report_each(const AblakRtcpPacket *packet, PairwiseReportEach each, gpointer data)
{
  PairwiseReport report;
  if (!pairwise_report_head(packet, &report))
    return;
  gsize at = HEAD_SIZE, delta_at = deltas_at(packet, report.count);
  gint64 ticks = 0;
  for (guint told = 0; told < report.count && at + 2 <= packet->size; at += 2) {
    Chunk chunk = chunk_at(packet->data + at);
    if (chunk.length == 0)
      return;
    for (guint i = 0; i < chunk.length && told < report.count; i++, told++) {
      guint symbol = symbol_of(chunk, i);
      if (delta_at + symbol > packet->size || symbol > LARGE)
        return;
      if (symbol == SMALL)
        ticks += packet->data[delta_at];
      if (symbol == LARGE)
        ticks += (gint16)ablak_read16(packet->data + delta_at);
      delta_at += symbol; /* as many octets as its number */
      each((guint16)(report.base + told), symbol != LOST, ticks * TICK_US, data);
    }
  }
}
