#include "core/error.h"
#include "core/log.h"
#include "provisioning/cli/cli.h"
#include <locale.h>
#include <string.h>

#define STATE                                                                                      \
  {                                                                                                \
    "state", "DIR", true, "the folder of the state"                                                \
  }
#define ID                                                                                         \
  {                                                                                                \
    "id", "ID", true, "the box's id"                                                               \
  }

static const CliCommand commands[] = {
    {"init hq",
     NULL,
     0,
     0,
     "makes headquarters' state: authority, keys, database",
     {STATE},
     cli_init_hq},
    {"enrol",
     NULL,
     0,
     0,
     "makes this machine a box of headquarters",
     {STATE,
      {"hq", "URL", true, "headquarters' address for boxes, https://host:port"},
      {"box", "ID", true, "the box's id, from \"ablak box add\""},
      {"code", "CODE", true, "the claim code that belongs to it; good for one machine"},
      {"ca", "FILE", false, "headquarters' ca.crt, brought here by a trusted way"},
      {"ca-sha256", "HEX", false, "or its fingerprint, which \"ablak status\" prints there"}},
     cli_enrol},
    {"renew",
     NULL,
     0,
     0,
     "renews this box's certificate when less than a third of its life is left",
     {STATE,
      {"hq", "URL", false, "headquarters' address, when it is not the one of the enrolment"},
      {"force", NULL, false, "renews it in any case"}},
     cli_renew},
    {"box add",
     NULL,
     0,
     0,
     "registers a box and prints its id and claim code",
     {STATE,
      {"name", "NAME", true, "what people call it"},
      {"office", "CODE", true, "the office whose catalogue and law it works under, e.g. hu"},
      {"id", "ID", false, "an id of your own instead of a made one"},
      {"json", NULL, false, "prints JSON"}},
     cli_box_add},
    {"box claim",
     NULL,
     0,
     0,
     "prints a new claim code for a box that is not enrolled yet",
     {STATE, ID},
     cli_box_claim},
    {"box replace",
     NULL,
     0,
     0,
     "fences the machine out and prints a claim code for its successor",
     {STATE, ID},
     cli_box_replace},
    {"box revoke", NULL, 0, 0, "fences the machine out for good", {STATE, ID}, cli_box_revoke},
    {"box release",
     NULL,
     0,
     0,
     "lets a box that was set apart try again",
     {STATE, ID},
     cli_box_release},
    {"user import",
     "FILE",
     1,
     1,
     "adds or changes staff from a CSV file and sends them to all boxes",
     {STATE},
     cli_user_import},
    {"user disable",
     "LOGIN",
     1,
     1,
     "signs a person out everywhere and lets them in no more",
     {STATE},
     cli_user_disable},
    {"user enable", "LOGIN", 1, 1, "lets a disabled person in again", {STATE}, cli_user_enable},
    {"kb publish",
     "DIR...",
     1,
     64,
     "builds, signs and publishes an edition of the catalogue",
     {STATE},
     cli_kb_publish},
    {"status",
     NULL,
     0,
     0,
     "tells how things stand",
     {STATE, {"json", NULL, false, "prints JSON"}},
     cli_status},
    {"backup",
     "OUT",
     1,
     1,
     "copies database, keys and editions into a new folder OUT, also at work",
     {STATE},
     cli_backup},
    {"restore",
     "BACKUP",
     1,
     1,
     "makes a state of a backup; the daemon must not run",
     {STATE, {"replace", NULL, false, "moves the state that is there aside first"}},
     cli_restore},
};

/* --- help --- */

