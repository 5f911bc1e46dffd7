/* What holds in every document, however hostile its updates were. */
#pragma once
#include "forms/coedit/ydoc.h"

/* Ends the process when the document's inner order is broken. */
void check_document(AblakYdoc *doc);
