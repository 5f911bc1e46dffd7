/* The staff file: any bytes give people or a fault that names a line, never both. */
#include "accounts/accounts.h"
#include "core/error.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) people = ablak_staff_from_csv((const char *)data, size, &error);
  g_assert_true((people != NULL) == (error == NULL));
  if (error != NULL)
    g_assert_cmpstr(ablak_error_slug(error), ==, "accounts/csv");
  for (guint i = 0; people != NULL && i < people->len; i++) {
    const AblakStaff *staff = people->pdata[i];
    g_assert_true(staff->login[0] != '\0' && staff->roles[0] != NULL &&
                  staff->password_hash != NULL);
  }
  return 0;
}
