/* Files by their content: whatever is done in whatever order, what has come in is what was sent,
 * and what has a place is whole. Cut uploads are cut by killing who writes; disks are full, short
 * and unreadable because the kernel says so. */
#include "core/crypto.h"
#include "fixture.h"
#include "store/blobs.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#define IDS 5
#define STEPS 1500
#define PIECE_MOST 20000
#define LIMIT 100000

typedef struct {
  char *folder;
  AblakBlobs *blobs;
  GRand *random;
} Blobs;

static void open_blobs(Blobs *fixture)
{
  g_autoptr(GError) error = NULL;
  fixture->blobs = ablak_blobs_open(fixture->folder, &error);
  g_assert_no_error(error);
}

static void set_up(Blobs *fixture, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  fixture->folder = g_dir_make_tmp("ablak-blobs-XXXXXX", &error);
  g_assert_no_error(error);
  fixture->random = fixture_random();
  open_blobs(fixture);
}

static void remove_all(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      remove_all(path);
    else
      g_unlink(path);
  }
  g_rmdir(folder);
}

static void tear_down(Blobs *fixture, gconstpointer unused)
{
  ablak_blobs_free(fixture->blobs);
  g_rand_free(fixture->random);
  remove_all(fixture->folder);
  g_free(fixture->folder);
}

static GBytes *random_piece(GRand *random, gint most)
{
  gsize size = (gsize)g_rand_int_range(random, 0, most + 1);
  guint8 *data = g_malloc(size + 1);
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8)g_rand_int(random);
  return g_bytes_new_take(data, size);
}

static char *digest_of(const GByteArray *content)
{
  return ablak_sha256_hex(content->data, content->len);
}

static void assert_bytes(GBytes *given, gconstpointer expected, gsize size)
{
  g_autoptr(GBytes) bytes = g_bytes_new(expected, size);
  g_assert_nonnull(given);
  g_assert_true(g_bytes_equal(given, bytes));
}

static void assert_slug(GError **error, const char *slug)
{
  g_assert_cmpstr(ablak_error_slug(*error), ==, slug);
  g_clear_error(error);
}

/* --- any order ---------------------------------------------------------------------------------
 */

/* What there ought to be. */
typedef struct {
  GByteArray *coming[IDS]; /* NULL: nothing has come */
  GHashTable *kept;        /* digest -> GByteArray */
} Model;

static void model_clear(Model *model)
{
  for (int i = 0; i < IDS; i++)
    g_clear_pointer(&model->coming[i], g_byte_array_unref);
  g_hash_table_unref(model->kept);
}

static const char *const ids[IDS] = {"a", "b", "c", "d", "e"};

static void append(Blobs *fixture, Model *model, int i)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) piece = random_piece(fixture->random, PIECE_MOST);
  gint64 there = model->coming[i] != NULL ? model->coming[i]->len : 0;
  bool wrong = g_rand_int_range(fixture->random, 0, 4) == 0;
  gint64 offset = wrong ? there + g_rand_int_range(fixture->random, 1, 100) : there;
  if (wrong && there > 0 && g_rand_boolean(fixture->random))
    offset = g_rand_int_range(fixture->random, 0, (gint32)there);
  bool good = ablak_blobs_append(fixture->blobs, ids[i], offset, piece, &error);
  g_assert_cmpint(good, ==, !wrong);
  if (wrong) {
    assert_slug(&error, "store/blob-offset");
    return;
  }
  if (model->coming[i] == NULL)
    model->coming[i] = g_byte_array_new();
  g_byte_array_append(model->coming[i], g_bytes_get_data(piece, NULL),
                      (guint)g_bytes_get_size(piece));
}

/* A file that arrived damaged is forgotten, and begins anew. */
static void look_and_keep(Blobs *fixture, Model *model, int i)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) whole = ablak_blobs_look(fixture->blobs, ids[i], &error);
  GByteArray *content = g_steal_pointer(&model->coming[i]);
  if (content == NULL) {
    assert_slug(&error, "store/io");
    return;
  }
  assert_bytes(whole, content->data, content->len);
  g_autofree char *digest = digest_of(content);
  if (g_rand_int_range(fixture->random, 0, 4) == 0) {
    ablak_blobs_forget(fixture->blobs, ids[i]);
    g_byte_array_unref(content);
    return;
  }
  g_assert_true(ablak_blobs_keep(fixture->blobs, ids[i], digest, &error));
  g_assert_no_error(error);
  g_hash_table_replace(model->kept, g_steal_pointer(&digest), content);
}

