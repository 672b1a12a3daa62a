#include "reward/plugins/supervisor.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace grpo {
namespace {

constexpr int kLifeline = 3;
constexpr int kMaxKillRounds = 5000;  // of a millisecond

// The parent of a process; 0 where there is no such process any more.
pid_t ParentOf(const char* process) {
  const std::string path = std::string("/proc/") + process + "/stat";
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  std::array<char, 1024> text;
  const ssize_t bytes = read(descriptor, text.data(), text.size() - 1);
  close(descriptor);
  if (bytes <= 0) return 0;
  text[bytes] = '\0';
  // pid (name) state parent: the name may hold parentheses and spaces.
  const char* name_end = strrchr(text.data(), ')');
  int parent = 0;
  if (name_end == nullptr || sscanf(name_end + 1, " %*c %d", &parent) != 1) return 0;
  return parent;
}

std::multimap<pid_t, pid_t> ChildrenOfAll() {
  std::multimap<pid_t, pid_t> children;
  DIR* processes = opendir("/proc");
  if (processes == nullptr) return children;
  while (const dirent* entry = readdir(processes)) {
    const pid_t process = atoi(entry->d_name);
    if (process > 0) children.emplace(ParentOf(entry->d_name), process);
  }
  closedir(processes);
  return children;
}

void KillTree(pid_t root, const std::multimap<pid_t, pid_t>& children) {
  const auto [begin, end] = children.equal_range(root);
  for (auto child = begin; child != end; ++child) {
    kill(child->second, SIGKILL);
    KillTree(child->second, children);
  }
}

// What loses its parent becomes a child of this process, so nothing escapes by detaching itself.
void KillDescendants() {
  for (int round = 0; round < kMaxKillRounds; ++round) {
    pid_t reaped;
    while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (reaped < 0 && errno == ECHILD) return;
    KillTree(getpid(), ChildrenOfAll());
    const timespec millisecond = {0, 1000000};
    nanosleep(&millisecond, nullptr);
  }
}

[[noreturn]] void BecomeCommand(char* const* argv, pid_t supervisor, const sigset_t& mask) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) _exit(127);  // it was gone before the line above
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  execvp(argv[0], argv);
  dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

// Leaves the pipes to the command alone, so that their ends show when it is gone.
void ReleaseStandardDescriptors() {
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int descriptor = 0; descriptor <= 2; ++descriptor) dup2(nothing, descriptor);
  if (nothing > 2) close(nothing);
}

// True with the command's wait status when it has ended; orphans are reaped on the way.
bool ReapUntil(pid_t command, int* wait_status) {
  int status;
  pid_t ended;
  while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
    if (ended == command) {
      *wait_status = status;
      return true;
    }
  }
  return false;
}

// False where the lifeline was cut first.
bool WaitForCommand(pid_t command, int signals, int* wait_status) {
  while (true) {
    std::array<pollfd, 2> polled = {{{kLifeline, POLLIN, 0}, {signals, POLLIN, 0}}};
    poll(polled.data(), polled.size(), -1);
    std::array<signalfd_siginfo, 16> information;
    while (read(signals, information.data(), sizeof(information)) > 0) {
    }
    if (ReapUntil(command, wait_status)) return true;
    if (polled[0].revents != 0) return false;
  }
}

[[noreturn]] void EndAs(int wait_status) {
  if (!WIFSIGNALED(wait_status)) _exit(WEXITSTATUS(wait_status));
  const int number = WTERMSIG(wait_status);
  prctl(PR_SET_DUMPABLE, 0);  // the command has left its core file, where it may
  signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  raise(number);
  _exit(128 + number);
}

}  // namespace

int Supervise(char* const* argv) {
  if (argv[0] == nullptr || fcntl(kLifeline, F_SETFD, FD_CLOEXEC) != 0) {
    fprintf(stderr, "--supervise is for the program's own use: COMMAND, and a pipe as 3\n");
    return 2;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t child_signal, before;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, &before);
  const int signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  const pid_t supervisor = getpid();
  const pid_t command = fork();
  if (command == 0) BecomeCommand(argv, supervisor, before);
  if (command < 0 || signals < 0) {
    fprintf(stderr, "cannot start a process: %s\n", strerror(errno));
    return 1;
  }
  ReleaseStandardDescriptors();
  int wait_status = 0;
  const bool ended = WaitForCommand(command, signals, &wait_status);
  KillDescendants();
  if (!ended) return 0;
  EndAs(wait_status);
}

}  // namespace grpo
