/* video/sandbox-calls.c: the lists of system calls that a relay and a recorder make. */
#include "video/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const allowed[] = {
    /* descriptors */
    "recvfrom", "read", "readv", "write", "writev", "close", "dup", "lseek", "epoll_create1",
    "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "ppoll", "eventfd2",
    /* memory; more of it below */
    "brk", "munmap", "mremap", "madvise",
    /* time */
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday",
    /* threads and signals */
    "futex", "rseq", "set_robust_list", "membarrier", "sched_yield", "sched_getaffinity", "getcpu",
    "gettid", "getpid", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "restart_syscall", "exit", "exit_group",
    /* what is asked of oneself */
    "getrandom", "getuid", "geteuid", "getgid", "getegid", "sysinfo", "uname"};

static const char *const packets[] = {"recvmmsg",    "sendmmsg",   "recvmsg",    "sendmsg",
                                      "sendto",      "bind",       "connect",    "getsockname",
                                      "getpeername", "getsockopt", "setsockopt", "shutdown"};

/* GStreamer wakes its own threads through pairs of sockets. */
static const char *const made_files[] = {"fsync", "flock", "socketpair"};

/* Libraries try these and do without: as if there were no such file, or no right to it. */
static const char *const in_vain[] = {
    "open",       "openat2",    "access",     "faccessat",     "faccessat2",   "stat",
    "lstat",      "fstat",      "newfstatat", "statx",         "statfs",       "readlink",
    "readlinkat", "getdents64", "getcwd",     "sched_setattr", "sched_getattr"};

/* Nobody who means well. */
static const char *const deadly[] = {"execve",
                                     "execveat",
                                     "fork",
                                     "vfork",
                                     "ptrace",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "pidfd_getfd",
                                     "mount",
                                     "umount2",
                                     "pivot_root",
                                     "chroot",
                                     "setns",
                                     "unshare",
                                     "bpf",
                                     "userfaultfd",
                                     "io_uring_setup",
                                     "perf_event_open",
                                     "init_module",
                                     "finit_module",
                                     "kexec_load",
                                     "add_key",
                                     "keyctl",
                                     "request_key"};

/* A call that this kind of machine does not have needs no rule. */
static bool rule(scmp_filter_ctx filter, guint32 action, const char *name, guint count,
                 const struct scmp_arg_cmp *arguments)
{
  int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR)
    return true;
  int result = seccomp_rule_add_exact_array(filter, action, call, count, arguments);
  return result == 0 || result == -EDOM;
}

static bool rules(scmp_filter_ctx filter, guint32 action, const char *const *names, gsize count)
{
  for (gsize i = 0; i < count; i++)
    if (!rule(filter, action, names[i], 0, NULL))
      return false;
  return true;
}

/* Calls that are harmless with the first or second argument as given. */
static bool one_of(scmp_filter_ctx filter, const char *name, guint argument, const guint64 *values,
                   gsize count)
{
  for (gsize i = 0; i < count; i++) {
    const struct scmp_arg_cmp value = {argument, SCMP_CMP_EQ, values[i], 0};
    if (!rule(filter, SCMP_ACT_ALLOW, name, 1, &value))
      return false;
  }
  return true;
}

/* UDP; the box's socket; and what getifaddrs() and if_nametoindex() ask through. */
static bool socket_rules(scmp_filter_ctx filter)
{
  static const struct {
    int family, type, protocol;
  } kinds[] = {
      {AF_INET, SOCK_DGRAM, -1},
      {AF_INET6, SOCK_DGRAM, -1},
      {AF_UNIX, SOCK_STREAM, -1},
      {AF_UNIX, SOCK_DGRAM, -1},
      {AF_NETLINK, SOCK_RAW, 0 /* NETLINK_ROUTE */},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    const struct scmp_arg_cmp arguments[] = {
        SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)kinds[i].family),
        SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)kinds[i].type),
        SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)kinds[i].protocol),
    };
    if (!rule(filter, SCMP_ACT_ALLOW, "socket", kinds[i].protocol < 0 ? 2 : 3, arguments))
      return false;
  }
  return rules(filter, SCMP_ACT_ALLOW, packets, G_N_ELEMENTS(packets));
}