static void remove_one(Blobs *fixture, Model *model)
{
  GHashTableIter iter;
  gpointer digest;
  g_autoptr(GError) error = NULL;
  g_hash_table_iter_init(&iter, model->kept);
  if (!g_hash_table_iter_next(&iter, &digest, NULL))
    return;
  ablak_blobs_remove(fixture->blobs, digest);
  g_assert_null(ablak_blobs_read(fixture->blobs, digest, &error));
  assert_slug(&error, "store/no-such-blob");
  g_hash_table_iter_remove(&iter);
}

static void check(Blobs *fixture, const Model *model)
{
  GHashTableIter iter;
  gpointer digest, value;
  for (int i = 0; i < IDS; i++)
    g_assert_cmpint(ablak_blobs_coming(fixture->blobs, ids[i]), ==,
                    model->coming[i] != NULL ? model->coming[i]->len : 0);
  g_hash_table_iter_init(&iter, model->kept);
  while (g_hash_table_iter_next(&iter, &digest, &value)) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) read = ablak_blobs_read(fixture->blobs, digest, &error);
    g_assert_no_error(error);
    const GByteArray *content = value;
    assert_bytes(read, content->data, content->len);
  }
}

static void test_any_order(Blobs *fixture, gconstpointer unused)
{
  Model model = {.kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                               (GDestroyNotify)g_byte_array_unref)};
  for (int step = 0; step < STEPS; step++) {
    int i = g_rand_int_range(fixture->random, 0, IDS);
    int what = g_rand_int_range(fixture->random, 0, 20);
    if (what < 14)
      append(fixture, &model, i);
    else if (what < 17)
      look_and_keep(fixture, &model, i);
    else if (what < 18)
      remove_one(fixture, &model);
    else if (what < 19)
      check(fixture, &model);
    else {
      /* A box that is started again. */
      ablak_blobs_free(fixture->blobs);
      open_blobs(fixture);
    }
  }
  check(fixture, &model);
  model_clear(&model);
}

static bool send_text(const AblakBlobs *blobs, const char *id, const char *text, char **ret_digest)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
  g_autofree char *digest = ablak_sha256_hex(text, strlen(text));
  bool good = ablak_blobs_append(blobs, id, 0, bytes, &error) &&
              ablak_blobs_keep(blobs, id, digest, &error);
  *ret_digest = g_steal_pointer(&digest);
  return good;
}

/* One content has one place; it is gone with the first removal, which the caller's rows time. */
static void test_same_content(Blobs *fixture, gconstpointer unused)
{
  g_autofree char *first = NULL, *second = NULL, *empty = NULL;
  g_autoptr(GError) error = NULL;
  g_assert_true(send_text(fixture->blobs, "a", "the same", &first));
  g_assert_true(send_text(fixture->blobs, "b", "the same", &second));
  g_assert_cmpstr(first, ==, second);
  g_assert_cmpint(ablak_blobs_coming(fixture->blobs, "b"), ==, 0);
  g_autoptr(GBytes) read = ablak_blobs_read(fixture->blobs, first, &error);
  assert_bytes(read, "the same", 8);
  ablak_blobs_remove(fixture->blobs, first);
  g_assert_null(ablak_blobs_read(fixture->blobs, second, &error));
  assert_slug(&error, "store/no-such-blob");
  /* What was read stays with its reader. */
  assert_bytes(read, "the same", 8);
  g_assert_true(send_text(fixture->blobs, "c", "", &empty));
  g_autoptr(GBytes) nothing = ablak_blobs_read(fixture->blobs, empty, &error);
  g_assert_cmpuint(g_bytes_get_size(nothing), ==, 0);
}

static gpointer send_many(gpointer data)
{
  Blobs *fixture = data;
  g_autofree char *id = g_strdup_printf("%p", (gpointer)g_thread_self());
  for (int i = 0; i < 50; i++) {
    g_autofree char *digest = NULL;
    g_autofree char *text = g_strdup_printf("content %d", i);
    g_autoptr(GBytes) read = NULL;
    if (!send_text(fixture->blobs, id, text, &digest) ||
        !(read = ablak_blobs_read(fixture->blobs, digest, NULL)) ||
        g_bytes_get_size(read) != strlen(text))
      return GINT_TO_POINTER(i + 1);
  }
  return NULL;
}

static void test_threads(Blobs *fixture, gconstpointer unused)
{
  GThread *threads[4];
  for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("sender", send_many, fixture);
  for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
    g_assert_null(g_thread_join(threads[i]));
}

