#include "sync/digest.h"
#include "core/crypto.h"
#include "core/error.h"
#include "sync/replica.h"
#include <string.h>

#define LANES 8

/* --- one row --- */

static void add_value(GByteArray *row, const AblakValue *value)
{
  guint8 type = (guint8)value->type;
  guint64 bits = 0;
  const void *bytes = &bits;
  gsize size = sizeof bits;
  if (value->type == ABLAK_VALUE_INT) {
    bits = GUINT64_TO_BE((guint64)value->integer);
  } else if (value->type == ABLAK_VALUE_REAL) {
    memcpy(&bits, &value->real, sizeof bits);
    bits = GUINT64_TO_BE(bits);
  } else if (value->type == ABLAK_VALUE_NULL) {
    size = 0;
  } else {
    bytes = value->bytes;
    size = value->size;
  }
  guint32 length = GUINT32_TO_BE((guint32)size);
  g_byte_array_append(row, &type, 1);
  g_byte_array_append(row, (const guint8 *)&length, sizeof length);
  if (size > 0)
    g_byte_array_append(row, bytes, (guint)size);
}

static void add_row(guint32 sum[LANES], AblakRows *rows, guint columns, GByteArray *scratch)
{
  guint8 hash[ABLAK_HASH_SIZE];
  g_byte_array_set_size(scratch, 0);
  for (guint i = 0; i < columns; i++) {
    AblakValue value = ablak_rows_value(rows, (int)i);
    add_value(scratch, &value);
  }
  ablak_sha256(scratch->data, scratch->len, hash);
  for (unsigned lane = 0; lane < LANES; lane++) {
    guint32 part;
    memcpy(&part, hash + 4 * lane, sizeof part);
    sum[lane] += GUINT32_FROM_BE(part);
  }
}

/* --- tables --- */

static AblakRows *open_table(AblakTxn *txn, const AblakShapeTable *table, const char *box,
                             GError **error)
{
  g_autoptr(GString) sql = g_string_new("SELECT ");
  ablak_shape_append_columns(sql, table);
  if (box == NULL) {
    g_string_append_printf(sql, " FROM \"%s\"", table->name);
    return ablak_txn_query(txn, error, sql->str, "");
  }
  g_string_append_printf(sql, " FROM \"" ABLAK_REPLICA_PREFIX "%s\" WHERE \"box\" = ?",
                         table->name);
  return ablak_txn_query(txn, error, sql->str, "t", box);
}

static bool digest_table(AblakTxn *txn, const AblakShapeTable *table, const char *box,
                         gint *cancelled, GByteArray *out, GError **error)
{
  g_autoptr(AblakRows) rows = open_table(txn, table, box, error);
  if (rows == NULL)
    return false;
  g_autoptr(GError) cause = NULL;
  g_autoptr(GByteArray) scratch = g_byte_array_new();
  guint32 sum[LANES] = {0};
  gint64 count = 0;
  while (!g_atomic_int_get(cancelled) && ablak_rows_next(rows, &cause)) {
    add_row(sum, rows, table->columns, scratch);
    count++;
  }
  if (cause != NULL) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  count = GINT64_TO_BE(count);
  g_byte_array_append(out, (const guint8 *)&count, sizeof count);
  for (unsigned lane = 0; lane < LANES; lane++) {
    guint32 part = GUINT32_TO_BE(sum[lane]);
    g_byte_array_append(out, (const guint8 *)&part, sizeof part);
  }
  return true;
}

static GBytes *compute(AblakTxn *txn, const AblakShape *shape, const char *box, gint *cancelled,
                       GError **error)
{
  g_autoptr(GByteArray) out = g_byte_array_new();
  for (guint i = 0; i < ablak_shape_count(shape); i++)
    if (!digest_table(txn, ablak_shape_at(shape, i), box, cancelled, out, error))
      return NULL;
  return g_byte_array_free_to_bytes(g_steal_pointer(&out));
}

GBytes *ablak_digest_compute(AblakTxn *txn, const AblakShape *shape, const char *box,
                             GError **error)
{
  gint never = 0;
  return compute(txn, shape, box, &never, error);
}

/* --- on a thread --- */

struct AblakDigestRun {
  AblakStore *store;
  AblakShape *shape;
  char *box;
  AblakDigestSeq read_seq;
  AblakDigestDone done;
  gpointer data;
  GThread *thread;
  GSource *source;
  gint cancelled;
  gint64 seq;
  GBytes *digest;
  GError *error;
};

static gboolean report(gpointer data)
{
  AblakDigestRun *run = data;
  run->done(run->seq, run->digest, run->error, run->data);
  return G_SOURCE_REMOVE;
}

static gpointer run_thread(gpointer data)
{
  AblakDigestRun *run = data;
  g_autoptr(AblakTxn) txn = ablak_store_read(run->store, &run->error);
  if (txn != NULL && run->read_seq(txn, run->box, &run->seq, &run->error))
    run->digest = compute(txn, run->shape, run->box, &run->cancelled, &run->error);
  g_source_attach(run->source, NULL);
  return NULL;
}

AblakDigestRun *ablak_digest_start(AblakStore *store, AblakShape *shape, const char *box,
                                   AblakDigestSeq read_seq, AblakDigestDone done, gpointer data)
{
  AblakDigestRun *run = g_new0(AblakDigestRun, 1);
  run->store = store;
  run->shape = ablak_shape_ref(shape);
  run->box = g_strdup(box);
  run->read_seq = read_seq;
  run->done = done;
  run->data = data;
  run->source = g_idle_source_new();
  g_source_set_priority(run->source, G_PRIORITY_DEFAULT);
  g_source_set_callback(run->source, report, run, NULL);
  run->thread = g_thread_new("digest", run_thread, run);
  return run;
}

void ablak_digest_free(AblakDigestRun *run)
{
  if (run == NULL)
    return;
  g_atomic_int_set(&run->cancelled, 1);
  g_thread_join(run->thread);
  g_source_destroy(run->source);
  g_source_unref(run->source);
  g_clear_pointer(&run->digest, g_bytes_unref);
  g_clear_error(&run->error);
  ablak_shape_unref(run->shape);
  g_free(run->box);
  g_free(run);
}
