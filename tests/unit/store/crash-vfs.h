/* A SQLite VFS that knows what would survive a power cut: what was synced, and any part of what was
 * written since, in any order, each write possibly torn. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Makes it the default for databases opened from now on. A lying disk reports syncs that it never
 * does. */
void crash_vfs_install(bool lying);
/* Back to the system's own; every file must be closed. */
void crash_vfs_remove(void);
/* Writes into `folder` what a power cut at this moment could leave of every open file. */
void crash_vfs_cut(GRand *random, const char *folder);
