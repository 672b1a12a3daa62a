// Runs programs that nobody has read. Every run gets fresh processes that see a read-only system
// and nothing else: no network, no files of this machine, no environment, no other process.
// When Run() returns, no process of the run is left.
//
// How: boxes (box.h), each a warm interpreter inside the sandbox that forks a further restricted
// process for each run. README.md says what each tier holds off, and what neither does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "reward/reward.h"

namespace grpo {

enum class SandboxTier {
  kNamespaces,  // bubblewrap, seccomp, rlimits, cgroups where they can be written
  kLandlock,    // Landlock, seccomp, rlimits, another user where this process is root
};
absl::string_view SandboxTierName(SandboxTier tier);  // "namespaces", "landlock"

struct SandboxLimits {
  double wall_seconds = 6;                    // for the whole run, without the compiler
  int cpu_seconds = 5;                        // of each process
  int64_t memory_bytes = int64_t{512} << 20;  // address space of each process
  int threads = 64;                           // of a run, where they can be counted
  int64_t output_bytes = 2 << 20;             // of each answer or output
  int64_t total_output_bytes = 128 << 20;     // of a run
  double compiler_wall_seconds = 20;
  int compiler_cpu_seconds = 15;
  int64_t compiler_memory_bytes = int64_t{2} << 30;
  int64_t compiler_file_bytes = 64 << 20;  // of all its files together (Landlock: of each)
};

// Within which a run is over beyond its own wall time, however it ends.
constexpr absl::Duration kSandboxReportTime = absl::Seconds(5);

struct SandboxPolicy {
  // "auto": the strongest that works here. A tier by name is that one or none.
  std::string tier = "auto";
  SandboxLimits limits;
};

struct SandboxJob {
  enum class Kind {
    kCalls,  // inputs: {"args": […], "kwargs": {…}} each; outputs: {"v": value} or {"e": fault}
    kPrograms,  // inputs: what stands on standard input; outputs: a line of JSON, then the output
    kAsserts,  // inputs: setup and tests; output: {"passed": n, "failed": n, "fault": text or null}
    kRewrite,  // source: an asserts suite's setup; input: its tests; output: calls, or null
  };
  Kind kind = Kind::kCalls;
  std::string language = "python";  // or "cpp", for kPrograms alone
  std::string function;             // kCalls: its name
  std::string prelude;              // kCalls: imports that the program may rely on
  bool tagged = false;              // kCalls: whether arguments are tagged JSON (value.h)
  std::string source;
  std::vector<std::string> inputs;
};

enum class SandboxStatus {
  kOk,
  kNonzeroExit,
  kKilledBySignal,
  kOutOfTime,
  kOutOfMemory,
  kOutputTooLong,
  kInfrastructure,  // the sandbox failed, or the caller's deadline passed: says nothing of the job
};

struct SandboxResult {
  SandboxStatus status = SandboxStatus::kOk;
  std::string reason;  // empty where all is well
  SandboxTier tier = SandboxTier::kNamespaces;
  // What the job said, in order: first {"load": null}, or what was wrong with the source; then an
  // output for each input that it got to. Written by the program: hostile.
  std::vector<std::string> outputs;
  int64_t cpu_microseconds = 0;  // of all its processes
  int64_t memory_kilobytes = 0;  // resident at most
};

class Box;

// Thread-safe: each Run() under way has a box of its own.
class Sandbox {
 public:
  // Fails where no tier works here, with each tier's reason and what to do about it.
  static absl::StatusOr<std::unique_ptr<Sandbox>> Create(const SandboxPolicy& policy);
  ~Sandbox();

  SandboxTier tier() const { return tier_; }

  // Once more where the first box broke.
  SandboxResult Run(const SandboxJob& job, const Deadline& deadline);

 private:
  Sandbox(SandboxTier tier, const SandboxLimits& limits);
  absl::StatusOr<std::unique_ptr<Box>> TakeBox();
  absl::Status Probe();

  const SandboxTier tier_;
  const SandboxLimits limits_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Box>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace grpo
