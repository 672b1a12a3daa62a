#include "reward/code/box.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "nlohmann/json.hpp"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "reward/code/box_source.h"
#include "reward/code/job_stream.h"
#include "reward/code/seccomp_filter.h"
#include "reward/code/spawn.h"

namespace grpo {
namespace {

constexpr char kPython[] = "/usr/bin/python3";
constexpr uid_t kNobody = 65534;
constexpr absl::Duration kStartTime = absl::Seconds(20);
constexpr absl::Duration kEndTime = absl::Seconds(2);
constexpr int kDeadlineSliceMs = 20;  // how often a waiting run looks at its deadline

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat("sandbox: ", what, ": ", strerror(errno)));
}

absl::StatusOr<std::pair<Descriptor, Descriptor>> SocketPair(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return SystemError("socketpair");
  return std::make_pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

bool IsSymbolicLink(const char* path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

// The environment of the server alone: bubblewrap's own is empty, because its first process keeps
// it.
std::vector<std::string> BubblewrapCommand(const std::string& bubblewrap) {
  std::vector<std::string> command = {bubblewrap,      "--unshare-all",
                                      "--uid",         absl::StrCat(kNobody),
                                      "--gid",         absl::StrCat(kNobody),
                                      "--cap-drop",    "ALL",
                                      "--cap-add",
                                      "CAP_SYS_ADMIN",  // the server's, for the jobs' namespaces
                                      "--ro-bind",     "/usr",
                                      "/usr"};
  for (const char* folder : {"lib", "lib64", "lib32", "bin"}) {
    const std::string path = absl::StrCat("/", folder);
    if (IsSymbolicLink(path.c_str())) {
      for (const std::string& part :
           {std::string("--symlink"), absl::StrCat("usr/", folder), path}) {
        command.push_back(part);
      }
    } else if (DirectoryExists(path)) {
      for (const std::string& part : {std::string("--ro-bind"), path, path})
        command.push_back(part);
    }
  }
  for (const char* part : {"--dir",
                           "/tmp",
                           "--dir",
                           "/dev",
                           "--dev-bind",
                           "/dev/null",
                           "/dev/null",
                           "--dev-bind",
                           "/dev/urandom",
                           "/dev/urandom",
                           "--remount-ro",
                           "/",
                           "--chdir",
                           "/",
                           "--setenv",
                           "PYTHONHASHSEED",
                           "0",
                           "--setenv",
                           "LC_ALL",
                           "C.UTF-8"}) {
    command.push_back(part);
  }
  return command;
}

absl::StatusOr<std::string> FindBubblewrap() {
  for (const char* path : {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"}) {
    if (FileExists(path)) return std::string(path);
  }
  return absl::NotFoundError("bwrap is not there: install the package bubblewrap");
}

// A folder that the server's user alone can use.
absl::StatusOr<std::string> MakeFolder() {
  const char* parent = getenv("TMPDIR");
  std::string path = absl::StrCat(parent != nullptr ? parent : "/tmp", "/grpo-sandbox-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return SystemError(absl::StrCat("mkdtemp ", path));
  if (geteuid() == 0 && chown(path.c_str(), kNobody, kNobody) != 0) {
    return SystemError(absl::StrCat("chown ", path));
  }
  return path;
}

bool SendWithDescriptor(int socket, const std::string& text, int descriptor) {
  iovec part = {const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  return sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

// The next packet; nothing where none came in time or the other side is gone.
absl::optional<std::string> Receive(int socket, absl::Duration patience) {
  pollfd wanted = {socket, POLLIN, 0};
  const absl::Time end = absl::Now() + patience;
  while (absl::Now() < end) {
    const int ready =
        poll(&wanted, 1, static_cast<int>(absl::ToInt64Milliseconds(end - absl::Now())) + 1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return absl::nullopt;
    char packet[4096];
    const ssize_t size = recv(socket, packet, sizeof(packet), 0);
    if (size <= 0) return absl::nullopt;
    return std::string(packet, size);
  }
  return absl::nullopt;
}

bool Ended(pid_t pid, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  while (waitpid(pid, nullptr, WNOHANG) == 0) {
    if (absl::Now() > end) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

// Bubblewrap's child is the first process of the namespaces, and everything inside ends with it.
std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/task/", pid, "/children"));
  std::vector<pid_t> children;
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

std::string KindName(SandboxJob::Kind kind) {
  switch (kind) {
    case SandboxJob::Kind::kCalls:
      return "calls";
    case SandboxJob::Kind::kPrograms:
      return "programs";
    case SandboxJob::Kind::kAsserts:
      return "asserts";
    case SandboxJob::Kind::kRewrite:
      return "rewrite";
  }
  return "";
}

// Why a job ended, by the server's report, which is to be trusted.
void Explain(const nlohmann::json& report, const SandboxLimits& limits, SandboxResult* result) {
  result->cpu_microseconds = report.value("cpu_microseconds", int64_t{0});
  result->memory_kilobytes = report.value("memory_kilobytes", int64_t{0});
  const int signal = report.value("signal", 0);
  const int status = report.value("status", 0);
  const bool cpu_used_up =
      signal == SIGXCPU ||
      (signal == SIGKILL && result->cpu_microseconds >= limits.cpu_seconds * 1000000LL);
  if (report.value("out_of_time", false) || cpu_used_up) {
    result->status = SandboxStatus::kOutOfTime;
    result->reason = "out of time";
  } else if (signal == SIGKILL) {
    result->status = SandboxStatus::kOutOfMemory;
    result->reason = "killed for want of memory";
  } else if (signal != 0) {
    result->status = SandboxStatus::kKilledBySignal;
    result->reason = absl::StrCat("killed by signal ", signal);
  } else if (status != 0) {
    result->status = SandboxStatus::kNonzeroExit;
    result->reason = absl::StrCat("exit status ", status);
  }
}

}  // namespace

absl::string_view SandboxTierName(SandboxTier tier) {
  return tier == SandboxTier::kNamespaces ? "namespaces" : "landlock";
}

absl::StatusOr<std::unique_ptr<Box>> Box::Start(SandboxTier tier, const SandboxLimits& limits) {
  std::unique_ptr<Box> box(new Box(tier, limits));
  RETURN_IF_ERROR(box->StartServer());
  return box;
}

absl::Status Box::StartServer() {
  if (!FileExists(kPython)) {
    return absl::NotFoundError(absl::StrCat(kPython, " is not there: install the package python3"));
  }
  SpawnRequest request;
  if (tier_ == SandboxTier::kNamespaces) {
    ASSIGN_OR_RETURN(const std::string bubblewrap, FindBubblewrap());
    request.command = BubblewrapCommand(bubblewrap);
  } else {
    ASSIGN_OR_RETURN(folder_, MakeFolder());
    request.environment = {"PYTHONHASHSEED=0", "LC_ALL=C.UTF-8"};
  }
  for (const char* part : {kPython, "-s", "-S", "-B", "-c", kBoxSource}) {
    request.command.push_back(part);
  }
  if (geteuid() == 0) request.user = kNobody;
  ASSIGN_OR_RETURN(auto ends, SocketPair(SOCK_SEQPACKET));
  control_ = std::move(ends.first);
  const Descriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const Descriptor complaints(memfd_create("complaints", MFD_CLOEXEC));
  if (!null.open() || !complaints.open()) return SystemError("/dev/null or memfd_create");
  request.descriptors = {null.get(), null.get(), complaints.get(), ends.second.get()};
  ASSIGN_OR_RETURN(server_, Spawn(request));
  ends.second.Close();
  // Room for the compiler and its files; a single process is held by its own limits.
  cgroup_ = Cgroup::Create(limits_.compiler_memory_bytes + limits_.compiler_file_bytes,
                           limits_.threads + 16);
  if (cgroup_ != nullptr) RETURN_IF_ERROR(cgroup_->Add(server_));
  RETURN_IF_ERROR(SendSettings());
  return AwaitReady(complaints.get());
}

absl::Status Box::SendSettings() {
  const bool namespaces = tier_ == SandboxTier::kNamespaces;
  nlohmann::json filters = nlohmann::json::object();
  for (const auto& [name, profile] : {std::make_pair("python", SeccompProfile::kInterpreter),
                                      std::make_pair("program", SeccompProfile::kProgram),
                                      std::make_pair("compiler", SeccompProfile::kCompiler)}) {
    ASSIGN_OR_RETURN(const std::string code, SeccompFilter(profile, /*signals=*/namespaces));
    filters[name] = absl::Base64Escape(code);
  }
  // The system counts a user's threads: those of a box alone only where it has users of its own.
  const bool counted = namespaces;
  const nlohmann::json settings = {
      {"tier", std::string(SandboxTierName(tier_))},
      {"folder", namespaces ? "/tmp" : folder_},
      {"filters", filters},
      {"limits",
       {{"memory_bytes", limits_.memory_bytes},
        {"cpu_seconds", limits_.cpu_seconds},
        {"output_bytes", limits_.output_bytes},
        {"file_bytes", limits_.compiler_file_bytes},
        {"compiler_memory_bytes", limits_.compiler_memory_bytes},
        {"compiler_cpu_seconds", limits_.compiler_cpu_seconds},
        {"processes", counted ? limits_.threads + 8 : 0}}},
  };
  const std::string text = settings.dump();
  if (send(control_.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(text.size())) {
    return SystemError("the box does not listen");
  }
  return absl::OkStatus();
}

absl::Status Box::AwaitReady(int complaints) {
  if (Receive(control_.get(), kStartTime) == absl::optional<std::string>("ready"))
    return absl::OkStatus();
  char text[2000];
  const off_t end = lseek(complaints, 0, SEEK_END);
  const ssize_t size = pread(complaints, text, sizeof(text), std::max<off_t>(0, end - 300));
  return absl::UnavailableError(absl::StrCat(
      "a box of tier ", std::string(SandboxTierName(tier_)), " does not start: ",
      size > 0 ? QuoteForMessage(absl::string_view(text, size), 300) : "no reason given"));
}

Box::~Box() {
  control_.Close();  // the server notices, ends what runs, and ends itself
  if (server_ > 0 && !Ended(server_, kEndTime)) {
    for (const pid_t child : ChildrenOf(server_)) kill(child, SIGKILL);
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
  }
  cgroup_.reset();
  if (!folder_.empty()) RemoveTree(folder_).IgnoreError();
}

SandboxResult Box::Run(const SandboxJob& job, const Deadline& deadline) {
  SandboxResult result;
  result.tier = tier_;
  const auto broken = [&](absl::string_view reason) {
    result.status = SandboxStatus::kInfrastructure;
    result.reason = std::string(reason);
    return result;
  };
  double seconds = limits_.wall_seconds;
  if (job.language == "cpp") seconds += limits_.compiler_wall_seconds;
  auto ends = SocketPair(SOCK_STREAM);
  if (!ends.ok()) return broken(ends.status().message());
  const nlohmann::json request = {{"kind", KindName(job.kind)}, {"language", job.language},
                                  {"function", job.function},   {"tagged", job.tagged},
                                  {"prelude", job.prelude},     {"seconds", seconds}};
  if (!SendWithDescriptor(control_.get(), request.dump(), ends->second.get())) {
    return broken("the box is gone");
  }
  ends->second.Close();
  JobStream stream(std::move(ends->first), job, limits_);
  const absl::Time end = absl::Now() + absl::Seconds(seconds) + kSandboxReportTime;
  bool reported = false, cancelled = false;
  while (!reported) {
    pollfd waits[] = {{control_.get(), POLLIN, 0}, {stream.descriptor(), stream.events(), 0}};
    const int ready = poll(waits, 2, kDeadlineSliceMs);
    if (ready < 0 && errno != EINTR) return broken("poll failed");
    if (deadline.Passed()) return broken("the call's deadline passed");
    if (absl::Now() > end) return broken("the box does not answer");
    if (waits[1].revents != 0) stream.Advance(waits[1].revents);
    if (stream.too_long() && !cancelled) {
      cancelled = true;
      if (send(control_.get(), "cancel", 6, MSG_NOSIGNAL) != 6) return broken("the box is gone");
    }
    reported = (waits[0].revents & (POLLIN | POLLHUP)) != 0;
  }
  const absl::optional<std::string> text = Receive(control_.get(), kSandboxReportTime);
  if (!text.has_value()) return broken("the box broke");
  const nlohmann::json report = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!report.is_object()) return broken("the box's report is no JSON");
  stream.Drain();
  Explain(report, limits_, &result);
  if (stream.too_long()) {
    result.status = SandboxStatus::kOutputTooLong;
    result.reason = "output too long";
  }
  result.outputs = stream.TakeOutputs();
  return result;
}

}  // namespace grpo
