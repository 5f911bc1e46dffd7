/* Editions: the list, and publishing a new one from the sources. */
#include "core/crypto.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "hq/peers.h"
#include "hq/publish.h"
#include "hq/routes.h"
#include <gio/gio.h>

static json_t *editions_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_publications(txn, error);
}

void ablak_hq_list_editions(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakHq *)app)->store, request, app, editions_view);
}

/* --- publishing: building beside the loop, then one job --------------------------------------- */

typedef struct {
  AblakHq *hq;
  AblakRequest *request;
  gint64 number;
  AblakPublication *publication;
} Publish;

static void publish_free(gpointer data)
{
  Publish *publish = data;
  ablak_publication_free(publish->publication);
  ablak_request_unref(publish->request);
  g_free(publish);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
  return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

/* The offices' folders below the catalogue's folder, in the order of their names. */
static char **source_folders(const char *catalogue, GError **error)
{
  g_autoptr(GDir) dir = g_dir_open(catalogue, 0, error);
  if (!dir)
    return NULL;
  g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(g_free);
  const char *name;
  while ((name = g_dir_read_name(dir))) {
    g_autofree char *office = g_build_filename(catalogue, name, "office.json", NULL);
    if (g_file_test(office, G_FILE_TEST_IS_REGULAR))
      g_ptr_array_add(folders, g_build_filename(catalogue, name, NULL));
  }
  g_ptr_array_sort(folders, by_name);
  g_ptr_array_add(folders, NULL);
  return (char **)g_ptr_array_free(g_steal_pointer(&folders), FALSE);
}

static void build(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Publish *publish = data;
  GError *error = NULL;
  g_auto(GStrv) folders =
      source_folders(ablak_config_string(publish->hq->config, "catalogue"), &error);
  if (folders)
    publish->publication = ablak_publication_new(publish->hq->state, (const char *const *)folders,
                                                 publish->number, publish->hq->edition_key, &error);
  ablak_crypto_leave_thread();
  if (publish->publication)
    g_task_return_boolean(task, TRUE);
  else
    g_task_return_error(task, error);
}

static bool write_publication(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_publication_write(txn, ((Publish *)data)->publication, error);
}

static void written(const GError *error, gpointer data)
{
  Publish *publish = data;
  if (error) {
    ablak_request_reply_error(publish->request, error);
    return;
  }
  ablak_peers_poll(publish->hq->peers);
  g_autoptr(AblakTxn) txn = ablak_store_read(publish->hq->store, NULL);
  g_autoptr(json_t) all = txn ? ablak_publications(txn, NULL) : NULL;
  ablak_request_reply_json(publish->request, 201, json_incref(json_array_get(all, 0)));
}

static void built(GObject *source, GAsyncResult *result, gpointer data)
{
  Publish *publish = data;
  ablak_work_end(&publish->hq->work);
  g_autoptr(GError) error = NULL;
  if (g_task_propagate_boolean(G_TASK(result), &error)) {
    ablak_store_write(publish->hq->store, write_publication, written, publish, publish_free);
    return;
  }
  ablak_request_reply_error(publish->request, error);
  publish_free(publish);
}

void ablak_hq_publish_edition(AblakRequest *request, gpointer app)
{
  AblakHq *hq = app;
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(hq->store, &error);
  gint64 number = txn ? ablak_publication_next(txn, &error) : 0;
  if (!number) {
    ablak_request_reply_error(request, error);
    return;
  }
  Publish *publish = g_new0(Publish, 1);
  publish->hq = hq;
  publish->request = ablak_request_ref(request);
  publish->number = number;
  g_autoptr(GTask) task = g_task_new(NULL, NULL, built, publish);
  g_task_set_task_data(task, publish, NULL);
  ablak_work_begin(&hq->work);
  g_task_run_in_thread(task, build);
}
