// A command that runs as a child, spoken to in lines over its standard input and output.
//
// Between this program and the command stands a small supervisor (grpo_plugin_host --supervise): it
// adopts whatever the command starts, also what detaches itself as a daemon, and kills all of it
// when the command ends, when this side asks for it and when this program dies in whatever way.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include <sys/types.h>

namespace grpo {

// Not safe to share among threads; Start() and the destructor may run in different ones.
class ChildProcess {
 public:
  static constexpr size_t kMaxLineBytes = size_t{16} << 20;
  // Standard error between two lines of standard output, beyond which the child counts as broken.
  static constexpr size_t kMaxStderrBytes = size_t{64} << 20;

  enum class Event {
    kLine,     // `line` holds what came, without its end
    kWake,     // wake_descriptor is readable
    kTimeout,  // `until` has come
    kClosed,   // the child closed its standard output, mostly by ending
    kFlood,    // a line over kMaxLineBytes, or more than kMaxStderrBytes of standard error
  };

  // `supervisor` is the path of grpo_plugin_host; argv[0] is looked up in PATH. A command that
  // cannot be started shows as kClosed, with the reason in LastStderr().
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const std::string& supervisor,
                                                             const std::vector<std::string>& argv);
  // Ends the child as Stop(absl::ZeroDuration()) does.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Queues a line; Wait() hands it over as the child takes it.
  void WriteLine(absl::string_view line);

  // Moves bytes both ways until something happens. The bytes are taken before the wake-up is
  // looked at; after kClosed and kFlood the child is good for Stop() only.
  Event Wait(absl::Time until, int wake_descriptor, std::string* line);

  // Closes the child's standard input, waits at most `patience` for it to end by itself, then kills
  // it with all that it has started, and says how it ended: "exited with status 3", "was killed by
  // signal 11 (Segmentation fault)", "was stopped" where it was still running.
  std::string Stop(absl::Duration patience);

  // The last lines of standard error, fit for a message; empty where there were none.
  std::string LastStderr() const;

 private:
  ChildProcess(pid_t supervisor, int input, int output, int error, int lifeline)
      : supervisor_(supervisor),
        input_(input),
        output_(output),
        error_(error),
        lifeline_(lifeline) {}

  bool TakeLine(std::string* line);
  enum class Received { kBytes, kNothing, kEnd };
  Received ReadOutput();
  Received ReadError();
  static Received What(ssize_t bytes);
  void Feed();
  void KeepStderr(absl::string_view bytes);
  bool Ended(absl::Duration patience);

  pid_t supervisor_;  // -1 when reaped
  int wait_status_ = 0;
  // Descriptors, -1 when closed: pipes to and from the child, and the one whose end tells the
  // supervisor to kill everything.
  int input_, output_, error_, lifeline_;
  std::string pending_;  // bytes for the child, from pending_position_
  size_t pending_position_ = 0;
  std::string received_;     // bytes of standard output that make no full line yet
  size_t searched_ = 0;      // of received_, without an end of line
  size_t stderr_bytes_ = 0;  // since the last line of standard output
  std::string stderr_line_;  // the unfinished last one
  std::deque<std::string> stderr_lines_;
};

}  // namespace grpo
