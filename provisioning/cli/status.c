/* What lies in a state folder. */
#include "core/error.h"
#include "core/json.h"
#include "provisioning/cli/commands.h"
#include "provisioning/identity.h"
#include "provisioning/layout.h"
#include <stdio.h>

bool ablak_command_status(const AblakOptions *options, GError **error)
{
  const char *state = ablak_options_need(options, "state", error);
  if (!state)
    return false;
  switch (ablak_layout_kind(state)) {
  case ABLAK_STATE_HQ:
    printf("kind: headquarters\n");
    return true;
  case ABLAK_STATE_BOX: {
    g_autoptr(AblakIdentity) identity = ablak_identity_load(state, error);
    if (!identity)
      return false;
    printf("kind: box\nbox: %s\noffice: %s\nepoch: %" G_GINT64_FORMAT "\nheadquarters: %s\n",
           identity->box, identity->office, identity->epoch, identity->hq[0]);
    return true;
  }
  default:
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "provisioning/wrong-state",
                    "%s holds neither headquarters' nor a box's state", state);
    return false;
  }
}
