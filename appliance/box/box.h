/* box/box.h: everything a branch's daemon holds, joined in main.c. Main thread. */
#pragma once
#include "box/ice-servers.h"
#include "box/lobby.h"
#include "box/media.h"
#include "box/presence.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "daemon/accounts.h"
#include "daemon/loop.h"
#include "daemon/open-pages.h"
#include "http/http.h"
#include "http/live.h"
#include "store/blobs.h"
#include "store/store.h"
#include <kb/kb.h>
#include <provisioning/identity.h>

typedef struct AblakServiceForms AblakServiceForms;
typedef struct AblakDrafts AblakDrafts;
typedef struct AblakUplink AblakUplink;
typedef struct AblakRecorders AblakRecorders;

typedef struct {
  AblakConfig *config;
  char *state; /* folder */
  AblakIdentity *identity;
  AblakStore *store;
  AblakKb *kb;
  AblakZone *zone;  /* the office's; UTC until the first edition has come. Jobs read it too: see
                       take_edition */
  GPtrArray *zones; /* every zone there has been; a job may still read one */
  json_t *office;   /* from the edition; NULL until then */
  AblakSigner *receipt_key;
  AblakWork work;
  AblakSignIns *sign_ins;
  AblakThrottle *invitations;   /* wrong secrets and codes by address */
  AblakAllowance *numbers;      /* issued, by address */
  AblakAllowance *prints;       /* by filing */
  AblakAllowance *messages;     /* kept ones, by person */
  AblakAllowance *passing;      /* live ones that are not kept, by page */
  AblakServiceForms *forms;     /* of the current edition */
  AblakBlobs *blobs;            /* what is in the visits' files */
  GHashTable *files_busy;       /* ids of those of which a piece is being stored */
  AblakDrafts *drafts;          /* those that are open now */
  AblakIceServers *ice_servers; /* unchanging; jobs read it too */
  AblakMediaLink *media;
  AblakUplink *uplink;
  AblakRecorders *recorders;
  AblakPresence *presence;
  AblakLobby *lobby;
  AblakOpenPages *pages;
  AblakLive *live;
  AblakHttp *http;
  gint64 invitation_ms, receipt_ms; /* from the configuration; read by jobs */
} AblakBranch;

#define ABLAK_STAFF_COOKIE "__Host-ablak-box"
#define ABLAK_CITIZEN_COOKIE "__Host-ablak-visit"
#define ABLAK_GUEST_COOKIE "__Host-ablak-guest"
#define ABLAK_CITIZEN_COOKIE_S (8 * 60 * 60)

/* The local day as the queue counts it. Free with g_free. */
char *ablak_box_today(const AblakBranch *box);
/* After a new edition: office, time zone, services and counters. */
void ablak_box_take_edition(AblakBranch *box);

/* box/authorise.c: AblakPageCheck of the box. */
bool ablak_box_check_page(AblakTxn *txn, const AblakPerson *person, bool active, gpointer app,
                          bool *ret_valid, GError **error);

/* box/config.c */
extern const AblakConfigKey ablak_box_config_keys[];
