/* Packets of known moments, delayed, lost and mixed up, become files with the moments in their
 * places: lips with words, one party with the other. */
#include "video/recorder/party.h"
#include "media.h"
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#define ORIGIN_US ((gint64)5000 * G_USEC_PER_SEC)
#define SYNC_MS 80
static const guint8 key[ABLAK_SEAL_KEY_SIZE] = "these tests'";

typedef struct {
  char *folder;
  AblakFiles *files;
} Fixture;

static void fixture_make(Fixture *fixture, gconstpointer unused)
{
  fixture->folder = g_dir_make_tmp("ablak-party-XXXXXX", NULL);
  fixture->files = ablak_files_new(fixture->folder, "r", key, ORIGIN_US, NULL);
  g_assert_nonnull(fixture->files);
}

static char *part_path(const Fixture *fixture, guint number)
{
  return g_strdup_printf("%s/r.%u.part", fixture->folder, number);
}

static void fixture_clear(Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer(&fixture->files, ablak_files_free);
  for (guint i = 0; i < 20; i++) {
    g_autofree char *path = part_path(fixture, i);
    g_unlink(path);
  }
  g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
  g_free(fixture->folder);
}

static GBytes *open_part(const Fixture *fixture, guint number)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = part_path(fixture, number);
  g_autoptr(AblakSealReader) reader = ablak_seal_reader_new(path, key, &error);
  g_assert_no_error(error);
  GBytes *bytes = ablak_seal_reader_read(reader, 0, G_MAXINT, &error);
  g_assert_no_error(error);
  return bytes;
}

/* Lines of the table of contents of one type. */
static GPtrArray *contents(const Fixture *fixture, const char *type)
{
  g_autoptr(GBytes) bytes = open_part(fixture, 0);
  g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
  for (char **line = lines; *line != NULL; line++) {
    json_t *object = **line != '\0' ? ablak_json_parse(*line, strlen(*line), NULL) : NULL;
    if (object != NULL && g_strcmp0(ablak_json_get_string(object, "type"), type) == 0)
      g_ptr_array_add(found, object);
    else
      json_decref(object);
  }
  return found;
}

typedef struct {
  gint64 delay_us, jitter_us;
  gint64 video_more_us; /* pictures take longer */
  guint lose_every;     /* 0: none */
  gint64 from_us;       /* on the timeline */
} Line;

typedef struct {
  const MediaPacket *packet;
  gint64 at_us;
} Arrival;

