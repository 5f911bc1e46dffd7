/* http/path.h: targets, query strings, cookies and proxies' headers. Pure functions. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Percent-decodes; NULL for a broken escape, a NUL, or what is not UTF-8 then. `plus`: '+' is a
 * space (query strings). Free with g_free. */
char *ablak_percent_decode(const char *text, gsize size, bool plus);

/* "/a/b%20c?x" -> {"a", "b c", NULL}; "/" -> {NULL}. NULL when a segment is "." or "..", cannot be
 * decoded, or decodes to something with '/' in it. An empty segment stays, and matches nothing. */
GStrv ablak_path_segments(const char *target);

/* Matches decoded segments against "/api/tickets/{ticketId}". -1: no; otherwise the number of
 * literal segments, so that the more literal template wins. */
int ablak_path_match(const char *path_template, const char *const *segments);
/* Parameters of a match: name -> value (borrowed from the segments). */
GHashTable *ablak_path_parameters(const char *path_template, const char *const *segments);

/* Parameters after '?': name -> value, both owned; the first of a name counts. NULL when one cannot
 * be decoded or there are too many. Empty when there is no query. */
GHashTable *ablak_query_parse(const char *target);

/* A cookie's value as sent, or NULL. Free with g_free. */
char *ablak_cookie_find(const char *header, const char *name);

/* The client's address from a trusted proxy's Forwarded (RFC 7239) or X-Forwarded-For: the last
 * entry, which is the one the proxy itself wrote. NULL when there is no plain address. */
char *ablak_forwarded_client(const char *forwarded, const char *x_forwarded_for);
