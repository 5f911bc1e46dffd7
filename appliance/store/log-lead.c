/* The write-ahead log's file, kept longer than the log.
 *
 * A commit at the end of a file makes the file system write where its blocks are, too: two or three
 * writes one behind the other before the flush, each of which can stand in somebody's way. Over
 * blocks that were written before it is one. So zeros lead the log: between two commits, by the
 * writer, who alone writes there. To SQLite they are the end of the log: a frame whose salt is not
 * the header's ("Database File Format", §4.3).
 *
 * How long the file is, is not asked at each commit: a file somebody asked about gets a time of its
 * own at the next write (multigrain timestamps, Linux 6.13), and a file system without a journal
 * writes its inode with every such commit. */
#include "core/log.h"
#include "store/private.h"

#define HEADER 32
#define FRAME (24 + 4096)
#define SHORT_LOG 64 /* pages: of somebody who hardly writes */
#define LEAD (1 << 20)
#define PIECE (1 << 16)

static int write_zeros(sqlite3_file *file, sqlite3_int64 from, sqlite3_int64 to)
{
  static const char zeros[PIECE];
  int code = SQLITE_OK;
  for (; code == SQLITE_OK && from < to; from += PIECE)
    code = file->pMethods->xWrite(file, zeros, PIECE, from);
  if (code == SQLITE_OK)
    code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  return code;
}

void log_lead(sqlite3 *db, LogLead *lead, int pages)
{
  sqlite3_file *file = NULL;
  sqlite3_int64 size = 0, end = HEADER + (sqlite3_int64)pages * FRAME;
  if (pages < lead->pages)
    lead->size = 0; /* it began anew, and may have been cut */
  lead->pages = pages;
  if (pages < SHORT_LOG || lead->size - end >= LEAD / 2 ||
      sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK ||
      file == NULL || file->pMethods == NULL || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
    return;
  int code = size - end < LEAD / 2 ? write_zeros(file, size, end + LEAD) : SQLITE_OK;
  if (code == SQLITE_OK)
    lead->size = MAX(size, end + LEAD);
  else /* what it means for a commit, the commit says */
    ablak_log(ABLAK_LOG_WARNING, "store.log-lead-failed", "reason", sqlite3_errstr(code), NULL);
}
