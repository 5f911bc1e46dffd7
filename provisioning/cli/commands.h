/* provisioning/cli/commands.h: what `ablak` can do; the table is in main.c.
 *
 * A command prints to standard output and returns false with an error, whose message names the
 * remedy. Commands open the store directly and may run beside the daemon. */
#pragma once
#include "provisioning/cli/options.h"

typedef bool (*AblakCommandRun)(const AblakOptions *options, GError **error);

bool ablak_command_init_hq(const AblakOptions *options, GError **error);
bool ablak_command_user_import(const AblakOptions *options, GError **error);
bool ablak_command_kb_publish(const AblakOptions *options, GError **error);
bool ablak_command_box_add(const AblakOptions *options, GError **error);
bool ablak_command_enrol(const AblakOptions *options, GError **error);
bool ablak_command_status(const AblakOptions *options, GError **error);
