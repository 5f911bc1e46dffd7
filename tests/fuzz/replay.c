/* Runs a fuzz target over the files of a folder: the corpus as a regression test. */
#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
  g_autoptr(GDir) dir = argc == 2 ? g_dir_open(argv[1], 0, NULL) : NULL;
  if (dir == NULL) {
    g_printerr("usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  unsigned count = 0;
  for (const char *name; (name = g_dir_read_name(dir)) != NULL; count++) {
    g_autofree char *path = g_build_filename(argv[1], name, NULL);
    g_autofree char *data = NULL;
    gsize size = 0;
    if (!g_file_get_contents(path, &data, &size, NULL))
      return 1;
    /* An exact copy: the contents end with a NUL that would hide an overrun. */
    g_autofree uint8_t *exact = g_memdup2(data, size);
    LLVMFuzzerTestOneInput(exact, size);
  }
  g_print("%u inputs\n", count);
  return count > 0 ? 0 : 1;
}
