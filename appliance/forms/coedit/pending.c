/* What waits for updates that are missing: structs by client, and deletions. */
#include "forms/coedit/apply.h"
#include "forms/coedit/structs.h"

static void queue_free(gpointer data)
{
  PendingQueue *queue = data;
  for (guint i = 0; i < queue->structs->len; i++)
    g_free(g_array_index(queue->structs, PendingStruct, i).data);
  g_array_unref(queue->structs);
  g_free(queue);
}

void pending_free(Doc *doc)
{
  g_clear_pointer(&doc->pending, g_hash_table_unref);
  g_clear_pointer(&doc->pending_deletes, g_array_unref);
}

#define QUEUE_BYTES (sizeof(PendingQueue) + 96) /* with its array and its hash table entry */

static PendingQueue *get_queue(Doc *doc, guint64 client)
{
  if (doc->pending == NULL)
    doc->pending = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, queue_free);
  PendingQueue *queue = g_hash_table_lookup(doc->pending, &client);
  if (queue != NULL)
    return queue;
  queue = g_new0(PendingQueue, 1);
  queue->client = client;
  queue->structs = g_array_new(FALSE, FALSE, sizeof(PendingStruct));
  g_hash_table_insert(doc->pending, &queue->client, queue);
  doc->bytes += QUEUE_BYTES;
  return queue;
}

static void drop_struct(Doc *doc, PendingQueue *queue, guint index)
{
  PendingStruct *pending = &g_array_index(queue->structs, PendingStruct, index);
  doc->bytes -= sizeof *pending + pending->size;
  g_free(pending->data);
  g_array_remove_index(queue->structs, index);
}

/* The first entry that begins at or after `clock`. */
static guint lower_bound(const PendingQueue *queue, guint64 clock)
{
  guint low = 0, high = queue->structs->len;
  while (low < high) {
    guint middle = (low + high) / 2;
    if (g_array_index(queue->structs, PendingStruct, middle).clock < clock)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void pending_add(Doc *doc, const Struct *s, Id missing)
{
  PendingQueue *queue = get_queue(doc, s->id.client);
  if (queue->structs->len == 0 ||
      s->id.clock < g_array_index(queue->structs, PendingStruct, 0).clock) {
    queue->waits_client = missing.client;
    queue->waits_clock = missing.clock;
  }
  guint64 end = s->id.clock + s->length;
  guint at = lower_bound(queue, s->id.clock);
  if (at > 0) {
    const PendingStruct *previous = &g_array_index(queue->structs, PendingStruct, at - 1);
    if (previous->clock + previous->length >= end)
      return;
  }
  while (at < queue->structs->len) {
    const PendingStruct *next = &g_array_index(queue->structs, PendingStruct, at);
    if (next->clock == s->id.clock && next->length >= s->length)
      return;
    if (next->clock + next->length > end)
      break;
    drop_struct(doc, queue, at);
  }
  gsize size = (gsize)(s->end - s->start);
  PendingStruct pending = {.clock = s->id.clock,
                           .length = s->length,
                           .origin = doc->origin,
                           .size = (guint32)size,
                           .data = g_memdup2(s->start, size)};
  g_array_insert_val(queue->structs, at, pending);
  doc->bytes += sizeof pending + size;
}

/* Integrates from the queue's head on; false when it was stuck at once. */
static bool drain(Doc *doc, PendingQueue *queue)
{
  guint done = 0;
  for (; done < queue->structs->len; done++) {
    PendingStruct *pending = &g_array_index(queue->structs, PendingStruct, done);
    guint64 state = doc_state(doc, queue->client);
    Struct s;
    Reader reader = {pending->data, pending->data + pending->size};
    Id missing = {queue->client, pending->clock - 1};
    struct_read(&reader, queue->client, pending->clock, &s);
    if (pending->clock > state || struct_waits(doc, &s, &missing)) {
      queue->waits_client = missing.client;
      queue->waits_clock = missing.clock;
      break;
    }
    if (pending->clock + pending->length > state) {
      guint64 origin = doc->origin;
      doc->origin = pending->origin;
      struct_integrate(doc, &s, (guint32)(state - pending->clock));
      doc->origin = origin;
    }
    doc->bytes -= sizeof *pending + pending->size;
    g_free(pending->data);
  }
  g_array_remove_range(queue->structs, 0, done);
  return done > 0;
}

static bool can_go_on(Doc *doc, const PendingQueue *queue)
{
  return doc_state(doc, queue->waits_client) > queue->waits_clock;
}

static void pending_wait(GHashTable *waiting, PendingQueue *queue)
{
  GPtrArray *others = g_hash_table_lookup(waiting, &queue->waits_client);
  if (others == NULL) {
    others = g_ptr_array_new();
    g_hash_table_insert(waiting, g_memdup2(&queue->waits_client, sizeof(guint64)), others);
  }
  g_ptr_array_add(others, queue);
}

/* Which queues wait for which client: GPtrArrays by client id. */
static GHashTable *index_waiting(Doc *doc)
{
  GHashTable *waiting =
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, doc->pending);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    pending_wait(waiting, value);
  return waiting;
}

/* Drains what can go on, then what waited for that, and so on. */
static void drain_all(Doc *doc, GPtrArray *ready)
{
  g_autoptr(GHashTable) waiting = index_waiting(doc);
  while (ready->len > 0) {
    PendingQueue *queue = g_ptr_array_steal_index_fast(ready, ready->len - 1);
    if (queue->structs->len == 0 || !can_go_on(doc, queue) || !drain(doc, queue))
      continue;
    if (queue->structs->len > 0)
      pending_wait(waiting, queue);
    GPtrArray *others = g_hash_table_lookup(waiting, &queue->client);
    if (others == NULL)
      continue;
    for (guint i = others->len; i-- > 0;) {
      PendingQueue *other = g_ptr_array_index(others, i);
      if (other->waits_client == queue->client && !can_go_on(doc, other))
        continue;
      g_ptr_array_remove_index_fast(others, i);
      if (other->waits_client == queue->client)
        g_ptr_array_add(ready, other);
    }
  }
}

static gboolean is_drained(gpointer key, gpointer value, gpointer user_data)
{
  return ((const PendingQueue *)value)->structs->len == 0;
}

void pending_retry(Doc *doc)
{
  g_autoptr(GPtrArray) ready = g_ptr_array_new();
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, doc->pending);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    if (can_go_on(doc, value))
      g_ptr_array_add(ready, value);
  }
  if (ready->len == 0)
    return;
  drain_all(doc, ready);
  doc->bytes -= QUEUE_BYTES * g_hash_table_foreach_remove(doc->pending, is_drained, NULL);
  if (g_hash_table_size(doc->pending) == 0)
    g_clear_pointer(&doc->pending, g_hash_table_unref);
}

