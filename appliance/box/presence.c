#include "box/presence.h"
#include <string.h>

typedef struct {
  char *visit, *party;
} Here;

struct AblakPresence {
  GHashTable *pages; /* AblakLivePeer -> Here */
};

static void here_free(gpointer data)
{
  Here *here = data;
  g_free(here->visit);
  g_free(here->party);
  g_free(here);
}

AblakPresence *ablak_presence_new(void)
{
  AblakPresence *presence = g_new0(AblakPresence, 1);
  presence->pages = g_hash_table_new_full(NULL, NULL, NULL, here_free);
  return presence;
}

void ablak_presence_free(AblakPresence *presence)
{
  if (!presence)
    return;
  g_hash_table_unref(presence->pages);
  g_free(presence);
}

static int count(const AblakPresence *presence, const char *visit, const char *party)
{
  int pages = 0;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, presence->pages);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Here *here = value;
    pages += strcmp(here->visit, visit) == 0 && strcmp(here->party, party) == 0;
  }
  return pages;
}

bool ablak_presence_has(const AblakPresence *presence, const char *visit, const char *party)
{
  return count(presence, visit, party) > 0;
}

/* What follows the prefix of those parties that have a page open. */
static json_t *named(const AblakPresence *presence, const char *visit, const char *prefix)
{
  json_t *names = json_array();
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, presence->pages);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Here *here = value;
    if (strcmp(here->visit, visit) == 0 && g_str_has_prefix(here->party, prefix))
      json_array_append_new(names, json_string(here->party + strlen(prefix)));
  }
  return names;
}

static void tell(const AblakPresence *presence, AblakLive *live, const char *visit)
{
  g_autofree char *topic = g_strconcat("visit:", visit, NULL);
  g_autoptr(json_t) data =
      json_pack("{s:i, s:i, s:o, s:o}", "citizen", count(presence, visit, ABLAK_PARTY_CITIZEN),
                "clerk", count(presence, visit, ABLAK_PARTY_CLERK), "guests",
                named(presence, visit, ABLAK_PARTY_GUEST), "supervisors",
                named(presence, visit, ABLAK_PARTY_SUPERVISOR));
  ablak_live_message(live, topic, "presence", data, NULL);
}

void ablak_presence_add(AblakPresence *presence, AblakLive *live, AblakLivePeer *peer,
                        const char *visit, const char *party)
{
  const Here *before = g_hash_table_lookup(presence->pages, peer);
  g_autofree char *former = before ? g_strdup(before->visit) : NULL;
  Here *here = g_new0(Here, 1);
  here->visit = g_strdup(visit);
  here->party = g_strdup(party);
  g_hash_table_insert(presence->pages, peer, here);
  if (former && strcmp(former, visit) != 0)
    tell(presence, live, former);
  tell(presence, live, visit);
}

void ablak_presence_remove(AblakPresence *presence, AblakLive *live, AblakLivePeer *peer)
{
  const Here *here = g_hash_table_lookup(presence->pages, peer);
  if (!here)
    return;
  g_autofree char *visit = g_strdup(here->visit);
  g_hash_table_remove(presence->pages, peer);
  tell(presence, live, visit);
}
