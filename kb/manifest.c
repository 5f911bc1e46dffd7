/* The signed statement about an edition file. What is signed is the canonical JSON of the manifest
 * behind a fixed first line, so that no other document of the same key can pass for one. */
#include "core/error.h"
#include "kb/private.h"
#include <glib/gstdio.h>
#include <string.h>

#define SIGNED_KIND "ablak edition 1\n"
#define EDITION_BYTES_MAX (G_GINT64_CONSTANT(4) << 30)

char *ablak_kb_time_text(gint64 utc_ms)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(utc_ms / 1000);
  g_autofree char *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
  return g_strdup_printf("%s.%03dZ", seconds, (int)(utc_ms % 1000));
}

static char *signed_bytes(const json_t *manifest)
{
  g_autofree char *text = ablak_json_canonical(manifest);
  return g_strconcat(SIGNED_KIND, text, NULL);
}

static bool manifest_error(GError **error, const char *message)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "kb/manifest", "%s", message);
  return false;
}

static bool add_meta(AblakTxn *txn, json_t *manifest, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error,
                          "SELECT (SELECT value FROM meta WHERE key = 'issuedAt'), (SELECT value "
                          "FROM meta WHERE key = 'sample'), (SELECT json_group_array(id) FROM "
                          "(SELECT id FROM office ORDER BY id))",
                          "");
  if (rows == NULL)
    return false;
  json_object_set_new(manifest, "issuedAt", json_string(ablak_rows_text(rows, 0)));
  json_object_set_new(manifest, "sample",
                      json_boolean(g_strcmp0(ablak_rows_text(rows, 1), "true") == 0));
  json_object_set_new(manifest, "offices", ablak_rows_json(rows, 2));
  return true;
}

json_t *ablak_kb_manifest_sign(const char *path, AblakSigner *signer, GError **error)
{
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, error);
  if (edition == NULL)
    return NULL;
  g_autoptr(json_t) manifest = json_object();
  if (!add_meta(ablak_kb_edition_txn(edition), manifest, error))
    return NULL;
  GStatBuf status;
  if (g_stat(path, &status) != 0) {
    ablak_kb_file_error(error, "stat", path);
    return NULL;
  }
  g_autofree char *digest = ablak_sha256_file_hex(path, error);
  if (digest == NULL)
    return NULL;
  json_object_set_new(manifest, "number", json_integer(ablak_kb_edition_number(edition)));
  json_object_set_new(manifest, "size", json_integer(status.st_size));
  json_object_set_new(manifest, "sha256", json_string(digest));
  g_autofree char *bytes = signed_bytes(manifest);
  g_autofree char *signature = ablak_signer_sign(signer, bytes, strlen(bytes));
  return json_pack("{s:O, s:s}", "manifest", manifest, "signature", signature);
}

static bool is_digest(const char *text)
{
  if (text == NULL || strlen(text) != 2 * ABLAK_SHA256_SIZE)
    return false;
  return strspn(text, "0123456789abcdef") == 2 * ABLAK_SHA256_SIZE;
}

/* The digest becomes a file name and the numbers become limits: nothing loose gets through. */
static bool check_shape(const json_t *manifest, GError **error)
{
  gint64 number = ablak_json_get_int(manifest, "number", 0);
  gint64 size = ablak_json_get_int(manifest, "size", 0);
  if (number < 1)
    return manifest_error(error, "the manifest has no number");
  if (size < 1 || size > EDITION_BYTES_MAX)
    return manifest_error(error, "the manifest has no possible size");
  if (!is_digest(ablak_json_get_string(manifest, "sha256")))
    return manifest_error(error, "the manifest has no SHA-256");
  if (ablak_json_get_string(manifest, "issuedAt") == NULL ||
      !json_is_array(json_object_get(manifest, "offices")) ||
      !json_is_boolean(json_object_get(manifest, "sample")))
    return manifest_error(error, "the manifest is incomplete");
  return true;
}

bool ablak_kb_manifest_verify(const json_t *signed_manifest, const char *public_key, GError **error)
{
  const json_t *manifest = json_object_get(signed_manifest, "manifest");
  const char *signature = ablak_json_get_string(signed_manifest, "signature");
  if (!json_is_object(manifest) || signature == NULL)
    return manifest_error(error, "not a signed manifest");
  g_autofree char *bytes = signed_bytes(manifest);
  if (bytes == NULL || !ablak_signature_verify(public_key, bytes, strlen(bytes), signature)) {
    ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "kb/signature",
                    "the manifest is not signed with the pinned key");
    return false;
  }
  return check_shape(manifest, error);
}

gint64 ablak_kb_manifest_number(const json_t *signed_manifest)
{
  return ablak_json_get_int(json_object_get(signed_manifest, "manifest"), "number", 0);
}
