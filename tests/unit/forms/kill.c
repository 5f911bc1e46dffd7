/* kill -9 at any moment: what a client was told to be durable is there afterwards.
 *
 * The child is the box: it types through a client of its own into a live draft and writes each
 * durable count it is told into a pipe. The parent kills it, opens the store and looks. */
#include "fixture.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  Client *client;
  int pipe;
  guint64 told;
  guint64 typed;
} Typist;

static void type_and_tell(Typist *typist)
{
  Client *client = typist->client;
  if (client->durable > typist->told) {
    typist->told = client->durable;
    g_assert_cmpint(write(typist->pipe, &typist->told, sizeof typist->told), ==,
                    sizeof typist->told);
  }
  for (int i = 0; i < 3 && typist->typed < typist->told + 12; i++) {
    g_autofree char *word = g_strdup_printf("%" G_GUINT64_FORMAT " ", typist->typed++);
    client_type(client, "remarks", G_MAXINT32, word);
  }
}

G_NORETURN static void run_child(const char *folder, const char *draft_id, int to_parent)
{
  AblakStore *store = open_store(folder);
  AblakDraftsOptions options = {.log_rows_max = 30, .tail_rows_max = 40};
  AblakDrafts *drafts = ablak_drafts_new(store, &options);
  Client *client = client_new(drafts, draft_id, "shared", "citizen");
  Client *all[] = {client, NULL};
  WAIT_UNTIL(all, client->updates > 0);
  Typist typist = {client, to_parent, 0, 0};
  for (;;) {
    type_and_tell(&typist);
    client_pump(client);
    g_main_context_iteration(NULL, TRUE);
  }
}

static guint64 read_told(int from_child, guint64 until)
{
  guint64 told = 0, last = 0;
  while (last < until && read(from_child, &told, sizeof told) == (gssize)sizeof told)
    last = told;
  return last;
}

static void kill_once(const char *folder, guint64 until)
{
  AblakStore *store = open_store(folder);
  g_autofree char *id = create_draft(store);
  ablak_store_close(store);
  int ends[2];
  g_assert_cmpint(pipe(ends), ==, 0);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    run_child(folder, id, ends[1]);
  }
  close(ends[1]);
  guint64 told = read_told(ends[0], until);
  kill(child, SIGKILL);
  g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
  guint64 rest = read_told(ends[0], G_MAXUINT64);
  told = MAX(told, rest);
  close(ends[0]);
  g_assert_cmpuint(told, >=, until);

  store = open_store(folder);
  g_autoptr(json_t) content = stored_content(store, id);
  const char *text = ablak_json_get_string(content, "remarks");
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  g_assert_cmpuint(g_strv_length(words), >=, told);
  for (guint64 i = 0; words[i] != NULL; i++)
    g_assert_cmpuint(g_ascii_strtoull(words[i], NULL, 10), ==, i);
  /* the box that comes up again goes on with it */
  AblakDrafts *drafts = ablak_drafts_new(store, NULL);
  Client *client = client_new(drafts, id, "shared", "citizen");
  Client *all[] = {client, NULL};
  WAIT_UNTIL(all, client->updates > 0);
  client_type(client, "name", 0, "again");
  WAIT_UNTIL(all, client->durable == 1);
  client_free(client);
  ablak_drafts_free(drafts);
  ablak_store_close(store);
}

/* Each round stops at another moment: right after the first durable word, or in later ones,
 * around and across the merging of the log. */
static void test_kill(void)
{
  static const guint64 moments[] = {1, 2, 7, 29, 31, 64, 150, 301};
  for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
    g_autofree char *folder = g_dir_make_tmp("ablak-forms-XXXXXX", NULL);
    kill_once(folder, moments[i]);
    remove_folder(folder);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/kill", test_kill);
  return g_test_run();
}
