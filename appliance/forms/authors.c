/* forms/authors.c: who wrote what, as it happens. */
#include "forms/authors-private.h"

#define RENEW_MS 30000
#define OTHERS_MAX 8

static guint place_hash(gconstpointer data)
{
  const Place *place = data;
  return g_direct_hash(place->field) * 31 + (guint)place->row.client * 17 + (guint)place->row.clock;
}

static gboolean place_equal(gconstpointer a, gconstpointer b)
{
  const Place *one = a, *other = b;
  return one->field == other->field && one->row.client == other->row.client &&
         one->row.clock == other->row.clock;
}

static void actor_clear(gpointer data)
{
  OwnActor *actor = data;
  g_free(actor->kind);
  g_free(actor->id);
}

static OwnActor actor_copy(const char *kind, const char *id)
{
  return (OwnActor){g_strdup(kind), g_strdup(id)};
}

static bool is_by(const OwnActor *actor, AblakActor by)
{
  return g_str_equal(actor->kind, by.kind) && g_str_equal(actor->id, by.id);
}

static void drop_previous(Author *author)
{
  actor_clear(&author->previous.by);
  json_decref(author->previous.value);
  author->previous = (Previous){0};
}

static void author_free(gpointer data)
{
  Author *author = data;
  actor_clear(&author->by);
  drop_previous(author);
  g_array_unref(author->others);
  g_free(author);
}

AblakAuthors *ablak_authors_new(AblakForm *form, bool office)
{
  AblakAuthors *authors = g_new0(AblakAuthors, 1);
  authors->form = ablak_form_ref(form);
  authors->office = office;
  authors->all = g_hash_table_new_full(place_hash, place_equal, NULL, author_free);
  authors->rows = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
  return authors;
}

void ablak_authors_free(AblakAuthors *authors)
{
  if (authors == NULL)
    return;
  g_hash_table_unref(authors->all);
  g_hash_table_unref(authors->rows);
  ablak_form_unref(authors->form);
  g_free(authors);
}

/* --- places --- */

bool ablak_authors_place(const AblakAuthors *authors, const char *path, Place *ret_place)
{
  const AblakFormField *field = ablak_form_field_at(authors->form, path);
  if (field == NULL || field->office != authors->office)
    return false;
  Place place = {.field = field};
  if (field->group != NULL) {
    g_auto(GStrv) tokens = ablak_form_path_tokens(path);
    const GArray *rows = g_hash_table_lookup(authors->rows, field->group);
    guint64 index = g_ascii_strtoull(tokens[1], NULL, 10);
    if (rows == NULL || index >= rows->len)
      return false;
    place.row = g_array_index(rows, Row, index);
  }
  *ret_place = place;
  return true;
}

Author *ablak_authors_add(AblakAuthors *authors, const Place *place, AblakActor by, gint64 at_ms)
{
  Author *author = g_new0(Author, 1);
  author->place = *place;
  author->by = actor_copy(by.kind, by.id);
  author->at_ms = at_ms;
  author->others = g_array_new(FALSE, TRUE, sizeof(OwnActor));
  g_array_set_clear_func(author->others, actor_clear);
  g_hash_table_replace(authors->all, &author->place, author);
  return author;
}

static void is_news(AblakAuthors *authors, Author *author)
{
  author->news = true;
  authors->any_news = true;
}

/* The field's author entry; a new one is by this actor already. NULL: no such field. */
static Author *find(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms)
{
  Place place;
  if (!ablak_authors_place(authors, path, &place))
    return NULL;
  Author *author = g_hash_table_lookup(authors->all, &place);
  if (author == NULL) {
    author = ablak_authors_add(authors, &place, by, now_ms);
    is_news(authors, author);
  }
  return author;
}

/* --- what happens --- */

static void renew(AblakAuthors *authors, Author *author, gint64 now_ms)
{
  if (now_ms - author->at_ms < RENEW_MS)
    return;
  author->at_ms = now_ms;
  is_news(authors, author);
}

static void take_over(AblakAuthors *authors, Author *author, AblakActor by, gint64 now_ms)
{
  OwnActor actor = actor_copy(by.kind, by.id);
  actor_clear(&author->by);
  author->by = actor;
  author->at_ms = now_ms;
  is_news(authors, author);
}

void ablak_authors_add_other(Author *author, AblakActor other)
{
  for (guint i = 0; i < author->others->len; i++)
    if (is_by(&g_array_index(author->others, OwnActor, i), other)) {
      g_array_remove_index(author->others, i);
      break;
    }
  OwnActor actor = actor_copy(other.kind, other.id);
  g_array_prepend_val(author->others, actor);
  if (author->others->len > OTHERS_MAX)
    g_array_set_size(author->others, OTHERS_MAX);
}

static void remove_other(Author *author, AblakActor other)
{
  for (guint i = 0; i < author->others->len; i++)
    if (is_by(&g_array_index(author->others, OwnActor, i), other)) {
      g_array_remove_index(author->others, i);
      return;
    }
}

