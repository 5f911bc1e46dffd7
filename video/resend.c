/* video/resend.c: packets kept to be sent once more. */
#include "video/resend.h"
#include "video/rtp.h"
#include <string.h>

typedef struct {
  guint32 ssrc;
  guint16 sequence;
  guint16 size; /* 0: empty */
  gint64 again_ms;
  guint8 packet[ABLAK_RESEND_SIZE_MAX];
} Slot;

struct AblakResend {
  Slot slots[ABLAK_RESEND_PACKETS];
};

AblakResend *ablak_resend_new(void)
{
  return g_new0(AblakResend, 1);
}

void ablak_resend_free(AblakResend *resend)
{
  g_free(resend);
}

/* A stream fills the ring in turn; several streams share it and begin at different places. */
static Slot *slot_of(AblakResend *resend, guint32 ssrc, guint16 sequence)
{
  return &resend->slots[(ssrc + sequence) % ABLAK_RESEND_PACKETS];
}

void ablak_resend_keep(AblakResend *resend, const guint8 *packet, gsize size)
{
  AblakRtpHeader header;
  if (size > ABLAK_RESEND_SIZE_MAX || !ablak_rtp_parse(packet, size, &header))
    return;
  Slot *slot = slot_of(resend, header.ssrc, header.sequence);
  slot->ssrc = header.ssrc;
  slot->sequence = header.sequence;
  slot->size = (guint16)size;
  slot->again_ms = G_MININT64;
  memcpy(slot->packet, packet, size);
}

bool ablak_resend_find(AblakResend *resend, guint32 ssrc, guint16 sequence, gint64 now_ms,
                       const guint8 **ret_packet, gsize *ret_size)
{
  Slot *slot = slot_of(resend, ssrc, sequence);
  if (slot->size == 0 || slot->ssrc != ssrc || slot->sequence != sequence)
    return false;
  bool again = slot->again_ms == G_MININT64 || now_ms - slot->again_ms >= ABLAK_RESEND_AGAIN_MS;
  if (again)
    slot->again_ms = now_ms;
  *ret_packet = slot->packet;
  *ret_size = again ? slot->size : 0;
  return true;
}
