/* SRTP against the vectors of RFC 3711 and RFC 7714, and what no vector shows. */
#include "hex.h"
#include "video/srtp-keys.h"
#include <string.h>

#define PROFILES 2

static void fill(guint8 *to, gsize size, const char *text)
{
  g_autoptr(GByteArray) bytes = hex(text);
  g_assert_cmpuint(bytes->len, ==, size);
  memcpy(to, bytes->data, size);
}

static void assert_hex(const guint8 *data, gsize size, const char *expected)
{
  g_autoptr(GByteArray) bytes = hex(expected);
  g_autofree char *seen = to_hex(data, size), *wanted = to_hex(bytes->data, bytes->len);
  g_assert_cmpstr(seen, ==, wanted);
}

/* RFC 3711 B.3 */
static void test_key_derivation(void)
{
  guint8 key[16], salt[14];
  AblakSrtpSessionKeys keys;
  fill(key, sizeof key, "E1F97A0D3E018BE0D64FA32C06DE4139");
  fill(salt, sizeof salt, "0EC675AD498AFEEBB6960B3AABE6");
  ablak_srtp_derive(ABLAK_SRTP_AES128_CM_SHA1_80, key, salt, false, &keys);
  assert_hex(keys.key, 16, "C61E7A93744F39EE10734AFE3FF7A087");
  assert_hex(keys.salt, 14, "30CBBC08863D8C85D49DB34A9AE1");
  assert_hex(keys.auth_key, 20, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
}

/* RFC 3711 B.2 */
static void test_counter_mode(void)
{
  AblakSrtpSessionKeys keys = {0};
  guint8 iv[16];
  g_autofree guint8 *stream = g_malloc0(0xff02 * 16);
  fill(keys.key, 16, "2B7E151628AED2A6ABF7158809CF4F3C");
  fill(keys.salt, 14, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
  AblakSrtpCipher *cipher = ablak_srtp_cipher_new(ABLAK_SRTP_AES128_CM_SHA1_80, &keys);
  ablak_srtp_cm_iv(keys.salt, 0, 0, iv);
  assert_hex(iv, 16, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000");
  g_assert_true(ablak_srtp_cipher_count(cipher, iv, stream, 0xff02 * 16));
  assert_hex(stream, 16, "E03EAD0935C95E80E166B16DD92B4EB4");
  assert_hex(stream + 16, 16, "D23513162B02D0F72A43A2FE4A5F97AB");
  assert_hex(stream + 32, 16, "41E95B3BB0A2E8DD477901E4FCA894C0");
  assert_hex(stream + 0xfeff * 16, 16, "EC8CDF7398607CB0F2D21675EA9EA1E4");
  assert_hex(stream + 0xff00 * 16, 16, "362B7C3C6773516318A077D7FC5073AE");
  assert_hex(stream + 0xff01 * 16, 16, "6A2CC3787889374FBEB4C81B17BA6C44");
  ablak_srtp_cipher_free(cipher);
}

static AblakSrtp *rfc7714(void)
{
  AblakSrtpSessionKeys keys = {0};
  fill(keys.key, 16, "000102030405060708090a0b0c0d0e0f");
  fill(keys.salt, 12, "517569642070726f2071756f");
  return ablak_srtp_new_from_session_keys(ABLAK_SRTP_AEAD_AES_128_GCM, &keys, &keys);
}

/* RFC 7714 §16.1 */
static void test_gcm_rtp(void)
{
  g_autoptr(AblakSrtp) send = rfc7714();
  g_autoptr(AblakSrtp) receive = rfc7714();
  const char *plain = "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e6973"
                      "20646976697361 20696e207061727465732074726573";
  g_autoptr(GByteArray) packet = hex(plain);
  guint8 buffer[128];
  gsize size = packet->len;
  memcpy(buffer, packet->data, size);
  g_assert_cmpint(ablak_srtp_protect(send, buffer, &size, sizeof buffer), ==, ABLAK_SRTP_OK);
  assert_hex(buffer, size,
             "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bca"
             "be633bd50d294e6f42a5f47a51c7d19b36de3adf8833 899d7f27beb16a9152cf765ee4390cce");
  g_assert_cmpint(ablak_srtp_unprotect(receive, buffer, &size), ==, ABLAK_SRTP_OK);
  assert_hex(buffer, size, plain);
}

/* RFC 7714 §17.1 */
static void test_gcm_rtcp(void)
{
  g_autoptr(AblakSrtp) send = rfc7714();
  g_autoptr(AblakSrtp) receive = rfc7714();
  const char *plain = "81c8000d4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61"
                      "deadbeef deadbeef deadbeef deadbeef deadbeef";
  g_autoptr(GByteArray) packet = hex(plain);
  guint8 buffer[128];
  gsize size = packet->len;
  memcpy(buffer, packet->data, size);
  ablak_srtp_set_rtcp_index(send, 0x5d4);
  g_assert_cmpint(ablak_srtp_protect_rtcp(send, buffer, &size, sizeof buffer), ==, ABLAK_SRTP_OK);
  assert_hex(buffer, size,
             "81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda"
             "4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade 800005d4");
  g_assert_cmpint(ablak_srtp_unprotect_rtcp(receive, buffer, &size), ==, ABLAK_SRTP_OK);
  assert_hex(buffer, size, plain);
}

static AblakSrtp *direction(AblakSrtpProfile profile)
{
  guint8 key[16], salt[14];
  for (guint8 i = 0; i < 16; i++)
    key[i] = i;
  for (guint8 i = 0; i < 14; i++)
    salt[i] = (guint8)(100 + i);
  return ablak_srtp_new(profile, key, salt);
}

/* An RTP packet with an extension and 20 octets of payload. */
static gsize make_rtp(guint8 *packet, guint32 ssrc, guint16 sequence)
{
  g_autofree char *text = g_strdup_printf("9060%04x00000001%08x bede000110ff0000"
                                          "000102030405060708090a0b0c0d0e0f10111213",
                                          sequence, ssrc);
  g_autoptr(GByteArray) bytes = hex(text);
  memcpy(packet, bytes->data, bytes->len);
  return bytes->len;
}

static AblakSrtpStatus carry(AblakSrtp *send, AblakSrtp *receive, guint32 ssrc, guint16 sequence)
{
  guint8 packet[128], plain[128];
  gsize size = make_rtp(packet, ssrc, sequence), plain_size = make_rtp(plain, ssrc, sequence);
  AblakSrtpStatus status = ablak_srtp_protect(send, packet, &size, sizeof packet);
  if (status != ABLAK_SRTP_OK)
    return status;
  g_assert_cmpmem(packet, 20, plain, 20);
  g_assert_cmpint(memcmp(packet + 20, plain + 20, 20), !=, 0);
  status = ablak_srtp_unprotect(receive, packet, &size);
  if (status == ABLAK_SRTP_OK)
    g_assert_cmpmem(packet, (int)size, plain, (int)plain_size);
  return status;
}

static void test_roll_over(gconstpointer profile)
{
  g_autoptr(AblakSrtp) send = direction(GPOINTER_TO_INT(profile));
  g_autoptr(AblakSrtp) receive = direction(GPOINTER_TO_INT(profile));
  for (guint32 i = 65000; i < 65536 * 2 + 50; i += 25)
    g_assert_cmpint(carry(send, receive, 7, (guint16)i), ==, ABLAK_SRTP_OK);
  /* A late one from before the last wrap is still within the window on both sides. */
  g_assert_cmpint(carry(send, receive, 7, 65530), ==, ABLAK_SRTP_OK);
  g_assert_cmpint(carry(send, receive, 7, 65530), ==, ABLAK_SRTP_REPLAYED);
  g_assert_cmpint(carry(send, receive, 8, 65530), ==, ABLAK_SRTP_OK);
}

/* The receiver alone must refuse what the sender's own guard would not have sent. */
static void test_replay(gconstpointer profile)
{
  g_autoptr(AblakSrtp) send = direction(GPOINTER_TO_INT(profile));
  g_autoptr(AblakSrtp) receive = direction(GPOINTER_TO_INT(profile));
  guint8 first[128], copy[128];
  gsize size = make_rtp(first, 7, 100), copy_size = 0;
  g_assert_cmpint(ablak_srtp_protect(send, first, &size, sizeof first), ==, ABLAK_SRTP_OK);
  memcpy(copy, first, copy_size = size);
  g_assert_cmpint(ablak_srtp_unprotect(receive, copy, &copy_size), ==, ABLAK_SRTP_OK);
  memcpy(copy, first, copy_size = size);
  g_assert_cmpint(ablak_srtp_unprotect(receive, copy, &copy_size), ==, ABLAK_SRTP_REPLAYED);
  g_assert_cmpint(carry(send, receive, 7, 100 + 1024), ==, ABLAK_SRTP_OK);
  memcpy(copy, first, copy_size = size);
  g_assert_cmpint(ablak_srtp_unprotect(receive, copy, &copy_size), ==, ABLAK_SRTP_REPLAYED);
}

static void test_forged(gconstpointer profile)
{
  g_autoptr(AblakSrtp) send = direction(GPOINTER_TO_INT(profile));
  g_autoptr(AblakSrtp) receive = direction(GPOINTER_TO_INT(profile));
  guint8 packet[128], copy[128];
  gsize size = make_rtp(packet, 7, 100), copy_size = 0;
  g_assert_cmpint(ablak_srtp_protect(send, packet, &size, sizeof packet), ==, ABLAK_SRTP_OK);
  for (gsize i = 0; i < size; i++) {
    memcpy(copy, packet, copy_size = size);
    copy[i] ^= 1;
    g_assert_cmpint(ablak_srtp_unprotect(receive, copy, &copy_size), !=, ABLAK_SRTP_OK);
  }
  for (gsize cut = 0; cut < size; cut++) {
    memcpy(copy, packet, copy_size = cut);
    g_assert_cmpint(ablak_srtp_unprotect(receive, copy, &copy_size), !=, ABLAK_SRTP_OK);
  }
  /* None of them has moved the window. */
  memcpy(copy, packet, copy_size = size);
  g_assert_cmpint(ablak_srtp_unprotect(receive, copy, &copy_size), ==, ABLAK_SRTP_OK);
}

static void test_rtcp(gconstpointer profile)
{
  g_autoptr(AblakSrtp) send = direction(GPOINTER_TO_INT(profile));
  g_autoptr(AblakSrtp) receive = direction(GPOINTER_TO_INT(profile));
  g_autoptr(GByteArray) plain = hex("81c9000700000007 00000001020304050607080900000000"
                                    "0000000011111111");
  guint8 packet[128], copy[128];
  for (int i = 0; i < 3; i++) {
    gsize size = plain->len, copy_size = 0;
    memcpy(packet, plain->data, size);
    g_assert_cmpint(ablak_srtp_protect_rtcp(send, packet, &size, sizeof packet), ==, ABLAK_SRTP_OK);
    g_assert_cmpuint(size, <=, plain->len + ABLAK_SRTP_OVERHEAD);
    for (gsize j = 0; j < size; j++) {
      memcpy(copy, packet, copy_size = size);
      copy[j] ^= 0x40;
      g_assert_cmpint(ablak_srtp_unprotect_rtcp(receive, copy, &copy_size), !=, ABLAK_SRTP_OK);
    }
    memcpy(copy, packet, copy_size = size);
    g_assert_cmpint(ablak_srtp_unprotect_rtcp(receive, copy, &copy_size), ==, ABLAK_SRTP_OK);
    g_assert_cmpmem(copy, (int)copy_size, plain->data, (int)plain->len);
    memcpy(copy, packet, copy_size = size);
    g_assert_cmpint(ablak_srtp_unprotect_rtcp(receive, copy, &copy_size), ==, ABLAK_SRTP_REPLAYED);
  }
}

/* A key may serve 2^31 control packets (RFC 3711 §9.2); then it is used up. */
static void test_rtcp_exhausted(gconstpointer profile)
{
  g_autoptr(AblakSrtp) send = direction(GPOINTER_TO_INT(profile));
  guint8 packet[64] = {0x80, 201, 0, 1, 0, 0, 0, 7};
  gsize size = 8;
  ablak_srtp_set_rtcp_index(send, 0x7fffffff);
  g_assert_cmpint(ablak_srtp_protect_rtcp(send, packet, &size, sizeof packet), ==, ABLAK_SRTP_OK);
  size = 8;
  g_assert_cmpint(ablak_srtp_protect_rtcp(send, packet, &size, sizeof packet), ==, ABLAK_SRTP_FULL);
}

static void test_too_many_streams(gconstpointer profile)
{
  g_autoptr(AblakSrtp) send = direction(GPOINTER_TO_INT(profile));
  g_autoptr(AblakSrtp) receive = direction(GPOINTER_TO_INT(profile));
  for (guint32 ssrc = 1; ssrc <= 1024; ssrc++)
    g_assert_cmpint(carry(send, receive, ssrc, 5), ==, ABLAK_SRTP_OK);
  g_assert_cmpint(carry(send, receive, 2000, 5), ==, ABLAK_SRTP_FULL);
  g_assert_cmpint(carry(send, receive, 1, 6), ==, ABLAK_SRTP_OK);
}

static void test_no_room(gconstpointer profile)
{
  g_autoptr(AblakSrtp) send = direction(GPOINTER_TO_INT(profile));
  guint8 packet[128];
  gsize size = make_rtp(packet, 7, 1);
  g_assert_cmpint(ablak_srtp_protect(send, packet, &size, size + ABLAK_SRTP_OVERHEAD - 1), ==,
                  ABLAK_SRTP_MALFORMED);
  g_assert_cmpint(ablak_srtp_protect_rtcp(send, packet, &size, size + ABLAK_SRTP_OVERHEAD - 1), ==,
                  ABLAK_SRTP_MALFORMED);
}

int main(int argc, char **argv)
{
  static const struct {
    const char *name;
    GTestDataFunc call;
  } both[] = {
      {"roll-over", test_roll_over},
      {"replay", test_replay},
      {"forged", test_forged},
      {"rtcp", test_rtcp},
      {"rtcp-exhausted", test_rtcp_exhausted},
      {"too-many-streams", test_too_many_streams},
      {"no-room", test_no_room},
  };
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/srtp/rfc3711-b3-key-derivation", test_key_derivation);
  g_test_add_func("/srtp/rfc3711-b2-counter-mode", test_counter_mode);
  g_test_add_func("/srtp/rfc7714-16-rtp", test_gcm_rtp);
  g_test_add_func("/srtp/rfc7714-17-rtcp", test_gcm_rtcp);
  for (int profile = 0; profile < PROFILES; profile++)
    for (gsize i = 0; i < G_N_ELEMENTS(both); i++) {
      g_autofree char *path =
          g_strdup_printf("/srtp/%s/%s", ablak_srtp_profile_name(profile), both[i].name);
      g_test_add_data_func(path, GINT_TO_POINTER(profile), both[i].call);
    }
  return g_test_run();
}
