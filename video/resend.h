/* video/resend.h: packets kept as they were sent to one peer, to be sent to it once more (RFC 4585
 * §6.2.1).
 *
 * Purpose: with RTX (RFC 4588) a retransmission has an SSRC and numbers of its own and passes the
 * relay like anything else. Without it, it comes under a number that the relay has seen and has
 * sealed for the peer already, and must not seal again: senders change the header extensions of
 * what they repeat, and two packets under one nonce give away the key (RFC 7714 §8.1). The same
 * octets, though, may be sent any number of times. So for a peer without RTX the relay keeps what
 * it sent, and answers itself; that is also half the way round. Among more than two it does so for
 * everybody's pictures: senders forget what the relay told them has arrived (several.h).
 *
 * Ownership: packets are copied. Threads: one at a time. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* One and a half seconds of video at 1.5 Mbit/s. */
#define ABLAK_RESEND_PACKETS 256
/* Longer ones, which no path carries, are not kept. */
#define ABLAK_RESEND_SIZE_MAX 1500
/* Who asks again sooner has not waited for the answer; and nobody gets more than a copy then. */
#define ABLAK_RESEND_AGAIN_MS 20

typedef struct AblakResend AblakResend;
AblakResend *ablak_resend_new(void);
void ablak_resend_free(AblakResend *resend);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakResend, ablak_resend_free)

/* An SRTP packet as it is sent; its header is in the open. */
void ablak_resend_keep(AblakResend *resend, const guint8 *packet, gsize size);
/* false when the packet is not there any more; *ret_size is 0 when it was sent again just now. */
bool ablak_resend_find(AblakResend *resend, guint32 ssrc, guint16 sequence, gint64 now_ms,
                       const guint8 **ret_packet, gsize *ret_size);
