/* The authority, certificate requests, EST bodies and the box's identity files, without a store. */
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "provisioning/ca.h"
#include "provisioning/claim-code.h"
#include "provisioning/est.h"
#include "provisioning/identity.h"
#include "provisioning/layout.h"
#include "temporary.h"
#include <glib/gstdio.h>
#include <sys/stat.h>

typedef struct {
  char *hq, *box;
  AblakCa *ca;
} House;

static void house_open(House *house)
{
  GError *error = NULL;
  g_assert_true(ablak_layout_make(house->hq, ABLAK_STATE_HQ, &error));
  g_assert_true(ablak_layout_make(house->box, ABLAK_STATE_BOX, &error));
  g_autofree char *dir = ablak_layout_path(house->hq, ABLAK_LAYOUT_CA);
  house->ca = ablak_ca_open(dir, &error);
  g_assert_no_error(error);
}

static void house_pin(House *house)
{
  GError *error = NULL;
  g_autofree char *path = ablak_layout_path(house->hq, ABLAK_LAYOUT_CA_CERTIFICATE);
  g_autofree char *pem = NULL;
  gsize size = 0;
  g_assert_true(g_file_get_contents(path, &pem, &size, &error));
  g_assert_true(ablak_identity_pin(house->box, pem, size, ablak_ca_fingerprint(house->ca), &error));
  g_assert_no_error(error);
}

static GBytes *enrol_answer(House *house, const char *box)
{
  GError *error = NULL;
  g_autoptr(GBytes) request = ablak_identity_request(house->box, box, &error);
  g_assert_no_error(error);
  g_autoptr(AblakCsr) csr =
      ablak_csr_parse(g_bytes_get_data(request, NULL), g_bytes_get_size(request), &error);
  g_assert_no_error(error);
  g_auto(AblakCertificate) certificate = {0};
  g_assert_true(
      ablak_ca_issue_client(house->ca, csr, box, ablak_clock_wall_ms(), &certificate, &error));
  g_autoptr(GPtrArray) list = g_ptr_array_new();
  g_ptr_array_add(list, certificate.der);
  GBytes *answer = ablak_est_answer_encode(list, &error);
  g_assert_no_error(error);
  return answer;
}

static bool install(House *house, GBytes *answer, GError **error)
{
  return ablak_identity_install(house->box, g_bytes_get_data(answer, NULL),
                                g_bytes_get_size(answer), error);
}

static void run(const char *shell, int expected)
{
  GError *error = NULL;
  const char *argv[] = {"/bin/sh", "-c", shell, NULL};
  int status = 0;
  g_autofree char *out = NULL, *err = NULL;
  g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &err,
                             &status, &error));
  if (WEXITSTATUS(status) != expected)
    g_test_message("%s\n%s%s", shell, out, err);
  g_assert_cmpint(WEXITSTATUS(status), ==, expected);
}

