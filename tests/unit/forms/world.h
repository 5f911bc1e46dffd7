/* A store with one draft in a temporary folder, and answers of asynchronous calls. */
#pragma once
#include "fixture.h"

typedef struct {
  char *folder;
  AblakStore *store;
  AblakDrafts *drafts;
  char *id;
} World;

/* For options: a clock that stands still unless the test moves it; its data are the time. */
static inline gint64 fake_ms(gpointer data)
{
  return *(const gint64 *)data;
}

static inline void world_open(World *world, const AblakDraftsOptions *options)
{
  AblakDraftsOptions defaults = {.checks_ms = 5, .quiet_ms = 4}; /* asleep at every pause */
  world->folder = g_dir_make_tmp("ablak-forms-XXXXXX", NULL);
  world->store = open_store(world->folder);
  world->drafts = ablak_drafts_new(world->store, options != NULL ? options : &defaults);
  world->id = create_draft(world->store);
}

static inline void world_close(World *world)
{
  ablak_drafts_free(world->drafts);
  ablak_store_close(world->store);
  remove_folder(world->folder);
  g_free(world->folder);
  g_free(world->id);
}

#define ALL(...)                                                                                   \
  (Client *[])                                                                                     \
  {                                                                                                \
    __VA_ARGS__, NULL                                                                              \
  }

static inline bool synced(Client *client)
{
  return client->updates > 0 && client->checks != NULL;
}

/* Runs until no draft is in memory any more. */
static inline void wait_until_unloaded(World *world)
{
  unsigned open = 1;
  gsize bytes = 1;
  guint waiting = g_timeout_add_seconds(PATIENCE_S, timed_out, NULL);
  for (ablak_drafts_usage(world->drafts, &open, &bytes); open > 0;
       ablak_drafts_usage(world->drafts, &open, &bytes))
    g_main_context_iteration(NULL, TRUE);
  g_source_remove(waiting);
  g_assert_cmpuint(bytes, ==, 0);
}

/* Runs until the documents of the draft, which is open still, are not in memory. */
static inline void wait_until_asleep(World *world)
{
  unsigned open = 0;
  gsize bytes = 1;
  guint waiting = g_timeout_add_seconds(PATIENCE_S, timed_out, NULL);
  for (; bytes > 0; ablak_drafts_usage(world->drafts, &open, &bytes))
    g_main_context_iteration(NULL, TRUE);
  g_source_remove(waiting);
  g_assert_cmpuint(open, ==, 1);
}

typedef struct {
  bool finished;
  char *slug;           /* NULL: success */
  const char *draft_id; /* for jobs */
} Answer;

static inline void answered(const GError *error, gpointer data)
{
  Answer *answer = data;
  g_assert_false(answer->finished);
  answer->finished = true;
  g_free(answer->slug);
  answer->slug = error != NULL ? g_strdup(ablak_error_slug(error)) : NULL;
}

#define EXPECT_ANSWER(answer, clients, wanted)                                                     \
  do {                                                                                             \
    WAIT_UNTIL(clients, (answer)->finished);                                                       \
    g_assert_cmpstr((answer)->slug, ==, wanted);                                                   \
    (answer)->finished = false;                                                                    \
  } while (0)
