/* core: errors, ids, crypto, clock and messages. */
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/messages.h"
#include <glib/gstdio.h>
#include <string.h>

static void test_error(void)
{
  g_autoptr(GError) error = NULL;
  ablak_error_set(&error, ABLAK_ERROR_CONFLICT, "queue/nobody-waiting", "counter %d", 3);
  g_assert_cmpstr(ablak_error_slug(error), ==, "queue/nobody-waiting");
  g_assert_cmpuint(ablak_error_status(error), ==, 409);
  g_autoptr(GError) copy = g_error_copy(error);
  g_assert_cmpstr(ablak_error_slug(copy), ==, "queue/nobody-waiting");
  g_assert_cmpstr(copy->message, ==, "counter 3");
  g_autoptr(GError) other = g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_IO, "x");
  g_assert_cmpstr(ablak_error_slug(other), ==, "internal");
  g_assert_cmpuint(ablak_error_status(other), ==, 500);
  ablak_error_set(NULL, ABLAK_ERROR_FAILED, "internal", "ignored");
}

static void test_ids_grow(void)
{
  g_autofree char *last = g_strdup("");
  for (int i = 0; i < 20000; i++) {
    char *id = ablak_id_new();
    g_assert_true(ablak_id_is_valid(id));
    g_assert_cmpstr(id, >, last);
    g_free(last);
    last = id;
  }
  g_assert_false(ablak_id_is_valid(NULL));
  g_assert_false(ablak_id_is_valid("0190aaaa-0000-4000-8000-000000000000"));
  g_assert_false(ablak_id_is_valid("0190AAAA-0000-7000-8000-000000000000"));
}

static gpointer make_ids(gpointer data)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
  for (int i = 0; i < 2000; i++)
    g_ptr_array_add(ids, ablak_id_new());
  return ids;
}

static void test_ids_of_threads_differ(void)
{
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GThread *threads[4];
  for (int i = 0; i < 4; i++)
    threads[i] = g_thread_new("ids", make_ids, NULL);
  for (int i = 0; i < 4; i++) {
    g_autoptr(GPtrArray) ids = g_thread_join(threads[i]);
    for (guint j = 0; j < ids->len; j++)
      g_assert_true(g_hash_table_add(seen, g_strdup(ids->pdata[j])));
  }
  g_assert_cmpuint(g_hash_table_size(seen), ==, 8000);
}

static void test_digits(void)
{
  unsigned counts[10] = {0};
  for (int i = 0; i < 5000; i++) {
    g_autofree char *digits = ablak_digits_new(8);
    g_assert_cmpuint(strlen(digits), ==, 8);
    g_assert_cmpuint(strspn(digits, "0123456789"), ==, 8);
    counts[digits[0] - '0']++;
  }
  for (int i = 0; i < 10; i++) /* expected 500, standard deviation 21 */
    g_assert_true(counts[i] > 350 && counts[i] < 650);
  g_autofree char *secret = ablak_secret_new(32);
  g_assert_cmpuint(strlen(secret), ==, 43);
}

