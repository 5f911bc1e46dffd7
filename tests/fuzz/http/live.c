/* What a page says on its live WebSocket. */
#include "http/live-message.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakLiveMessage) message = ablak_live_message_parse((const char *)data, size, &error);
  g_assert_true((message == NULL) == (error != NULL));
  if (message != NULL && message->type == ABLAK_LIVE_SUBSCRIBE)
    g_assert_cmpuint(g_strv_length(message->topics), >, 0);
  else if (message != NULL && message->type == ABLAK_LIVE_SEND)
    g_assert_true(message->topic != NULL && message->kind != NULL);
  return 0;
}
