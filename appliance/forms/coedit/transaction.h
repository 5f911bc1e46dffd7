/* forms/coedit/transaction.h: what is done at once, and tidied at its end. Private to the folder.
 */
#pragma once
#include "forms/coedit/structs.h"

void doc_begin(Doc *doc, guint64 origin, bool tracked);
void doc_touch(Doc *doc, Client *client);
void doc_log(Doc *doc, const Item *item, guint32 clock, guint32 length, bool deletion);
/* The client's state before the running transaction. */
static inline guint32 client_before(const Doc *doc, const Client *client)
{
  return client->touched == doc->transaction ? client->before : client->state;
}
bool doc_changed(const Doc *doc);
/* Collects garbage and merges; then the update of the transaction when wanted (NULL: nothing). */
GBytes *doc_finish(Doc *doc, bool want_update);
