/* forms/coedit/encode.h: writing update format v1. Private to the folder. */
#pragma once
#include "forms/coedit/store.h"

void write_struct(const Doc *doc, Buffer *buffer, const Item *item, guint32 offset);
/* The structs of one client from `clock` on. */
void write_client(const Doc *doc, Buffer *buffer, Client *client, guint32 clock);
void write_ranges(const Doc *doc, Buffer *buffer, const Ranges *ranges);
void write_deleted(const Doc *doc, Buffer *buffer); /* the whole delete set */
void ranges_sort_and_merge(Ranges *ranges);
GHashTable *state_vector_read(const void *data, gsize size); /* NULL: malformed */
guint64 state_vector_get(GHashTable *states, guint64 client);
