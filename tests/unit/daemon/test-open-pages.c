/* Open pages close with their session or their visit, and nobody else's. */
#include "daemon/open-pages.h"
#include <glib/gstdio.h>

typedef struct {
  AblakOpenPages *pages; /* set: removes itself when closed, as some connections do */
  unsigned code;
} Page;

static void end_page(gpointer data, unsigned code, const char *reason)
{
  Page *page = data;
  page->code = code;
  if (page->pages)
    ablak_open_pages_remove(page->pages, page);
}

typedef struct {
  unsigned checks, active;
} Checks;

static bool check(AblakTxn *txn, const AblakPerson *person, bool active, gpointer app,
                  bool *ret_valid, GError **error)
{
  Checks *checks = app;
  checks->checks++;
  checks->active += active;
  *ret_valid = g_strcmp0(person->session, "gone") != 0;
  return true;
}

static AblakPerson *person_of(const char *session)
{
  AblakPerson *person = ablak_person_new(session ? ABLAK_PERSON_STAFF : ABLAK_PERSON_NOBODY);
  person->session = g_strdup(session);
  return person;
}

static AblakStore *open_store(char **ret_folder)
{
  *ret_folder = g_dir_make_tmp("ablak-pages-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(*ret_folder, "db", NULL);
  const AblakStorePart *const parts[] = {NULL};
  const AblakStoreOptions options = {.path = path, .parts = parts};
  g_autoptr(GError) error = NULL;
  AblakStore *store = ablak_store_open(&options, &error);
  g_assert_no_error(error);
  return store;
}

static void remove_folder(const char *folder)
{
  for (const char *const *end = (const char *const[]){"db", "db-wal", "db-shm", NULL}; *end;
       end++) {
    g_autofree char *path = g_build_filename(folder, *end, NULL);
    g_unlink(path);
  }
  g_rmdir(folder);
}

static void test_ends(void)
{
  Checks checks = {0};
  g_autoptr(AblakOpenPages) pages = ablak_open_pages_new(NULL, check, &checks);
  g_autoptr(AblakPerson) one = person_of("one"), two = person_of("two"), nobody = person_of(NULL);
  Page live = {.pages = pages}, draft = {.pages = pages}, other = {0}, board = {0};
  ablak_open_pages_add(pages, one, NULL, end_page, &live);
  ablak_open_pages_add(pages, one, "v1", end_page, &draft);
  ablak_open_pages_add(pages, two, "v2", end_page, &other);
  ablak_open_pages_add(pages, nobody, NULL, end_page, &board);
  ablak_open_pages_end_visit(pages, "v1");
  g_assert_cmpuint(draft.code, ==, 4409);
  g_assert_cmpuint(live.code + other.code + board.code, ==, 0);
  ablak_open_pages_end_session(pages, NULL);
  ablak_open_pages_end_session(pages, "one");
  g_assert_cmpuint(live.code, ==, 1008);
  g_assert_cmpuint(draft.code, ==, 4409);
  g_assert_cmpuint(other.code + board.code, ==, 0);
  ablak_open_pages_used(pages, &live);
  ablak_open_pages_remove(pages, &live);
}

static void test_checks(void)
{
  g_autofree char *folder = NULL;
  AblakStore *store = open_store(&folder);
  Checks checks = {0};
  g_autoptr(AblakPerson) gone = person_of("gone"), stays = person_of("stays"),
                         nobody = person_of(NULL);
  Page first = {0}, second = {0}, kept = {0}, board = {0};
  AblakOpenPages *pages = ablak_open_pages_new(store, check, &checks);
  ablak_open_pages_add(pages, gone, NULL, end_page, &first);
  ablak_open_pages_add(pages, gone, "v", end_page, &second);
  ablak_open_pages_add(pages, stays, NULL, end_page, &kept);
  ablak_open_pages_add(pages, nobody, NULL, end_page, &board);
  while (checks.checks < 2)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpuint(checks.checks, ==, 2); /* once a session, not once a page */
  g_assert_cmpuint(checks.active, ==, 2); /* opening is doing something */
  g_assert_cmpuint(first.code, ==, 1008);
  g_assert_cmpuint(second.code, ==, 1008);
  g_assert_cmpuint(kept.code + board.code, ==, 0);
  ablak_open_pages_free(pages);
  ablak_store_close(store);
  remove_folder(folder);
}

/* Thousands of sessions would stop everybody for as long as it takes to read them. */
static void test_shares(void)
{
  enum { SESSIONS = 150 };
  g_autofree char *folder = NULL;
  AblakStore *store = open_store(&folder);
  Checks checks = {0};
  Page opened[SESSIONS] = {0};
  AblakOpenPages *pages = ablak_open_pages_new(store, check, &checks);
  for (int i = 0; i < SESSIONS; i++) {
    g_autofree char *session = g_strdup_printf("s%d", i);
    g_autoptr(AblakPerson) person = person_of(session);
    ablak_open_pages_add(pages, person, NULL, end_page, &opened[i]);
  }
  for (guint before = 0; checks.checks < SESSIONS; before = checks.checks) {
    g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(checks.checks - before, <=, SESSIONS / 10);
  }
  ablak_open_pages_free(pages);
  ablak_store_close(store);
  remove_folder(folder);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/open-pages/ends", test_ends);
  g_test_add_func("/open-pages/checks", test_checks);
  g_test_add_func("/open-pages/shares", test_shares);
  return g_test_run();
}
