/* core/messages.h: the message catalogue, one mechanism for C and TypeScript.
 *
 * Source: appliance/messages/<language>/<area>.json, flat objects of key -> text with {name}
 * placeholders. The generator (appliance/generate/messages.mjs) fails when a key or a placeholder
 * is missing in any language. Adding a language is adding a folder. Threads: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* NULL-terminated list of language codes, e.g. {"cs", "en", "hu", NULL}. */
const char *const *ablak_messages_languages(void);
bool ablak_messages_has_language(const char *language);

/* The text of `key` in `language`, falling back to English; the key itself when unknown. */
const char *ablak_message(const char *language, const char *key);

/* The text with placeholders filled from pairs (name, value) up to NULL. Free with g_free. */
char *ablak_message_format(const char *language, const char *key, ...) G_GNUC_NULL_TERMINATED;

/* Chooses from an Accept-Language value (RFC 9110 §12.5.4) or a bare code; `fallback` if none fits. */
const char *ablak_messages_negotiate(const char *accept_language, const char *fallback);
