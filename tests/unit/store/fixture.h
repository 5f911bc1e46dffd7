/* A store in a temporary folder, with the parts that are given as the test's data; without data,
 * with the sample part of this folder's migrations. */
#pragma once
#include "core/error.h"
#include "store/store.h"

extern const AblakStorePart ablak_sample_store_part;

typedef struct {
  char *folder, *path;
  AblakStore *store;
  const AblakStorePart *const *parts;
  gint64 now_ms; /* what the store's clock says */
} Fixture;

void fixture_set_up(Fixture *fixture, gconstpointer data);
void fixture_tear_down(Fixture *fixture, gconstpointer data);
AblakStore *fixture_open(Fixture *fixture);
void fixture_close(Fixture *fixture);
/* Runs what waits on the default main context. */
void fixture_settle(void);
/* One integer from a fresh snapshot. */
gint64 fixture_int(AblakStore *store, const char *sql);
void remove_folder(const char *folder);
/* Reads an environment seed or draws one, and prints it. */
GRand *fixture_random(void);
