/* The wire: every frame type there and back, and what must be refused. */
#include "core/crypto.h"
#include "core/error.h"
#include "sync/frames.h"
#include <string.h>

static AblakFrame sample(AblakFrameType type)
{
  static const guint8 body[] = "part of a payload";
  AblakFrame frame = {.type = type,
                      .epoch = 3,
                      .oldest_seq = 4,
                      .seq = G_MAXINT64,
                      .down_seq = 6,
                      .protocol = 1,
                      .window = G_MAXUINT32,
                      .index = 8,
                      .total = 1000,
                      .offset = 64,
                      .flag = 1};
  memset(frame.hash, 0x11, ABLAK_HASH_SIZE);
  memset(frame.prev_hash, 0x22, ABLAK_HASH_SIZE);
  memset(frame.schema, 0x33, ABLAK_HASH_SIZE);
  memset(frame.sha256, 0x44, ABLAK_HASH_SIZE);
  g_strlcpy(frame.box, "hu-000001", sizeof frame.box);
  g_strlcpy(frame.generation, "01890a5d-ac96-774b-bcce-b302099a8057", sizeof frame.generation);
  g_strlcpy(frame.kind, "edition", sizeof frame.kind);
  g_strlcpy(frame.slug, "sync/conflict", sizeof frame.slug);
  frame.body = body;
  frame.body_size = sizeof body;
  return frame;
}

static GBytes *encode(AblakFrameType type)
{
  AblakFrame frame = sample(type);
  return ablak_frame_encode(&frame);
}

static void test_there_and_back(void)
{
  for (AblakFrameType type = ABLAK_FRAME_HELLO; type <= ABLAK_FRAME_ERROR; type++) {
    GError *error = NULL;
    AblakFrame frame;
    g_autoptr(GBytes) message = encode(type);
    g_assert_true(ablak_frame_decode(g_bytes_get_data(message, NULL), g_bytes_get_size(message),
                                     &frame, &error));
    g_assert_no_error(error);
    g_autoptr(GBytes) again = ablak_frame_encode(&frame);
    g_assert_true(g_bytes_equal(message, again));
  }
}

static void test_fields(void)
{
  AblakFrame frame;
  g_autoptr(GBytes) hello = encode(ABLAK_FRAME_HELLO);
  g_assert_true(
      ablak_frame_decode(g_bytes_get_data(hello, NULL), g_bytes_get_size(hello), &frame, NULL));
  g_assert_cmpuint(frame.protocol, ==, 1);
  g_assert_cmpstr(frame.box, ==, "hu-000001");
  g_assert_cmpint(frame.epoch, ==, 3);
  g_assert_cmpint(frame.oldest_seq, ==, 4);
  g_assert_cmpint(frame.seq, ==, G_MAXINT64);
  g_assert_cmpint(frame.down_seq, ==, 6);
  g_assert_cmpuint(frame.hash[31], ==, 0x11);
  g_autoptr(GBytes) down = encode(ABLAK_FRAME_DOWN);
  g_assert_true(
      ablak_frame_decode(g_bytes_get_data(down, NULL), g_bytes_get_size(down), &frame, NULL));
  g_assert_cmpstr(frame.kind, ==, "edition");
  g_assert_cmpuint(frame.total, ==, 1000);
  g_assert_cmpuint(frame.offset, ==, 64);
  g_assert_cmpstr((const char *)frame.body, ==, "part of a payload");
}

