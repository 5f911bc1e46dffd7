/* What an unenrolled stranger can send to headquarters, and what a false headquarters can answer:
 * the first byte chooses, the rest is the body. */
#include "provisioning/csr.h"
#include "provisioning/est.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(const uint8_t *body, size_t size)
{
  g_autoptr(GBytes) der = ablak_est_request_decode(body, size, NULL);
  gsize length = 0;
  const void *bytes = der != NULL ? g_bytes_get_data(der, &length) : NULL;
  g_autoptr(AblakCsr) csr = der != NULL ? ablak_csr_parse(bytes, length, NULL) : NULL;
  if (csr != NULL)
    g_assert_true(ablak_box_id_is_valid(ablak_csr_common_name(csr)));
}

static void basic(const uint8_t *body, size_t size)
{
  g_autofree char *header = g_strndup((const char *)body, size);
  g_autofree char *user = NULL, *password = NULL;
  if (ablak_est_basic(header, &user, &password, NULL))
    g_assert_true(user != NULL && password != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  if (data[0] == 'r') {
    request(data + 1, size - 1);
  } else if (data[0] == 'd') {
    ablak_csr_free(ablak_csr_parse(data + 1, size - 1, NULL));
  } else if (data[0] == 'b') {
    basic(data + 1, size - 1);
  } else {
    g_autoptr(GPtrArray) list = ablak_est_answer_decode(data + 1, size - 1, NULL);
    g_assert_true(list == NULL || list->len > 0);
  }
  return 0;
}
