/* http/live-message.h: what a page may say on its live WebSocket, read without a connection. */
#pragma once
#include "core/json.h"
#include <glib.h>
#include <stdbool.h>

#define ABLAK_LIVE_TOPICS_MAX 64

typedef enum { ABLAK_LIVE_SUBSCRIBE, ABLAK_LIVE_SEND, ABLAK_LIVE_PING } AblakLiveMessageType;

typedef struct {
  AblakLiveMessageType type;
  GStrv topics;       /* of subscribe */
  gint64 since;       /* -1: none */
  char *topic, *kind; /* of send */
  json_t *data;       /* NULL when there is none */
} AblakLiveMessage;

void ablak_live_message_free(AblakLiveMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakLiveMessage, ablak_live_message_free)
/* ABLAK_ERROR_INVALID "request/json", "live/message" or "live/topics" otherwise. */
AblakLiveMessage *ablak_live_message_parse(const char *text, gsize size,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