static void test_sha256(void)
{
  /* FIPS 180-4, examples */
  g_autofree char *abc = ablak_sha256_hex("abc", 3);
  g_assert_cmpstr(abc, ==, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  g_autofree char *empty = ablak_sha256_hex(NULL, 0);
  g_assert_cmpstr(empty, ==, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  g_autofree char *path = NULL;
  g_autoptr(GError) error = NULL;
  g_close(g_file_open_tmp("ablak-XXXXXX", &path, &error), NULL);
  g_assert_no_error(error);
  g_assert_true(g_file_set_contents(path, "abc", 3, NULL));
  g_autofree char *file = ablak_sha256_file_hex(path, &error);
  g_assert_cmpstr(file, ==, abc);
  g_unlink(path);
  g_assert_null(ablak_sha256_file_hex(path, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "core/file");
}

static void test_encodings(void)
{
  guint8 data[70];
  for (gsize i = 0; i < sizeof data; i++)
    data[i] = (guint8)(i * 37 + 251);
  for (gsize size = 0; size <= sizeof data; size++) {
    g_autoptr(GBytes) plain = g_bytes_new(data, size);
    g_autofree char *hex = ablak_hex_encode(data, size);
    g_autoptr(GBytes) from_hex = ablak_hex_decode(hex);
    g_assert_true(g_bytes_equal(from_hex, plain));
    g_autofree char *text = ablak_base64url_encode(data, size);
    g_autoptr(GBytes) from_text = ablak_base64url_decode(text);
    g_assert_true(g_bytes_equal(from_text, plain));
    g_assert_null(strpbrk(text, "+/="));
  }
  static const char *const malformed[] = {"A", "AA==", "A+AA", "A/AA", "AB", "AAB", "AAAAA", "A A"};
  for (gsize i = 0; i < G_N_ELEMENTS(malformed); i++)
    g_assert_null(ablak_base64url_decode(malformed[i]));
  g_assert_null(ablak_hex_decode("abc"));
  g_assert_null(ablak_hex_decode("zz"));
  g_assert_true(ablak_equal_constant_time("abc", "abd", 2));
  g_assert_false(ablak_equal_constant_time("abc", "abd", 3));
}

static void test_passwords(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *hash = ablak_password_hash("három alma", &error);
  g_assert_no_error(error);
  g_assert_true(g_str_has_prefix(hash, "$scrypt$ln=15,r=8,p=1$"));
  g_assert_true(ablak_password_verify("három alma", hash));
  g_assert_false(ablak_password_verify("harom alma", hash));
  /* RFC 7914 §12: the first 32 bytes of scrypt("pleaseletmein", "SodiumChloride", 2^14, 8, 1). */
  guint8 known[32] = {0x70, 0x23, 0xbd, 0xcb, 0x3a, 0xfd, 0x73, 0x48, 0x46, 0x1c, 0x06,
                      0xcd, 0x81, 0xfd, 0x38, 0xeb, 0xfd, 0xa8, 0xfb, 0xba, 0x90, 0x4f,
                      0x8e, 0x3e, 0xa9, 0xb5, 0x43, 0xf6, 0x54, 0x5d, 0xa1, 0xf2};
  g_autofree char *salt = ablak_base64url_encode("SodiumChloride", 14);
  g_autofree char *digest = ablak_base64url_encode(known, sizeof known);
  g_autofree char *standard = g_strdup_printf("$scrypt$ln=14,r=8,p=1$%s$%s", salt, digest);
  g_assert_true(ablak_password_verify("pleaseletmein", standard));
  static const char *const malformed[] = {"",
                                          "plain",
                                          "$scrypt$ln=15,r=8,p=1$",
                                          "$scrypt$ln=99,r=8,p=1$AAAA$AAAA",
                                          "$scrypt$ln=15,r=8,p=1$AAAA$AAAA",
                                          "$scrypt$ln=20,r=32,p=1$AAAA$AAAA"};
  for (gsize i = 0; i < G_N_ELEMENTS(malformed); i++)
    g_assert_false(ablak_password_verify("x", malformed[i]));
  g_assert_false(ablak_password_verify("x", NULL));
}

static void test_signer(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("ablak-XXXXXX", &error);
  g_autofree char *path = g_build_filename(folder, "sign.pem", NULL);
  g_autoptr(AblakSigner) signer = ablak_signer_open(path, &error);
  g_assert_no_error(error);
  GStatBuf status;
  g_assert_cmpint(g_stat(path, &status), ==, 0);
  g_assert_cmpint(status.st_mode & 0777, ==, 0600);
  g_autoptr(AblakSigner) again = ablak_signer_open(path, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(ablak_signer_public_key(again), ==, ablak_signer_public_key(signer));
  g_autofree char *signature = ablak_signer_sign(signer, "receipt", 7);
  const char *key = ablak_signer_public_key(signer);
  g_assert_true(ablak_signature_verify(key, "receipt", 7, signature));
  g_assert_false(ablak_signature_verify(key, "receipx", 7, signature));
  g_assert_false(ablak_signature_verify(key, "receipt", 7, "AAAA"));
  g_assert_false(ablak_signature_verify("AAAA", "receipt", 7, signature));
  g_assert_true(g_file_set_contents(path, "no key", -1, NULL));
  g_assert_null(ablak_signer_open(path, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "core/key");
  g_unlink(path);
  g_rmdir(folder);
}

static void check_day(const AblakZone *zone, gint64 utc_ms, const char *date, const char *text,
                      gint64 day_start_ms)
{
  g_autofree char *found_date = ablak_zone_date(zone, utc_ms);
  g_autofree char *found_text = ablak_zone_rfc3339(zone, utc_ms);
  g_assert_cmpstr(found_date, ==, date);
  g_assert_cmpstr(found_text, ==, text);
  g_assert_cmpint(ablak_zone_day_start_ms(zone, utc_ms), ==, day_start_ms);
}

#define HOUR_MS G_GINT64_CONSTANT(3600000)

static void test_zone(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakZone) zone = ablak_zone_new("Europe/Budapest", &error);
  g_assert_no_error(error);
  gint64 morning = G_GINT64_CONSTANT(1795248000000); /* 2026-11-21T08:00Z */
  check_day(zone, morning, "2026-11-21", "2026-11-21T09:00:00+01:00", morning - 9 * HOUR_MS);
  check_day(zone, morning + 15 * HOUR_MS, "2026-11-22", "2026-11-22T00:00:00+01:00",
            morning + 15 * HOUR_MS);
  /* 25 October 2026 has 25 hours: it begins in summer time and ends in winter time. */
  gint64 autumn = G_GINT64_CONSTANT(1792879200000); /* 2026-10-24T22:00Z */
  check_day(zone, autumn, "2026-10-25", "2026-10-25T00:00:00+02:00", autumn);
  check_day(zone, autumn + 25 * HOUR_MS - 1000, "2026-10-25", "2026-10-25T23:59:59+01:00", autumn);
  g_assert_cmpint(ablak_zone_year(zone, G_GINT64_CONSTANT(1798757999999)), ==, 2026);
  g_assert_cmpint(ablak_zone_year(zone, G_GINT64_CONSTANT(1798758000000)), ==, 2027);
  static const char *const unknown[] = {"Europe/Nowhere", "", "+01:00", NULL};
  for (gsize i = 0; i < G_N_ELEMENTS(unknown); i++) {
    g_autoptr(GError) fault = NULL;
    g_assert_null(ablak_zone_new(unknown[i], &fault));
    g_assert_cmpstr(ablak_error_slug(fault), ==, "core/zone");
  }
}

static void test_messages(void)
{
  g_assert_true(ablak_messages_has_language("hu"));
  g_assert_false(ablak_messages_has_language("xx"));
  g_assert_cmpstr(ablak_message("en", "problem.not-found"), ==, "Not found");
  g_assert_cmpstr(ablak_message("hu", "problem.not-found"), ==, "Nem található");
  g_assert_cmpstr(ablak_message("xx", "problem.not-found"), ==, "Not found");
  g_assert_cmpstr(ablak_message("en", "no.such.key"), ==, "no.such.key");
  g_autofree char *text =
      ablak_message_format("en", "{a} and {b}, {c} {a", "a", "1", "b", "{a}", NULL);
  g_assert_cmpstr(text, ==, "1 and {a}, {c} {a");
}

static void test_negotiation(void)
{
  g_assert_cmpstr(ablak_messages_negotiate("hu", "en"), ==, "hu");
  g_assert_cmpstr(ablak_messages_negotiate("de, cs-CZ;q=0.8, en;q=0.9", "hu"), ==, "en");
  g_assert_cmpstr(ablak_messages_negotiate("HU-hu", "en"), ==, "hu");
  g_assert_cmpstr(ablak_messages_negotiate("hu;q=0, *;q=0.1", "cs"), ==, "cs");
  g_assert_cmpstr(ablak_messages_negotiate("de,fr", "hu"), ==, "hu");
  g_assert_cmpstr(ablak_messages_negotiate(NULL, "hu"), ==, "hu");
  g_assert_cmpstr(ablak_messages_negotiate(",;q=,;;q=x", "hu"), ==, "hu");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/core/error", test_error);
  g_test_add_func("/core/id/grow", test_ids_grow);
  g_test_add_func("/core/id/threads", test_ids_of_threads_differ);
  g_test_add_func("/core/id/digits", test_digits);
  g_test_add_func("/core/crypto/sha256", test_sha256);
  g_test_add_func("/core/crypto/encodings", test_encodings);
  g_test_add_func("/core/crypto/passwords", test_passwords);
  g_test_add_func("/core/crypto/signer", test_signer);
  g_test_add_func("/core/clock/zone", test_zone);
  g_test_add_func("/core/messages/texts", test_messages);
  g_test_add_func("/core/messages/negotiation", test_negotiation);
  return g_test_run();
}