static void refuse(const void *bytes, gsize size)
{
  GError *error = NULL;
  AblakFrame frame = {.type = 0};
  g_assert_false(ablak_frame_decode(bytes, size, &frame, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "sync/frame");
  g_assert_cmpint((int)frame.type, ==, 0); /* untouched on failure */
  g_clear_error(&error);
}

/* Cut short anywhere, or with a byte too many where no body ends the frame. */
static void test_lengths(void)
{
  for (AblakFrameType type = ABLAK_FRAME_HELLO; type <= ABLAK_FRAME_ERROR; type++) {
    AblakFrame frame = sample(type);
    g_autoptr(GBytes) message = ablak_frame_encode(&frame);
    gsize size = g_bytes_get_size(message);
    const guint8 *bytes = g_bytes_get_data(message, NULL);
    bool has_body = memmem(bytes, size, frame.body, frame.body_size) != NULL;
    gsize fixed = has_body ? size - frame.body_size : size;
    for (gsize cut = 0; cut < fixed; cut++) {
      g_autofree guint8 *exact = g_memdup2(bytes, cut);
      refuse(exact, cut);
    }
    g_autofree guint8 *longer = g_malloc0(size + 1);
    memcpy(longer, bytes, size);
    if (!has_body)
      refuse(longer, size + 1);
  }
}

static void test_limits(void)
{
  static const guint8 types[] = {0, ABLAK_FRAME_ERROR + 1, 255};
  for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
    refuse(&types[i], 1);
  refuse(NULL, 0);
  g_autofree guint8 *huge = g_malloc0(ABLAK_FRAME_MAX + 1);
  huge[0] = ABLAK_FRAME_SCHEMA;
  refuse(huge, ABLAK_FRAME_MAX + 1);
  const struct {
    guint32 total, offset;
  } parts[] = {{1000, 1000}, {64, 64}, {81, 64}, {ABLAK_PAYLOAD_MAX + 1, 0}, {0, 0}};
  for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
    AblakFrame frame = sample(ABLAK_FRAME_DATA);
    frame.total = parts[i].total;
    frame.offset = parts[i].offset;
    g_autoptr(GBytes) message = ablak_frame_encode(&frame);
    refuse(g_bytes_get_data(message, NULL), g_bytes_get_size(message));
  }
  static const guint8 negative[] = {ABLAK_FRAME_NAK, 0x80, 0, 0, 0, 0, 0, 0, 1};
  refuse(negative, sizeof negative);
  static const guint8 control[] = {ABLAK_FRAME_ERROR, 0, 1, '\n'};
  refuse(control, sizeof control);
  static const guint8 longer[] = {ABLAK_FRAME_ERROR, 0, 64};
  refuse(longer, sizeof longer);
}

static AblakFrame part_of(const char *payload, gsize offset, gsize size)
{
  AblakFrame frame = {.type = ABLAK_FRAME_DATA,
                      .total = (guint32)strlen(payload),
                      .offset = (guint32)offset,
                      .body = (const guint8 *)payload + offset,
                      .body_size = size};
  ablak_sha256(payload, strlen(payload), frame.sha256);
  return frame;
}

static void test_assembly(void)
{
  AblakAssembly assembly = {0};
  GError *error = NULL;
  GBytes *payload = NULL;
  AblakFrame first = part_of("abcdef", 0, 2), second = part_of("abcdef", 2, 4);
  g_assert_true(ablak_assembly_add(&assembly, 7, &first, &payload, &error));
  g_assert_null(payload);
  g_assert_true(ablak_assembly_add(&assembly, 7, &second, &payload, &error));
  g_assert_cmpuint(g_bytes_get_size(payload), ==, 6);
  g_clear_pointer(&payload, g_bytes_unref);
  /* Out of place, of another payload, or with another hash in the middle. */
  g_assert_false(ablak_assembly_add(&assembly, 7, &second, &payload, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "sync/protocol");
  g_clear_error(&error);
  g_assert_true(ablak_assembly_add(&assembly, 7, &first, &payload, &error));
  g_assert_false(ablak_assembly_add(&assembly, 8, &second, &payload, &error));
  g_clear_error(&error);
  second.sha256[0] ^= 1;
  g_assert_false(ablak_assembly_add(&assembly, 7, &second, &payload, &error));
  g_clear_error(&error);
  AblakFrame wrong = part_of("abcdef", 0, 6);
  wrong.sha256[0] ^= 1;
  g_assert_false(ablak_assembly_add(&assembly, 7, &wrong, &payload, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "sync/corrupt");
  g_clear_error(&error);
  ablak_assembly_clear(&assembly);
}

static void test_chain(void)
{
  guint8 zero[ABLAK_HASH_SIZE] = {0}, a[ABLAK_HASH_SIZE], b[ABLAK_HASH_SIZE];
  ablak_chain_next(zero, 1, zero, zero, a);
  ablak_chain_next(zero, 1, zero, zero, b);
  g_assert_cmpint(memcmp(a, b, sizeof a), ==, 0);
  ablak_chain_next(zero, 2, zero, zero, b);
  g_assert_cmpint(memcmp(a, b, sizeof a), !=, 0);
  /* SHA-256 of 32 zero bytes, the number 1, and 64 zero bytes. */
  guint8 plain[104] = {0}, expected[ABLAK_HASH_SIZE];
  plain[39] = 1;
  ablak_sha256(plain, sizeof plain, expected);
  g_assert_cmpint(memcmp(a, expected, sizeof a), ==, 0);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sync/frames/there-and-back", test_there_and_back);
  g_test_add_func("/sync/frames/fields", test_fields);
  g_test_add_func("/sync/frames/lengths", test_lengths);
  g_test_add_func("/sync/frames/limits", test_limits);
  g_test_add_func("/sync/frames/assembly", test_assembly);
  g_test_add_func("/sync/frames/chain", test_chain);
  return g_test_run();
}
