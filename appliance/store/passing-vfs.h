/* store/passing-vfs.h: a file of a SQLite VFS that passes everything on to another's (a shim;
 * SQLite, "The OS Interface"), for those that change a method or two. */
#pragma once
#include <sqlite3.h>

/* First in the file of who uses it. */
typedef struct {
  sqlite3_file base;
  sqlite3_file *real; /* owned */
} PassingFile;

/* To be copied, with methods of one's own in it. Version 2: without memory-mapped pages, whose
 * writes nobody would see. */
extern const sqlite3_io_methods passing_methods;

/* Opens the `real` one's file behind `file`, of which only PassingFile is written. The answer is
 * SQLite's, and without methods the file is not open. */
int passing_open(sqlite3_vfs *real, const char *path, sqlite3_file *file, int flags, int *ret_flags,
                 const sqlite3_io_methods *methods);
/* For methods of one's own that end with it. */
int passing_close(sqlite3_file *file);
