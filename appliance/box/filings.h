/* box/filings.h: a filing as the interface gives it. */
#pragma once
#include "box/views.h"
#include <filings/filings.h>

/* Component Receipt: what was signed, the signature, and where it is stored by now. New reference.
 */
json_t *ablak_view_receipt(const AblakBranch *box, const AblakFiling *filing);
