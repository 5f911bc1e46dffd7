#include "core/clock.h"
#include "core/id.h"
#include "http/path.h"
#include "http/private.h"
#include <string.h>

static char *client_address(const AblakConnection *connection, const AblakHead *head)
{
  const char *proxy = connection->http->trusted_proxy;
  if (proxy != NULL && head != NULL && strcmp(proxy, connection->peer) == 0) {
    char *client = ablak_forwarded_client(ablak_head_get(head, "forwarded"),
                                          ablak_head_get(head, "x-forwarded-for"));
    if (client != NULL)
      return client;
  }
  return g_strdup(connection->peer);
}

static char *scheme_of(const AblakConnection *connection, const AblakHead *head)
{
  const char *proxy = connection->http->trusted_proxy;
  if (connection->listener->tls)
    return g_strdup("https");
  if (proxy != NULL && head != NULL && strcmp(proxy, connection->peer) == 0 &&
      g_strcmp0(ablak_head_get(head, "x-forwarded-proto"), "https") == 0)
    return g_strdup("https");
  return g_strdup("http");
}

AblakRequest *ablak_request_new(AblakConnection *connection, AblakHead *head)
{
  AblakRequest *request = g_new0(AblakRequest, 1);
  request->refs = 1;
  request->connection = connection;
  request->head = head;
  request->id = ablak_secret_new(9);
  request->peer = client_address(connection, head);
  request->scheme = scheme_of(connection, head);
  request->started_ms = ablak_clock_monotonic_ms();
  request->reply_headers = g_ptr_array_new_with_free_func(g_free);
  return request;
}

AblakRequest *ablak_request_ref(AblakRequest *request)
{
  request->refs++;
  return request;
}

static void request_free(AblakRequest *request)
{
  if (request->identity != NULL && request->free_identity != NULL)
    request->free_identity(request->identity);
  ablak_head_free(request->head);
  g_strfreev(request->segments);
  g_clear_pointer(&request->parameters, g_hash_table_unref);
  g_clear_pointer(&request->query, g_hash_table_unref);
  g_clear_pointer(&request->cookies, g_hash_table_unref);
  g_clear_pointer(&request->body, g_byte_array_unref);
  g_clear_pointer(&request->bytes, g_bytes_unref);
  g_clear_pointer(&request->json, json_decref);
  g_free(request->id);
  g_free(request->peer);
  g_free(request->scheme);
  g_free(request->cn);
  g_free(request->cert_sha256);
  g_ptr_array_unref(request->reply_headers);
  g_free(request);
}

void ablak_request_unref(AblakRequest *request)
{
  if (request == NULL || --request->refs > 0)
    return;
  if (request->connection != NULL && !request->replied) {
    /* Nobody is left who could reply: better a fault than a client that waits for ever. */
    request->refs = 1;
    ablak_request_refuse(request, 500, "internal", "The handler dropped the request");
    request->refs = 0;
  }
  request_free(request);
}

const AblakRoute *ablak_request_route(AblakRequest *request)
{
  return request->route;
}

const char *ablak_request_param(AblakRequest *request, const char *name)
{
  return request->parameters != NULL ? g_hash_table_lookup(request->parameters, name) : NULL;
}

const char *ablak_request_query(AblakRequest *request, const char *name)
{
  return request->query != NULL ? g_hash_table_lookup(request->query, name) : NULL;
}

const char *ablak_request_header(AblakRequest *request, const char *name)
{
  return request->head != NULL ? ablak_head_get(request->head, name) : NULL;
}

const char *ablak_request_cookie(AblakRequest *request, const char *name)
{
  if (request->cookies == NULL)
    request->cookies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  const char *known = g_hash_table_lookup(request->cookies, name);
  if (known != NULL)
    return known;
  char *value = ablak_cookie_find(ablak_request_header(request, "cookie"), name);
  if (value != NULL)
    g_hash_table_insert(request->cookies, g_strdup(name), value);
  return value;
}

json_t *ablak_request_json(AblakRequest *request)
{
  return request->json;
}

GBytes *ablak_request_bytes(AblakRequest *request)
{
  return request->bytes;
}

const char *ablak_request_peer(AblakRequest *request)
{
  return request->peer;
}

const char *ablak_request_scheme(AblakRequest *request)
{
  return request->scheme;
}

const char *ablak_request_host(AblakRequest *request)
{
  const char *host = ablak_request_header(request, "host");
  return host != NULL ? host : "localhost";
}

const char *ablak_request_peer_cn(AblakRequest *request)
{
  return request->cn;
}

const char *ablak_request_peer_cert_sha256(AblakRequest *request)
{
  return request->cert_sha256;
}

const char *ablak_request_id(AblakRequest *request)
{
  return request->id;
}

void ablak_request_set_identity(AblakRequest *request, gpointer identity,
                                GDestroyNotify free_identity)
{
  if (request->identity != NULL && request->free_identity != NULL)
    request->free_identity(request->identity);
  request->identity = identity;
  request->free_identity = free_identity;
}

gpointer ablak_request_identity(AblakRequest *request)
{
  return request->identity;
}
