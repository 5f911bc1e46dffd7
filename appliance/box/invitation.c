#include "box/invitation.h"
#include "box/shown.h"
#include "daemon/times.h"
#include <string.h>

#define HANDOVER_LIFE_MS (5 * 60 * 1000)

typedef struct {
  char *secret, *code;
  const char *page; /* where the link leads */
  gint64 expires_ms;
} Offer;

gpointer ablak_invitation_offer_new(void)
{
  return g_new0(Offer, 1);
}

void ablak_invitation_offer_free(gpointer data)
{
  Offer *offer = data;
  g_free(offer->secret);
  g_free(offer->code);
  g_free(offer);
}

bool ablak_invitation_offer(AblakTxn *txn, AblakCall *call, const char *visit_id,
                            AblakOfferKind kind, GError **error)
{
  Offer *offer = call->extra;
  const AblakBranch *box = call->app;
  g_clear_pointer(&offer->secret, g_free);
  g_clear_pointer(&offer->code, g_free);
  offer->page = "join";
  bool fresh = kind == ABLAK_OFFER_NEW;
  return ablak_invitation_create(txn, visit_id, fresh ? box->invitation_ms : HANDOVER_LIFE_MS,
                                 fresh, &offer->secret, fresh ? &offer->code : NULL,
                                 &offer->expires_ms, error);
}

bool ablak_invitation_offer_guest(AblakTxn *txn, AblakCall *call, const char *visit_id,
                                  const char *role, GError **error)
{
  Offer *offer = call->extra;
  const AblakBranch *box = call->app;
  g_clear_pointer(&offer->secret, g_free);
  offer->page = "guest";
  return ablak_guest_invite(txn, visit_id, role, box->invitation_ms, &offer->secret,
                            &offer->expires_ms, error);
}

/* The address people reach this box at: configured, or as this request came. Free with g_free. */
static char *base_url(AblakCall *call)
{
  const AblakBranch *box = call->app;
  const char *configured = ablak_config_string(box->config, "public-url");
  return *configured ? g_strdup(configured)
                     : g_strdup_printf("%s://%s", ablak_request_scheme(call->request),
                                       ablak_request_host(call->request));
}

json_t *ablak_invitation_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const Offer *offer = call->extra;
  g_autofree char *base = base_url(call);
  g_autofree char *url = g_strdup_printf("%s/%s#%s", base, offer->page, offer->secret);
  g_autofree char *code = ablak_shown_code(offer->code);
  const char *address = strstr(base, "://");
  json_t *qr = ablak_shown_qr(url, error);
  if (!qr)
    return NULL;
  return json_pack("{s:s, s:s, s:s, s:o, s:o}", "url", url, "address", address ? address + 3 : base,
                   "code", code, "expiresAt", ablak_json_time(offer->expires_ms), "qr", qr);
}
