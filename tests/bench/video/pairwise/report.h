/* tests/bench/video/pairwise/report.h: reading a receiver's transport-wide feedback
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01), of a packet that ablak_rtcp_next() has
 * found whole. */
#pragma once
#include "video/rtp.h"

typedef struct {
  guint16 base; /* the first number told of */
  guint16 count;
  gint32 reference; /* of 64 ms, from 24 bits: only differences say something */
} PairwiseReport;

/* `at_us` is since the report's reference time; of a lost packet it says nothing. */
typedef void (*PairwiseReportEach)(guint16 number, bool arrived, gint64 at_us, gpointer data);

/* false when it is no such feedback, or cut short. */
bool pairwise_report_head(const AblakRtcpPacket *packet, PairwiseReport *ret_report);
/* As far as it is whole. */
void pairwise_report_each(const AblakRtcpPacket *packet, PairwiseReportEach each, gpointer data);
