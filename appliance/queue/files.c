/* Photos and documents of a visit: which there are and whose; their content is not here. The event
 * names the file and says nothing of it. */
#include "core/error.h"
#include "core/id.h"
#include "queue/private.h"

#define FILE_COLUMNS                                                                               \
  "id, visit_id, author, name, sha256, type, filing_id, size, announced_at, kept_at"

void ablak_visit_file_free(AblakVisitFile *file)
{
  if (!file)
    return;
  g_free(file->id);
  g_free(file->visit_id);
  g_free(file->author);
  g_free(file->name);
  g_free(file->sha256);
  g_free(file->type);
  g_free(file->filing_id);
  g_free(file);
}

static AblakVisitFile *file_from_row(AblakRows *rows)
{
  AblakVisitFile *file = g_new0(AblakVisitFile, 1);
  file->id = g_strdup(ablak_rows_text(rows, 0));
  file->visit_id = g_strdup(ablak_rows_text(rows, 1));
  file->author = g_strdup(ablak_rows_text(rows, 2));
  file->name = g_strdup(ablak_rows_text(rows, 3));
  file->sha256 = g_strdup(ablak_rows_text(rows, 4));
  file->type = g_strdup(ablak_rows_text(rows, 5));
  file->filing_id = g_strdup(ablak_rows_text(rows, 6));
  file->size = ablak_rows_int(rows, 7);
  file->announced_ms = ablak_rows_int(rows, 8);
  file->kept_ms = ablak_rows_int(rows, 9);
  return file;
}

AblakVisitFile *ablak_visit_file_load(AblakTxn *txn, const char *file_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_queue_row(txn, "queue/no-such-file",
                      "SELECT " FILE_COLUMNS " FROM visit_file WHERE id = ?", file_id, error);
  return rows ? file_from_row(rows) : NULL;
}

GPtrArray *ablak_visit_files(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error, "SELECT " FILE_COLUMNS " FROM visit_file WHERE visit_id = ? ORDER BY id", "t",
      visit_id);
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) files =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_visit_file_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure))
    g_ptr_array_add(files, file_from_row(rows));
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&files);
}

static char *announced_before(AblakTxn *txn, const char *visit_id, const AblakVisitFileNew *file,
                              GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error, "SELECT id FROM visit_file WHERE visit_id = ? AND author = ? AND key = ?", "ttt",
      visit_id, file->author, file->key);
  return rows && ablak_rows_next(rows, error) ? g_strdup(ablak_rows_text(rows, 0)) : NULL;
}

static bool has_room(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT count(*) FROM visit_file WHERE visit_id = ?", "t", visit_id);
  if (!rows)
    return false;
  if (ablak_rows_int(rows, 0) < ABLAK_VISIT_FILES_MOST)
    return true;
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/too-many-files", "visit %s has %d files",
                  visit_id, ABLAK_VISIT_FILES_MOST);
  return false;
}

bool ablak_visit_file_announce(AblakTxn *txn, const char *visit_id, const AblakVisitFileNew *file,
                               char **ret_file_id, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *id = announced_before(txn, visit_id, file, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!id) {
    id = ablak_id_new();
    if (!has_room(txn, visit_id, error) ||
        !ablak_txn_exec(
            txn, NULL, error,
            "INSERT INTO visit_file (id, visit_id, author, key, name, size, sha256, announced_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            "tttttiti", id, visit_id, file->author, file->key, file->name, file->size, file->sha256,
            ablak_txn_now_ms(txn)))
      return false;
  }
  *ret_file_id = g_steal_pointer(&id);
  return true;
}

static bool tell(AblakTxn *txn, const AblakVisitFile *file, const char *actor, GError **error)
{
  g_autofree char *topic = g_strconcat("visit:", file->visit_id, NULL);
  return ablak_event_append(txn, topic, "visit.file", file->id, actor, NULL, error);
}

bool ablak_visit_file_keep(AblakTxn *txn, const char *file_id, const char *type, const char *actor,
                           GError **error)
{
  g_autoptr(AblakVisitFile) file = ablak_visit_file_load(txn, file_id, error);
  return file &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE visit_file SET type = ?, kept_at = ? WHERE id = ?", "tit", type,
                        ablak_txn_now_ms(txn), file_id) &&
         tell(txn, file, actor, error);
}

bool ablak_visit_files_have(AblakTxn *txn, const char *sha256, bool *ret_used, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT count(*) FROM visit_file WHERE sha256 = ?", "t", sha256);
  if (rows)
    *ret_used = ablak_rows_int(rows, 0) > 0;
  return rows != NULL;
}

bool ablak_visit_file_remove(AblakTxn *txn, const char *file_id, const char *actor,
                             char **ret_unused, GError **error)
{
  g_autoptr(AblakVisitFile) file = ablak_visit_file_load(txn, file_id, error);
  if (!file)
    return false;
  if (file->filing_id) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/file-filed", "%s went with a filing",
                    file_id);
    return false;
  }
  bool used = true;
  if (!ablak_txn_exec(txn, NULL, error, "DELETE FROM visit_file WHERE id = ?", "t", file_id) ||
      !ablak_visit_files_have(txn, file->sha256, &used, error) || !tell(txn, file, actor, error))
    return false;
  *ret_unused = used ? NULL : g_strdup(file->sha256);
  return true;
}

bool ablak_visit_files_filed(AblakTxn *txn, const char *visit_id, const char *filing_id,
                             GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE visit_file SET filing_id = ?"
                        " WHERE visit_id = ? AND kept_at > 0 AND filing_id IS NULL",
                        "tt", filing_id, visit_id);
}
