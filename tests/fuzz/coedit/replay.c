/* Runs a fuzz target over every file of the folders given, in builds without libFuzzer. */
#include <glib.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int main(int argc, char **argv)
{
  unsigned count = 0;
  for (int i = 1; i < argc; i++) {
    g_autoptr(GDir) dir = g_dir_open(argv[i], 0, NULL);
    const char *name;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
      g_autofree char *path = g_build_filename(argv[i], name, NULL), *content = NULL;
      gsize size = 0;
      if (!g_file_get_contents(path, &content, &size, NULL))
        g_error("%s cannot be read", path);
      LLVMFuzzerTestOneInput((const guint8 *)content, size);
      count++;
    }
  }
  g_print("%u inputs\n", count);
  return count == 0;
}
