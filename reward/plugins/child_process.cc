#include "reward/plugins/child_process.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/json.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kStderrLineBytes = 300;
constexpr size_t kStderrLines = 5;
// For the supervisor to kill what it looks after, before it is killed itself.
constexpr absl::Duration kKillPatience = absl::Seconds(10);

void Close(int* descriptor) {
  if (*descriptor >= 0) close(*descriptor);
  *descriptor = -1;
}

// A pipe whose ends close with exec and when this goes.
class Pipe {
 public:
  ~Pipe() {
    Close(&ends_[0]);
    Close(&ends_[1]);
  }
  absl::Status Open() {
    // Above the standard descriptors, which the child's side gives away one after the other.
    std::array<int, 2> raw;
    if (pipe2(raw.data(), O_CLOEXEC) != 0) return Failed();
    for (int i = 0; i < 2; ++i) {
      ends_[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 10);
      close(raw[i]);
    }
    return ends_[0] < 0 || ends_[1] < 0 ? Failed() : absl::OkStatus();
  }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  int TakeReadEnd() { return std::exchange(ends_[0], -1); }
  int TakeWriteEnd() { return std::exchange(ends_[1], -1); }

 private:
  static absl::Status Failed() {
    return absl::ResourceExhaustedError(
        absl::StrCat("no pipe for a plugin's process: ", strerror(errno)));
  }
  std::array<int, 2> ends_ = {-1, -1};
};

// What the new process needs before it becomes another program.
struct NewProcess {
  std::array<int, 4> descriptors;  // become 0, 1, 2, 3
  const char* path;
  char* const* argv;
  volatile int error = 0;  // of exec; the process shares our memory until then
};

// In the new process, between vfork and exec: system calls only.
[[noreturn]] void BecomeProgram(NewProcess* process) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &action, nullptr);
  setpgid(0, 0);  // the terminal's Ctrl-C is this program's business
  for (int i = 0; i < 4; ++i) dup2(process->descriptors[i], i);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(process->path, process->argv);
  process->error = errno;
  _exit(127);
}

// vfork, because fork would copy the page tables of a program that holds a model. Signals wait
// meanwhile: the new process must not run this program's handlers.
pid_t Spawn(NewProcess* process) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = vfork();
  if (pid == 0) BecomeProgram(process);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) process->error = error;
  return pid;
}

std::string HowItEnded(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    return absl::StrCat("was killed by signal ", signal, " (", strsignal(signal), ")");
  }
  const int status = WEXITSTATUS(wait_status);
  std::string text = absl::StrCat("exited with status ", status);
  if (status > 128 && status < 128 + NSIG) {  // how a shell says it of its command
    absl::StrAppend(&text, ", as after signal ", status - 128, " (", strsignal(status - 128), ")");
  }
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(
    const std::string& supervisor, const std::vector<std::string>& argv) {
  Pipe input, output, error, lifeline;
  for (Pipe* pipe : {&input, &output, &error, &lifeline}) RETURN_IF_ERROR(pipe->Open());
  std::vector<std::string> words = {supervisor, "--supervise"};
  words.insert(words.end(), argv.begin(), argv.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  NewProcess process = {
      {input.read_end(), output.write_end(), error.write_end(), lifeline.read_end()},
      supervisor.c_str(),
      pointers.data()};
  const pid_t pid = Spawn(&process);
  if (pid > 0 && process.error != 0) waitpid(pid, nullptr, 0);
  if (process.error != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot start ", supervisor, ": ", strerror(process.error),
        "; it is built with the program (ninja grpo_plugin_host) and stands beside it"));
  }
  std::unique_ptr<ChildProcess> child(new ChildProcess(pid, input.TakeWriteEnd(),
                                                       output.TakeReadEnd(), error.TakeReadEnd(),
                                                       lifeline.TakeWriteEnd()));
  for (const int descriptor : {child->input_, child->output_, child->error_}) {
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
  }
  return child;
}

ChildProcess::~ChildProcess() { Stop(absl::ZeroDuration()); }

void ChildProcess::WriteLine(absl::string_view line) { absl::StrAppend(&pending_, line, "\n"); }

ChildProcess::Event ChildProcess::Wait(absl::Time until, int wake_descriptor, std::string* line) {
  while (true) {
    if (TakeLine(line)) return Event::kLine;
    if (received_.size() > kMaxLineBytes || stderr_bytes_ > kMaxStderrBytes) return Event::kFlood;
    if (output_ < 0) return Event::kClosed;
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return Event::kTimeout;
    const bool writing = pending_position_ < pending_.size();
    std::array<pollfd, 4> polled = {{{output_, POLLIN, 0},
                                     {error_, POLLIN, 0},
                                     {writing ? input_ : -1, POLLOUT, 0},
                                     {wake_descriptor, POLLIN, 0}}};
    const int64_t milliseconds = absl::ToInt64Milliseconds(std::min(left, absl::Minutes(1)));
    poll(polled.data(), polled.size(), static_cast<int>(milliseconds) + 1);
    if (polled[0].revents != 0 && ReadOutput() == Received::kEnd) Close(&output_);
    if (polled[1].revents != 0 && ReadError() == Received::kEnd) Close(&error_);
    if (polled[2].revents != 0) Feed();
    if (polled[3].revents != 0) return Event::kWake;
  }
}

