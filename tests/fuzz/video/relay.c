/* What the box says to the media process, and through it pages: messages in any order, in a relay
 * with real ICE agents and media loops. Whatever comes, what is told can be read by the box, an
 * offer is complete, and nothing is left when the relay goes. */
#include "video/relay.h"
#include "core/log.h"
#include "video/dtls.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES_MAX 40

static void on_emit(const AblakMediaMessage *message, gpointer data)
{
  g_autoptr(json_t) json = ablak_media_message_to_json(message);
  g_autofree char *text = ablak_json_text(json);
  g_assert_nonnull(text);
  g_autoptr(AblakMediaMessage) again = ablak_media_message_parse(text, strlen(text), NULL);
  g_assert_nonnull(again);
  if (message->type == ABLAK_MEDIA_OFFER)
    g_assert_true(message->generation > 0 && strstr(message->sdp, "a=candidate:") != NULL);
  if (message->type == ABLAK_MEDIA_ERROR)
    g_assert_cmpstr(message->slug, !=, "internal");
}

static void go_round(void)
{
  for (int i = 0; i < 20 && g_main_context_iteration(NULL, FALSE); i++)
    continue;
}

static void handle_all(AblakRelay *relay, AblakMediaFrames *frames)
{
  for (int i = 0; i < MESSAGES_MAX; i++) {
    g_autoptr(GBytes) payload = NULL;
    if (!ablak_media_frames_pop(frames, &payload, NULL) || payload == NULL)
      return;
    gsize size = 0;
    const char *text = g_bytes_get_data(payload, &size);
    g_autoptr(AblakMediaMessage) message = ablak_media_message_parse(text, size, NULL);
    if (message != NULL)
      ablak_relay_handle(relay, message);
    go_round();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const addresses[] = {"127.0.0.1", NULL};
  AblakIceSettings ice = {.main_context = g_main_context_default(), .addresses = addresses};
  const AblakRelaySettings settings = {
      .ice = &ice, .srtp_profiles = ABLAK_DTLS_SRTP_PROFILES, .sessions_max = 3, .loops = 1};
  ablak_log_set_level(ABLAK_LOG_ERROR);
  g_autoptr(AblakMediaFrames) frames = ablak_media_frames_new();
  ablak_media_frames_push(frames, data, size);
  AblakRelay *relay = ablak_relay_new(&settings, on_emit, NULL, NULL);
  g_assert_nonnull(relay);
  handle_all(relay, frames);
  g_autoptr(AblakMediaMessage) hello = ablak_relay_hello(relay);
  g_assert_nonnull(hello);
  ablak_relay_free(relay);
  while (ice.open > 0)
    g_main_context_iteration(NULL, TRUE);
  return 0;
}