/* --- cut -----------------------------------------------------------------------------------------
 */

static guint8 byte_at(gint64 offset)
{
  return (guint8)(offset * 2654435761u >> 13);
}

static GBytes *pattern(gint64 offset, gsize size)
{
  guint8 *data = g_malloc(size);
  for (gsize i = 0; i < size; i++)
    data[i] = byte_at(offset + (gint64)i);
  return g_bytes_new_take(data, size);
}

/* Sends pieces until it is killed. */
static void send_for_ever(const AblakBlobs *blobs)
{
  for (gint64 offset = 0;;) {
    g_autoptr(GBytes) piece = pattern(offset, 65536);
    if (!ablak_blobs_append(blobs, "cut", offset, piece, NULL))
      _exit(1);
    offset += 65536;
  }
}

/* Wherever it was cut, what is there is the beginning of what was sent, and it goes on from there.
 */
static void test_cut(Blobs *fixture, gconstpointer unused)
{
  for (int round = 0; round < 20; round++) {
    g_autoptr(GError) error = NULL;
    pid_t child = fork();
    if (child == 0)
      send_for_ever(fixture->blobs);
    while (ablak_blobs_coming(fixture->blobs, "cut") == 0)
      g_usleep(100);
    g_usleep((gulong)g_rand_int_range(fixture->random, 0, 10000));
    kill(child, SIGKILL);
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    ablak_blobs_free(fixture->blobs);
    open_blobs(fixture);
    gint64 there = ablak_blobs_coming(fixture->blobs, "cut");
    g_autoptr(GBytes) rest = pattern(there, 1000);
    g_assert_true(ablak_blobs_append(fixture->blobs, "cut", there, rest, &error));
    g_autoptr(GBytes) whole = ablak_blobs_look(fixture->blobs, "cut", &error);
    g_autoptr(GBytes) expected = pattern(0, (gsize)there + 1000);
    g_assert_true(g_bytes_equal(whole, expected));
    ablak_blobs_forget(fixture->blobs, "cut");
  }
}

/* What nobody has taken up again within a day is forgotten, and nothing else. */
static void test_old(Blobs *fixture, gconstpointer unused)
{
  g_autoptr(GBytes) piece = g_bytes_new("x", 1);
  g_autofree char *old = g_build_filename(fixture->folder, "coming", "old", NULL);
  g_autofree char *young = g_build_filename(fixture->folder, "coming", "young", NULL);
  time_t now = time(NULL);
  const struct utimbuf before = {now - 25 * 3600, now - 25 * 3600};
  const struct utimbuf today = {now - 23 * 3600, now - 23 * 3600};
  g_autofree char *kept = NULL;
  g_assert_true(send_text(fixture->blobs, "kept", "kept", &kept));
  g_assert_true(ablak_blobs_append(fixture->blobs, "old", 0, piece, NULL));
  g_assert_true(ablak_blobs_append(fixture->blobs, "young", 0, piece, NULL));
  g_assert_cmpint(utime(old, &before), ==, 0);
  g_assert_cmpint(utime(young, &today), ==, 0);
  ablak_blobs_free(fixture->blobs);
  open_blobs(fixture);
  g_assert_cmpint(ablak_blobs_coming(fixture->blobs, "old"), ==, 0);
  g_assert_cmpint(ablak_blobs_coming(fixture->blobs, "young"), ==, 1);
  g_autoptr(GBytes) read = ablak_blobs_read(fixture->blobs, kept, NULL);
  g_assert_nonnull(read);
}

/* --- disks that fail -----------------------------------------------------------------------------
 */

/* 0: as expected; run in a child, as limits cannot be taken back. */
typedef int (*Deed)(Blobs *fixture);

static void in_child(Blobs *fixture, Deed deed)
{
  int status = 0;
  pid_t child = fork();
  if (child == 0)
    _exit(deed(fixture));
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  g_assert_true(WIFEXITED(status));
  g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static bool refused(const GError *error, const char *slug)
{
  return error != NULL && g_strcmp0(ablak_error_slug(error), slug) == 0;
}

/* No file may be longer: of the piece that does not fit nothing stays, and a shorter one goes. */
static int write_too_much(Blobs *fixture)
{
  const struct rlimit limit = {LIMIT, LIMIT};
  g_autoptr(GBytes) first = pattern(0, LIMIT - 10);
  g_autoptr(GBytes) second = pattern(LIMIT - 10, 1000);
  g_autoptr(GBytes) shorter = pattern(LIMIT - 10, 10);
  g_autoptr(GError) error = NULL;
  signal(SIGXFSZ, SIG_IGN);
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
      !ablak_blobs_append(fixture->blobs, "a", 0, first, NULL))
    return 1;
  if (ablak_blobs_append(fixture->blobs, "a", LIMIT - 10, second, &error) ||
      !refused(error, "store/io"))
    return 2;
  if (ablak_blobs_coming(fixture->blobs, "a") != LIMIT - 10)
    return 3;
  if (!ablak_blobs_append(fixture->blobs, "a", LIMIT - 10, shorter, NULL))
    return 4;
  g_autoptr(GBytes) whole = ablak_blobs_look(fixture->blobs, "a", NULL);
  g_autoptr(GBytes) expected = pattern(0, LIMIT);
  return g_bytes_equal(whole, expected) ? 0 : 5;
}

