/* Positions of our own operations, against a plain string: where an operation takes place is looked
 * for from where the last one was. */
#include "support.h"

typedef struct {
  AblakYdoc *doc, *other;
  GRand *random;
  GString *expected[3];
  guint cursor;
} Desk;

static AblakYtype *text_of(AblakYdoc *doc, guint which)
{
  static const char *const names[] = {"one", "two"};
  if (which < G_N_ELEMENTS(names))
    return ablak_ydoc_root(doc, names[which]);
  return ablak_ymap_get_type(ablak_ydoc_root(doc, "form"), "name");
}

/* Mostly near the last place, now and then anywhere. */
static guint choose_position(Desk *desk, guint which)
{
  guint length = (guint)desk->expected[which]->len;
  if (g_rand_int_range(desk->random, 0, 8) == 0)
    desk->cursor = (guint)g_rand_int_range(desk->random, 0, (gint32)length + 1);
  else
    desk->cursor += (guint)g_rand_int_range(desk->random, 0, 5);
  desk->cursor -= MIN(desk->cursor, 2);
  return desk->cursor = MIN(desk->cursor, length);
}

static void insert(Desk *desk, guint which)
{
  char letters[4] = {0};
  guint at = choose_position(desk, which), count = (guint)g_rand_int_range(desk->random, 1, 4);
  for (guint i = 0; i < count; i++)
    letters[i] = (char)g_rand_int_range(desk->random, 'a', 'z' + 1);
  g_assert_true(ablak_ytext_insert(text_of(desk->doc, which), at, letters, NULL));
  g_string_insert(desk->expected[which], (gssize)at, letters);
  desk->cursor = at + count;
}

static void delete (Desk *desk, guint which)
{
  guint at = choose_position(desk, which), rest = (guint)desk->expected[which]->len - at;
  guint wanted = (guint)g_rand_int_range(desk->random, 0, 6), count = MIN(rest, wanted);
  g_assert_true(ablak_ytext_delete(text_of(desk->doc, which), at, count, NULL));
  g_string_erase(desk->expected[which], (gssize)at, (gssize)count);
}

static void check(const Desk *desk)
{
  for (guint i = 0; i < G_N_ELEMENTS(desk->expected); i++) {
    g_autofree char *text = ablak_ytext_string(text_of(desk->doc, i));
    g_assert_cmpstr(text, ==, desk->expected[i]->str);
  }
}

/* The field is emptied by putting another text into its place. */
static void renew(Desk *desk)
{
  g_assert_nonnull(
      ablak_ymap_set_type(ablak_ydoc_root(desk->doc, "form"), "name", ABLAK_YTYPE_TEXT, NULL));
  g_string_truncate(desk->expected[2], 0);
}

static void exchange(AblakYdoc *from, AblakYdoc *to)
{
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(to);
  gsize size;
  const void *data = g_bytes_get_data(vector, &size);
  g_autoptr(GBytes) update = ablak_ydoc_encode(from, data, size, NULL);
  apply(to, update);
}

/* Somebody else types; what stands then is expected. */
static void hear_of_other(Desk *desk)
{
  exchange(desk->doc, desk->other);
  ablak_ydoc_begin(desk->other);
  AblakYtype *text = text_of(desk->other, 0);
  guint64 length = ablak_ytype_length(text);
  guint64 at = (guint64)g_rand_int_range(desk->random, 0, (gint32)length + 1);
  g_assert_true(ablak_ytext_insert(text, at, "OTHER", NULL));
  g_assert_true(ablak_ytext_delete(text, at / 2, MIN(2, length - at / 2), NULL));
  GBytes *update = ablak_ydoc_commit(desk->other);
  g_bytes_unref(update);
  exchange(desk->other, desk->doc);
  g_autofree char *now = ablak_ytext_string(text_of(desk->doc, 0));
  g_string_assign(desk->expected[0], now);
}

static void work(Desk *desk)
{
  for (guint step = 0; step < 3000; step++) {
    guint which = (guint)g_rand_int_range(desk->random, 0, 40) / 20;
    if (g_rand_int_range(desk->random, 0, 10) == 0)
      which = 2;
    ablak_ydoc_begin(desk->doc);
    for (gint32 n = g_rand_int_range(desk->random, 1, 4); n > 0; n--) {
      if (g_rand_int_range(desk->random, 0, 3) == 0)
        delete (desk, which);
      else
        insert(desk, which);
    }
    if (g_rand_int_range(desk->random, 0, 60) == 0)
      renew(desk);
    GBytes *update = ablak_ydoc_commit(desk->doc);
    g_clear_pointer(&update, g_bytes_unref);
    if (g_rand_int_range(desk->random, 0, 50) == 0)
      hear_of_other(desk);
    if (step % 10 == 0)
      check(desk);
  }
  check(desk);
}

static void test_positions(void)
{
  for (guint32 seed = 1; seed <= 8; seed++) {
    AblakYdocOptions options = {.client_id = seed, .keep_deleted = seed % 2 == 0};
    g_autoptr(AblakYdoc) doc = ablak_ydoc_new(&options), other = new_doc(100 - seed);
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    Desk desk = {.doc = doc, .other = other, .random = random};
    g_test_message("seed %u", seed);
    for (guint i = 0; i < G_N_ELEMENTS(desk.expected); i++)
      desk.expected[i] = g_string_new(NULL);
    ablak_ydoc_begin(doc);
    renew(&desk);
    GBytes *update = ablak_ydoc_commit(doc);
    g_bytes_unref(update);
    work(&desk);
    exchange(doc, other);
    assert_equal(doc, other);
    for (guint i = 0; i < G_N_ELEMENTS(desk.expected); i++)
      g_string_free(desk.expected[i], TRUE);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/typing/positions", test_positions);
  return g_test_run();
}
