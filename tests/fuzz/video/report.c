/* A receiver's transport-wide feedback, as the video bench's pairwise streams read it. */
#include "report.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  guint16 next;
  guint told;
} Reading;

static void read_one(guint16 number, bool arrived, gint64 at_us, gpointer data)
{
  Reading *reading = data;
  g_assert_cmpuint(number, ==, reading->next++);
  g_assert_true(!arrived || (ABS(at_us) <= (gint64)65536 * 32768 * 250));
  reading->told++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  AblakRtcpPacket packet;
  PairwiseReport report;
  for (gsize offset = 0; ablak_rtcp_next(data, size, &offset, &packet);) {
    bool is_report = pairwise_report_head(&packet, &report);
    Reading reading = {.next = is_report ? report.base : 0};
    pairwise_report_each(&packet, read_one, &reading);
    g_assert_cmpuint(reading.told, <=, is_report ? report.count : 0);
  }
  return 0;
}
