/* Staff: signing in, the list, and importing it. */
#include "core/crypto.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "hq/publish.h"
#include "hq/routes.h"
#include <gio/gio.h>
#include <string.h>

static json_t *roles_json(char **roles)
{
  json_t *array = json_array();
  for (char **role = roles; *role; role++)
    json_array_append_new(array, json_string(*role));
  return array;
}

json_t *ablak_hq_me_view(AblakTxn *txn, const AblakPerson *person, gpointer app, GError **error)
{
  return json_pack("{s:s, s:s, s:s, s:o, s:s}", "id", person->id, "login", person->login, "name",
                   person->name, "roles", roles_json(person->roles), "language", person->language);
}

void ablak_hq_sign_in(AblakRequest *request, gpointer app)
{
  ablak_sign_ins_sign_in(((AblakHq *)app)->sign_ins, request);
}

void ablak_hq_get_me(AblakRequest *request, gpointer app)
{
  ablak_sign_ins_me(((AblakHq *)app)->sign_ins, request);
}

void ablak_hq_sign_out(AblakRequest *request, gpointer app)
{
  AblakHq *hq = app;
  ablak_open_pages_end_session(hq->pages, ablak_request_person(request)->session);
  ablak_sign_ins_sign_out(hq->sign_ins, request);
}

static json_t *staff_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(GPtrArray) people = ablak_staff_all(txn, error);
  if (!people)
    return NULL;
  json_t *array = json_array();
  for (guint i = 0; i < people->len; i++) {
    const AblakStaff *one = people->pdata[i];
    json_array_append_new(array,
                          json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "id", one->id, "login",
                                    one->login, "name", one->name, "roles", roles_json(one->roles),
                                    "language", one->language, "disabled", one->disabled));
  }
  return array;
}

void ablak_hq_list_staff(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakHq *)app)->store, request, app, staff_view);
}

/* --- import: hashing beside the loop, then one job
 * ------------------------------------------------
 */

typedef struct {
  AblakHq *hq;
  AblakRequest *request;
  GPtrArray *people;
  gsize added, changed;
} Import;

static void import_free(gpointer data)
{
  Import *import = data;
  g_clear_pointer(&import->people, g_ptr_array_unref);
  ablak_request_unref(import->request);
  g_free(import);
}

static void parse(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const char *csv = data;
  GError *error = NULL;
  GPtrArray *people = ablak_staff_from_csv(csv, strlen(csv), &error);
  ablak_crypto_leave_thread();
  if (people)
    g_task_return_pointer(task, people, (GDestroyNotify)g_ptr_array_unref);
  else
    g_task_return_error(task, error);
}

static bool write_people(AblakTxn *txn, gpointer data, GError **error)
{
  Import *import = data;
  return ablak_publish_staff(txn, import->people, &import->added, &import->changed, error);
}

static void written(const GError *error, gpointer data)
{
  Import *import = data;
  if (error)
    ablak_request_reply_error(import->request, error);
  else
    ablak_request_reply_json(import->request, 200,
                             json_pack("{s:I, s:I}", "added", (json_int_t)import->added, "changed",
                                       (json_int_t)import->changed));
}

static void parsed(GObject *source, GAsyncResult *result, gpointer data)
{
  Import *import = data;
  ablak_work_end(&import->hq->work);
  g_autoptr(GError) error = NULL;
  import->people = g_task_propagate_pointer(G_TASK(result), &error);
  if (import->people) {
    ablak_store_write(import->hq->store, write_people, written, import, import_free);
    return;
  }
  ablak_request_reply_error(import->request, error);
  import_free(import);
}

void ablak_hq_import_staff(AblakRequest *request, gpointer app)
{
  Import *import = g_new0(Import, 1);
  import->hq = app;
  import->request = ablak_request_ref(request);
  g_autoptr(GTask) task = g_task_new(NULL, NULL, parsed, import);
  g_task_set_task_data(task, (gpointer)ablak_json_get_string(ablak_request_json(request), "csv"),
                       NULL);
  ablak_work_begin(&import->hq->work);
  g_task_run_in_thread(task, parse);
}
