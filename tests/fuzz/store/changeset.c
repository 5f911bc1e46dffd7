/* A changeset from another machine: any bytes are walked to the end or refused; every value that is
 * handed out can be read. */
#include "core/error.h"
#include "store/store.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_values(const AblakValue *values, int count, guint *sum)
{
  for (int i = 0; values != NULL && i < count; i++) {
    if (values[i].type != ABLAK_VALUE_TEXT && values[i].type != ABLAK_VALUE_BLOB)
      continue;
    for (gsize j = 0; j < values[i].size; j++)
      *sum += ((const guint8 *)values[i].bytes)[j];
  }
}

static bool visit(const AblakChange *change, gpointer data, GError **error)
{
  guint *sum = data;
  *sum += (guint)change->table[0];
  for (int i = 0; i < change->columns; i++)
    *sum += change->primary_key[i];
  read_values(change->old_values, change->columns, sum);
  read_values(change->new_values, change->columns, sum);
  g_assert_true((change->old_values == NULL) == (change->op == ABLAK_CHANGE_INSERT));
  g_assert_true((change->new_values == NULL) == (change->op == ABLAK_CHANGE_DELETE));
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  guint sum = 0;
  g_autoptr(GError) error = NULL;
  if (!ablak_changeset_foreach(data, size, visit, &sum, &error))
    g_assert_cmpstr(ablak_error_slug(error), ==, "store/changeset");
  return 0;
}