static gint by_arrival(gconstpointer a, gconstpointer b)
{
  const Arrival *x = a, *y = b;
  return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

static gboolean is_video(const MediaPacket *packet)
{
  const guint8 *data = g_bytes_get_data(packet->data, NULL);
  return (data[1] & 0x7f) < 111 && !packet->rtcp;
}

/* All the packets over the line to the party; when the last one came. */
static gint64 play(AblakParty *party, const GPtrArray *packets, const Line *line)
{
  g_autoptr(GArray) arrivals = g_array_new(FALSE, FALSE, sizeof(Arrival));
  for (guint i = 0; i < packets->len; i++) {
    const MediaPacket *packet = packets->pdata[i];
    gint64 delay_us = line->delay_us + (gint64)(i * 7919 % 101) * line->jitter_us / 100 +
                      (is_video(packet) ? line->video_more_us : 0);
    const Arrival arrival = {packet, ORIGIN_US + line->from_us + packet->said_us + delay_us};
    if (line->lose_every == 0 || packet->rtcp || i % line->lose_every != line->lose_every - 1)
      g_array_append_val(arrivals, arrival);
  }
  g_array_sort(arrivals, by_arrival);
  gint64 at_us = 0;
  for (guint i = 0; i < arrivals->len; i++) {
    const Arrival *arrival = &g_array_index(arrivals, Arrival, i);
    gsize size = 0;
    const guint8 *data = g_bytes_get_data(arrival->packet->data, &size);
    at_us = arrival->at_us;
    ablak_party_receive(party, data, size, arrival->packet->rtcp, at_us, 0);
    if (i % 20 == 0)
      ablak_party_tick(party, at_us);
  }
  return at_us;
}

/* But for the first, which may have come before a report. */
static void all_near(const GArray *moments, gint64 from_ms, guint count, gint64 near_ms)
{
  g_assert_cmpuint(moments->len, ==, count);
  for (guint i = 1; i < moments->len; i++)
    g_assert_cmpint(ABS(g_array_index(moments, gint64, i) - from_ms - (gint64)i * 1000), <=,
                    near_ms);
}

/* Each second's beep and flash are together, and the two parties' seconds are where they were. */
static void check_sync(Fixture *fixture, const char *codec)
{
  static const Line lines[] = {{30000, 20000, 90000, 0, 200000}, {90000, 40000, 150000, 0, 700000}};
  for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
    g_autoptr(GPtrArray) packets = media_make(8, codec, 1000 * (i + 1), 3900000000 + i * 12345678);
    AblakParty *party = ablak_party_new(fixture->files, i == 0 ? "citizen" : "clerk");
    gint64 end_us = play(party, packets, &lines[i]);
    ablak_party_finish(party, end_us);
    ablak_party_free(party);
  }
  g_assert_true(ablak_files_finish(fixture->files, NULL));
  for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
    g_autoptr(GBytes) file = open_part(fixture, i + 1);
    g_auto(MediaSeen) seen;
    media_look(file, &seen);
    /* SamplingFrequency 48000.0, without which browsers refuse the file. */
    static const guint8 rate[] = {0xb5, 0x88, 0x40, 0xe7, 0x70, 0, 0, 0, 0, 0};
    gsize size = 0;
    const void *data = g_bytes_get_data(file, &size);
    g_assert_nonnull(memmem(data, MIN(size, (gsize)4096), rate, sizeof rate));
    gint64 said_ms = (lines[i].from_us + lines[i].delay_us) / 1000;
    all_near(seen.beeps, said_ms, 8, SYNC_MS);
    all_near(seen.flashes, said_ms, 8, SYNC_MS);
    gint64 worst = 0;
    /* By their reports, which come in the first second. */
    for (guint j = 1; j < 8; j++)
      worst = MAX(worst, ABS(g_array_index(seen.beeps, gint64, j) -
                             g_array_index(seen.flashes, gint64, j)));
    g_test_message("%s: sound and picture at most %" G_GINT64_FORMAT " ms apart", codec, worst);
    g_assert_cmpint(worst, <, SYNC_MS);
  }
}

static void test_sync(Fixture *fixture, gconstpointer codec)
{
  check_sync(fixture, codec);
}

/* Lost packets cost pictures, not the places of those that came. */
static void test_loss(Fixture *fixture, gconstpointer unused)
{
  const Line line = {40000, 60000, 0, 37, 0};
  g_autoptr(GPtrArray) packets = media_make(8, "vp8", 1, 3900000000);
  AblakParty *party = ablak_party_new(fixture->files, "citizen");
  ablak_party_finish(party, play(party, packets, &line));
  ablak_party_free(party);
  g_assert_true(ablak_files_finish(fixture->files, NULL));
  g_autoptr(GBytes) file = open_part(fixture, 1);
  g_auto(MediaSeen) seen;
  media_look(file, &seen);
  all_near(seen.beeps, 40, 8, SYNC_MS);
  g_assert_cmpuint(seen.frames, >, 20);
  g_autoptr(GPtrArray) missed = contents(fixture, "missed");
  g_assert_cmpuint(missed->len, >, 0);
}