/* A new file in one's folder, as Landlock makes sure, and never one that is there. */
static bool file_rules(scmp_filter_ctx filter, bool makes)
{
  const struct scmp_arg_cmp making = SCMP_A2(SCMP_CMP_EQ, ABLAK_SANDBOX_MAKE_FILE);
  const struct scmp_arg_cmp other = SCMP_A2(SCMP_CMP_NE, ABLAK_SANDBOX_MAKE_FILE);
  if (!makes)
    return rule(filter, SCMP_ACT_ERRNO(EACCES), "openat", 0, NULL);
  return rule(filter, SCMP_ACT_ALLOW, "openat", 1, &making) &&
         rule(filter, SCMP_ACT_ERRNO(EACCES), "openat", 1, &other) &&
         rules(filter, SCMP_ACT_ALLOW, made_files, G_N_ELEMENTS(made_files));
}

/* Memory that is written is never run. */
static bool memory_rules(scmp_filter_ctx filter)
{
  const struct scmp_arg_cmp not_run = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  return rule(filter, SCMP_ACT_ALLOW, "mmap", 1, &not_run) &&
         rule(filter, SCMP_ACT_ALLOW, "mprotect", 1, &not_run);
}

/* Threads, no processes. The C library tries clone3() first, whose flags a filter cannot see, and
 * takes clone() where there is none. */
static bool thread_rules(scmp_filter_ctx filter)
{
  const guint64 thread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES;
  const guint64 spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                         CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  const struct scmp_arg_cmp new_thread = SCMP_A0(SCMP_CMP_MASKED_EQ, thread | spaces, thread);
  const struct scmp_arg_cmp new_process = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
  const struct scmp_arg_cmp own = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
  return rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL) &&
         rule(filter, SCMP_ACT_ALLOW, "clone", 1, &new_thread) &&
         rule(filter, SCMP_ACT_KILL_PROCESS, "clone", 1, &new_process) &&
         /* abort() */
         rule(filter, SCMP_ACT_ALLOW, "tgkill", 1, &own);
}

static bool option_rules(scmp_filter_ctx filter)
{
  static const guint64 names[] = {PR_SET_NAME, PR_SET_TIMERSLACK};
  static const guint64 flags[] = {F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC};
  static const guint64 questions[] = {FIONREAD,    SIOCGIFNAME, SIOCGIFINDEX,
                                      SIOCGIFADDR, SIOCGIFCONF, SIOCGIFFLAGS};
  const struct scmp_arg_cmp only_read = SCMP_A2(SCMP_CMP_EQ, 0);
  return one_of(filter, "prctl", 0, names, G_N_ELEMENTS(names)) &&
         one_of(filter, "fcntl", 1, flags, G_N_ELEMENTS(flags)) &&
         one_of(filter, "ioctl", 1, questions, G_N_ELEMENTS(questions)) &&
         rule(filter, SCMP_ACT_ALLOW, "prlimit64", 1, &only_read);
}

bool ablak_sandbox_filter_calls(const AblakSandbox *sandbox)
{
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
  bool good = filter != NULL && rules(filter, SCMP_ACT_ALLOW, allowed, G_N_ELEMENTS(allowed)) &&
              rules(filter, SCMP_ACT_ERRNO(EACCES), in_vain, G_N_ELEMENTS(in_vain)) &&
              rules(filter, SCMP_ACT_KILL_PROCESS, deadly, G_N_ELEMENTS(deadly)) &&
              (!sandbox->sockets || socket_rules(filter)) &&
              file_rules(filter, sandbox->folder != NULL) && memory_rules(filter) &&
              thread_rules(filter) && option_rules(filter) &&
              /* Threads that a sanitizer has started already are taken along. */
              seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return good;
}
