#include "house.h"
#include "../provisioning/temporary.h"
#include "core/error.h"
#include "sync/digest.h"
#include "sync/replica.h"
#include <string.h>

static const AblakMigration migrations[] = {
    {1, "tables",
     "CREATE TABLE note (id TEXT NOT NULL PRIMARY KEY, body TEXT, weight REAL, picture BLOB,"
     " count INTEGER UNIQUE) STRICT;"
     "CREATE TABLE pair (a INTEGER NOT NULL, b TEXT NOT NULL, v ANY, PRIMARY KEY (a, b)) STRICT,"
     " WITHOUT ROWID;"
     "CREATE TABLE staff (id TEXT NOT NULL PRIMARY KEY, name TEXT, rights INTEGER) STRICT;"
     "CREATE TABLE seen (id INTEGER NOT NULL PRIMARY KEY, nr INTEGER NOT NULL) STRICT;"},
    {0},
};
static const AblakTable tables[] = {
    {"note", ABLAK_OWNER_UP, "operations"}, {"pair", ABLAK_OWNER_UP, "operations"},
    {"staff", ABLAK_OWNER_DOWN, "account"}, {"seen", ABLAK_OWNER_LOCAL, "cache"},
    {NULL, ABLAK_OWNER_LOCAL, NULL},
};
const AblakStorePart house_part = {"house", migrations, tables};

static gint64 house_clock(gpointer data)
{
  return ((House *)data)->now_ms;
}

char *house_path(House *house, const char *name)
{
  return g_build_filename(house->dir, name, NULL);
}

static AblakStore *open_store(House *house, const char *name, const AblakStorePart *part)
{
  GError *error = NULL;
  g_autofree char *path = house_path(house, name);
  const AblakStorePart *parts[] = {&house_part, part, NULL};
  AblakStoreOptions options = {
      .path = path, .parts = parts, .clock = house_clock, .clock_data = house};
  AblakStore *store = ablak_store_open(&options, &error);
  g_assert_no_error(error);
  return store;
}

/* --- the line ----------------------------------------------------------------------------------
 */

static void queue_up(const void *message, gsize size, gpointer data)
{
  House *house = data;
  g_queue_push_tail(&house->up, g_bytes_new(message, size));
  house->up_size += size;
}

static void queue_down(const void *message, gsize size, gpointer data)
{
  House *house = data;
  g_queue_push_tail(&house->down, g_bytes_new(message, size));
  house->down_size += size;
}

static gsize queued_up(gpointer data)
{
  return ((House *)data)->up_size;
}

static gsize queued_down(gpointer data)
{
  return ((House *)data)->down_size;
}

static void box_failed(const GError *error, gpointer data)
{
  House *house = data;
  house->box_failed = true;
  g_strlcpy(house->box_slug, ablak_error_slug(error), sizeof house->box_slug);
}

static void hq_failed(const GError *error, gpointer data)
{
  House *house = data;
  house->hq_failed = true;
  g_strlcpy(house->hq_slug, ablak_error_slug(error), sizeof house->hq_slug);
}

void house_cut(House *house)
{
  if (!house->open)
    return;
  house->open = house->box_failed = house->hq_failed = false;
  g_queue_clear_full(&house->up, (GDestroyNotify)g_bytes_unref);
  g_queue_clear_full(&house->down, (GDestroyNotify)g_bytes_unref);
  house->up_size = house->down_size = 0;
  g_clear_pointer(&house->peer, ablak_peer_free);
  ablak_sender_disconnected(house->sender);
}

void house_connect(House *house)
{
  static const AblakPeerTransport transport = {queue_down, queued_down, hq_failed};
  house_cut(house);
  house->open = true;
  house->peer =
      ablak_peer_new(house->receiver, HOUSE_BOX, house->certificate_epoch, &transport, house);
  ablak_sender_connected(house->sender);
}

bool house_deliver(House *house, bool upwards)
{
  GQueue *queue = upwards ? &house->up : &house->down;
  gsize *size = upwards ? &house->up_size : &house->down_size;
  GBytes *message = g_queue_pop_head(queue);
  if (message == NULL)
    return false;
  *size -= g_bytes_get_size(message);
  if (upwards && house->tamper != NULL)
    house->tamper(&message, house->tamper_data);
  if (upwards)
    ablak_peer_received(house->peer, g_bytes_get_data(message, NULL), g_bytes_get_size(message));
  else
    ablak_sender_received(house->sender, g_bytes_get_data(message, NULL),
                          g_bytes_get_size(message));
  g_bytes_unref(message);
  if (*size == 0 && upwards)
    ablak_sender_writable(house->sender);
  if (*size == 0 && !upwards)
    ablak_peer_writable(house->peer);
  return true;
}

