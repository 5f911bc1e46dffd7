/* draft-seed DATABASE FORM SERVICE COUNT: that many open visits, each with a draft of the form and
 * a clerk of its own, put into the database of a box that is not running. Prints the drafts' ids.
 */
#include <forms/forms.h>
#include <queue/queue.h>
#include <stdio.h>

typedef struct {
  AblakForm *form;
  const char *service;
  gint64 count;
  GPtrArray *ids;
} Seed;

static const AblakStorePart *const parts[] = {
    &ablak_queue_store_part,
    &ablak_forms_store_part,
    NULL,
};

static bool seed_one(AblakTxn *txn, const Seed *seed, gint64 number, GError **error)
{
  g_autofree char *clerk = g_strdup_printf("clerk-%" G_GINT64_FORMAT, number), *visit = NULL,
                  *draft = NULL;
  const AblakVisitNew opened = {.service = seed->service, .clerk_id = clerk, .channel = "video"};
  if (!ablak_visit_open(txn, &opened, &visit, error))
    return false;
  const AblakDraftNew wanted = {.visit_id = visit, .edition = "1", .form = seed->form};
  if (!ablak_draft_create(txn, &wanted, clerk, &draft, error))
    return false;
  g_ptr_array_add(seed->ids, g_steal_pointer(&draft));
  return true;
}

static bool seed_all(AblakTxn *txn, gpointer data, GError **error)
{
  const Seed *seed = data;
  g_ptr_array_set_size(seed->ids, 0); /* a job may be run again */
  for (gint64 i = 0; i < seed->count; i++)
    if (!seed_one(txn, seed, i, error))
      return false;
  return true;
}

static bool run(char **argv, GError **error)
{
  g_autoptr(json_t) definition = json_load_file(argv[2], 0, NULL);
  g_autoptr(AblakForm) form = ablak_form_parse(definition, NULL, error);
  const AblakStoreOptions options = {.path = argv[1], .parts = parts};
  g_autoptr(AblakStore) store = form != NULL ? ablak_store_open(&options, error) : NULL;
  g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
  Seed seed = {
      .form = form, .service = argv[3], .count = g_ascii_strtoll(argv[4], NULL, 10), .ids = ids};
  if (store == NULL || !ablak_store_write_sync(store, seed_all, &seed, error))
    return false;
  for (guint i = 0; i < ids->len; i++)
    puts(ids->pdata[i]);
  return true;
}

int main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  if (argc == 5 && run(argv, &error))
    return 0;
  fprintf(stderr, "draft-seed: %s\n",
          error != NULL ? error->message : "DATABASE FORM SERVICE COUNT");
  return 1;
}
