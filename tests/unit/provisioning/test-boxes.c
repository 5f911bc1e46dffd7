/* The register of boxes over a real store: claim codes, one use, lost answers, replacement. */
#include "core/error.h"
#include "provisioning/boxes.h"
#include "provisioning/identity.h"
#include "provisioning/layout.h"
#include "temporary.h"

typedef struct {
  char *dir;
  AblakStore *store;
  AblakCa *ca;
  gint64 now_ms;
  /* The step a job runs, its inputs and outputs. */
  const char *id, *code, *certificate_sha256;
  AblakCsr *csr;
  char *ret_id, *ret_code;
  GBytes *ret_der;
} Fixture;

static gint64 fixture_clock(gpointer data)
{
  return ((Fixture *)data)->now_ms;
}

static void setup(Fixture *fixture, gconstpointer data)
{
  GError *error = NULL;
  fixture->dir = temporary_new();
  fixture->now_ms = G_GINT64_CONSTANT(1790000000000);
  g_autofree char *path = g_build_filename(fixture->dir, "hq.db", NULL);
  g_autofree char *ca = g_build_filename(fixture->dir, NULL);
  const AblakStorePart *parts[] = {&ablak_provisioning_store_part, NULL};
  AblakStoreOptions options = {
      .path = path, .parts = parts, .clock = fixture_clock, .clock_data = fixture};
  fixture->store = ablak_store_open(&options, &error);
  g_assert_no_error(error);
  fixture->ca = ablak_ca_open(ca, &error);
  g_assert_no_error(error);
}

static void teardown(Fixture *fixture, gconstpointer data)
{
  ablak_store_close(fixture->store);
  ablak_ca_free(fixture->ca);
  temporary_free(&fixture->dir);
  g_free(fixture->ret_id);
  g_free(fixture->ret_code);
}

/* A request as another machine would make it: a folder of its own. */
static AblakCsr *request(Fixture *fixture, const char *machine, const char *box)
{
  GError *error = NULL;
  g_autofree char *state = g_build_filename(fixture->dir, machine, NULL);
  g_assert_true(ablak_layout_make(state, ABLAK_STATE_BOX, &error));
  g_autoptr(GBytes) der = ablak_identity_request(state, box, &error);
  AblakCsr *csr = ablak_csr_parse(g_bytes_get_data(der, NULL), g_bytes_get_size(der), &error);
  g_assert_no_error(error);
  return csr;
}

static char *fingerprint(GBytes *der)
{
  return g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
}

static bool job_create(AblakTxn *txn, gpointer data, GError **error)
{
  Fixture *fixture = data;
  g_clear_pointer(&fixture->ret_id, g_free);
  g_clear_pointer(&fixture->ret_code, g_free);
  return ablak_box_create(txn, fixture->id, "Minta utca", "hu", "system", &fixture->ret_id,
                          &fixture->ret_code, error);
}

static bool job_claim(AblakTxn *txn, gpointer data, GError **error)
{
  Fixture *fixture = data;
  g_clear_pointer(&fixture->ret_code, g_free);
  return ablak_box_claim(txn, fixture->id, "system", &fixture->ret_code, error);
}

static bool job_replace(AblakTxn *txn, gpointer data, GError **error)
{
  Fixture *fixture = data;
  g_clear_pointer(&fixture->ret_code, g_free);
  return ablak_box_replace(txn, fixture->id, "system", &fixture->ret_code, error);
}

static bool job_revoke(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_box_revoke(txn, ((Fixture *)data)->id, "system", error);
}

static bool job_redeem(AblakTxn *txn, gpointer data, GError **error)
{
  Fixture *fixture = data;
  return ablak_claim_redeem(txn, fixture->ca, fixture->id, fixture->code, fixture->csr,
                            &fixture->ret_der, error);
}

static bool job_renew(AblakTxn *txn, gpointer data, GError **error)
{
  Fixture *fixture = data;
  return ablak_box_renew(txn, fixture->ca, fixture->certificate_sha256, fixture->csr,
                         &fixture->ret_der, error);
}

static void run(Fixture *fixture, AblakJob job)
{
  g_autoptr(GError) error = NULL;
  bool ok = ablak_store_write_sync(fixture->store, job, fixture, &error);
  g_assert_no_error(error);
  g_assert_true(ok);
}

static void refuse(Fixture *fixture, AblakJob job, const char *slug)
{
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_store_write_sync(fixture->store, job, fixture, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, slug);
}

static char *create(Fixture *fixture, const char *id)
{
  fixture->id = id;
  run(fixture, job_create);
  return g_strdup(fixture->ret_code);
}

static GBytes *redeem(Fixture *fixture, const char *id, const char *code, AblakCsr *csr)
{
  fixture->id = id;
  fixture->code = code;
  fixture->csr = csr;
  run(fixture, job_redeem);
  return g_steal_pointer(&fixture->ret_der);
}

static void refuse_redeem(Fixture *fixture, const char *id, const char *code, AblakCsr *csr,
                          const char *slug)
{
  fixture->id = id;
  fixture->code = code;
  fixture->csr = csr;
  refuse(fixture, job_redeem, slug);
}

static AblakBox *identify(Fixture *fixture, GBytes *der, GError **error)
{
  g_autofree char *sha256 = fingerprint(der);
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, NULL);
  return ablak_box_identify(txn, sha256, error);
}

