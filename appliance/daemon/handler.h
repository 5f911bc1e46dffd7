/* daemon/handler.h: the one way a request becomes a read or a write and then a reply.
 *
 * Both daemons' handlers are two small functions: a job on the writer thread that calls domain
 * functions, and a view on the main thread that makes the reply from a fresh snapshot.
 * Ownership: the call keeps the request until the reply. Threads: start on the main thread; a job
 * runs on the writer thread and reads from the call only what is fixed: request parameters, body
 * and person. Durability: a write is answered only after its commit. */
#pragma once
#include "daemon/person.h"
#include "http/http.h"
#include "store/store.h"

typedef struct {
  AblakRequest *request;
  AblakPerson *person;
  gpointer app;
  char *result;   /* an id that the job hands on to the view; freed with the call */
  gpointer extra; /* whatever the handler prepared before; freed by free_extra */
  GDestroyNotify free_extra;
} AblakCall;

typedef bool (*AblakCallJob)(AblakTxn *txn, AblakCall *call, GError **error);
/* NULL without an error means an empty reply (204). */
typedef json_t *(*AblakCallView)(AblakTxn *txn, AblakCall *call, GError **error);

/* The person whom the authorise hook put on the request; never NULL. */
AblakPerson *ablak_request_person(AblakRequest *request);

/* Who counts as one for rate limits: an IPv4 address, or an IPv6 network of 64 bits, which one
 * household has to itself. Free with g_free. */
char *ablak_request_network(AblakRequest *request);

void ablak_call_read(AblakStore *store, AblakRequest *request, gpointer app, AblakCallView view);
/* `view` may be NULL: 204. */
void ablak_call_write(AblakStore *store, AblakRequest *request, gpointer app, unsigned status,
                      AblakCallJob job, AblakCallView view);
void ablak_call_write_with(AblakStore *store, AblakRequest *request, gpointer app, unsigned status,
                           AblakCallJob job, AblakCallView view, gpointer extra,
                           GDestroyNotify free_extra);

/* A string member of the call's body; the schema has checked that it is there. Borrowed. */
const char *ablak_call_string(AblakCall *call, const char *name);
/* Replaces what the job hands on; a job may run twice. */
void ablak_call_set_result(AblakCall *call, const char *result);
