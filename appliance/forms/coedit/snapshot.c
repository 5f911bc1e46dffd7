/* Snapshots: what the document held at some moment, as a delete set and a state vector. */
#include "forms/coedit/decode.h"
#include "forms/coedit/encode.h"
#include "forms/coedit/transaction.h"

GBytes *ablak_ydoc_snapshot(const AblakYdoc *doc)
{
  g_autoptr(GBytes) states = ablak_ydoc_state_vector(doc);
  gsize size;
  const void *data = g_bytes_get_data(states, &size);
  Buffer buffer = {0};
  write_deleted(doc, &buffer);
  write_raw(&buffer, data, size);
  return buffer_steal(&buffer);
}

/* Steps over a delete set. */
static bool skip_deletes(Reader *reader)
{
  guint64 clients, number, count;
  if (!read_uint(reader, &clients))
    return false;
  while (clients-- > 0) {
    if (!read_uint(reader, &number) || !read_uint(reader, &count))
      return false;
    while (count-- > 0) {
      if (!read_uint(reader, &number) || !read_uint(reader, &number))
        return false;
    }
  }
  return true;
}

/* The structs of one client before `clock`; it begins a struct or is the state. */
static void write_before(const Doc *doc, Buffer *buffer, const Client *client, guint32 clock)
{
  Buffer run = {0};
  guint64 count = 0;
  Place place = {0, 0};
  do {
    const Item *item = client_item(doc, client, place);
    if (item->clock >= clock)
      break;
    write_struct(doc, &run, item, 0);
    count++;
  } while (client_next(client, &place));
  write_uint(buffer, count);
  write_uint(buffer, client->id);
  write_uint(buffer, 0);
  write_raw(buffer, run.data, run.size);
  buffer_clear(&run);
}

/* The states, each cut cleanly out of the document; false when they are not of this document. */
static bool write_states(Doc *doc, Buffer *buffer, Reader reader)
{
  Buffer runs = {0};
  guint64 clients, written = 0;
  bool good = read_uint(&reader, &clients);
  while (good && clients-- > 0) {
    Id id = {0, 0};
    good = read_uint(&reader, &id.client) && read_uint(&reader, &id.clock) &&
           id.clock <= doc_state(doc, id.client);
    if (!good || id.clock == 0)
      continue;
    Client *client = doc_find_client(doc, id.client);
    if (id.clock < client->state)
      doc_clean_start(doc, client, (guint32)id.clock);
    write_before(doc, &runs, client, (guint32)id.clock);
    written++;
  }
  write_uint(buffer, written);
  write_raw(buffer, runs.data, runs.size);
  buffer_clear(&runs);
  return good && reader.at == reader.end;
}

AblakYdoc *ablak_ydoc_at_snapshot(AblakYdoc *doc, const void *data, gsize size, GError **error)
{
  Reader reader = reader_of(data, size), deletes = reader;
  Buffer update = {0};
  g_return_val_if_fail(doc->keep_deleted && !doc->open, NULL);
  bool good = skip_deletes(&reader);
  deletes.end = reader.at;
  if (good) {
    doc_begin(doc, 0, false);
    good = write_states(doc, &update, reader);
    doc_finish(doc, false);
  }
  AblakYdocOptions options = {.max_bytes = doc->max_bytes, .max_depth = doc->max_depth};
  AblakYdoc *copy = ablak_ydoc_new(&options);
  write_raw(&update, deletes.at, (gsize)(deletes.end - deletes.at));
  if (!good)
    fail_malformed(error, "snapshot of this document");
  else
    good = ablak_ydoc_apply(copy, update.data, update.size, 0, 0, NULL, error);
  buffer_clear(&update);
  if (good)
    return copy;
  ablak_ydoc_free(copy);
  return NULL;
}
