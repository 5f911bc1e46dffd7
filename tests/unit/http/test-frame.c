#include "http/frame.h"
#include <string.h>

typedef struct {
  GString *log;
  gsize total;
} Seen;

static bool on_message(AblakFrameKind kind, const guint8 *bytes, gsize size, gpointer data)
{
  Seen *seen = data;
  g_assert_cmpint(bytes[size], ==, 0);
  seen->total += size;
  g_string_append_printf(seen->log, "%u:%.*s ", (unsigned)kind, (int)MIN(size, (gsize)20),
                         (const char *)bytes);
  return true;
}

/* Reads `frames` one after the other, in pieces of `step` bytes; returns the close code. */
static unsigned read_all(GPtrArray *frames, gsize step, bool masked, gsize max, Seen *seen)
{
  g_autoptr(AblakFrames) reader = ablak_frames_new(masked, max, on_message, seen);
  for (guint i = 0; i < frames->len; i++) {
    gsize size;
    const guint8 *bytes = g_bytes_get_data(frames->pdata[i], &size);
    for (gsize at = 0; at < size; at += step) {
      unsigned code = ablak_frames_read(reader, bytes + at, MIN(step, size - at));
      if (code != 0)
        return code;
    }
  }
  return 0;
}

static GPtrArray *new_frames(void)
{
  return g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
}

static void add(GPtrArray *frames, AblakFrameKind kind, const char *text, bool mask, bool fin)
{
  g_autoptr(GBytes) whole = ablak_frame_new(kind, text, strlen(text), mask);
  gsize size;
  guint8 *bytes = g_memdup2(g_bytes_get_data(whole, &size), g_bytes_get_size(whole));
  if (!fin)
    bytes[0] &= 0x7f;
  g_ptr_array_add(frames, g_bytes_new_take(bytes, size));
}

static void test_round_trip(void)
{
  static const gsize sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 200000};
  for (unsigned mask = 0; mask < 2; mask++)
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
      g_autoptr(GPtrArray) frames = new_frames();
      g_autofree guint8 *bytes = g_malloc0(sizes[i] + 1);
      g_ptr_array_add(frames, ablak_frame_new(ABLAK_FRAME_BINARY, bytes, sizes[i], mask != 0));
      Seen seen = {.log = g_string_new(NULL)};
      g_assert_cmpuint(read_all(frames, 1000, mask != 0, 200000, &seen), ==, 0);
      g_assert_cmpuint(seen.total, ==, sizes[i]);
      g_assert_true(g_str_has_prefix(seen.log->str, "2:"));
      g_string_free(seen.log, TRUE);
    }
}

static void test_fragments(void)
{
  for (gsize step = 1; step < 9; step++) {
    g_autoptr(GPtrArray) frames = new_frames();
    add(frames, ABLAK_FRAME_TEXT, "ár", true, false);
    add(frames, ABLAK_FRAME_PING, "p", true, true);
    add(frames, ABLAK_FRAME_CONTINUATION, "", true, false);
    add(frames, ABLAK_FRAME_CONTINUATION, "víz", true, true);
    add(frames, ABLAK_FRAME_TEXT, "", true, true);
    Seen seen = {.log = g_string_new(NULL)};
    g_assert_cmpuint(read_all(frames, step, true, 100, &seen), ==, 0);
    g_assert_cmpstr(seen.log->str, ==, "9:p 1:árvíz 1: ");
    g_string_free(seen.log, TRUE);
  }
}

static unsigned code_of(const char *first, AblakFrameKind kind, bool fin, gsize max)
{
  g_autoptr(GPtrArray) frames = new_frames();
  add(frames, kind, first, true, fin);
  if (!fin)
    add(frames, ABLAK_FRAME_CONTINUATION, first, true, true);
  Seen seen = {.log = g_string_new(NULL)};
  unsigned code = read_all(frames, 3, true, max, &seen);
  g_string_free(seen.log, TRUE);
  return code;
}

