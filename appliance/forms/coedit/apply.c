/* Integrating an update: runs of structs in causal order, then the delete set. */
#include "forms/coedit/apply.h"
#include "forms/coedit/content.h"
#include "forms/coedit/transaction.h"

static bool missing_id(Doc *doc, const Struct *s, bool present, const Id *id, Id *ret_missing)
{
  if (!present || id->client == s->id.client || id->clock < doc_state(doc, id->client))
    return false;
  *ret_missing = *id;
  return true;
}

bool struct_waits(Doc *doc, const Struct *s, Id *ret_missing)
{
  return missing_id(doc, s, s->has_origin, &s->origin, ret_missing) ||
         missing_id(doc, s, s->has_right, &s->right, ret_missing) ||
         missing_id(doc, s, s->has_parent && !s->parent_is_root, &s->parent, ret_missing);
}

/* ---- one struct ---- */

static void client_store_text(Doc *doc, Client *client, Item *item, const Struct *s)
{
  if (!s->pairs || s->length == s->content.size) {
    item->content.bytes.size = s->content.size;
    item->content.bytes.offset = client_store(doc, client, s->content.text, s->content.size);
    return;
  }
  gsize capacity = client->content.capacity;
  item->content.bytes.offset = (guint32)client->content.size;
  client->surrogates |= text_to_cesu(&client->content, s->content.text, s->content.size);
  item->content.bytes.size = (guint32)client->content.size - item->content.bytes.offset;
  doc->bytes += client->content.capacity - capacity;
}

void struct_store(Doc *doc, Client *client, Item *item, guint32 index, const Struct *s)
{
  switch (s->kind) {
  case KIND_DELETED:
    return;
  case KIND_TYPE:
    item->content.list = doc_type_new(doc, index, (AblakYtypeKind)s->type,
                                      s->name.text != NULL ? doc_key(doc, s->name) : NONE)
                             ->list;
    return;
  case KIND_STRING:
    client_store_text(doc, client, item, s);
    return;
  default:
    item->content.bytes.size = s->content.size;
    item->content.bytes.offset = client_store(doc, client, s->content.text, s->content.size);
  }
}

/* Removes what lies before `offset`, whose clocks are known already. */
static void cut_content(Doc *doc, Item *item, guint32 offset)
{
  item->clock += offset;
  if (item_has_bytes(item)) {
    guint32 size = item_prefix(doc, item, offset);
    Client *client = doc_client(doc, item->client);
    guint8 *text = client->content.data + item->content.bytes.offset + size;
    /* as with splitting, half a pair becomes U+FFFD */
    if (item->kind == KIND_STRING && size >= 3 && text[-3] == 0xed && text[-2] >= 0xa0 &&
        text[-2] <= 0xaf)
      memcpy(text, "\xef\xbf\xbd", 3);
    item->content.bytes.offset += size;
    item->content.bytes.size -= size;
    client->garbage += size;
  }
  item->length -= offset;
}

static bool is_gc(const Doc *doc, guint32 index)
{
  return index != NONE && item_at(doc, index)->kind == KIND_GC;
}

/* Mostly nobody wrote between left and right: then right need not be searched. */
static bool follows(const Doc *doc, const Item *item, const Client *right_client)
{
  if (item->left == NONE)
    return false;
  const Item *next = item_right(doc, item_at(doc, item->left));
  return next != NULL && next->clock == item->right_clock && next->client == right_client->index;
}

/* The chain and neighbours of a struct whose dependencies are all here. False: what it belongs
 * to is gone, so it becomes GC. */