void ablak_authors_typed(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms,
                         guint64 length, guint64 inserted)
{
  Author *author = find(authors, path, by, now_ms);
  if (author == NULL)
    return;
  bool fresh = length <= inserted; /* nothing that somebody wrote before is left */
  if (fresh && author->others->len > 0) {
    g_array_set_size(author->others, 0);
    is_news(authors, author);
  }
  if (is_by(&author->by, by)) {
    renew(authors, author, now_ms);
    return;
  }
  remove_other(author, by);
  if (!fresh)
    ablak_authors_add_other(author, (AblakActor){author->by.kind, author->by.id});
  take_over(authors, author, by, now_ms);
}

static bool is_empty(const json_t *value)
{
  return value == NULL || json_is_null(value);
}

void ablak_authors_set_previous(Author *author, AblakActor by, gint64 at_ms, const json_t *value,
                                bool concurrent)
{
  Previous previous = {actor_copy(by.kind, by.id), at_ms, json_deep_copy(value), concurrent};
  drop_previous(author);
  author->previous = previous;
}

void ablak_authors_set(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms,
                       const json_t *before, const json_t *now, bool concurrent)
{
  Author *author = find(authors, path, by, now_ms);
  if (author == NULL || (!is_empty(before) && !is_empty(now) && json_equal(before, now)))
    return; /* to say the same again changes nothing */
  bool same = is_by(&author->by, by);
  if (is_empty(before) && author->previous.value != NULL) {
    drop_previous(author); /* what it took the place of was given up in between */
    is_news(authors, author);
  } else if (!same && !is_empty(before)) {
    ablak_authors_set_previous(author, (AblakActor){author->by.kind, author->by.id}, author->at_ms,
                               before, concurrent);
  }
  if (same)
    renew(authors, author, now_ms);
  else
    take_over(authors, author, by, now_ms);
}

void ablak_authors_lost(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms,
                        const json_t *lost, const json_t *stands)
{
  Place place;
  Author *author =
      ablak_authors_place(authors, path, &place) ? g_hash_table_lookup(authors->all, &place) : NULL;
  if (author == NULL || is_by(&author->by, by) || is_empty(lost) || json_equal(lost, stands))
    return;
  ablak_authors_set_previous(author, by, now_ms, lost, true);
  is_news(authors, author);
}

void ablak_authors_moved(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms)
{
  Author *author = find(authors, path, by, now_ms);
  if (author == NULL)
    return;
  if (is_by(&author->by, by))
    renew(authors, author, now_ms);
  else
    take_over(authors, author, by, now_ms);
}

/* --- rows --- */

static GArray *rows_of(const AblakFormField *group, AblakYdoc *doc)
{
  GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));
  AblakYtype *list = ablak_ymap_get_type(ablak_ydoc_root(doc, FORM_ROOT), group->name);
  guint64 count =
      list != NULL && ablak_ytype_kind(list) == ABLAK_YTYPE_ARRAY ? ablak_ytype_length(list) : 0;
  for (guint64 i = 0; i < count; i++) {
    Row row = {0}; /* what is no row has no fields either */
    AblakYtype *map = ablak_yarray_get_type(list, i);
    if (map != NULL)
      ablak_ytype_id(map, &row.client, &row.clock);
    g_array_append_val(rows, row);
  }
  return rows;
}

static int index_of(const GArray *rows, const Row *row)
{
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    if (g_array_index(rows, Row, i).client == row->client &&
        g_array_index(rows, Row, i).clock == row->clock)
      return (int)i;
  return -1;
}

/* The authors of a group's fields, out of the table. */
static GPtrArray *take_group(AblakAuthors *authors, const AblakFormField *group)
{
  GPtrArray *taken = g_ptr_array_new();
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, authors->all);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    if (((Author *)value)->place.field->group == group) {
      g_ptr_array_add(taken, value);
      g_hash_table_iter_steal(&iter);
    }
  return taken;
}

static void move_rows(AblakAuthors *authors, const AblakFormField *group, const GArray *old,
                      const GArray *now)
{
  g_autoptr(GPtrArray) all = take_group(authors, group);
  for (guint i = 0; i < all->len; i++) {
    Author *author = g_ptr_array_index(all, i);
    int index = index_of(now, &author->place.row);
    if (index < 0 && old->len == now->len)
      index = index_of(old, &author->place.row); /* its copy stands where it stood */
    if (index < 0) {
      author_free(author);
      continue;
    }
    author->place.row = g_array_index(now, Row, index);
    g_hash_table_replace(authors->all, &author->place, author);
  }
}

static bool begins_with(const GArray *rows, const GArray *start)
{
  return start->len <= rows->len &&
         (start->len == 0 || memcmp(rows->data, start->data, start->len * sizeof(Row)) == 0);
}

void ablak_authors_read_rows(AblakAuthors *authors, AblakYdoc *doc)
{
  const GPtrArray *fields = ablak_form_fields(authors->form);
  for (guint i = 0; i < fields->len; i++) {
    const AblakFormField *group = g_ptr_array_index(fields, i);
    if (group->widget != ABLAK_WIDGET_REPEAT || group->office != authors->office)
      continue;
    GArray *now = rows_of(group, doc), *old = g_hash_table_lookup(authors->rows, group);
    if (old != NULL && !begins_with(now, old)) { /* a row behind the others moves none */
      move_rows(authors, group, old, now);
      authors->moved = true;
    }
    g_hash_table_replace(authors->rows, (gpointer)group, now);
  }
}
