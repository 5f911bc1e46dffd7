/* STUN messages: RFC 5769's vectors, our own there and back, and what must be refused. */
#include "video/stun.h"
#include "hex.h"
#include "video/consent.h"
#include <arpa/inet.h>
#include <string.h>

#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

/* RFC 5769 §2.1 */
static const char vector_request[] =
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e2074657374"
    "20636c69656e74002400046e0001ff80290008932ff9b151263b36000600096576"
    "746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571"
    "a280280004e57a3bcf";
/* §2.2 and §2.3 */
static const char vector_ipv4[] =
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f"
    "7220002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53"
    "f06be7d780280004c07d4c96";
static const char vector_ipv6[] =
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f"
    "7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e"
    "4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

static gsize unhex(const char *text, guint8 *ret_data)
{
  g_autoptr(GByteArray) bytes = hex(text);
  memcpy(ret_data, bytes->data, bytes->len);
  return bytes->len;
}

static void test_vectors(void)
{
  const char *const vectors[] = {vector_request, vector_ipv4, vector_ipv6};
  for (gsize i = 0; i < G_N_ELEMENTS(vectors); i++) {
    guint8 data[256];
    gsize size = unhex(vectors[i], data);
    AblakStunMessage message;
    g_assert_true(ablak_stun_parse(data, size, &message));
    g_assert_cmpuint(message.type, ==,
                     i == 0 ? ABLAK_STUN_BINDING_REQUEST : ABLAK_STUN_BINDING_SUCCESS);
    g_assert_true(ablak_stun_is_authentic(&message, PASSWORD));
    g_assert_false(ablak_stun_is_authentic(&message, "VOkJxbRl1RmTxUk/WvJxBT"));
    g_assert_true(ablak_stun_is_for(&message, "evtj", "h6vY") == (i == 0));
    g_assert_false(ablak_stun_is_for(&message, "evtj:h", "6vY"));
    /* Any bit before the fingerprint changed is noticed, by it or by the integrity. */
    for (gsize bit = 0; bit < 8 * (size - 8); bit++) {
      data[bit / 8] ^= (guint8)(1 << bit % 8);
      g_assert_false(ablak_stun_parse(data, size, &message) &&
                     ablak_stun_is_authentic(&message, PASSWORD));
      data[bit / 8] ^= (guint8)(1 << bit % 8);
    }
    for (gsize cut = 0; cut < size; cut++)
      g_assert_false(ablak_stun_parse(data, cut, &message));
  }
}

static void test_address(void)
{
  static const guint8 transaction[12] = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                         0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(32853)};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(32853)};
  guint8 written[ABLAK_STUN_SIZE_MAX], vector[256];
  g_assert_cmpint(inet_pton(AF_INET, "192.0.2.1", &in.sin_addr), ==, 1);
  g_assert_cmpint(inet_pton(AF_INET6, "2001:db8:1234:5678:11:2233:4455:6677", &in6.sin6_addr), ==,
                  1);
  /* The vectors' attribute, which follows their SOFTWARE of 16 octets. */
  gsize size = ablak_stun_write_success(written, transaction, (gpointer)&in, PASSWORD);
  unhex(vector_ipv4, vector);
  g_assert_cmpmem(written + 20, 12, vector + 36, 12);
  AblakStunMessage message;
  g_assert_true(ablak_stun_parse(written, size, &message));
  g_assert_true(ablak_stun_is_authentic(&message, PASSWORD));
  g_assert_cmpmem(message.transaction, 12, transaction, 12);
  size = ablak_stun_write_success(written, transaction, (gpointer)&in6, PASSWORD);
  unhex(vector_ipv6, vector);
  g_assert_cmpmem(written + 20, 24, vector + 36, 24);
  g_assert_true(ablak_stun_parse(written, size, &message));
}

static void test_request(void)
{
  static const guint8 transaction[12] = {1, 2, 3};
  guint8 written[ABLAK_STUN_SIZE_MAX];
  AblakStunMessage message;
  gsize size = ablak_stun_write_request(written, transaction, "remote:local", PASSWORD, true, 42);
  g_assert_true(ablak_stun_parse(written, size, &message));
  g_assert_cmpuint(message.type, ==, ABLAK_STUN_BINDING_REQUEST);
  g_assert_true(ablak_stun_is_for(&message, "remote", "local"));
  g_assert_true(ablak_stun_is_authentic(&message, PASSWORD));
  /* The longest names SDP may bring. */
  g_autofree char *longest = g_strnfill(513, 'u');
  size = ablak_stun_write_request(written, transaction, longest, PASSWORD, true, 42);
  g_assert_cmpuint(size, <=, sizeof written);
  g_assert_true(ablak_stun_parse(written, size, &message));
  g_assert_cmpuint(message.username_size, ==, 513);
}

/* A name that stands behind the integrity is nobody's. */
static void test_unsigned(void)
{
  static const guint8 transaction[12] = {1, 2, 3};
  guint8 written[ABLAK_STUN_SIZE_MAX];
  AblakStunMessage message;
  struct sockaddr_in in = {.sin_family = AF_INET};
  gsize size = ablak_stun_write_success(written, transaction, (gpointer)&in, PASSWORD) - 8;
  memcpy(written + size, (guint8[]){0, 6, 0, 3, 'a', ':', 'b', 0}, 8);
  written[3] = (guint8)(size + 8 - 20);
  g_assert_true(ablak_stun_parse(written, size + 8, &message));
  g_assert_true(ablak_stun_is_authentic(&message, PASSWORD));
  g_assert_false(ablak_stun_is_for(&message, "a", "b"));
  /* Nothing signed at all. */
  g_assert_true(ablak_stun_parse(
      (guint8[]){0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 20,
      &message));
  g_assert_false(ablak_stun_is_authentic(&message, PASSWORD));
}

static void test_consent(void)
{
  static const guint8 foreign[12] = {0};
  AblakConsent consent;
  guint8 first[12];
  ablak_consent_begin(&consent, 1000);
  g_assert_false(ablak_consent_answer(&consent, foreign, 1001));
  g_assert_false(ablak_consent_is_due(&consent, 2500, 900));
  g_assert_true(ablak_consent_is_due(&consent, 2500, 1000)); /* nothing comes: asked sooner */
  memcpy(first, ablak_consent_ask(&consent, 5000), 12);
  g_assert_false(ablak_consent_is_due(&consent, 5999, 5000));
  g_assert_false(ablak_consent_is_due(&consent, 8999, 0));
  g_assert_true(ablak_consent_is_due(&consent, 11001, 0));
  ablak_consent_ask(&consent, 6000);
  g_assert_false(ablak_consent_answer(&consent, foreign, 6001));
  g_assert_false(ablak_consent_is_expired(&consent, 30999));
  g_assert_true(ablak_consent_is_expired(&consent, 31000));
  g_assert_true(ablak_consent_answer(&consent, first, 30000)); /* late, but ours */
  g_assert_false(ablak_consent_is_expired(&consent, 59999));
  g_assert_true(ablak_consent_is_expired(&consent, 60000));
  for (int i = 0; i < 8; i++)
    g_assert_nonnull(ablak_consent_ask(&consent, 31000 + i));
  g_assert_false(ablak_consent_answer(&consent, first, 32000)); /* too late */
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/stun/vectors", test_vectors);
  g_test_add_func("/stun/address", test_address);
  g_test_add_func("/stun/request", test_request);
  g_test_add_func("/stun/unsigned", test_unsigned);
  g_test_add_func("/stun/consent", test_consent);
  return g_test_run();
}
