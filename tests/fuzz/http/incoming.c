/* A reply read whole and byte by byte comes to the same. */
#include "http/incoming.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static AblakIncomingState read_in_steps(AblakIncoming *incoming, const uint8_t *data, size_t size,
                                        size_t step)
{
  AblakIncomingState state = ABLAK_INCOMING_MORE;
  for (size_t at = 0; at < size && state == ABLAK_INCOMING_MORE; at += step)
    state = ablak_incoming_feed(incoming, data + at, MIN(step, size - at));
  return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1 || size > 4096)
    return 0;
  bool no_body = (data[0] & 1) != 0;
  data++;
  size--;
  g_autoptr(AblakIncoming) whole = ablak_incoming_new(no_body);
  g_autoptr(AblakIncoming) parts = ablak_incoming_new(no_body);
  AblakIncomingState state = read_in_steps(whole, data, size, size + 1);
  g_assert_cmpint(state, ==, read_in_steps(parts, data, size, 1));
  if (state == ABLAK_INCOMING_BAD)
    return 0;
  g_autoptr(GBytes) one = ablak_incoming_take(whole), other = ablak_incoming_take(parts);
  g_assert_true(g_bytes_equal(one, other));
  return 0;
}