static void test_limit(Blobs *fixture, gconstpointer unused)
{
  in_child(fixture, write_too_much);
}

/* A device that is always full stands in for the disk: what it says is the kernel's own word. */
static void test_full(Blobs *fixture, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) piece = g_bytes_new("x", 1);
  g_autofree char *path = g_build_filename(fixture->folder, "coming", "full", NULL);
  g_assert_cmpint(symlink("/dev/full", path), ==, 0);
  g_assert_false(ablak_blobs_append(fixture->blobs, "full", 0, piece, &error));
  assert_slug(&error, "store/full");
  /* Nothing of it stays, and the id is good again. */
  g_assert_true(ablak_blobs_append(fixture->blobs, "full", 0, piece, &error));
  g_assert_cmpint(ablak_blobs_coming(fixture->blobs, "full"), ==, 1);
}

/* A file that cannot be opened now is not one that does not exist. */
static int read_without_descriptors(Blobs *fixture)
{
  g_autofree char *digest = NULL;
  g_autoptr(GError) error = NULL;
  const struct rlimit none = {0, 0};
  if (!send_text(fixture->blobs, "a", "kept", &digest) || setrlimit(RLIMIT_NOFILE, &none) != 0)
    return 1;
  if (ablak_blobs_read(fixture->blobs, digest, &error) != NULL || !refused(error, "store/io"))
    return 2;
  g_clear_error(&error);
  g_autoptr(GBytes) piece = g_bytes_new("x", 1);
  if (ablak_blobs_append(fixture->blobs, "b", 0, piece, &error) || !refused(error, "store/io"))
    return 3;
  return ablak_blobs_coming(fixture->blobs, "b") == 0 ? 0 : 4;
}

static void test_unreadable(Blobs *fixture, gconstpointer unused)
{
  in_child(fixture, read_without_descriptors);
}

/* What never came cannot be kept, and what cannot be moved stays where it was. */
static void test_not_kept(Blobs *fixture, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) piece = g_bytes_new("x", 1);
  g_autofree char *digest = ablak_sha256_hex("x", 1);
  const char name[] = {digest[0], digest[1], '\0'};
  g_autofree char *place = g_build_filename(fixture->folder, name, NULL);
  g_assert_false(ablak_blobs_keep(fixture->blobs, "a", digest, &error));
  assert_slug(&error, "store/io");
  g_assert_true(ablak_blobs_append(fixture->blobs, "a", 0, piece, &error));
  g_rmdir(place);
  g_assert_true(g_file_set_contents(place, "in the way", -1, NULL));
  g_assert_false(ablak_blobs_keep(fixture->blobs, "a", digest, &error));
  assert_slug(&error, "store/io");
  g_assert_cmpint(ablak_blobs_coming(fixture->blobs, "a"), ==, 1);
  g_unlink(place);
  g_assert_true(ablak_blobs_keep(fixture->blobs, "a", digest, &error));
}

static void test_no_folder(Blobs *fixture, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *file = g_build_filename(fixture->folder, "file", NULL);
  g_assert_true(g_file_set_contents(file, "", -1, NULL));
  g_assert_null(ablak_blobs_open(file, &error));
  assert_slug(&error, "store/io");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add("/store/blobs/" path, Blobs, NULL, set_up, test, tear_down)
  ADD("any-order", test_any_order);
  ADD("same-content", test_same_content);
  ADD("threads", test_threads);
  ADD("cut", test_cut);
  ADD("old", test_old);
  ADD("limit", test_limit);
  ADD("full", test_full);
  ADD("unreadable", test_unreadable);
  ADD("not-kept", test_not_kept);
  ADD("no-folder", test_no_folder);
#undef ADD
  return g_test_run();
}
