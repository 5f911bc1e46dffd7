#include "box/lobby.h"
#include "core/log.h"
#include <queue/waiting.h>
#include <string.h>

struct AblakLobby {
  AblakStore *store;
  AblakLive *live;
  GHashTable *places; /* AblakLivePeer -> visit id */
};

typedef struct {
  AblakLobby *lobby;
  char *visit;
  bool there;
} Presence;

static void presence_free(gpointer data)
{
  Presence *presence = data;
  g_free(presence->visit);
  g_free(presence);
}

static bool all_away(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_places_all_away(txn, error);
}

static bool set_there(AblakTxn *txn, gpointer data, GError **error)
{
  const Presence *presence = data;
  return ablak_place_set_there(txn, presence->visit, presence->there, error);
}

static void tell_desks(const GError *error, gpointer data)
{
  const Presence *presence = data;
  if (error)
    ablak_log_gerror(ABLAK_LOG_WARNING, "lobby.not-written", error, NULL);
  else if (presence->lobby->live)
    ablak_live_message(presence->lobby->live, "desk", "waiting", NULL, NULL);
}

static void write_down(AblakLobby *lobby, const char *visit, bool there)
{
  Presence *presence = g_new0(Presence, 1);
  presence->lobby = lobby;
  presence->visit = g_strdup(visit);
  presence->there = there;
  ablak_store_write(lobby->store, set_there, tell_desks, presence, presence_free);
}

AblakLobby *ablak_lobby_new(AblakStore *store, AblakLive *live)
{
  AblakLobby *lobby = g_new0(AblakLobby, 1);
  lobby->store = store;
  lobby->live = live;
  lobby->places = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  ablak_store_write(store, all_away, NULL, NULL, NULL);
  return lobby;
}

void ablak_lobby_stop(AblakLobby *lobby)
{
  if (lobby)
    lobby->live = NULL;
}

void ablak_lobby_free(AblakLobby *lobby)
{
  if (!lobby)
    return;
  g_hash_table_unref(lobby->places);
  g_free(lobby);
}

static bool has_page(const AblakLobby *lobby, const char *visit)
{
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init(&iter, lobby->places);
  while (g_hash_table_iter_next(&iter, NULL, &id))
    if (strcmp(id, visit) == 0)
      return true;
  return false;
}

void ablak_lobby_add(AblakLobby *lobby, AblakLivePeer *peer, const char *visit)
{
  bool first = !has_page(lobby, visit);
  g_hash_table_insert(lobby->places, peer, g_strdup(visit));
  if (first)
    write_down(lobby, visit, true);
}

void ablak_lobby_remove(AblakLobby *lobby, AblakLivePeer *peer)
{
  g_autofree char *visit = g_strdup(g_hash_table_lookup(lobby->places, peer));
  if (!visit)
    return;
  g_hash_table_remove(lobby->places, peer);
  if (!has_page(lobby, visit))
    write_down(lobby, visit, false);
}
