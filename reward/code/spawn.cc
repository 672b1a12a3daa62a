#include "reward/code/spawn.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace grpo {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// In the child, which shares this process's memory until it calls execve: system calls only, and
// raw ones where the library's wrappers would speak to the other threads (setresuid).
[[noreturn]] void StartInChild(const SpawnRequest& request, char* const* arguments,
                               char* const* environment, const int* descriptors) {
  const int count = static_cast<int>(request.descriptors.size());
  for (int i = 0; i < count; ++i) {
    if (dup2(descriptors[i], i) < 0) _exit(126);
  }
  setsid();
  bool ready = syscall(SYS_close_range, count, ~0U, 0) == 0;
  if (request.user.has_value()) {
    const uid_t user = *request.user;
    ready = ready && syscall(SYS_setgroups, 0, nullptr) == 0 &&
            syscall(SYS_setresgid, user, user, user) == 0 &&
            syscall(SYS_setresuid, user, user, user) == 0;
  }
  if (ready) execve(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

absl::StatusOr<pid_t> Spawn(const SpawnRequest& request) {
  const std::vector<char*> arguments = Pointers(request.command);
  const std::vector<char*> environment = Pointers(request.environment);
  // Copies above the numbers that they are to get, so that none overwrites another.
  std::vector<int> copies;
  for (const int descriptor : request.descriptors) {
    copies.push_back(fcntl(descriptor, F_DUPFD_CLOEXEC, 64));
  }
  const bool copied = std::count(copies.begin(), copies.end(), -1) == 0;
  sigset_t all, before;
  sigfillset(&all);
  // No handler may run in the child while it shares our memory.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = copied ? vfork() : -1;
  if (pid == 0) {
    StartInChild(request, arguments.data(), environment.data(), copies.data());
  }
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  for (const int copy : copies) {
    if (copy >= 0) close(copy);
  }
  if (pid < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start ", request.command[0], ": ", strerror(error)));
  }
  return pid;
}

}  // namespace grpo
