/* Merging and cutting updates without a document. */
#include "forms/coedit/update.h"
#include "forms/coedit/decode.h"
#include "forms/coedit/encode.h"

/* One struct of an update, still encoded. */
typedef struct {
  guint64 client, clock, length;
  const guint8 *start;
  guint32 size;
  guint8 kind;
} Ref;

typedef struct {
  guint64 client, clock, length;
} Deletion;

static bool collect(GArray *refs, GArray *deletions, const void *data, gsize size)
{
  Update update;
  if (!update_read(data, size, &update))
    return false;
  for (guint i = 0; i < update.count; i++) {
    Run *run = &update.runs[i];
    do {
      const Struct *s = &run->current;
      Ref ref = {s->id.client, s->id.clock, s->length, s->start, (guint32)(s->end - s->start),
                 s->kind};
      if (ref.length > 0)
        g_array_append_val(refs, ref);
    } while (run_advance(run));
  }
  Reader reader = update.deletes;
  guint64 clients = 0, count = 0;
  read_uint(&reader, &clients);
  while (clients-- > 0) {
    Deletion deletion;
    read_uint(&reader, &deletion.client);
    read_uint(&reader, &count);
    while (count-- > 0) {
      read_uint(&reader, &deletion.clock);
      read_uint(&reader, &deletion.length);
      if (deletion.length > 0)
        g_array_append_val(deletions, deletion);
    }
  }
  update_clear(&update);
  return true;
}

/* Highest client first; of what begins together, content before a Skip, the longest first. */
static int compare_refs(gconstpointer a, gconstpointer b)
{
  const Ref *one = a, *other = b;
  if (one->client != other->client)
    return one->client < other->client ? 1 : -1;
  if (one->clock != other->clock)
    return one->clock < other->clock ? -1 : 1;
  return one->length < other->length ? 1 : one->length > other->length ? -1 : 0;
}

static int compare_deletions(gconstpointer a, gconstpointer b)
{
  const Deletion *one = a, *other = b;
  if (one->client != other->client)
    return one->client < other->client ? 1 : -1;
  return one->clock < other->clock ? -1 : one->clock > other->clock;
}

static void merge_deletions(GArray *all)
{
  guint kept = 0;
  if (all->len < 2)
    return;
  g_array_sort(all, compare_deletions);
  for (guint i = 1; i < all->len; i++) {
    Deletion *last = &g_array_index(all, Deletion, kept);
    const Deletion *next = &g_array_index(all, Deletion, i);
    if (next->client == last->client && next->clock <= last->clock + last->length)
      last->length = MAX(last->length, next->clock + next->length - last->clock);
    else
      g_array_index(all, Deletion, ++kept) = *next;
  }
  g_array_set_size(all, kept + 1);
}

static void write_deletions(Buffer *buffer, GArray *all)
{
  Buffer groups = {0};
  guint64 count = 0;
  for (guint i = 0; i < all->len; count++) {
    guint first = i;
    guint64 client = g_array_index(all, Deletion, first).client;
    while (i < all->len && g_array_index(all, Deletion, i).client == client)
      i++;
    write_uint(&groups, client);
    write_uint(&groups, i - first);
    for (guint k = first; k < i; k++) {
      write_uint(&groups, g_array_index(all, Deletion, k).clock);
      write_uint(&groups, g_array_index(all, Deletion, k).length);
    }
  }
  write_uint(buffer, count);
  write_raw(buffer, groups.data, groups.size);
  buffer_clear(&groups);
}

static void write_ref(Buffer *buffer, const Ref *ref, guint64 offset)
{
  Struct s;
  Reader reader = {ref->start, ref->start + ref->size};
  if (offset == 0) {
    write_raw(buffer, ref->start, ref->size);
    return;
  }
  struct_read(&reader, ref->client, ref->clock, &s);
  struct_write(buffer, &s, offset);
}

