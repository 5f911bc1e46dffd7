/* STUN of strangers on a call's own socket. What is written must read the same. */
#include "video/stun.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const AblakStunMessage *message)
{
  struct sockaddr_in6 from = {.sin6_family = message->size % 8 == 0 ? AF_INET6 : AF_INET};
  guint8 written[ABLAK_STUN_SIZE_MAX];
  AblakStunMessage again;
  gsize size = ablak_stun_write_success(written, message->transaction,
                                        (const struct sockaddr *)(gconstpointer)&from, "password");
  g_assert_true(size <= sizeof written && ablak_stun_parse(written, size, &again));
  g_assert_true(ablak_stun_is_authentic(&again, "password"));
  g_assert_cmpint(memcmp(again.transaction, message->transaction, 12), ==, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  AblakStunMessage message;
  if (!ablak_stun_parse(data, size, &message))
    return 0;
  if (message.username != NULL)
    g_assert_true(message.username + message.username_size <= data + size);
  ablak_stun_is_for(&message, "evtj", "h6vY");
  ablak_stun_is_authentic(&message, "VOkJxbRl1RmTxUk/WvJxBt");
  answer(&message);
  return 0;
}
