/* ablak: the command line of headquarters and boxes. */
#include "core/error.h"
#include "core/log.h"
#include "provisioning/cli/commands.h"
#include <locale.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  const char *words;   /* "box add" */
  const char *usage;   /* what follows them */
  const char *options; /* names, separated by spaces */
  const char *help;
  AblakCommandRun run;
} Command;

static const Command commands[] = {
    {"init hq", "--state DIR", "state", "makes headquarters' state: database, authority and keys",
     ablak_command_init_hq},
    {"user import", "FILE --state DIR", "state",
     "imports staff from CSV (login,name,roles,language,password) and sends it to every box",
     ablak_command_user_import},
    {"kb publish", "FOLDER... --state DIR", "state",
     "builds, signs and publishes an edition from offices' folders", ablak_command_kb_publish},
    {"box add", "--name NAME --office OFFICE --state DIR", "name office state",
     "registers a box at headquarters and prints its one-time claim code", ablak_command_box_add},
    {"enrol", "--hq URL --ca FILE --box ID --code CODE --state DIR [--ca-sha256 HEX]",
     "hq ca ca-sha256 box code state", "enrols this box with its claim code", ablak_command_enrol},
    {"status", "--state DIR", "state", "tells what lies in a state folder", ablak_command_status},
};

static void print_help(void)
{
  printf("ablak: the command line of headquarters and boxes\n\n");
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
    printf("  ablak %s %s\n      %s\n", commands[i].words, commands[i].usage, commands[i].help);
}

/* The number of words by which argv names the command; 0 when it does not. */
static int matches(const Command *command, int argc, char **argv)
{
  g_auto(GStrv) words = g_strsplit(command->words, " ", -1);
  int count = (int)g_strv_length(words);
  if (argc - 1 < count)
    return 0;
  for (int i = 0; i < count; i++)
    if (strcmp(words[i], argv[i + 1]) != 0)
      return 0;
  return count;
}

static int run(const Command *command, int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakOptions) options = ablak_options_parse(command->options, argc, argv, &error);
  if (options && command->run(options, &error))
    return 0;
  bool usage = strcmp(ablak_error_slug(error), "cli/usage") == 0;
  fprintf(stderr, "ablak: %s (%s)\n", error->message, ablak_error_slug(error));
  if (usage)
    fprintf(stderr, "usage: ablak %s %s\n", command->words, command->usage);
  return usage ? 2 : 1;
}

int main(int argc, char **argv)
{
  setlocale(LC_ALL, "");
  ablak_log_init("ablak", ABLAK_LOG_WARNING);
  if (argc < 2 || strcmp(argv[1], "--help") == 0) {
    print_help();
    return argc < 2 ? 2 : 0;
  }
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
    int words = matches(&commands[i], argc, argv);
    if (words)
      return run(&commands[i], argc - 1 - words, argv + 1 + words);
  }
  fprintf(stderr, "ablak: no such command; ablak --help lists them\n");
  return 2;
}
