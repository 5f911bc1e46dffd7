/* video/sandbox.h: what a process of ours may still do once it takes bytes from strangers.
 *
 * Purpose: a relay needs datagrams, its one Unix connection, memory and time; a recorder needs the
 * two descriptors it was given, and to make files in one folder. Everything else goes:
 *  - capabilities, and the way back to them (no_new_privs);
 *  - files: Landlock, where the kernel has it, without a single rule or with one for the folder;
 * and no system call that opens, renames or removes one, so that nothing rests on one of the two
 *    alone. Who has a folder may call open(2) in one way only, which makes a new file to write to;
 *  - programs, processes, other processes, memory that can be run, sockets other than those needed:
 *    a seccomp filter that allows what is listed in sandbox-calls.c.
 * What libraries try as a matter of course (a file of settings) fails without a word. What nobody
 * here has a use for ends the process if an attacker would (exec, ptrace), and else fails and is
 * logged once ("sandbox.refused"), as a newer library may try something harmless. systemd's unit
 * goes further where it can (image/units).
 *
 * The same holds in every build and for every test: there is no way to leave it out.
 *
 * Threads: once, before the first thread is started; they inherit all of it. Files are read before,
 * and code that is loaded as it is needed (GStreamer's elements) is loaded before. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct {
  const char *program; /* of the log; it must outlive the process's use of it */
  bool sockets;        /* UDP, and to the box */
  const char *folder;  /* where it makes its files; NULL: it makes none */
} AblakSandbox;

/* The one way to open a file. */
#define ABLAK_SANDBOX_MAKE_FILE (O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)

/* On failure the process must not go on. */
bool ablak_sandbox_enter(const AblakSandbox *sandbox, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Its parts, for tests of each alone. */
bool ablak_sandbox_drop_privileges(void);
/* But for making them in an open folder; -1: none. false when the kernel has no Landlock. */
bool ablak_sandbox_forbid_files(int folder);
bool ablak_sandbox_filter_calls(const AblakSandbox *sandbox);
