/* The struct index of a client: its items in clock order, and the bytes of their content. */
#include "forms/coedit/leaves.h"
#include "forms/coedit/content.h"

#define LEAF_MAX 256
#define LEAF_FILL 208u /* when many come at once: linking them splits some */

/* The last slot from `low` on, below `high`, whose item begins at or before `clock`. */
static guint32 search(const Doc *doc, const Leaf *leaf, guint32 low, guint32 high, guint32 clock)
{
  while (high - low > 1) {
    guint32 middle = (low + high) / 2;
    if (item_at(doc, leaf->items[middle])->clock <= clock)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* From the guessed slot in doubling steps to the side where the clock is. */
static guint32 leaf_find(const Doc *doc, const Leaf *leaf, guint32 guess, guint32 clock)
{
  guint32 step = 2;
  if (item_at(doc, leaf->items[guess])->clock <= clock) {
    guint32 low = guess;
    for (; low + step < leaf->count; low += step, step *= 2) {
      if (item_at(doc, leaf->items[low + step])->clock > clock)
        return search(doc, leaf, low, low + step, clock);
    }
    return search(doc, leaf, low, leaf->count, clock);
  }
  guint32 high = guess;
  for (; high > step; high -= step, step *= 2) {
    if (item_at(doc, leaf->items[high - step])->clock <= clock)
      return search(doc, leaf, high - step, high, clock);
  }
  return search(doc, leaf, 0, high, clock);
}

static guint32 leaf_end(const Client *client, guint32 leaf)
{
  return leaf + 1 < client->leaf_count ? client->leaves[leaf + 1].clock : client->state;
}

static guint32 find_leaf(const Client *client, guint32 clock)
{
  guint32 low = 0, high = client->leaf_count;
  while (high - low > 1) {
    guint32 middle = (low + high) / 2;
    if (client->leaves[middle].clock <= clock)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* People type where they typed before: the last struct and the last place found come first.
 * Elsewhere clocks grow evenly enough to guess the slot. */
Place client_find(const Doc *doc, Client *client, guint32 clock)
{
  guint32 last = client->leaf_count - 1;
  const Leaf *leaf = &client->leaves[last];
  if (item_at(doc, leaf->items[leaf->count - 1])->clock <= clock)
    return (Place){last, leaf->count - 1u};
  Place at = client->hint;
  guint32 end = at.leaf <= last ? leaf_end(client, at.leaf) : 0;
  if (at.leaf > last || clock < client->leaves[at.leaf].clock || clock >= end) {
    at.leaf = find_leaf(client, clock);
    leaf = &client->leaves[at.leaf];
    guint64 ahead = (guint64)(clock - leaf->clock) * leaf->count;
    at.slot = (guint32)(ahead / (leaf_end(client, at.leaf) - leaf->clock));
  }
  leaf = &client->leaves[at.leaf];
  at.slot = leaf_find(doc, leaf, MIN(at.slot, leaf->count - 1u), clock);
  return client->hint = at;
}

bool client_next(const Client *client, Place *place)
{
  if (place->slot + 1 < client->leaves[place->leaf].count) {
    place->slot++;
    return true;
  }
  if (place->leaf + 1 == client->leaf_count)
    return false;
  *place = (Place){place->leaf + 1, 0};
  return true;
}

bool client_previous(const Client *client, Place *place)
{
  if (place->slot > 0) {
    place->slot--;
    return true;
  }
  if (place->leaf == 0)
    return false;
  place->leaf--;
  place->slot = client->leaves[place->leaf].count - 1u;
  return true;
}

guint32 client_last(const Client *client)
{
  if (client->leaf_count == 0)
    return NONE;
  const Leaf *leaf = &client->leaves[client->leaf_count - 1];
  return leaf->items[leaf->count - 1];
}

static Leaf *add_leaf(Doc *doc, Client *client, guint32 at)
{
  if (client->leaf_count == client->leaf_capacity) {
    guint32 more = client->leaf_capacity == 0 ? 1 : MAX(2, client->leaf_capacity / 2);
    client->leaf_capacity += more;
    client->leaves = g_renew(Leaf, client->leaves, client->leaf_capacity);
    doc->bytes += more * sizeof(Leaf);
  }
  memmove(client->leaves + at + 1, client->leaves + at,
          (client->leaf_count - at) * sizeof *client->leaves);
  client->leaf_count++;
  client->leaves[at] = (Leaf){0};
  return &client->leaves[at];
}

static void leaf_resize(Doc *doc, Leaf *leaf, guint32 capacity)
{
  doc->bytes += capacity * sizeof *leaf->items;
  doc->bytes -= leaf->capacity * sizeof *leaf->items;
  leaf->capacity = (guint16)capacity;
  leaf->items = g_renew(guint32, leaf->items, capacity);
}

static void leaf_insert(Doc *doc, Leaf *leaf, guint32 at, guint32 index)
{
  if (leaf->count == leaf->capacity)
    leaf_resize(doc, leaf, MIN(LEAF_MAX, leaf->capacity + MAX(4u, leaf->capacity / 4u)));
  memmove(leaf->items + at + 1, leaf->items + at, (leaf->count - at) * sizeof *leaf->items);
  leaf->items[at] = index;
  leaf->count++;
  leaf->clock = item_at(doc, leaf->items[0])->clock;
}

void client_fill(Doc *doc, Client *client, guint32 first, guint32 count)
{
  while (count > 0) {
    guint32 part = MIN(count, LEAF_FILL);
    Leaf *leaf = add_leaf(doc, client, client->leaf_count);
    leaf_resize(doc, leaf, count > LEAF_FILL ? LEAF_MAX : MIN(LEAF_MAX, part + part / 4));
    for (guint32 i = 0; i < part; i++)
      leaf->items[i] = first + i;
    leaf->count = (guint16)part;
    leaf->clock = item_at(doc, first)->clock;
    first += part;
    count -= part;
  }
}

void client_append(Doc *doc, Client *client, guint32 index)
{
  Leaf *leaf = client->leaf_count > 0 ? &client->leaves[client->leaf_count - 1] : NULL;
  if (leaf == NULL || leaf->count == LEAF_MAX)
    leaf = add_leaf(doc, client, client->leaf_count);
  leaf_insert(doc, leaf, leaf->count, index);
  const Item *item = item_at(doc, index);
  client->state = item->clock + item->length;
}

void client_insert_after(Doc *doc, Client *client, Place place, guint32 index)
{
  Leaf *leaf = &client->leaves[place.leaf];
  guint32 at = place.slot + 1;
  if (leaf->count == LEAF_MAX) {
    const guint16 half = LEAF_MAX / 2;
    Leaf *upper = add_leaf(doc, client, place.leaf + 1);
    leaf = &client->leaves[place.leaf];
    leaf_resize(doc, upper, half + 32u);
    memcpy(upper->items, leaf->items + half, half * sizeof *leaf->items);
    leaf_resize(doc, leaf, half + 32u);
    upper->count = leaf->count = half;
    upper->clock = item_at(doc, upper->items[0])->clock;
    if (at > half) {
      leaf = upper;
      at -= half;
    }
  }
  leaf_insert(doc, leaf, at, index);
}

void client_remove(Doc *doc, Client *client, Place place)
{
  Leaf *leaf = &client->leaves[place.leaf];
  leaf->count--;
  memmove(leaf->items + place.slot, leaf->items + place.slot + 1,
          (leaf->count - place.slot) * sizeof *leaf->items);
  if (leaf->count > 0) {
    leaf->clock = item_at(doc, leaf->items[0])->clock;
    if (leaf->capacity > 16 && leaf->count < leaf->capacity / 4)
      leaf_resize(doc, leaf, leaf->capacity / 2);
    return;
  }
  doc->bytes -= leaf->capacity * sizeof *leaf->items;
  g_free(leaf->items);
  client->leaf_count--;
  memmove(client->leaves + place.leaf, client->leaves + place.leaf + 1,
          (client->leaf_count - place.leaf) * sizeof *client->leaves);
}

/* ---- content buffers ---- */

guint32 client_store(Doc *doc, Client *client, const void *data, gsize size)
{
  gsize capacity = client->content.capacity;
  guint32 offset = (guint32)client->content.size;
  write_raw(&client->content, data, size);
  doc->bytes += client->content.capacity - capacity;
  return offset;
}

void client_compact(Doc *doc, Client *client)
{
  if (client->garbage < 1024 || client->garbage < client->content.size / 4)
    return;
  Buffer packed = {0};
  buffer_reserve(&packed, client->content.size - client->garbage);
  for (guint32 l = 0; l < client->leaf_count; l++) {
    for (guint32 s = 0; s < client->leaves[l].count; s++) {
      Item *item = item_at(doc, client->leaves[l].items[s]);
      if (!item_has_bytes(item))
        continue;
      guint32 offset = (guint32)packed.size;
      write_raw(&packed, item_bytes(doc, item), item->content.bytes.size);
      item->content.bytes.offset = offset;
    }
  }
  doc->bytes -= client->content.capacity;
  doc->bytes += packed.capacity;
  g_free(client->content.data);
  client->content = packed;
  client->garbage = 0;
}

void client_trim(Doc *doc, Client *client)
{
  doc->bytes -= (client->leaf_capacity - client->leaf_count) * sizeof(Leaf);
  client->leaf_capacity = client->leaf_count;
  client->leaves = g_renew(Leaf, client->leaves, client->leaf_capacity);
  doc->bytes -= client->content.capacity;
  buffer_fit(&client->content);
  doc->bytes += client->content.capacity;
  for (guint32 l = 0; l < client->leaf_count; l++) {
    Leaf *leaf = &client->leaves[l];
    leaf_resize(doc, leaf, leaf->count);
  }
}

void client_free(Client *client)
{
  for (guint32 l = 0; l < client->leaf_count; l++)
    g_free(client->leaves[l].items);
  g_free(client->leaves);
  buffer_clear(&client->content);
  g_free(client);
}
