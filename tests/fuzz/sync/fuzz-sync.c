/* What a box can send to headquarters. The first byte chooses: one frame, a schema, one entry's
 * changeset applied to replica tables (always rolled back), or a whole connection as messages with
 * a u16 length before each. */
#include "core/error.h"
#include "core/log.h"
#include "sync/receiver.h"
#include "sync/replica.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema[] =
    "{\"tables\":[{\"table\":\"note\",\"columns\":[\"id\",\"body\"],\"pk\":[1,0]},"
    "{\"table\":\"pair\",\"columns\":[\"a\",\"b\",\"v\"],\"pk\":[1,1,0]}]}";

static AblakStore *store;
static AblakReceiver *receiver;
static char *folder;

static void remove_files(void)
{
  static const char *const names[] = {"hq.db", "hq.db-wal", "hq.db-shm"};
  ablak_receiver_free(receiver);
  ablak_store_close(store);
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = g_build_filename(folder, names[i], NULL);
    unlink(path);
  }
  rmdir(folder);
  g_free(folder);
}

static void open_store(void)
{
  if (store != NULL)
    return;
  ablak_log_init("fuzz-sync", ABLAK_LOG_ERROR + 1);
  folder = g_dir_make_tmp("ablak-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "hq.db", NULL);
  const AblakStorePart *parts[] = {&ablak_sync_hq_store_part, NULL};
  AblakStoreOptions options = {.path = path, .parts = parts};
  store = ablak_store_open(&options, NULL);
  receiver = ablak_receiver_new(store, NULL, NULL, NULL);
  g_assert_nonnull(receiver);
  atexit(remove_files);
}

static void one_frame(const uint8_t *data, size_t size)
{
  AblakFrame frame;
  if (!ablak_frame_decode(data, size, &frame, NULL))
    return;
  g_autoptr(GBytes) again = ablak_frame_encode(&frame);
  g_assert_cmpuint(g_bytes_get_size(again), ==, size);
  g_assert_cmpint(memcmp(g_bytes_get_data(again, NULL), data, size), ==, 0);
}

static bool apply_and_undo(AblakTxn *txn, gpointer data, GError **error)
{
  g_autoptr(AblakShape) shape = ablak_shape_parse(schema, strlen(schema), error);
  if (shape != NULL && ablak_replica_prepare(txn, shape, error) &&
      ablak_replica_apply(txn, "box", shape, data, NULL, error))
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "fuzz/undo", "enough seen");
  return false;
}

static void changeset(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  g_assert_false(ablak_store_write_sync(store, apply_and_undo, bytes, &error));
  g_assert_nonnull(error);
}

static void send_nowhere(const void *message, gsize size, gpointer data)
{
  one_frame(message, size);
}

static gsize nothing_queued(gpointer data)
{
  return 0;
}

static void failed(const GError *error, gpointer data)
{
  *(bool *)data = true;
}

static void connection(const uint8_t *data, size_t size)
{
  static const AblakPeerTransport transport = {send_nowhere, nothing_queued, failed};
  static unsigned count;
  g_autofree char *box = g_strdup_printf("b%03u", count++ % 1000);
  bool over = false;
  AblakPeer *peer = ablak_peer_new(receiver, box, 1, &transport, &over);
  while (size >= 2 && !over) {
    size_t length = (size_t)data[0] << 8 | data[1];
    length = MIN(length, size - 2);
    g_autofree uint8_t *exact = g_memdup2(data + 2, length);
    /* A name of its own each time, so that every input finds a box that was never seen. */
    if (length > 7 && exact[0] == ABLAK_FRAME_HELLO && exact[6] == 4)
      memcpy(exact + 7, box, MIN(4, length - 7));
    ablak_peer_received(peer, exact, length);
    data += 2 + length;
    size -= 2 + length;
    /* The job behind the greeting, if there is one. */
    bool waits =
        !over && !ablak_peer_is_welcome(peer) && length > 0 && exact[0] == ABLAK_FRAME_HELLO;
    while (waits && !over && !ablak_peer_is_welcome(peer))
      g_main_context_iteration(NULL, TRUE);
  }
  ablak_peer_free(peer);
  while (g_main_context_iteration(NULL, FALSE))
    continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  open_store();
  if (data[0] == 'f')
    one_frame(data + 1, size - 1);
  else if (data[0] == 'c')
    changeset(data + 1, size - 1);
  else if (data[0] == 'p')
    connection(data + 1, size - 1);
  else
    ablak_shape_unref(ablak_shape_parse(data + 1, size - 1, NULL));
  return 0;
}
