/* A temporary folder that is gone at the end of its scope. */
#pragma once
#include <ftw.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

static int temporary_remove(const char *path, const struct stat *status, int kind, struct FTW *at)
{
  return remove(path);
}

static inline char *temporary_new(void)
{
  GError *error = NULL;
  char *path = g_dir_make_tmp("ablak-XXXXXX", &error);
  g_assert_no_error(error);
  return path;
}

static inline void temporary_free(char **path)
{
  if (*path != NULL)
    nftw(*path, temporary_remove, 16, FTW_DEPTH | FTW_PHYS);
  g_free(*path);
}

#define TEMPORARY __attribute__((cleanup(temporary_free))) char *