static bool find_place(Doc *doc, const Struct *s, Item *item)
{
  if (s->has_origin) {
    Client *client = doc_find_client(doc, s->origin.client);
    item->origin_client = client->index;
    item->origin_clock = (guint32)s->origin.clock;
    item->left = doc_clean_end(doc, client, item->origin_clock);
  }
  if (s->has_right) {
    Client *client = doc_find_client(doc, s->right.client);
    item->right_client = client->index;
    item->right_clock = (guint32)s->right.clock;
    item->right = follows(doc, item, client) ? item_at(doc, item->left)->right
                                             : doc_clean_start(doc, client, item->right_clock);
  }
  if (is_gc(doc, item->left) || is_gc(doc, item->right))
    return false;
  if (!s->has_parent) {
    item->chain = item_at(doc, item->left != NONE ? item->left : item->right)->chain;
    return true;
  }
  Type *parent = NULL;
  if (s->parent_is_root) {
    parent = doc_root(doc, doc_key(doc, s->root));
  } else {
    const Item *container =
        doc_item_at(doc, doc_find_client(doc, s->parent.client), (guint32)s->parent.clock);
    if (container->kind != KIND_TYPE)
      return false;
    parent = item_type(doc, container);
  }
  item->chain = type_chain(parent, s->has_key ? doc_key(doc, s->key) : NONE);
  return true;
}

/* Whether the struct's right origin is what the client's last item ends before. */
static bool goes_on_before(const Doc *doc, const Item *last, const Struct *s)
{
  if (!s->has_right)
    return last->right == NONE && last->right_client == NO_CLIENT;
  if (last->right == NONE || last->right_client == NO_CLIENT || last->right_clock != s->right.clock)
    return false;
  const Item *right = item_at(doc, last->right);
  return right->clock == last->right_clock && right->client == last->right_client &&
         doc_client(doc, right->client)->id == s->right.client;
}

/* Typing: text that goes on where its client's last item ends. Nothing can stand between. */
static bool append_text(Doc *doc, Client *client, const Struct *s)
{
  if (s->kind != KIND_STRING || !s->has_origin || s->origin.client != client->id ||
      s->origin.clock + 1 != client->state || s->id.clock != client->state)
    return false;
  Item *last = item_at(doc, client_last(client));
  if (last->kind != KIND_STRING || (last->flags & ITEM_DELETED) != 0 ||
      item_key(doc, last) != NONE ||
      last->content.bytes.offset + last->content.bytes.size != client->content.size ||
      !goes_on_before(doc, last, s))
    return false;
  doc_touch(doc, client);
  Item added;
  client_store_text(doc, client, &added, s);
  last->content.bytes.size += added.content.bytes.size;
  last->length += (guint32)s->length;
  item_parent(doc, last)->length += (guint32)s->length;
  client->state += (guint32)s->length;
  if (doc->tracked)
    doc_log(doc, last, (guint32)s->id.clock, (guint32)s->length, false);
  return true;
}

/* What follows its own client's first part, which is known. False: that part is garbage. */
static bool follow_own(Doc *doc, Client *client, Item *item, guint32 offset)
{
  item->origin_client = client->index;
  item->origin_clock = item->clock + offset - 1;
  item->left = doc_clean_end(doc, client, item->origin_clock);
  if (is_gc(doc, item->left))
    return false;
  item->chain = item_at(doc, item->left)->chain; /* whatever a forged struct says: a chain is one */
  return true;
}

void struct_integrate(Doc *doc, const Struct *s, guint32 offset)
{
  Client *client = doc_get_client(doc, s->id.client);
  guint32 length = (guint32)s->length;
  if (s->kind == KIND_GC) {
    doc_add_gc(doc, client, length - offset);
    return;
  }
  if (append_text(doc, client, s))
    return;
  guint32 index = doc_item_new(doc);
  Item *item = item_at(doc, index);
  item->client = client->index;
  item->clock = (guint32)s->id.clock;
  item->length = length;
  item->kind = s->kind;
  if (!find_place(doc, s, item) || (offset > 0 && !follow_own(doc, client, item, offset))) {
    doc_item_free(doc, index);
    doc_add_gc(doc, client, length - offset);
    return;
  }
  struct_store(doc, client, item, index, s);
  if (offset > 0)
    cut_content(doc, item, offset);
  doc_integrate(doc, index);
}

/* ---- the runs of an update ---- */

