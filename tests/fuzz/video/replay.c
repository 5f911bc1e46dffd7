/* Runs a fuzz target over every file of a corpus, without libFuzzer. */
#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
  g_autoptr(GDir) directory = argc > 1 ? g_dir_open(argv[1], 0, NULL) : NULL;
  unsigned count = 0;
  for (const char *name; directory != NULL && (name = g_dir_read_name(directory)) != NULL;) {
    g_autofree char *path = g_build_filename(argv[1], name, NULL);
    g_autofree char *data = NULL;
    gsize size;
    if (g_file_get_contents(path, &data, &size, NULL)) {
      LLVMFuzzerTestOneInput((const uint8_t *)data, size);
      count++;
    }
  }
  printf("%u inputs\n", count);
  return count > 0 ? 0 : 1;
}
