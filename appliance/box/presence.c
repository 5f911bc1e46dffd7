#include "box/presence.h"
#include <string.h>

struct AblakPresence {
  GHashTable *visits; /* AblakLivePeer -> visit id */
};

AblakPresence *ablak_presence_new(void)
{
  AblakPresence *presence = g_new0(AblakPresence, 1);
  presence->visits = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  return presence;
}

void ablak_presence_free(AblakPresence *presence)
{
  if (!presence)
    return;
  g_hash_table_unref(presence->visits);
  g_free(presence);
}

static int count(const AblakPresence *presence, const char *visit, AblakPersonKind kind)
{
  int pages = 0;
  GHashTableIter iter;
  gpointer peer, id;
  g_hash_table_iter_init(&iter, presence->visits);
  while (g_hash_table_iter_next(&iter, &peer, &id)) {
    const AblakPerson *person = ablak_live_peer_identity(peer);
    pages += strcmp(id, visit) == 0 && person->kind == kind;
  }
  return pages;
}

bool ablak_presence_has(const AblakPresence *presence, const char *visit, AblakPersonKind kind)
{
  return count(presence, visit, kind) > 0;
}

/* Ids of those who have a page open. */
static json_t *guests(const AblakPresence *presence, const char *visit)
{
  json_t *ids = json_array();
  GHashTableIter iter;
  gpointer peer, id;
  g_hash_table_iter_init(&iter, presence->visits);
  while (g_hash_table_iter_next(&iter, &peer, &id)) {
    const AblakPerson *person = ablak_live_peer_identity(peer);
    if (strcmp(id, visit) == 0 && person->kind == ABLAK_PERSON_GUEST)
      json_array_append_new(ids, json_string(person->id));
  }
  return ids;
}

static void tell(const AblakPresence *presence, AblakLive *live, const char *visit)
{
  g_autofree char *topic = g_strconcat("visit:", visit, NULL);
  g_autoptr(json_t) data =
      json_pack("{s:i, s:i, s:o}", "citizen", count(presence, visit, ABLAK_PERSON_CITIZEN), "clerk",
                count(presence, visit, ABLAK_PERSON_STAFF), "guests", guests(presence, visit));
  ablak_live_message(live, topic, "presence", data, NULL);
}

void ablak_presence_add(AblakPresence *presence, AblakLive *live, AblakLivePeer *peer,
                        const char *visit)
{
  g_autofree char *former = g_strdup(g_hash_table_lookup(presence->visits, peer));
  g_hash_table_insert(presence->visits, peer, g_strdup(visit));
  if (former && strcmp(former, visit) != 0)
    tell(presence, live, former);
  tell(presence, live, visit);
}

void ablak_presence_remove(AblakPresence *presence, AblakLive *live, AblakLivePeer *peer)
{
  g_autofree char *visit = g_strdup(g_hash_table_lookup(presence->visits, peer));
  if (!visit)
    return;
  g_hash_table_remove(presence->visits, peer);
  tell(presence, live, visit);
}