static void print_usage(const CliCommand *command)
{
  g_print("ablak %s", command->words);
  for (const CliOption *option = command->options; option->name != NULL; option++)
    g_print(option->required ? " --%s%s%s" : " [--%s%s%s]", option->name,
            option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
  g_print("%s%s\n", command->arguments != NULL ? " " : "",
          command->arguments != NULL ? command->arguments : "");
}

static void print_command_help(const CliCommand *command)
{
  print_usage(command);
  g_print("    %s\n", command->help);
  for (const CliOption *option = command->options; option->name != NULL; option++) {
    g_autofree char *left =
        g_strdup_printf("--%s%s%s", option->name, option->value != NULL ? " " : "",
                        option->value != NULL ? option->value : "");
    g_print("    %-18s %s\n", left, option->help);
  }
}

static void print_help(void)
{
  g_print("ablak: the command line of the branch office in a box and of its headquarters\n\n");
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
    g_print("  %-12s %s\n", commands[i].words, commands[i].help);
  g_print("\n\"ablak COMMAND --help\" tells a command's options.\n");
}

/* --- the command line --- */

const char *cli_option(const CliCall *call, const char *name)
{
  return g_hash_table_lookup(call->options, name);
}

bool cli_flag(const CliCall *call, const char *name)
{
  return g_hash_table_contains(call->options, name);
}

/* How many of the arguments are the command's words; 0 when it is another command. */
static unsigned matches(const CliCommand *command, int argc, char **argv)
{
  g_auto(GStrv) words = g_strsplit(command->words, " ", -1);
  unsigned count = g_strv_length(words);
  if ((unsigned)argc < count)
    return 0;
  for (unsigned i = 0; i < count; i++)
    if (strcmp(words[i], argv[i]) != 0)
      return 0;
  return count;
}

static const CliOption *find_option(const CliCommand *command, const char *name)
{
  for (const CliOption *option = command->options; option->name != NULL; option++)
    if (strcmp(option->name, name) == 0)
      return option;
  return NULL;
}

/* One "--name value" or "--name=value" at *at; NULL or what is wrong with it. */
static char *take_option(const CliCommand *command, CliCall *call, char **argv, int argc, int *at)
{
  const char *text = argv[*at] + 2, *equals = strchr(text, '=');
  g_autofree char *name = equals != NULL ? g_strndup(text, (gsize)(equals - text)) : g_strdup(text);
  const CliOption *option = find_option(command, name);
  if (option == NULL)
    return g_strdup_printf("there is no option --%s", name);
  if (option->value == NULL) {
    if (equals != NULL)
      return g_strdup_printf("--%s takes no value", name);
    g_hash_table_insert(call->options, (gpointer)option->name, (gpointer) "");
    return NULL;
  }
  const char *value = equals != NULL ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
  if (value == NULL || *value == '\0')
    return g_strdup_printf("--%s needs a value", name);
  g_hash_table_insert(call->options, (gpointer)option->name, (gpointer)value);
  return NULL;
}

static char *parse(const CliCommand *command, CliCall *call, int argc, char **argv)
{
  g_autoptr(GPtrArray) arguments = g_ptr_array_new();
  for (int i = 0; i < argc; i++) {
    if (!g_str_has_prefix(argv[i], "--")) {
      g_ptr_array_add(arguments, argv[i]);
      continue;
    }
    char *wrong = take_option(command, call, argv, argc, &i);
    if (wrong != NULL)
      return wrong;
  }
  for (const CliOption *option = command->options; option->name != NULL; option++)
    if (option->required && !cli_flag(call, option->name))
      return g_strdup_printf("--%s is missing: %s", option->name, option->help);
  if (arguments->len < command->arguments_min || arguments->len > command->arguments_max)
    return command->arguments != NULL
               ? g_strdup_printf("give %s", command->arguments)
               : g_strdup_printf("\"%s\" is too much", (char *)arguments->pdata[0]);
  g_ptr_array_add(arguments, NULL);
  call->arguments = (char **)g_ptr_array_free(g_steal_pointer(&arguments), FALSE);
  return NULL;
}

static int run(const CliCommand *command, int argc, char **argv)
{
  g_autoptr(GHashTable) options = g_hash_table_new(g_str_hash, g_str_equal);
  CliCall call = {.options = options};
  g_autofree char *wrong = parse(command, &call, argc, argv);
  if (wrong != NULL) {
    g_printerr("ablak %s: %s\n\"ablak %s --help\" tells more.\n", command->words, wrong,
               command->words);
    return 2;
  }
  g_autoptr(GError) error = NULL;
  bool done = command->run(&call, &error);
  g_free(call.arguments);
  if (!done)
    g_printerr("ablak %s: %s (%s)\n", command->words, error->message, ablak_error_slug(error));
  return done ? 0 : 1;
}

static bool wants_help(int argc, char **argv)
{
  for (int i = 0; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
      return true;
  return false;
}

int main(int argc, char **argv)
{
  setlocale(LC_ALL, "");
  ablak_log_init("ablak", ABLAK_LOG_ERROR);
  bool help = wants_help(argc - 1, argv + 1);
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
    int words = (int)matches(&commands[i], argc - 1, argv + 1);
    if (words > 0 && help)
      print_command_help(&commands[i]);
    if (words > 0)
      return help ? 0 : run(&commands[i], argc - 1 - words, argv + 1 + words);
  }
  if (argc > 1 && !help) {
    g_printerr("ablak: there is no command \"%s%s%s\"\n\"ablak --help\" lists them.\n", argv[1],
               argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
    return 2;
  }
  print_help();
  return help ? 0 : 2;
}
