/* video/consent.h: asking a peer whether it still listens (RFC 7675), on one route.
 *
 * Purpose: pure timing and bookkeeping, no sockets. A route is asked about every 5 s, randomised,
 * and each second while nothing at all comes from it, so that a page that only listens, and has
 * nothing to say, is told from a line that is cut. Only a question of ours that was answered
 * counts: a request of the peer shows life but not consent.
 *
 * Units: milliseconds of the monotonic clock. Threads: the owner's. */
#pragma once
#include "video/stun.h"

#define ABLAK_CONSENT_EXPIRY_MS 30000
#define ABLAK_CONSENT_QUIET_MS 1000

typedef struct {
  guint8 transactions[8][ABLAK_STUN_TRANSACTION_SIZE]; /* a ring: late answers count too */
  guint asked;
  gint64 asked_ms;
  gint64 interval_ms;
  gint64 answered_ms;
} AblakConsent;

/* The route has just been found, by a check that was answered. */
void ablak_consent_begin(AblakConsent *consent, gint64 now_ms);
/* `quiet_ms`: for how long nothing authentic has come. */
bool ablak_consent_is_due(const AblakConsent *consent, gint64 now_ms, gint64 quiet_ms);
/* The question to send now. NULL when there is no randomness to be had. */
const guint8 *ablak_consent_ask(AblakConsent *consent, gint64 now_ms);
/* true: it answers a question of ours. */
bool ablak_consent_answer(AblakConsent *consent, const guint8 *transaction, gint64 now_ms);
bool ablak_consent_is_expired(const AblakConsent *consent, gint64 now_ms);