static Run *find_run(Update *update, guint64 client)
{
  guint low = 0, high = update->count;
  while (low < high) {
    guint middle = (low + high) / 2;
    if (update->runs[middle].next.client > client)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < update->count && update->runs[low].next.client == client; low++) {
    Run *run = &update->runs[low];
    if (run->has_current && !run->dead)
      return run->waiting ? NULL : run;
  }
  return NULL;
}

/* Nothing on the stack can go on before `missing` comes. */
static void give_up(Doc *doc, GPtrArray *stack, Id missing)
{
  for (guint i = stack->len; i-- > 0;) {
    Run *run = g_ptr_array_index(stack, i);
    run->dead = true;
    run->waiting = false;
    do {
      if (run->current.kind != KIND_SKIP && run->current.length > 0)
        pending_add(doc, &run->current, missing);
    } while (run_advance(run));
    missing = run->next;
    missing.clock = doc_state(doc, missing.client);
  }
  g_ptr_array_set_size(stack, 0);
}

/* Integrates the struct on top of the stack, or puts on top what it needs. */
static void step(Doc *doc, Update *update, GPtrArray *stack)
{
  Run *run = g_ptr_array_index(stack, stack->len - 1);
  const Struct *s = &run->current;
  Id missing;
  if (s->kind != KIND_SKIP && s->length > 0) {
    guint64 state = doc_state(doc, s->id.client);
    if (s->id.clock > state) {
      give_up(doc, stack, (Id){s->id.client, s->id.clock - 1});
      return;
    }
    if (s->id.clock + s->length > state) {
      if (struct_waits(doc, s, &missing)) {
        Run *other = find_run(update, missing.client);
        if (other == NULL) {
          give_up(doc, stack, missing);
        } else {
          other->waiting = true;
          g_ptr_array_add(stack, other);
        }
        return;
      }
      struct_integrate(doc, s, (guint32)(state - s->id.clock));
    }
  }
  bool more = run_advance(run);
  if (stack->len > 1 || !more) {
    run->waiting = false;
    g_ptr_array_set_size(stack, stack->len - 1);
  }
}

/* As long as the run's structs wait for nothing, they need no stack. */
static bool integrate_plain(Doc *doc, Run *run)
{
  Id missing;
  for (bool more = true; more; more = run_advance(run)) {
    const Struct *s = &run->current;
    guint64 state = doc_state(doc, s->id.client);
    if (s->kind == KIND_SKIP || s->id.clock > state || struct_waits(doc, s, &missing))
      return false;
    if (s->id.clock + s->length > state)
      struct_integrate(doc, s, (guint32)(state - s->id.clock));
  }
  return true;
}

static void integrate_runs(Doc *doc, Update *update)
{
  for (guint i = 0; i < update->count; i++) {
    Run *run = &update->runs[i];
    if (!run->has_current || run->dead || integrate_plain(doc, run))
      continue;
    g_autoptr(GPtrArray) stack = g_ptr_array_new();
    run->waiting = true;
    g_ptr_array_add(stack, run);
    while (stack->len > 0)
      step(doc, update, stack);
  }
}

static void apply_deletes(Doc *doc, Reader reader)
{
  guint64 clients = 0, id = 0, count = 0, clock = 0, length = 0;
  read_uint(&reader, &clients);
  while (clients-- > 0) {
    read_uint(&reader, &id);
    read_uint(&reader, &count);
    Client *client = doc_find_client(doc, id);
    guint64 state = client != NULL ? client->state : 0;
    while (count-- > 0) {
      read_uint(&reader, &clock);
      read_uint(&reader, &length);
      guint64 end = clock + length;
      if (clock < state)
        doc_delete_range(doc, client, (guint32)clock, (guint32)MIN(end, state));
      if (end > state)
        pending_add_delete(doc, id, MAX(clock, state), end - MAX(clock, state), doc->origin);
    }
  }
}

void doc_apply_update(Doc *doc, Update *update)
{
  integrate_runs(doc, update);
  if (doc->pending != NULL)
    pending_retry(doc);
  apply_deletes(doc, update->deletes);
  if (doc->pending_deletes != NULL)
    pending_retry_deletes(doc);
}
