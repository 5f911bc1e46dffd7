#include "box/filings.h"
#include "box/uplink.h"

json_t *ablak_view_receipt(const AblakBranch *box, const AblakFiling *filing)
{
  json_t *receipt = json_copy(filing->receipt);
  json_object_set_new(receipt, "signature", json_string(filing->signature));
  /* The signed text says "branch", the truth of the moment it was signed. */
  if (ablak_uplink_has_stored(box->uplink, filing->id))
    json_object_set_new(receipt, "storedAt", json_string("headquarters"));
  return receipt;
}
