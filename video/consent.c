/* video/consent.c: when to ask, and which answers count. */
#include "video/consent.h"
#include <openssl/rand.h>
#include <string.h>

#define INTERVAL_LEAST_MS 4000
#define INTERVAL_SPREAD_MS 2000

void ablak_consent_begin(AblakConsent *consent, gint64 now_ms)
{
  *consent =
      (AblakConsent){.asked_ms = now_ms, .interval_ms = INTERVAL_LEAST_MS, .answered_ms = now_ms};
}

bool ablak_consent_is_due(const AblakConsent *consent, gint64 now_ms, gint64 quiet_ms)
{
  gint64 interval_ms =
      quiet_ms >= ABLAK_CONSENT_QUIET_MS ? ABLAK_CONSENT_QUIET_MS : consent->interval_ms;
  return now_ms - consent->asked_ms >= interval_ms;
}

const guint8 *ablak_consent_ask(AblakConsent *consent, gint64 now_ms)
{
  guint8 *transaction = consent->transactions[consent->asked % 8];
  guint16 spread = 0;
  consent->asked_ms = now_ms;
  if (RAND_bytes(transaction, ABLAK_STUN_TRANSACTION_SIZE) != 1 ||
      RAND_bytes((guint8 *)&spread, sizeof spread) != 1)
    return NULL;
  consent->asked++;
  consent->interval_ms = INTERVAL_LEAST_MS + spread % (INTERVAL_SPREAD_MS + 1);
  return transaction;
}

bool ablak_consent_answer(AblakConsent *consent, const guint8 *transaction, gint64 now_ms)
{
  for (guint i = 0; i < MIN(consent->asked, 8); i++)
    if (memcmp(consent->transactions[i], transaction, ABLAK_STUN_TRANSACTION_SIZE) == 0) {
      consent->answered_ms = now_ms;
      return true;
    }
  return false;
}

bool ablak_consent_is_expired(const AblakConsent *consent, gint64 now_ms)
{
  return now_ms - consent->answered_ms >= ABLAK_CONSENT_EXPIRY_MS;
}