bool ChildProcess::TakeLine(std::string* line) {
  const size_t end = received_.find('\n', searched_);
  searched_ = end == std::string::npos ? received_.size() : 0;
  if (end == std::string::npos) return false;
  line->assign(received_, 0, end);
  received_.erase(0, end + 1);
  stderr_bytes_ = 0;
  return true;
}

ChildProcess::Received ChildProcess::ReadOutput() {
  std::array<char, kReadBytes> buffer;
  const ssize_t bytes = read(output_, buffer.data(), buffer.size());
  if (bytes > 0) received_.append(buffer.data(), bytes);
  return What(bytes);
}

ChildProcess::Received ChildProcess::ReadError() {
  std::array<char, kReadBytes> buffer;
  const ssize_t bytes = read(error_, buffer.data(), buffer.size());
  if (bytes > 0) KeepStderr({buffer.data(), static_cast<size_t>(bytes)});
  return What(bytes);
}

ChildProcess::Received ChildProcess::What(ssize_t bytes) {
  if (bytes > 0) return Received::kBytes;
  return bytes < 0 && (errno == EAGAIN || errno == EINTR) ? Received::kNothing : Received::kEnd;
}

void ChildProcess::KeepStderr(absl::string_view bytes) {
  stderr_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (stderr_line_.size() < kStderrLineBytes) {
      absl::StrAppend(&stderr_line_, bytes.substr(0, std::min(end, kStderrLineBytes)));
    }
    if (end == absl::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (!stderr_line_.empty()) stderr_lines_.push_back(std::move(stderr_line_));
    stderr_line_.clear();
    if (stderr_lines_.size() > kStderrLines) stderr_lines_.pop_front();
  }
}

// A write to a child that is gone must not raise SIGPIPE: it is blocked for this thread and taken
// from it.
void ChildProcess::Feed() {
  sigset_t pipe_signal, before, waiting;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  sigpending(&waiting);
  const ssize_t bytes =
      write(input_, pending_.data() + pending_position_, pending_.size() - pending_position_);
  const bool gone = bytes < 0 && errno != EAGAIN && errno != EINTR;
  if (gone && errno == EPIPE && sigismember(&waiting, SIGPIPE) == 0) {
    const timespec at_once = {0, 0};
    sigtimedwait(&pipe_signal, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (bytes > 0) pending_position_ += bytes;
  // Whoever does not read any more shows by its standard output or by its deadline.
  if (gone || pending_position_ == pending_.size()) {
    pending_.clear();
    pending_position_ = 0;
  }
}

bool ChildProcess::Ended(absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  while (true) {
    const pid_t ended = waitpid(supervisor_, &wait_status_, WNOHANG);
    if (ended == supervisor_ || (ended < 0 && errno == ECHILD)) return true;
    if (absl::Now() >= until) return false;
    // Reads on, so that a child that has much to say can end.
    if (output_ >= 0 && ReadOutput() == Received::kEnd) Close(&output_);
    if (error_ >= 0 && ReadError() == Received::kEnd) Close(&error_);
    if (received_.size() > kMaxLineBytes) received_.clear();
    absl::SleepFor(absl::Milliseconds(1));
  }
}

std::string ChildProcess::Stop(absl::Duration patience) {
  if (supervisor_ < 0) return HowItEnded(wait_status_);
  Close(&input_);
  const bool by_itself = Ended(patience);
  Close(&lifeline_);
  if (!by_itself && !Ended(kKillPatience)) {
    kill(supervisor_, SIGKILL);
    waitpid(supervisor_, &wait_status_, 0);
  }
  while (error_ >= 0 && stderr_bytes_ <= kMaxStderrBytes && ReadError() == Received::kBytes) {
  }
  Close(&output_);
  Close(&error_);
  supervisor_ = -1;
  return by_itself ? HowItEnded(wait_status_) : "was stopped";
}

std::string ChildProcess::LastStderr() const {
  std::vector<std::string> lines;
  for (const std::string& line : stderr_lines_) lines.push_back(line);
  if (!stderr_line_.empty()) lines.push_back(stderr_line_);
  for (std::string& line : lines) line = QuoteForMessage(line, kStderrLineBytes);
  return absl::StrJoin(lines, " | ");
}

}  // namespace grpo
