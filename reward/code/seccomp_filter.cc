#include "reward/code/seccomp_filter.h"

#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include "data/status_macros.h"

namespace grpo {
namespace {

// Memory, time, files as the file system's own rules allow, threads, and pipes.
constexpr const char* kOrdinaryCalls[] = {"read",
                                          "write",
                                          "readv",
                                          "writev",
                                          "pread64",
                                          "pwrite64",
                                          "open",
                                          "openat",
                                          "close",
                                          "close_range",
                                          "stat",
                                          "fstat",
                                          "lstat",
                                          "newfstatat",
                                          "statx",
                                          "statfs",
                                          "fstatfs",
                                          "access",
                                          "faccessat",
                                          "faccessat2",
                                          "readlink",
                                          "readlinkat",
                                          "getdents64",
                                          "getcwd",
                                          "chdir",
                                          "lseek",
                                          "ftruncate",
                                          "fsync",
                                          "fdatasync",
                                          "flock",
                                          "dup",
                                          "dup2",
                                          "dup3",
                                          "pipe",
                                          "pipe2",
                                          "poll",
                                          "ppoll",
                                          "select",
                                          "pselect6",
                                          "epoll_create",
                                          "epoll_create1",
                                          "epoll_ctl",
                                          "epoll_wait",
                                          "epoll_pwait",
                                          "eventfd2",
                                          "socketpair",
                                          "sendto",
                                          "recvfrom",
                                          "shutdown",
                                          "mkdir",
                                          "mkdirat",
                                          "rmdir",
                                          "unlink",
                                          "unlinkat",
                                          "rename",
                                          "renameat",
                                          "renameat2",
                                          "umask",
                                          "mmap",
                                          "munmap",
                                          "mprotect",
                                          "mremap",
                                          "madvise",
                                          "brk",
                                          "futex",
                                          "set_robust_list",
                                          "get_robust_list",
                                          "set_tid_address",
                                          "rseq",
                                          "membarrier",
                                          "arch_prctl",
                                          "sched_yield",
                                          "sched_getaffinity",
                                          "sched_getparam",
                                          "sched_getscheduler",
                                          "getpid",
                                          "getppid",
                                          "gettid",
                                          "getuid",
                                          "geteuid",
                                          "getgid",
                                          "getegid",
                                          "getresuid",
                                          "getresgid",
                                          "getgroups",
                                          "getpgrp",
                                          "getpgid",
                                          "getsid",
                                          "uname",
                                          "sysinfo",
                                          "getrusage",
                                          "times",
                                          "getrlimit",
                                          "getrandom",
                                          "gettimeofday",
                                          "time",
                                          "clock_gettime",
                                          "clock_getres",
                                          "clock_nanosleep",
                                          "nanosleep",
                                          "getitimer",
                                          "setitimer",
                                          "alarm",
                                          "pause",
                                          "rt_sigaction",
                                          "rt_sigprocmask",
                                          "rt_sigreturn",
                                          "rt_sigpending",
                                          "rt_sigtimedwait",
                                          "rt_sigsuspend",
                                          "sigaltstack",
                                          "restart_syscall",
                                          "wait4",
                                          "waitid",
                                          "exit",
                                          "exit_group"};
constexpr const char* kSignalCalls[] = {"kill", "tkill", "tgkill"};
constexpr const char* kProgramCalls[] = {"execve"};
constexpr const char* kCompilerCalls[] = {"fork", "vfork", "chmod", "fchmod", "fchmodat"};

constexpr uint64_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
                                     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

class FilterBuilder {
 public:
  FilterBuilder() : context_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), &seccomp_release) {}

  // What a machine's architecture lacks is passed over: it needs no permission.
  template <typename... Conditions>
  absl::Status Allow(const char* call, Conditions... conditions) {
    const int number = seccomp_syscall_resolve_name(call);
    if (number < 0) return absl::OkStatus();
    const scmp_arg_cmp array[] = {conditions..., {}};
    const int result = seccomp_rule_add_array(context_.get(), SCMP_ACT_ALLOW, number,
                                              sizeof...(conditions), array);
    if (result == 0) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("seccomp filter: system call ", call, ": ", strerror(-result)));
  }

  template <size_t N>
  absl::Status AllowAll(const char* const (&calls)[N]) {
    for (const char* call : calls) RETURN_IF_ERROR(Allow(call));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Export() {
    // A binary tree of comparisons, for the sake of speed.
    seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    const int file = memfd_create("seccomp", MFD_CLOEXEC);
    if (file < 0) return absl::InternalError(absl::StrCat("memfd_create: ", strerror(errno)));
    const int result = seccomp_export_bpf(context_.get(), file);
    std::string code(result == 0 ? lseek(file, 0, SEEK_END) : 0, '\0');
    const ssize_t size = pread(file, code.data(), code.size(), 0);
    close(file);
    if (code.empty() || size != static_cast<ssize_t>(code.size())) {
      return absl::InternalError(absl::StrCat("seccomp filter: export: ", strerror(-result)));
    }
    return code;
  }

 private:
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
};

}  // namespace

absl::StatusOr<std::string> SeccompFilter(SeccompProfile profile, bool signals) {
  FilterBuilder filter;
  RETURN_IF_ERROR(filter.AllowAll(kOrdinaryCalls));
  if (signals) RETURN_IF_ERROR(filter.AllowAll(kSignalCalls));
  for (const uint64_t request : {FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS}) {
    RETURN_IF_ERROR(filter.Allow("ioctl", SCMP_A1(SCMP_CMP_EQ, request)));
  }
  // Not F_SETOWN and F_SETSIG, by which the kernel would send a signal to another process.
  for (const uint64_t command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL,
                                 F_GETLK, F_SETLK, F_SETLKW, F_GETPIPE_SZ}) {
    RETURN_IF_ERROR(filter.Allow("fcntl", SCMP_A1(SCMP_CMP_EQ, command)));
  }
  RETURN_IF_ERROR(filter.Allow("prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)));
  RETURN_IF_ERROR(filter.Allow("prctl", SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME)));
  RETURN_IF_ERROR(filter.Allow("prlimit64", SCMP_A0(SCMP_CMP_EQ, 0)));  // of the caller alone
  if (profile == SeccompProfile::kCompiler) {
    RETURN_IF_ERROR(filter.AllowAll(kCompilerCalls));
    RETURN_IF_ERROR(filter.Allow("clone", SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0)));
  } else {
    const uint64_t mask = kNamespaceFlags | CLONE_THREAD;
    RETURN_IF_ERROR(filter.Allow("clone", SCMP_A0(SCMP_CMP_MASKED_EQ, mask, CLONE_THREAD)));
  }
  if (profile != SeccompProfile::kInterpreter) RETURN_IF_ERROR(filter.AllowAll(kProgramCalls));
  return filter.Export();
}

}  // namespace grpo
