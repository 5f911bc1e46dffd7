#include "daemon/handler.h"
#include <gio/gio.h>
#include <string.h>

typedef struct {
  AblakCall call;
  AblakStore *store;
  AblakCallJob job;
  AblakCallView view;
  unsigned status;
} Write;

AblakPerson *ablak_request_person(AblakRequest *request)
{
  return ablak_request_identity(request);
}

char *ablak_request_network(AblakRequest *request)
{
  const char *peer = ablak_request_peer(request);
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string(peer);
  if (!address || g_inet_address_get_family(address) != G_SOCKET_FAMILY_IPV6)
    return g_strdup(peer);
  guint8 bytes[16] = {0};
  memcpy(bytes, g_inet_address_to_bytes(address), 8);
  g_autoptr(GInetAddress) network = g_inet_address_new_from_bytes(bytes, G_SOCKET_FAMILY_IPV6);
  return g_inet_address_to_string(network);
}

static void reply(AblakStore *store, AblakCall *call, unsigned status, AblakCallView view)
{
  if (!view) {
    ablak_request_reply_empty(call->request, 204);
    return;
  }
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  json_t *body = txn ? view(txn, call, &error) : NULL;
  if (error)
    ablak_request_reply_error(call->request, error);
  else if (body)
    ablak_request_reply_json(call->request, status, body);
  else
    ablak_request_reply_empty(call->request, 204);
}

void ablak_call_read(AblakStore *store, AblakRequest *request, gpointer app, AblakCallView view)
{
  AblakCall call = {.request = request, .person = ablak_request_person(request), .app = app};
  reply(store, &call, 200, view);
  g_free(call.result);
}

static bool run(AblakTxn *txn, gpointer data, GError **error)
{
  Write *write = data;
  return write->job(txn, &write->call, error);
}

static void written(const GError *error, gpointer data)
{
  Write *write = data;
  if (error)
    ablak_request_reply_error(write->call.request, error);
  else
    reply(write->store, &write->call, write->status, write->view);
}

static void write_free(gpointer data)
{
  Write *write = data;
  if (write->call.free_extra)
    write->call.free_extra(write->call.extra);
  g_free(write->call.result);
  ablak_person_unref(write->call.person);
  ablak_request_unref(write->call.request);
  g_free(write);
}

void ablak_call_write_with(AblakStore *store, AblakRequest *request, gpointer app, unsigned status,
                           AblakCallJob job, AblakCallView view, gpointer extra,
                           GDestroyNotify free_extra)
{
  Write *write = g_new0(Write, 1);
  write->call.request = ablak_request_ref(request);
  write->call.person = ablak_person_ref(ablak_request_person(request));
  write->call.app = app;
  write->call.extra = extra;
  write->call.free_extra = free_extra;
  write->store = store;
  write->job = job;
  write->view = view;
  write->status = status;
  ablak_store_write(store, run, written, write, write_free);
}

void ablak_call_write(AblakStore *store, AblakRequest *request, gpointer app, unsigned status,
                      AblakCallJob job, AblakCallView view)
{
  ablak_call_write_with(store, request, app, status, job, view, NULL, NULL);
}

const char *ablak_call_string(AblakCall *call, const char *name)
{
  return ablak_json_get_string(ablak_request_json(call->request), name);
}

void ablak_call_set_result(AblakCall *call, const char *result)
{
  g_free(call->result);
  call->result = g_strdup(result);
}
