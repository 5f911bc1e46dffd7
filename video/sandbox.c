/* video/sandbox.c: the steps into the sandbox, and what is said when something was refused. */
#include "video/sandbox.h"
#include "core/error.h"
#include "core/log.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define CALLS_MAX 1024
/* Newer than Debian 12's headers: the truncating of files (Landlock ABI 3). */
#define ACCESS_TRUNCATE (G_GUINT64_CONSTANT(1) << 14)

bool ablak_sandbox_drop_privileges(void)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
  /* Only who has a right may take it from the bounding set; who has not needs nothing taken. */
  for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
    prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
  return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
         syscall(SYS_capset, &header, none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool allow_making(int rules, int folder)
{
  const struct landlock_path_beneath_attr beneath = {
      .allowed_access = LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE,
      .parent_fd = folder,
  };
  return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
}

bool ablak_sandbox_forbid_files(int folder)
{
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  struct landlock_ruleset_attr handled = {.handled_access_fs = 2 * LANDLOCK_ACCESS_FS_MAKE_SYM - 1};
  if (abi < 1)
    return false;
  if (abi >= 2)
    handled.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3)
    handled.handled_access_fs |= ACCESS_TRUNCATE;
  int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  bool good = rules >= 0 && (folder < 0 || allow_making(rules, folder)) &&
              syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  if (rules >= 0)
    close(rules);
  return good;
}

/* What libraries would read at their first use, and do worse without: random seeds (GLib's go into
 * ICE passwords, Jansson's keep its tables from being flooded), OpenSSL's settings. */
static bool read_ahead(void)
{
  g_random_int();
  json_object_seed(0);
  return OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1;
}

static void set_result(ucontext_t *context, int error)
{
#if defined __x86_64__
  context->uc_mcontext.gregs[REG_RAX] = -error;
#elif defined __aarch64__
  context->uc_mcontext.regs[0] = (guint64)-error;
#else
#error "say where this machine returns a system call's result"
#endif
}

static const char *program;

/* Nothing may be allocated here: the call may have come from the allocator. */
static void tell_refused(int call)
{
  char line[128];
  int size = snprintf(line, sizeof line,
                      "{\"level\":\"error\",\"program\":\"%s\",\"event\":\"sandbox.refused\","
                      "\"call\":\"%d\"}\n",
                      program, call);
  if (write(STDERR_FILENO, line, (size_t)size) < 0)
    return; /* there is nowhere to say so */
}

static void on_refused(int signal, siginfo_t *info, void *context)
{
  static atomic_bool told[CALLS_MAX];
  int before = errno, call = info->si_syscall;
  if (call < 0 || call >= CALLS_MAX || !atomic_exchange(&told[call], true))
    tell_refused(call);
  errno = before;
  set_result(context, EPERM);
}

static bool watch_refused(void)
{
  struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_NODEFER};
  return sigaction(SIGSYS, &action, NULL) == 0;
}

static bool close_doors(const AblakSandbox *sandbox)
{
  int folder = -1;
  if (sandbox->folder != NULL &&
      (folder = open(sandbox->folder, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
    return false;
  bool good = read_ahead() && ablak_sandbox_drop_privileges();
  if (good && !ablak_sandbox_forbid_files(folder))
    ablak_log(ABLAK_LOG_INFO, "sandbox.without-landlock", NULL);
  if (folder >= 0)
    close(folder);
  return good && watch_refused() && ablak_sandbox_filter_calls(sandbox);
}

bool ablak_sandbox_enter(const AblakSandbox *sandbox, GError **error)
{
  program = sandbox->program;
  if (close_doors(sandbox))
    return true;
  ablak_error_set(error, ABLAK_ERROR_FAILED, "media/sandbox", "the sandbox cannot be set up: %s",
                  g_strerror(errno));
  return false;
}
