/* video/sandbox.h: what this process may still do once it takes bytes from strangers.
 *
 * Purpose: a relay needs datagrams, its one Unix connection, memory and time. Everything else goes:
 *  - capabilities, and the way back to them (no_new_privs);
 *  - files: Landlock without a single rule, where the kernel has it, and no system call that opens,
 *    makes, renames or removes one, so that nothing rests on one of the two alone;
 *  - programs, processes, other processes, memory that can be run, sockets other than UDP and Unix:
 *    a seccomp filter that allows what is listed in sandbox-calls.c.
 * What libraries try as a matter of course (a file of settings) fails without a word. What nobody
 * here has a use for ends the process if an attacker would (exec, ptrace), and else fails and is
 * logged once, as a newer library may try something harmless. systemd's unit goes further where it
 * can (image/units).
 *
 * The same holds in every build and for every test: there is no way to leave it out.
 *
 * Threads: once, before the first thread is started; they inherit all of it. Files are read before:
 * settings cannot be reloaded after. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* On failure the process must not go on. */
bool ablak_sandbox_enter(GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Its parts, for tests of each alone. */
bool ablak_sandbox_drop_privileges(void);
/* false when the kernel has no Landlock. */
bool ablak_sandbox_forbid_files(void);
bool ablak_sandbox_filter_calls(void);