static void test_enrolment_files(void)
{
  TEMPORARY hq = temporary_new();
  TEMPORARY box = temporary_new();
  House house = {hq, box, NULL};
  house_open(&house);
  house_pin(&house);
  GError *error = NULL;
  g_assert_null(ablak_identity_load(box, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/not-enrolled");
  g_clear_error(&error);
  g_autoptr(GBytes) answer = enrol_answer(&house, "hu-000001");
  g_assert_true(install(&house, answer, &error));
  g_autoptr(json_t) document = json_pack("{s:s, s:s, s:s, s:i, s:s}", "box", "hu-000001", "name",
                                         "Minta", "office", "hu", "epoch", 1, "editionKey", "abc");
  g_assert_true(ablak_identity_write_document(box, document, "https://localhost:1", &error));
  g_autoptr(AblakIdentity) identity = ablak_identity_load(box, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(identity->box, ==, "hu-000001");
  g_assert_cmpstr(identity->hq[0], ==, "https://localhost:1");
  g_assert_cmpint(identity->epoch, ==, 1);
  gint64 now_ms = ablak_clock_wall_ms();
  g_assert_false(ablak_identity_renewal_due(identity, now_ms));
  g_assert_true(ablak_identity_renewal_due(identity, now_ms + G_GINT64_CONSTANT(86400000) * 300));
  struct stat status;
  g_autofree char *key = ablak_layout_path(box, ABLAK_LAYOUT_BOX_KEY);
  g_assert_cmpint(stat(key, &status), ==, 0);
  g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
  g_autofree char *verify =
      g_strdup_printf("openssl verify -x509_strict -purpose sslclient -crl_check -CRLfile "
                      "%s/ca/crl.pem -CAfile %s/ca/ca.crt %s/id/box.crt",
                      hq, hq, box);
  run(verify, 0);
  ablak_ca_free(house.ca);
}

/* A lost answer is asked for again with the same request; a crash between the two renames of an
 * installation is finished at the next load. */
static void test_interrupted_enrolment(void)
{
  TEMPORARY hq = temporary_new();
  TEMPORARY box = temporary_new();
  House house = {hq, box, NULL};
  house_open(&house);
  house_pin(&house);
  GError *error = NULL;
  g_autoptr(GBytes) first = ablak_identity_request(box, "cs-1", &error);
  g_autoptr(GBytes) second = ablak_identity_request(box, "cs-1", &error);
  g_assert_true(g_bytes_equal(first, second));
  g_autoptr(GBytes) other = ablak_identity_request(box, "cs-2", &error);
  g_assert_false(g_bytes_equal(first, other));
  g_autoptr(GBytes) answer = enrol_answer(&house, "cs-2");
  g_autofree char *next = ablak_layout_path(box, "id/next.key");
  g_autofree char *copy = NULL;
  gsize size = 0;
  g_assert_true(g_file_get_contents(next, &copy, &size, NULL));
  g_assert_true(install(&house, answer, &error));
  g_autoptr(json_t) document = json_pack("{s:s, s:s, s:i, s:s}", "box", "cs-2", "office", "cs",
                                         "epoch", 1, "editionKey", "abc");
  g_assert_true(ablak_identity_write_document(box, document, "https://localhost:1", &error));
  g_autofree char *key = ablak_layout_path(box, ABLAK_LAYOUT_BOX_KEY);
  g_assert_cmpint(g_unlink(key), ==, 0);
  g_assert_true(g_file_set_contents(next, copy, (gssize)size, NULL));
  g_autoptr(AblakIdentity) identity = ablak_identity_load(box, &error);
  g_assert_no_error(error);
  g_assert_true(g_file_test(key, G_FILE_TEST_EXISTS));
  g_assert_false(g_file_test(next, G_FILE_TEST_EXISTS));
  ablak_ca_free(house.ca);
}

static void test_foreign_answers(void)
{
  TEMPORARY hq = temporary_new();
  TEMPORARY other_hq = temporary_new();
  TEMPORARY box = temporary_new();
  House house = {hq, box, NULL}, other = {other_hq, box, NULL};
  house_open(&house);
  house_open(&other);
  house_pin(&house);
  GError *error = NULL;
  g_autoptr(GBytes) forged = enrol_answer(&other, "hu-1");
  g_assert_false(install(&house, forged, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/bad-answer");
  g_clear_error(&error);
  g_autofree char *path = ablak_layout_path(other_hq, ABLAK_LAYOUT_CA_CERTIFICATE);
  g_autofree char *pem = NULL;
  gsize size = 0;
  g_assert_true(g_file_get_contents(path, &pem, &size, NULL));
  g_assert_false(ablak_identity_pin(box, pem, size, ablak_ca_fingerprint(house.ca), &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/wrong-ca");
  g_clear_error(&error);
  g_assert_false(ablak_identity_install(box, "AAAA", 4, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/bad-answer");
  g_clear_error(&error);
  ablak_ca_free(house.ca);
  ablak_ca_free(other.ca);
}

static void test_server_certificate(void)
{
  TEMPORARY hq = temporary_new();
  TEMPORARY box = temporary_new();
  House house = {hq, box, NULL};
  house_open(&house);
  GError *error = NULL;
  const char *names[] = {"localhost", "127.0.0.1", "::1", NULL};
  gint64 now_ms = ablak_clock_wall_ms();
  g_autofree char *path = ablak_layout_path(hq, ABLAK_LAYOUT_SERVER_CERTIFICATE);
  g_assert_true(ablak_ca_ensure_server(house.ca, names, now_ms, &error));
  g_autofree char *first = ablak_sha256_file_hex(path, &error);
  g_assert_true(ablak_ca_ensure_server(house.ca, names + 1, now_ms, &error));
  g_autofree char *kept = ablak_sha256_file_hex(path, &error);
  g_assert_cmpstr(first, ==, kept);
  const char *more[] = {"hq.example", "localhost", NULL};
  g_assert_true(ablak_ca_ensure_server(house.ca, more, now_ms, &error));
  g_autofree char *renamed = ablak_sha256_file_hex(path, &error);
  g_assert_cmpstr(first, !=, renamed);
  gint64 later_ms = now_ms + G_GINT64_CONSTANT(86400000) * (ABLAK_CA_LEAF_DAYS - 29);
  g_assert_true(ablak_ca_ensure_server(house.ca, more, later_ms, &error));
  g_autofree char *renewed = ablak_sha256_file_hex(path, &error);
  g_assert_cmpstr(renamed, !=, renewed);
  const char *smuggled[] = {"localhost,DNS:evil.example", NULL};
  g_assert_false(ablak_ca_ensure_server(house.ca, smuggled, now_ms, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/bad-name");
  g_clear_error(&error);
  g_autofree char *verify =
      g_strdup_printf("openssl verify -x509_strict -purpose sslserver -verify_hostname hq.example "
                      "-attime %" G_GINT64_FORMAT " -CAfile %s/ca/ca.crt %s/ca/server.crt",
                      later_ms / 1000, hq, hq);
  run(verify, 0);
  ablak_ca_free(house.ca);
}

static void test_revocation_list(void)
{
  TEMPORARY hq = temporary_new();
  TEMPORARY box = temporary_new();
  House house = {hq, box, NULL};
  house_open(&house);
  house_pin(&house);
  GError *error = NULL;
  g_autoptr(GBytes) request = ablak_identity_request(box, "hu-1", &error);
  g_autoptr(AblakCsr) csr =
      ablak_csr_parse(g_bytes_get_data(request, NULL), g_bytes_get_size(request), &error);
  g_auto(AblakCertificate) certificate = {0};
  gint64 now_ms = ablak_clock_wall_ms();
  g_assert_false(ablak_ca_issue_client(house.ca, csr, "hu-2", now_ms, &certificate, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/bad-request");
  g_clear_error(&error);
  g_assert_true(ablak_ca_issue_client(house.ca, csr, "hu-1", now_ms, &certificate, &error));
  g_autofree char *der = g_build_filename(box, "one.der", NULL);
  g_assert_true(g_file_set_contents(der, g_bytes_get_data(certificate.der, NULL),
                                    (gssize)g_bytes_get_size(certificate.der), NULL));
  g_autofree char *verify = g_strdup_printf(
      "openssl verify -crl_check -CRLfile %s/ca/crl.pem -CAfile %s/ca/ca.crt %s", hq, hq, der);
  run(verify, 0);
  g_autoptr(GPtrArray) revoked = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_revoked_free);
  AblakRevoked *entry = g_new0(AblakRevoked, 1);
  entry->serial = g_strdup(certificate.serial);
  entry->revoked_ms = now_ms;
  g_ptr_array_add(revoked, entry);
  g_assert_true(ablak_ca_write_crl(house.ca, revoked, now_ms, &error));
  run(verify, 2);
  ablak_ca_free(house.ca);
}

static void test_authority_is_kept(void)
{
  TEMPORARY hq = temporary_new();
  TEMPORARY box = temporary_new();
  House house = {hq, box, NULL}, again = {hq, box, NULL};
  house_open(&house);
  house_open(&again);
  g_assert_cmpstr(ablak_ca_fingerprint(house.ca), ==, ablak_ca_fingerprint(again.ca));
  ablak_ca_free(again.ca);
  GError *error = NULL;
  g_autofree char *root = ablak_layout_path(hq, ABLAK_LAYOUT_CA_CERTIFICATE);
  g_assert_cmpint(g_unlink(root), ==, 0);
  g_autofree char *dir = ablak_layout_path(hq, ABLAK_LAYOUT_CA);
  g_assert_null(ablak_ca_open(dir, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/ca");
  g_clear_error(&error);
  g_assert_false(ablak_layout_make(hq, ABLAK_STATE_BOX, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/wrong-state");
  g_clear_error(&error);
  ablak_ca_free(house.ca);
}

/* Every flipped byte and every cut of a good request is refused: its signature covers all of it but
 * the signature's own encoding, which must still verify. */
static void test_damaged_requests(void)
{
  TEMPORARY hq = temporary_new();
  TEMPORARY box = temporary_new();
  House house = {hq, box, NULL};
  house_open(&house);
  GError *error = NULL;
  g_autoptr(GBytes) request = ablak_identity_request(box, "hu-1", &error);
  gsize size = 0;
  const guint8 *good = g_bytes_get_data(request, &size);
  g_autofree guint8 *bad = g_memdup2(good, size);
  for (gsize i = 0; i < size; i++) {
    bad[i] ^= 0x11;
    g_assert_null(ablak_csr_parse(bad, size, &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/bad-request");
    g_clear_error(&error);
    bad[i] = good[i];
    g_assert_null(ablak_csr_parse(good, i, NULL));
  }
  ablak_ca_free(house.ca);
}

static void test_request_bodies(void)
{
  GError *error = NULL;
  g_autoptr(GBytes) der = g_bytes_new_static("\x00\x01\x02\xff", 4);
  g_autoptr(GBytes) body = ablak_est_request_encode(der);
  g_autoptr(GBytes) back =
      ablak_est_request_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body), &error);
  g_assert_true(g_bytes_equal(der, back));
  g_autoptr(GBytes) spaced = ablak_est_request_decode(" A A\r\nEC /w==\t", 14, &error);
  g_assert_true(g_bytes_equal(der, spaced));
  static const char *const wrong[] = {"", "A", "AAE", "====", "AA=A", "AAEC/w=*", "-----BEGIN"};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_assert_null(ablak_est_request_decode(wrong[i], strlen(wrong[i]), &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/bad-request");
    g_clear_error(&error);
  }
}

static void test_basic(void)
{
  GError *error = NULL;
  g_autofree char *header = ablak_est_basic_encode("hu-1", "AB:CD");
  g_autofree char *user = NULL, *password = NULL;
  g_assert_true(ablak_est_basic(header, &user, &password, &error));
  g_assert_cmpstr(user, ==, "hu-1");
  g_assert_cmpstr(password, ==, "AB:CD");
  static const char *const wrong[] = {NULL, "", "Bearer x", "Basic", "Basic !!", "Basic aHUx"};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autofree char *none = NULL, *nothing = NULL;
    g_assert_false(ablak_est_basic(wrong[i], &none, &nothing, &error));
    g_assert_cmpuint(ablak_error_status(error), ==, 401);
    g_assert_null(none);
    g_clear_error(&error);
  }
}

static void test_claim_codes(void)
{
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  bool digits_at[16][128] = {{false}};
  for (unsigned i = 0; i < 1000; i++) {
    char *code = ablak_claim_code_new();
    g_assert_true(
        g_regex_match_simple("^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$", code, 0, 0));
    for (unsigned d = 0; d < 16; d++)
      digits_at[d][(unsigned char)code[d + d / 4]] = true;
    g_assert_true(g_hash_table_add(seen, code));
  }
  for (unsigned d = 0; d < 16; d++) {
    unsigned kinds = 0;
    for (unsigned c = 0; c < 128; c++)
      kinds += digits_at[d][c];
    g_assert_cmpuint(kinds, ==, 32); /* every digit varies over the whole alphabet */
  }
  g_autofree char *a = ablak_claim_code_hash("0123-4567-89AB-CDEF");
  g_autofree char *b = ablak_claim_code_hash(" o i23 4567 89ab cdef ");
  g_assert_nonnull(a);
  g_assert_cmpstr(a, ==, b);
  g_assert_null(ablak_claim_code_hash("0123-4567-89AB-CDE"));
  g_assert_null(ablak_claim_code_hash("0123-4567-89AB-CDEFG"));
  g_assert_null(ablak_claim_code_hash("0123-4567-89AB-CDEU"));
}

static void test_claim_limiter(void)
{
  g_autoptr(AblakClaimLimiter) limiter = ablak_claim_limiter_new();
  GError *error = NULL;
  gint64 now_ms = 1000;
  for (unsigned i = 0; i < 10; i++) {
    g_assert_true(ablak_claim_limiter_allow(limiter, "192.0.2.1", now_ms, &error));
    ablak_claim_limiter_failed(limiter, "192.0.2.1", now_ms++);
  }
  g_assert_false(ablak_claim_limiter_allow(limiter, "192.0.2.1", now_ms, &error));
  g_assert_cmpuint(ablak_error_status(error), ==, 429);
  g_clear_error(&error);
  g_assert_true(ablak_claim_limiter_allow(limiter, "192.0.2.2", now_ms, &error));
  now_ms = 1000 + 15 * 60 * 1000;
  g_assert_true(ablak_claim_limiter_allow(limiter, "192.0.2.1", now_ms, &error));
  ablak_claim_limiter_failed(limiter, "192.0.2.1", now_ms);
  g_assert_true(ablak_claim_limiter_allow(limiter, "192.0.2.1", now_ms, &error));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/provisioning/pki/enrolment-files", test_enrolment_files);
  g_test_add_func("/provisioning/pki/interrupted-enrolment", test_interrupted_enrolment);
  g_test_add_func("/provisioning/pki/foreign-answers", test_foreign_answers);
  g_test_add_func("/provisioning/pki/server-certificate", test_server_certificate);
  g_test_add_func("/provisioning/pki/revocation-list", test_revocation_list);
  g_test_add_func("/provisioning/pki/authority-is-kept", test_authority_is_kept);
  g_test_add_func("/provisioning/pki/damaged-requests", test_damaged_requests);
  g_test_add_func("/provisioning/pki/request-bodies", test_request_bodies);
  g_test_add_func("/provisioning/pki/basic", test_basic);
  g_test_add_func("/provisioning/pki/claim-codes", test_claim_codes);
  g_test_add_func("/provisioning/pki/claim-limiter", test_claim_limiter);
  return g_test_run();
}
