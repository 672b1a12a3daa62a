#include "reward/code/cgroup.h"

#include <atomic>
#include <cerrno>
#include <ctime>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/file.h"

namespace grpo {
namespace {

constexpr char kRoot[] = "/sys/fs/cgroup";

bool WriteControl(const std::string& path, absl::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return written;
}

std::string ReadControl(const std::string& path) { return ReadFile(path).value_or(""); }

constexpr char kPrefix[] = "grpo-sandbox-";  // then the process that made it, and a serial number
// A group this young may be one that somebody is about to fill.
constexpr int kSecondsBeforeAbandoned = 600;

// Removes what a program left here that was killed before it could: empty groups of processes that
// are gone.
void RemoveAbandoned(const std::string& parent) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(parent);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    absl::string_view rest = name;
    int process;
    struct stat made;
    const bool is_one = absl::ConsumePrefix(&rest, kPrefix) &&
                        absl::SimpleAtoi(rest.substr(0, rest.find('-')), &process) && process > 0;
    const std::string folder = absl::StrCat(parent, "/", name);
    if (!is_one || kill(process, 0) == 0 || errno != ESRCH || stat(folder.c_str(), &made) != 0 ||
        made.st_mtime + kSecondsBeforeAbandoned > time(nullptr)) {
      continue;
    }
    rmdir(folder.c_str());  // refused where something still runs inside
  }
}

}  // namespace

std::unique_ptr<Cgroup> Cgroup::Create(int64_t memory_bytes, int processes) {
  std::unique_ptr<Cgroup> group(new Cgroup());
  // "4:memory:/path" (version 1) or "0::/path" (version 2).
  for (const absl::string_view line : absl::StrSplit(ReadControl("/proc/self/cgroup"), '\n')) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    if (fields[1] == "memory") {
      group->AddFolder(absl::StrCat(kRoot, "/memory", fields[2]),
                       {{"memory.limit_in_bytes", memory_bytes}});
    } else if (fields[1] == "pids") {
      group->AddFolder(absl::StrCat(kRoot, "/pids", fields[2]), {{"pids.max", processes}});
    } else if (fields[1].empty()) {
      // Fails, rightly, where the group has processes of its own and nobody delegated it to us.
      const std::string parent = absl::StrCat(kRoot, fields[2]);
      WriteControl(parent + "/cgroup.subtree_control", "+memory +pids");
      group->AddFolder(parent, {{"memory.max", memory_bytes}, {"pids.max", processes}});
    }
  }
  if (group->folders_.empty()) return nullptr;
  return group;
}

void Cgroup::AddFolder(const std::string& parent,
                       const std::vector<std::pair<std::string, int64_t>>& limits) {
  static std::atomic<int> serial{0};
  // The first box of a process (of two controllers, in version 1) looks after what others left.
  if (serial < 2) RemoveAbandoned(parent);
  const std::string folder = absl::StrCat(parent, "/", kPrefix, getpid(), "-", serial++);
  if (mkdir(folder.c_str(), 0755) != 0) return;
  for (const auto& [name, value] : limits) {
    if (!WriteControl(absl::StrCat(folder, "/", name), absl::StrCat(value))) {
      rmdir(folder.c_str());
      return;
    }
  }
  folders_.push_back(folder);
}

absl::Status Cgroup::Add(pid_t pid) {
  for (const std::string& folder : folders_) {
    if (!WriteControl(folder + "/cgroup.procs", absl::StrCat(pid))) {
      return absl::InternalError(absl::StrCat("cannot move a process into ", folder));
    }
  }
  return absl::OkStatus();
}

Cgroup::~Cgroup() {
  for (const std::string& folder : folders_) {
    const absl::Time end = absl::Now() + absl::Seconds(1);
    while (rmdir(folder.c_str()) != 0 && errno == EBUSY && absl::Now() < end) {
      for (const absl::string_view line :
           absl::StrSplit(ReadControl(folder + "/cgroup.procs"), '\n')) {
        int pid;
        if (absl::SimpleAtoi(line, &pid) && pid > 1) kill(pid, SIGKILL);
      }
      absl::SleepFor(absl::Milliseconds(1));
    }
  }
}

}  // namespace grpo
