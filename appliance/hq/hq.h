/* hq/hq.h: everything headquarters' daemon holds, joined in main.c. Main thread. */
#pragma once
#include "core/config.h"
#include "core/crypto.h"
#include "daemon/accounts.h"
#include "daemon/open-pages.h"
#include "http/http.h"
#include "http/live.h"
#include "store/store.h"
#include <provisioning/ca.h>
#include <provisioning/claim-code.h>

typedef struct AblakPeers AblakPeers;

typedef struct {
  AblakConfig *config;
  const char *state; /* folder */
  AblakStore *store;
  AblakCa *ca;
  AblakSigner *edition_key;
  AblakWork work;
  AblakSignIns *sign_ins;
  AblakClaimLimiter *claims; /* wrong claim codes by address */
  AblakPeers *peers;         /* boxes connected now */
  AblakLive *live;
  AblakOpenPages *pages;
  AblakHttp *http;
} AblakHq;

#define ABLAK_HQ_COOKIE "__Host-ablak-hq"

/* hq/config.c */
extern const AblakConfigKey ablak_hq_config_keys[];
