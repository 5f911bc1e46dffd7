/* Numbered migrations, each in one transaction. A database that is ahead of this release is
 * accepted: migrations expand first, so that a machine may boot back into the release before. */
#include "core/error.h"
#include "store/private.h"

static bool has_version_table(AblakTxn *txn, bool *ret_has, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'", "");
  if (rows == NULL)
    return false;
  *ret_has = ablak_rows_int(rows, 0) > 0;
  return true;
}

static bool read_version(AblakTxn *txn, const char *part, gint64 *ret_number, GError **error)
{
  bool has;
  if (!has_version_table(txn, &has, error))
    return false;
  *ret_number = 0;
  if (!has)
    return true;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT coalesce(max(number), 0) FROM schema_version WHERE part = ?", "t", part);
  if (rows == NULL)
    return false;
  *ret_number = ablak_rows_int(rows, 0);
  return true;
}

static bool apply(AblakTxn *txn, const char *part, const AblakMigration *migration, gint64 now_ms,
                  GError **error)
{
  return run_sql(txn, migration->sql, error) &&
         ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO schema_version (part, number, name, applied_at)"
                        " VALUES (?, ?, ?, ?) ON CONFLICT (part) DO UPDATE SET"
                        " number = excluded.number, name = excluded.name,"
                        " applied_at = excluded.applied_at",
                        "titi", part, (gint64)migration->number, migration->name, now_ms);
}

/* The version is read inside the transaction: of two processes that start together, the second
 * finds the work done. */
static bool migrate_one(AblakTxn *txn, const char *part, const AblakMigration *migration,
                        gint64 now_ms, GError **error)
{
  gint64 number;
  if (!run_sql(txn, "BEGIN IMMEDIATE", error))
    return false;
  bool done = read_version(txn, part, &number, error) &&
              (number >= migration->number || apply(txn, part, migration, now_ms, error)) &&
              run_sql(txn, "COMMIT", error);
  if (!done) {
    g_prefix_error(error, "migration %04u of %s: ", migration->number, part);
    if (!sqlite3_get_autocommit(txn->db))
      sqlite3_exec(txn->db, "ROLLBACK", NULL, NULL, NULL);
  }
  return done;
}

bool migrate(AblakTxn *txn, const AblakStorePart *const *parts, gint64 now_ms, GError **error)
{
  for (; *parts != NULL; parts++) {
    gint64 number;
    if (!read_version(txn, (*parts)->name, &number, error))
      return false;
    for (const AblakMigration *m = (*parts)->migrations; m->number != 0; m++)
      if (m->number > number && !migrate_one(txn, (*parts)->name, m, now_ms, error))
        return false;
  }
  return true;
}