static void test_one_use(Fixture *fixture, gconstpointer data)
{
  g_autofree char *code = create(fixture, "hu-1");
  g_autoptr(AblakCsr) csr = request(fixture, "a", "hu-1");
  g_autoptr(AblakCsr) other = request(fixture, "b", "hu-1");
  refuse_redeem(fixture, "hu-2", code, csr, "provisioning/claim-unknown");
  refuse_redeem(fixture, "hu-1", "0000-0000-0000-0000", csr, "provisioning/claim-unknown");
  refuse_redeem(fixture, "hu-1", "", csr, "provisioning/claim-unknown");
  g_autofree char *typed = g_ascii_strdown(code, -1);
  g_autoptr(GBytes) der = redeem(fixture, "hu-1", typed, csr);
  fixture->now_ms += 10 * ABLAK_CLAIM_LIFE_MS; /* the answer was lost for long */
  g_autoptr(GBytes) again = redeem(fixture, "hu-1", code, csr);
  g_assert_true(g_bytes_equal(der, again));
  refuse_redeem(fixture, "hu-1", code, other, "provisioning/claim-used");
  g_autoptr(AblakBox) box = identify(fixture, der, NULL);
  g_assert_cmpstr(box->id, ==, "hu-1");
  g_assert_cmpint(box->epoch, ==, 1);
  refuse(fixture, job_create, "provisioning/box-exists");
  refuse(fixture, job_claim, "provisioning/box-state");
}

static void test_expiry(Fixture *fixture, gconstpointer data)
{
  g_autofree char *code = create(fixture, "hu-1");
  g_autoptr(AblakCsr) csr = request(fixture, "a", "hu-1");
  fixture->now_ms += ABLAK_CLAIM_LIFE_MS;
  refuse_redeem(fixture, "hu-1", code, csr, "provisioning/claim-expired");
  run(fixture, job_claim);
  g_autofree char *second = g_strdup(fixture->ret_code);
  run(fixture, job_claim);
  refuse_redeem(fixture, "hu-1", second, csr, "provisioning/claim-expired");
  g_autoptr(GBytes) der = redeem(fixture, "hu-1", fixture->ret_code, csr);
  g_assert_nonnull(der);
}

static void test_replacement(Fixture *fixture, gconstpointer data)
{
  g_autofree char *code = create(fixture, "hu-1");
  g_autoptr(AblakCsr) old_csr = request(fixture, "a", "hu-1");
  g_autoptr(AblakCsr) new_csr = request(fixture, "b", "hu-1");
  g_autoptr(GBytes) old = redeem(fixture, "hu-1", code, old_csr);
  run(fixture, job_replace);
  GError *error = NULL;
  g_assert_null(identify(fixture, old, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "provisioning/box-revoked");
  g_clear_error(&error);
  refuse_redeem(fixture, "hu-1", code, old_csr, "provisioning/claim-used");
  g_autofree char *new_code = g_strdup(fixture->ret_code);
  g_autoptr(GBytes) renewed = redeem(fixture, "hu-1", new_code, new_csr);
  g_autoptr(AblakBox) box = identify(fixture, renewed, &error);
  g_assert_cmpint(box->epoch, ==, 2);
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, NULL);
  g_autoptr(GPtrArray) revoked = ablak_box_revoked(txn, &error);
  g_assert_cmpuint(revoked->len, ==, 1);
  g_autofree char *old_sha256 = fingerprint(old);
  fixture->certificate_sha256 = old_sha256;
  refuse(fixture, job_renew, "provisioning/box-revoked");
}

static void test_renewal(Fixture *fixture, gconstpointer data)
{
  g_autofree char *code = create(fixture, "hu-1");
  g_autoptr(AblakCsr) csr = request(fixture, "a", "hu-1");
  g_autoptr(AblakCsr) next = request(fixture, "b", "hu-1");
  g_autoptr(GBytes) first = redeem(fixture, "hu-1", code, csr);
  g_autofree char *sha256 = fingerprint(first);
  fixture->certificate_sha256 = sha256;
  fixture->csr = next;
  run(fixture, job_renew);
  g_autoptr(GBytes) second = g_steal_pointer(&fixture->ret_der);
  run(fixture, job_renew);
  g_autoptr(GBytes) again = g_steal_pointer(&fixture->ret_der);
  g_assert_true(g_bytes_equal(second, again));
  g_assert_false(g_bytes_equal(first, second));
  g_autoptr(AblakBox) one = identify(fixture, first, NULL);
  g_autoptr(AblakBox) two = identify(fixture, second, NULL);
  g_assert_cmpint(one->epoch, ==, two->epoch);
  run(fixture, job_revoke);
  g_assert_null(identify(fixture, second, NULL));
}

static void test_names(Fixture *fixture, gconstpointer data)
{
  static const char *const wrong[] = {"", "Hu", "-a", "a-", "a b", "a/b", "a;b"};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    fixture->id = wrong[i];
    refuse(fixture, job_create, "provisioning/bad-name");
  }
  fixture->id = NULL;
  run(fixture, job_create);
  g_assert_true(g_regex_match_simple("^hu-[0-9]{6}$", fixture->ret_id, 0, 0));
  GError *error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, NULL);
  g_autoptr(GPtrArray) list = ablak_box_list(txn, &error);
  g_assert_cmpuint(list->len, ==, 1);
  g_autoptr(json_t) document = ablak_box_document(g_ptr_array_index(list, 0), "key");
  g_assert_cmpstr(ablak_json_get_string(document, "box"), ==, fixture->ret_id);
  g_autoptr(GPtrArray) events = ablak_events_since(txn, 0, 10, &error);
  g_assert_cmpuint(events->len, ==, 1);
  g_assert_cmpstr(((AblakEvent *)g_ptr_array_index(events, 0))->kind, ==, "box.created");
}

#define CASE(name, test)                                                                           \
  g_test_add("/provisioning/boxes/" name, Fixture, NULL, setup, test, teardown)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  CASE("one-use", test_one_use);
  CASE("expiry", test_expiry);
  CASE("replacement", test_replacement);
  CASE("renewal", test_renewal);
  CASE("names", test_names);
  return g_test_run();
}
