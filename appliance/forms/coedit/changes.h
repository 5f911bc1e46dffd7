/* forms/coedit/changes.h: what a transaction changed, told by path; values that lost. Private to
 * the folder. */
#pragma once
#include "forms/coedit/store.h"

GPtrArray *changes_collect(Doc *doc, guint want, AblakYdocAllow allow, gpointer user_data,
                           guint *ret_refused);
json_t *entry_path(const Doc *doc, Type *map, guint32 key);
void change_free(gpointer change);

/* ---- values set without knowledge of each other, in the running transaction ---- */
/* The entry's new value was written without knowledge of the one it replaced. */
bool conflicts_concurrent(const Doc *doc, const Type *map, guint32 key);
/* New: GPtrArray of AblakYdocChange, see AblakYdocReport. */
GPtrArray *conflicts_lost(const Doc *doc);
