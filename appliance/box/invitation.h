/* box/invitation.h: an invitation as it is shown: link, QR code, sayable address and eight digits.
 *
 * The secret stands in the link's fragment, which browsers keep to themselves: it never reaches a
 * log, a proxy or a Referer. A handler passes ablak_invitation_offer_new() as the call's extra. */
#pragma once
#include "box/box.h"
#include "daemon/handler.h"

typedef enum {
  ABLAK_OFFER_NEW,      /* from the desk: with digits; earlier ones end */
  ABLAK_OFFER_HANDOVER, /* to the citizen's own second device: link and QR code only */
} AblakOfferKind;

gpointer ablak_invitation_offer_new(void);
void ablak_invitation_offer_free(gpointer offer);
/* The job's part. */
bool ablak_invitation_offer(AblakTxn *txn, AblakCall *call, const char *visit_id,
                            AblakOfferKind kind, GError **error);
/* The job's part for somebody beside citizen and clerk (accounts.h): link and QR code only. */
bool ablak_invitation_offer_guest(AblakTxn *txn, AblakCall *call, const char *visit_id,
                                  const char *role, GError **error);
/* The view's part: component Invitation. */
json_t *ablak_invitation_view(AblakTxn *txn, AblakCall *call, GError **error);