static void test_codes(void)
{
  g_assert_cmpuint(code_of("12345678", ABLAK_FRAME_TEXT, true, 8), ==, 0);
  g_assert_cmpuint(code_of("123456789", ABLAK_FRAME_TEXT, true, 8), ==, 1009);
  g_assert_cmpuint(code_of("1234", ABLAK_FRAME_TEXT, false, 8), ==, 0);
  g_assert_cmpuint(code_of("12345", ABLAK_FRAME_TEXT, false, 8), ==, 1009);
  g_assert_cmpuint(code_of("\xff", ABLAK_FRAME_TEXT, true, 8), ==, 1007);
  g_assert_cmpuint(code_of("\xff", ABLAK_FRAME_BINARY, true, 8), ==, 0);
  g_assert_cmpuint(code_of("a", ABLAK_FRAME_CONTINUATION, true, 8), ==, 1002);
  g_assert_cmpuint(code_of("a", (AblakFrameKind)3, true, 8), ==, 1002);
  g_assert_cmpuint(code_of("a", ABLAK_FRAME_PING, false, 8), ==, 1002);
}

static void test_masking_is_demanded(void)
{
  for (unsigned masked = 0; masked < 2; masked++) {
    g_autoptr(GPtrArray) frames = new_frames();
    add(frames, ABLAK_FRAME_TEXT, "a", masked != 0, true);
    Seen seen = {.log = g_string_new(NULL)};
    g_assert_cmpuint(read_all(frames, 99, masked == 0, 100, &seen), ==, 1002);
    g_string_free(seen.log, TRUE);
  }
}

static void test_length_beyond_everything(void)
{
  static const guint8 bytes[] = {0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                 0xff, 0xff, 0xff, 1,    2,    3,    4};
  Seen seen = {.log = g_string_new(NULL)};
  g_autoptr(AblakFrames) reader = ablak_frames_new(true, 1000, on_message, &seen);
  g_assert_cmpuint(ablak_frames_read(reader, bytes, sizeof bytes), ==, 1009);
  g_string_free(seen.log, TRUE);
}

static unsigned close_code(const char *bytes, gsize size)
{
  return ablak_frame_close_code((const guint8 *)bytes, size);
}

static void test_close(void)
{
  g_assert_cmpuint(close_code("", 0), ==, 1005);
  g_assert_cmpuint(close_code("\x03", 1), ==, 0);
  g_assert_cmpuint(close_code("\x03\xe8", 2), ==, 1000);
  g_assert_cmpuint(close_code("\x03\xe8ok", 4), ==, 1000);
  g_assert_cmpuint(close_code("\x03\xe8\xff", 3), ==, 0);
  g_assert_cmpuint(close_code("\x03\xed", 2), ==, 0); /* 1005 never stands on the wire */
  g_assert_cmpuint(close_code("\x13\x87", 2), ==, 4999);
  g_assert_cmpuint(close_code("\x13\x88", 2), ==, 0);
  g_autofree char *reason = g_strnfill(200, 'x');
  memcpy(reason + 122, "ű", 2); /* would be cut in the middle */
  g_autoptr(GBytes) frame = ablak_frame_new_close(4001, reason, false);
  g_assert_cmpuint(g_bytes_get_size(frame), ==, 2 + 2 + 122);
}

static void test_accept(void)
{
  /* RFC 6455 §1.3 */
  g_autofree char *accept = ablak_frame_accept("dGhlIHNhbXBsZSBub25jZQ==");
  g_assert_cmpstr(accept, ==, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  g_assert_null(ablak_frame_accept(""));
  g_assert_null(ablak_frame_accept("c2hvcnQ="));
  g_autofree char *key = ablak_frame_key();
  g_autofree char *own = ablak_frame_accept(key);
  g_assert_nonnull(own);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/http/frame/round-trip", test_round_trip);
  g_test_add_func("/http/frame/fragments", test_fragments);
  g_test_add_func("/http/frame/codes", test_codes);
  g_test_add_func("/http/frame/masking", test_masking_is_demanded);
  g_test_add_func("/http/frame/length", test_length_beyond_everything);
  g_test_add_func("/http/frame/close", test_close);
  g_test_add_func("/http/frame/accept", test_accept);
  return g_test_run();
}