void house_spin(void)
{
  while (g_main_context_iteration(NULL, FALSE))
    continue;
}

static bool is_quiet(House *house)
{
  AblakSenderStatus status;
  ablak_sender_status(house->sender, &status);
  gint64 last = house_number(house->box, "SELECT coalesce(max(seq), 0) FROM outbox");
  gint64 down = house_number(house->hq, "SELECT coalesce(max(seq), 0) FROM down_journal");
  gint64 noted = house_number(house->box, "SELECT acked_seq FROM journal_state");
  return status.connected && noted == last && house->up_size == 0 && house->down_size == 0 &&
         status.acked_seq == last && status.applied_seq == down;
}

bool house_settle(House *house)
{
  gint64 until_us = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
  for (unsigned quiet = 0; quiet < 3;) {
    g_assert_cmpint(g_get_monotonic_time(), <, until_us);
    house_spin();
    bool moved = house->open && (house_deliver(house, true) | house_deliver(house, false));
    /* An end that gave up still has its last words on the line. */
    if (!moved && (house->box_failed || house->hq_failed))
      return false;
    if (!house->open)
      house_connect(house);
    if (!moved)
      g_usleep(500);
    quiet = !moved && is_quiet(house) ? quiet + 1 : 0;
  }
  return true;
}

/* --- the box -----------------------------------------------------------------------------------
 */

static void acked(gint64 seq, gpointer data)
{
  House *house = data;
  g_assert_cmpint(seq, >=, 0);
  house->acked_seq = seq;
}

static void proven(gint64 seq, bool equal, gpointer data)
{
  House *house = data;
  *(equal ? &house->proofs : &house->disproofs) += 1;
}

typedef struct {
  AblakStepDone done;
  gpointer step;
  GError *error;
} Prepare;

static gboolean finish_prepare(gpointer data)
{
  Prepare *prepare = data;
  prepare->done(prepare->error, prepare->step);
  g_clear_error(&prepare->error);
  g_free(prepare);
  return G_SOURCE_REMOVE;
}

static void prepare_entry(const char *kind, GBytes *payload, AblakStepDone done, gpointer step,
                          gpointer data)
{
  House *house = data;
  Prepare *prepare = g_new0(Prepare, 1);
  prepare->done = done;
  prepare->step = step;
  house->prepares++;
  g_idle_add(finish_prepare, prepare);
}

static bool apply_entry(AblakTxn *txn, const char *kind, GBytes *payload, gpointer data,
                        GError **error)
{
  House *house = data;
  if (strcmp(kind, ABLAK_DOWN_CONFIG) != 0)
    return ablak_down_apply_rows(house->box, txn, payload, error);
  gsize size = 0;
  g_autoptr(json_t) number =
      ablak_json_parse(g_bytes_get_data(payload, &size), g_bytes_get_size(payload), error);
  return number != NULL &&
         ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO seen (id, nr) VALUES (?, (SELECT count(*) FROM seen))", "i",
                        ablak_json_get_int(number, "n", -1));
}

static void entry_applied(const char *kind, GBytes *payload, gpointer data)
{
  House *house = data;
  house->applies++;
  if (strcmp(kind, ABLAK_DOWN_CONFIG) == 0) {
    g_autoptr(json_t) number =
        ablak_json_parse(g_bytes_get_data(payload, NULL), g_bytes_get_size(payload), NULL);
    g_string_append_printf(house->configs, "%" G_GINT64_FORMAT ",",
                           ablak_json_get_int(number, "n", -1));
  }
}

void house_open_box(House *house)
{
  GError *error = NULL;
  static const AblakSenderCallbacks callbacks = {.send = queue_up,
                                                 .queued = queued_up,
                                                 .failed = box_failed,
                                                 .acked = acked,
                                                 .proven = proven,
                                                 .prepare = prepare_entry,
                                                 .apply = apply_entry,
                                                 .applied = entry_applied};
  house->box = open_store(house, "box.db", &ablak_sync_box_store_part);
  house->journal = ablak_journal_open(house->box, &error);
  g_assert_no_error(error);
  AblakSenderOptions options = {.store = house->box,
                                .journal = house->journal,
                                .box = HOUSE_BOX,
                                .epoch = house->epoch,
                                .tail_ms = house->tail_ms};
  house->sender = ablak_sender_new(&options, &callbacks, house);
}