/* The camera comes after three seconds and goes again: three parts, one timeline. */
static void test_camera_on_and_off(Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GPtrArray) all = media_make(14, "vp8", 1, 3900000000);
  g_autoptr(GPtrArray) packets = g_ptr_array_new();
  for (guint i = 0; i < all->len; i++) {
    const MediaPacket *packet = all->pdata[i];
    if (!is_video(packet) || (packet->said_us >= 3900000 && packet->said_us < 7900000))
      g_ptr_array_add(packets, all->pdata[i]);
  }
  const Line line = {30000, 10000, 0, 0, 0};
  AblakParty *party = ablak_party_new(fixture->files, "citizen");
  ablak_party_finish(party, play(party, packets, &line));
  ablak_party_free(party);
  g_assert_true(ablak_files_finish(fixture->files, NULL));
  g_autoptr(GPtrArray) parts = contents(fixture, "part");
  g_assert_cmpuint(parts->len, ==, 3);
  guint beeps = 0;
  for (guint i = 0; i < parts->len; i++) {
    g_autoptr(GBytes) file = open_part(fixture, i + 1);
    g_auto(MediaSeen) seen;
    media_look(file, &seen);
    g_assert_cmpint(ABS(seen.first_ms - ablak_json_get_int(parts->pdata[i], "t", -1)), <, 30);
    g_assert_cmpuint(seen.flashes->len, ==, i == 1 ? 4 : 0);
    beeps += seen.beeps->len;
  }
  g_assert_cmpuint(beeps, >=, 13); /* one may be cut by the parts' border */
}

/* The entries for players are where clusters begin, with a key frame each. */
static void test_entries(Fixture *fixture, gconstpointer unused)
{
  static const guint8 cluster[] = {0x1f, 0x43, 0xb6, 0x75};
  const Line line = {30000, 10000, 0, 0, 0};
  g_autoptr(GPtrArray) packets = media_make(8, "vp8", 1, 3900000000);
  AblakParty *party = ablak_party_new(fixture->files, "citizen");
  ablak_party_finish(party, play(party, packets, &line));
  ablak_party_free(party);
  g_assert_true(ablak_files_finish(fixture->files, NULL));
  g_autoptr(GBytes) file = open_part(fixture, 1);
  g_autoptr(GPtrArray) entries = contents(fixture, "cluster");
  g_assert_cmpuint(entries->len, >=, 3);
  for (guint i = 0; i < entries->len; i++) {
    gsize offset = (gsize)ablak_json_get_int(entries->pdata[i], "offset", -1);
    g_assert_cmpuint(offset + 4, <, g_bytes_get_size(file));
    g_assert_cmpmem((const guint8 *)g_bytes_get_data(file, NULL) + offset, 4, cluster, 4);
  }
}

/* A second picture beside the first is passed over; one that comes instead is taken. */
static void test_other_stream(Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GPtrArray) first = media_make(4, "vp8", 1, 3900000000);
  g_autoptr(GPtrArray) beside = media_make(4, "vp8", 50, 3900000000);
  g_autoptr(GPtrArray) after = media_make(4, "vp8", 90, 3900000000);
  g_autoptr(GPtrArray) both = g_ptr_array_new();
  for (guint i = 0; i < MAX(first->len, beside->len); i++) {
    if (i < first->len)
      g_ptr_array_add(both, first->pdata[i]);
    if (i < beside->len && i > 10)
      g_ptr_array_add(both, beside->pdata[i]);
  }
  const Line line = {30000, 0, 0, 0, 0}, later = {30000, 0, 0, 0, 6000000};
  AblakParty *party = ablak_party_new(fixture->files, "citizen");
  play(party, both, &line);
  ablak_party_finish(party, play(party, after, &later));
  ablak_party_free(party);
  g_assert_true(ablak_files_finish(fixture->files, NULL));
  g_autoptr(GBytes) file = open_part(fixture, 1);
  g_auto(MediaSeen) seen;
  media_look(file, &seen);
  g_assert_cmpuint(seen.beeps->len, ==, 8);
  g_assert_cmpint(g_array_index(seen.beeps, gint64, 4), >, 5900);
  g_assert_cmpuint(seen.frames, ==, 2 * 61); /* 4 s of 1/15 s cut to us */
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  gst_init(NULL, NULL);
#define ADD(path, data, test)                                                                      \
  g_test_add("/video/recorder/party/" path, Fixture, data, fixture_make, test, fixture_clear)
  ADD("sync/vp8", "vp8", test_sync);
  ADD("sync/vp9", "vp9", test_sync);
  ADD("sync/h264", "h264", test_sync);
  ADD("loss", NULL, test_loss);
  ADD("camera-on-and-off", NULL, test_camera_on_and_off);
  ADD("entries", NULL, test_entries);
  ADD("other-stream", NULL, test_other_stream);
#undef ADD
  return g_test_run();
}