static int compare_deletes(gconstpointer a, gconstpointer b)
{
  const PendingDelete *one = a, *other = b;
  if (one->client != other->client)
    return one->client < other->client ? -1 : 1;
  return one->clock < other->clock ? -1 : one->clock > other->clock;
}

void pending_add_delete(Doc *doc, guint64 client, guint64 clock, guint64 length, guint64 origin)
{
  PendingDelete pending = {client, clock, length, origin};
  if (doc->pending_deletes == NULL)
    doc->pending_deletes = g_array_new(FALSE, FALSE, sizeof(PendingDelete));
  g_array_append_val(doc->pending_deletes, pending);
  doc->bytes += sizeof pending;
}

/* Sorted, and what says the same is said once. Of two origins for one deletion the first stays. */
static void tidy_deletes(Doc *doc)
{
  GArray *all = doc->pending_deletes;
  guint before = all->len, kept = 0;
  g_array_sort(all, compare_deletes);
  for (guint i = 1; i < all->len; i++) {
    PendingDelete *last = &g_array_index(all, PendingDelete, kept);
    PendingDelete next = g_array_index(all, PendingDelete, i);
    guint64 end = last->clock + last->length, next_end = next.clock + next.length;
    if (next.client == last->client && next.clock <= end && next.origin == last->origin) {
      last->length = MAX(end, next_end) - last->clock;
      continue;
    }
    if (next.client == last->client && next.clock < end) {
      if (next_end <= end)
        continue;
      next = (PendingDelete){next.client, end, next_end - end, next.origin};
    }
    g_array_index(all, PendingDelete, ++kept) = next;
  }
  if (before > 0)
    g_array_set_size(all, kept + 1);
  doc->bytes -= (before - all->len) * sizeof(PendingDelete);
}

void pending_retry_deletes(Doc *doc)
{
  GArray *all = doc->pending_deletes;
  guint before = all->len;
  for (guint i = 0; i < all->len;) {
    PendingDelete *pending = &g_array_index(all, PendingDelete, i);
    Client *client = doc_find_client(doc, pending->client);
    if (client == NULL || pending->clock >= client->state) {
      i++;
      continue;
    }
    guint64 end = pending->clock + pending->length, origin = doc->origin;
    doc->origin = pending->origin;
    doc_delete_range(doc, client, (guint32)pending->clock, (guint32)MIN(end, client->state));
    doc->origin = origin;
    if (end > client->state) {
      pending->clock = client->state;
      pending->length = end - client->state;
      i++;
    } else {
      g_array_remove_index_fast(all, i);
    }
  }
  doc->bytes -= (before - all->len) * sizeof(PendingDelete);
  tidy_deletes(doc);
  if (all->len == 0)
    g_clear_pointer(&doc->pending_deletes, g_array_unref);
}

bool ablak_ydoc_has_pending(const AblakYdoc *doc)
{
  return doc->pending != NULL || doc->pending_deletes != NULL;
}
