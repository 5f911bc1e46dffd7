/* provisioning/cli/cli.h: the `ablak` command: one table of commands, their options and their help.
 *
 * Exit codes: 0 done, 1 it failed (the message names the remedy where there is one), 2 the command
 * line is wrong. Results go to standard output, everything else to standard error. Commands open
 * the state folder directly and may run beside the daemon: SQLite lets one write at a time, and
 * events and journals are written as the daemon writes them. */
#pragma once
#include "core/json.h"
#include "store/store.h"
#include <glib.h>
#include <stdbool.h>

#define CLI_OPTIONS_MAX 8

typedef struct {
  const char *name;  /* "state" */
  const char *value; /* "DIR"; NULL: a flag */
  bool required;
  const char *help;
} CliOption;

typedef struct {
  GHashTable *options; /* name -> value; flags have "" */
  char **arguments;    /* NULL-terminated */
} CliCall;

typedef struct {
  const char *words;     /* "box add" */
  const char *arguments; /* "FILE", "DIR...", or NULL */
  unsigned arguments_min, arguments_max;
  const char *help;
  CliOption options[CLI_OPTIONS_MAX]; /* ends with name NULL */
  bool (*run)(const CliCall *call, GError **error);
} CliCommand;

/* Borrowed; NULL when it was not given. */
const char *cli_option(const CliCall *call, const char *name);
bool cli_flag(const CliCall *call, const char *name);

bool cli_init_hq(const CliCall *call, GError **error);
bool cli_enrol(const CliCall *call, GError **error);
bool cli_renew(const CliCall *call, GError **error);
bool cli_user_import(const CliCall *call, GError **error);
bool cli_user_disable(const CliCall *call, GError **error);
bool cli_user_enable(const CliCall *call, GError **error);
bool cli_box_add(const CliCall *call, GError **error);
bool cli_box_claim(const CliCall *call, GError **error);
bool cli_box_replace(const CliCall *call, GError **error);
bool cli_box_revoke(const CliCall *call, GError **error);
bool cli_box_release(const CliCall *call, GError **error);
bool cli_kb_publish(const CliCall *call, GError **error);
bool cli_status(const CliCall *call, GError **error);
bool cli_backup(const CliCall *call, GError **error);
bool cli_restore(const CliCall *call, GError **error);

/* Headquarters' database in the folder of --state; it must be initialised. */
AblakStore *cli_open_hq(const CliCall *call, GError **error);
/* A whole state folder copied to a backup and back, see backup.c. */
bool cli_backup_make(const char *state, const char *out, GError **error);
bool cli_backup_restore(const char *backup, const char *state, bool replace, GError **error);

/* The PEM chain a TLS server shows, not yet trusted (pin.c). `url` is "https://host:port". */
GBytes *cli_fetch_chain(const char *url, GError **error);
