/* A new document takes an update in one go, others take it struct by struct: both ways must come
 * to the same. */
#pragma once
#include "forms/coedit/ydoc.h"

/* Applies the update to new documents both ways and compares all that can be seen of them. Returns
 * the loaded document, or NULL when the update was refused; free it with ablak_ydoc_free. */
AblakYdoc *check_loading(const void *data, gsize size, const AblakYdocOptions *options);
