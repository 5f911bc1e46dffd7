#include "daemon/open-pages.h"
#include "core/log.h"
#include <string.h>

#define CHECK_EVERY_MS 3000
/* Thousands of sessions are not read from the store in one turn of the loop. */
#define SHARE_EVERY_MS 50
#define SHARES (CHECK_EVERY_MS / SHARE_EVERY_MS)
#define SHARE_MIN 8       /* sessions: a few need not wake the loop one by one */
#define CLOSE_POLICY 1008 /* RFC 6455 §7.4.1 */
#define CLOSE_FROZEN 4409

typedef struct {
  AblakPerson *person;
  char *document_visit;
  AblakPageClose close;
  bool used;
} Page;

struct AblakOpenPages {
  AblakStore *store;
  AblakPageCheck check;
  gpointer app;
  GHashTable *open;    /* the connection -> Page */
  GPtrArray *to_check; /* Session, of this round */
  guint share;         /* sessions checked in a turn */
  gint64 round_us;     /* when the round began */
  guint timer;
};

static void page_free(gpointer data)
{
  Page *page = data;
  ablak_person_unref(page->person);
  g_free(page->document_visit);
  g_free(page);
}

typedef bool (*Match)(const Page *page, const char *key);

/* Closing may remove the page at once, so the set is not walked meanwhile. */
static void close_matching(AblakOpenPages *pages, Match match, const char *key, unsigned code,
                           const char *reason)
{
  g_autoptr(GList) all = g_hash_table_get_keys(pages->open);
  for (GList *at = all; at; at = at->next) {
    const Page *page = g_hash_table_lookup(pages->open, at->data);
    if (page && match(page, key))
      page->close(at->data, code, reason);
  }
}

static bool is_of_session(const Page *page, const char *session)
{
  return g_strcmp0(page->person->session, session) == 0;
}

static bool is_document_of(const Page *page, const char *visit)
{
  return g_strcmp0(page->document_visit, visit) == 0;
}

void ablak_open_pages_end_session(AblakOpenPages *pages, const char *session)
{
  if (session)
    close_matching(pages, is_of_session, session, CLOSE_POLICY, "the session has ended");
}

void ablak_open_pages_end_visit(AblakOpenPages *pages, const char *visit)
{
  close_matching(pages, is_document_of, visit, CLOSE_FROZEN, "frozen");
}

/* --- checking again ------------------------------------------------------------------------------
 */

typedef struct {
  AblakPerson *person;
  bool used;
} Session;

static void session_free(gpointer data)
{
  ablak_person_unref(((Session *)data)->person);
  g_free(data);
}

/* Session secret -> Session; one may have several pages. Forgets that they were used. */
static GHashTable *sessions_of(AblakOpenPages *pages)
{
  GHashTable *sessions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, session_free);
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, pages->open);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Page *page = value;
    if (!page->person->session)
      continue;
    Session *session = g_hash_table_lookup(sessions, page->person->session);
    if (!session) {
      session = g_new0(Session, 1);
      session->person = ablak_person_ref(page->person);
      g_hash_table_insert(sessions, page->person->session, session);
    }
    session->used |= page->used;
    page->used = false;
  }
  return sessions;
}

static void check_session(AblakOpenPages *pages, AblakTxn *txn, const Session *session)
{
  bool valid = false;
  g_autoptr(GError) error = NULL;
  if (!pages->check(txn, session->person, session->used, pages->app, &valid, &error))
    ablak_log_gerror(ABLAK_LOG_WARNING, "session.check-failed", error, NULL);
  else if (!valid)
    ablak_open_pages_end_session(pages, session->person->session);
}

static void begin_round(AblakOpenPages *pages)
{
  pages->round_us = g_get_monotonic_time();
  g_autoptr(GHashTable) sessions = sessions_of(pages);
  GHashTableIter iter;
  gpointer session;
  g_hash_table_iter_init(&iter, sessions);
  while (g_hash_table_iter_next(&iter, NULL, &session)) {
    g_hash_table_iter_steal(&iter);
    g_ptr_array_add(pages->to_check, session);
  }
  pages->share = MAX(SHARE_MIN, (pages->to_check->len + SHARES - 1) / SHARES);
}

static void check_share(AblakOpenPages *pages)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(pages->store, &error);
  if (!txn) {
    ablak_log_gerror(ABLAK_LOG_WARNING, "session.check-failed", error, NULL);
    g_ptr_array_set_size(pages->to_check, 0); /* until the next round */
    return;
  }
  for (guint i = 0; i < pages->share && pages->to_check->len > 0; i++) {
    guint last = pages->to_check->len - 1;
    check_session(pages, txn, pages->to_check->pdata[last]);
    g_ptr_array_remove_index_fast(pages->to_check, last);
  }
}

/* A share of the round; after the last one, nothing until the next round. */
static gboolean turn(gpointer data)
{
  AblakOpenPages *pages = data;
  if (pages->to_check->len == 0)
    begin_round(pages);
  if (pages->to_check->len > 0)
    check_share(pages);
  gint64 rest_ms = CHECK_EVERY_MS - (g_get_monotonic_time() - pages->round_us) / 1000;
  bool goes_on = pages->to_check->len > 0;
  pages->timer =
      g_timeout_add(goes_on ? SHARE_EVERY_MS : (guint)MAX(rest_ms, SHARE_EVERY_MS), turn, pages);
  return G_SOURCE_REMOVE;
}

/* --- life ----------------------------------------------------------------------------------------
 */

AblakOpenPages *ablak_open_pages_new(AblakStore *store, AblakPageCheck check, gpointer app)
{
  AblakOpenPages *pages = g_new0(AblakOpenPages, 1);
  pages->store = store;
  pages->check = check;
  pages->app = app;
  pages->open = g_hash_table_new_full(NULL, NULL, NULL, page_free);
  pages->to_check = g_ptr_array_new_with_free_func(session_free);
  pages->timer = g_timeout_add(CHECK_EVERY_MS, turn, pages);
  return pages;
}

void ablak_open_pages_free(AblakOpenPages *pages)
{
  if (!pages)
    return;
  g_source_remove(pages->timer);
  g_hash_table_unref(pages->open);
  g_ptr_array_unref(pages->to_check);
  g_free(pages);
}

void ablak_open_pages_add(AblakOpenPages *pages, AblakPerson *person, const char *document_visit,
                          AblakPageClose close, gpointer page)
{
  Page *one = g_new0(Page, 1);
  one->person = ablak_person_ref(person);
  one->document_visit = g_strdup(document_visit);
  one->close = close;
  one->used = true;
  g_hash_table_insert(pages->open, page, one);
}

void ablak_open_pages_remove(AblakOpenPages *pages, gpointer page)
{
  g_hash_table_remove(pages->open, page);
}

void ablak_open_pages_used(AblakOpenPages *pages, gpointer page)
{
  Page *one = g_hash_table_lookup(pages->open, page);
  if (one)
    one->used = true;
}
