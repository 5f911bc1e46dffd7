/* video/recorder/order.h: one RTP stream's packets in the order of their sequence numbers.
 *
 * The first packets wait a tenth of a second for earlier ones. A gap is waited for as long as a
 * retransmission may take; then the stream goes on behind it, and what comes later still is too
 * late. Repeated packets are passed over. Ownership: packets are references. */
#pragma once
#include "video/rtp.h"
#include <stdbool.h>

#define ABLAK_ORDER_WAIT_US 300000

typedef struct AblakOrder AblakOrder;
typedef void (*AblakOrderTake)(GBytes *packet, const AblakRtpHeader *header, gpointer data);

AblakOrder *ablak_order_new(AblakOrderTake take, gpointer data);
void ablak_order_free(AblakOrder *order);
void ablak_order_push(AblakOrder *order, GBytes *packet, const AblakRtpHeader *header,
                      gint64 at_us);
/* What has waited long enough is given; G_MAXINT64: all. */
void ablak_order_expire(AblakOrder *order, gint64 now_us);
/* Packets that never came, so far. */
guint64 ablak_order_missed(const AblakOrder *order);