void house_close_box(House *house)
{
  house_cut(house);
  g_clear_pointer(&house->sender, ablak_sender_free);
  house_spin(); /* steps on their way end without the sender */
  g_clear_pointer(&house->journal, ablak_journal_free);
  ablak_store_close(g_steal_pointer(&house->box));
}

/* --- headquarters --------------------------------------------------------------------------------
 */

static void applied(const char *box, gint64 seq, const char *const *names, gpointer data)
{
  House *house = data;
  g_assert_cmpstr(box, ==, HOUSE_BOX);
  house->applied_seq = seq;
  house->batches++;
}

void house_open_hq(House *house)
{
  GError *error = NULL;
  static const AblakReceiverCallbacks callbacks = {.applied = applied};
  house->hq = open_store(house, "hq.db", &ablak_sync_hq_store_part);
  house->receiver = ablak_receiver_new(house->hq, &callbacks, house, &error);
  g_assert_no_error(error);
}

void house_close_hq(House *house)
{
  house_cut(house);
  g_clear_pointer(&house->receiver, ablak_receiver_free);
  ablak_store_close(g_steal_pointer(&house->hq));
}

House *house_new(void)
{
  House *house = g_new0(House, 1);
  /* Thousands of commits: in memory where there is such a place, nothing here loses power. */
  house->dir = g_strdup("/dev/shm/ablak-XXXXXX");
  if (g_mkdtemp(house->dir) == NULL) {
    g_free(house->dir);
    house->dir = temporary_new();
  }
  house->now_ms = G_GINT64_CONSTANT(1790000000000);
  house->epoch = house->certificate_epoch = 1;
  house->configs = g_string_new(NULL);
  g_queue_init(&house->up);
  g_queue_init(&house->down);
  house_open_box(house);
  house_open_hq(house);
  return house;
}

void house_free(House *house)
{
  house_close_box(house);
  house_close_hq(house);
  temporary_free(&house->dir);
  g_string_free(house->configs, TRUE);
  g_free(house);
}

/* --- looking --- */

static bool run_sql(AblakTxn *txn, gpointer sql, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, sql, "");
}

void house_sql(AblakStore *store, const char *sql)
{
  GError *error = NULL;
  g_assert_true(ablak_store_write_sync(store, run_sql, (gpointer)sql, &error));
  g_assert_no_error(error);
}

gint64 house_number(AblakStore *store, const char *sql)
{
  GError *error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, &error, sql, "");
  g_assert_no_error(error);
  return ablak_rows_int(rows, 0);
}

static void dump(AblakStore *store, GString *out, const char *sql, const char *box)
{
  GError *error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  g_autoptr(AblakRows) rows = box != NULL ? ablak_txn_query(txn, &error, sql, "t", box)
                                          : ablak_txn_query(txn, &error, sql, "");
  g_assert_no_error(error);
  while (ablak_rows_next(rows, &error))
    g_string_append_printf(out, "%s\n", ablak_rows_text(rows, 0));
  g_assert_no_error(error);
}

#define NOTE "quote(id)||quote(body)||quote(weight)||quote(picture)||quote(count)"
#define PAIR "quote(a)||quote(b)||quote(v)||typeof(v)"

char *house_dump_box(House *house)
{
  GString *out = g_string_new(NULL);
  dump(house->box, out, "SELECT " NOTE " FROM note ORDER BY 1", NULL);
  dump(house->box, out, "SELECT " PAIR " FROM pair ORDER BY 1", NULL);
  return g_string_free(out, FALSE);
}

char *house_dump_hq(House *house, const char *box)
{
  GString *out = g_string_new(NULL);
  dump(house->hq, out, "SELECT " NOTE " FROM replica_note WHERE box = ? ORDER BY 1", box);
  dump(house->hq, out, "SELECT " PAIR " FROM replica_pair WHERE box = ? ORDER BY 1", box);
  return g_string_free(out, FALSE);
}

void house_assert_equal(House *house)
{
  GError *error = NULL;
  g_autofree char *box = house_dump_box(house), *hq = house_dump_hq(house, HOUSE_BOX);
  g_assert_cmpstr(box, ==, hq);
  g_autoptr(AblakTxn) own = ablak_store_read(house->box, &error);
  g_autoptr(AblakTxn) copy = ablak_store_read(house->hq, &error);
  AblakShape *shape = ablak_journal_shape(house->journal);
  g_autoptr(GBytes) a = ablak_digest_compute(own, shape, NULL, &error);
  g_autoptr(GBytes) b = ablak_digest_compute(copy, shape, HOUSE_BOX, &error);
  g_assert_no_error(error);
  g_assert_true(g_bytes_equal(a, b));
}