/* One client's structs beyond `known`, from refs[first] on. Returns how many were written. */
static guint64 write_client_refs(Buffer *buffer, const GArray *refs, guint first, guint end,
                                 guint64 known, guint64 *ret_start)
{
  guint64 count = 0, clock = known;
  for (guint i = first; i < end; i++) {
    const Ref *ref = &g_array_index(refs, Ref, i);
    if (ref->kind == KIND_SKIP || ref->clock + ref->length <= clock)
      continue;
    if (count == 0) {
      *ret_start = MAX(clock, ref->clock);
    } else if (ref->clock > clock) {
      write_byte(buffer, KIND_SKIP);
      write_uint(buffer, ref->clock - clock);
      count++;
    }
    write_ref(buffer, ref, clock > ref->clock ? clock - ref->clock : 0);
    clock = ref->clock + ref->length;
    count++;
  }
  return count;
}

static GBytes *write_refs(GArray *refs, GArray *deletions, GHashTable *states)
{
  Buffer runs = {0}, buffer = {0};
  guint64 run_count = 0, start = 0;
  g_array_sort(refs, compare_refs);
  for (guint i = 0; i < refs->len;) {
    guint first = i;
    guint64 client = g_array_index(refs, Ref, first).client;
    while (i < refs->len && g_array_index(refs, Ref, i).client == client)
      i++;
    Buffer run = {0};
    guint64 known = states != NULL ? state_vector_get(states, client) : 0;
    guint64 count = write_client_refs(&run, refs, first, i, known, &start);
    if (count > 0) {
      write_uint(&runs, count);
      write_uint(&runs, client);
      write_uint(&runs, start);
      write_raw(&runs, run.data, run.size);
      run_count++;
    }
    buffer_clear(&run);
  }
  write_uint(&buffer, run_count);
  write_raw(&buffer, runs.data, runs.size);
  buffer_clear(&runs);
  merge_deletions(deletions);
  write_deletions(&buffer, deletions);
  return buffer_steal(&buffer);
}

GBytes *ablak_yupdate_merge(GBytes *const *updates, guint count, GError **error)
{
  g_autoptr(GArray) refs = g_array_new(FALSE, FALSE, sizeof(Ref));
  g_autoptr(GArray) deletions = g_array_new(FALSE, FALSE, sizeof(Deletion));
  for (guint i = 0; i < count; i++) {
    gsize size;
    const void *data = g_bytes_get_data(updates[i], &size);
    if (!collect(refs, deletions, data, size)) {
      fail_malformed(error, "update");
      return NULL;
    }
  }
  return write_refs(refs, deletions, NULL);
}

GBytes *ablak_yupdate_diff(const void *data, gsize size, const void *state_vector,
                           gsize state_vector_size, GError **error)
{
  g_autoptr(GArray) refs = g_array_new(FALSE, FALSE, sizeof(Ref));
  g_autoptr(GArray) deletions = g_array_new(FALSE, FALSE, sizeof(Deletion));
  g_autoptr(GHashTable) states = state_vector_read(state_vector, state_vector_size);
  if (states == NULL || !collect(refs, deletions, data, size)) {
    fail_malformed(error, states == NULL ? "state vector" : "update");
    return NULL;
  }
  return write_refs(refs, deletions, states);
}

GBytes *ablak_yupdate_state_vector(const void *data, gsize size, GError **error)
{
  g_autoptr(GArray) refs = g_array_new(FALSE, FALSE, sizeof(Ref));
  g_autoptr(GArray) deletions = g_array_new(FALSE, FALSE, sizeof(Deletion));
  Buffer states = {0}, buffer = {0};
  guint64 count = 0;
  if (!collect(refs, deletions, data, size)) {
    fail_malformed(error, "update");
    return NULL;
  }
  g_array_sort(refs, compare_refs);
  for (guint i = 0; i < refs->len;) {
    guint64 client = g_array_index(refs, Ref, i).client, state = 0;
    for (; i < refs->len && g_array_index(refs, Ref, i).client == client; i++) {
      const Ref *ref = &g_array_index(refs, Ref, i);
      if (ref->kind != KIND_SKIP && ref->clock <= state)
        state = MAX(state, ref->clock + ref->length);
    }
    if (state > 0) {
      write_uint(&states, client);
      write_uint(&states, state);
      count++;
    }
  }
  write_uint(&buffer, count);
  write_raw(&buffer, states.data, states.size);
  buffer_clear(&states);
  return buffer_steal(&buffer);
}
