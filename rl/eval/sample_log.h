// The samples of an evaluation in its folder: one JSON line for each completion, from which a
// killed evaluation goes on, and from which its result is made.
//
//   evaluation.json         what is evaluated: another evaluation is refused the folder
//   samples-0-of-1.jsonl    lines of rank 0 of 1, in the order in which groups were finished
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include <nlohmann/json.hpp>

#include "data/file.h"

namespace grpo {

struct SampleLogOptions {
  std::string folder;
  nlohmann::ordered_json identity;  // equal where and only where samples would be equal
  int64_t problems = 0;
  int samples = 1;  // completions, and lines, of each problem
  int rank = 0;     // of the processes that share the work
  int ranks = 1;
  bool replaces = false;  // removes another evaluation that the folder holds
};

// Every function may be called by any thread.
class SampleLog {
 public:
  // Makes the folder, or reads what is there. What a kill left half written at the end of a file is
  // cut off. The error names the file and line of a line that is no sample, or what differs from
  // the evaluation that the folder holds, where it is not to be replaced.
  static absl::StatusOr<std::unique_ptr<SampleLog>> Open(const SampleLogOptions& options);

  // This rank's problems that no rank had finished when the log was opened.
  const std::vector<int64_t>& left() const { return left_; }

  // The lines of a problem's completions, in the order of their numbers. Each gets "problem" and
  // "sample" in front. They reach the file all at once.
  absl::Status Add(int64_t problem, const std::vector<nlohmann::ordered_json>& records);

  // Whether every problem is finished now, by whichever rank.
  absl::StatusOr<bool> Complete() const;

  // Calls `use` with the records of each problem, in the problems' order. Requires Complete().
  using Use =
      std::function<absl::Status(int64_t problem, const std::vector<nlohmann::ordered_json>&)>;
  absl::Status ForEachProblem(const Use& use) const;

 private:
  // Where a problem's lines stand.
  struct Place {
    int file = -1;  // in files
    int64_t begin = 0;
    int64_t bytes = 0;
  };
  struct Index {
    std::vector<std::string> files;
    std::vector<Place> places;      // of each problem
    std::vector<int64_t> finished;  // of each file: the bytes up to the end of its last problem
  };

  explicit SampleLog(const SampleLogOptions& options) : options_(options) {}

  std::string OwnFile() const;
  absl::Status CheckIdentity() const;
  absl::StatusOr<Index> ReadIndex() const;
  absl::Status IndexFile(const std::string& path, int file, Index& index) const;

  const SampleLogOptions options_;
  std::vector<int64_t> left_;
  absl::Mutex mutex_;
  std::unique_ptr<AppendOnlyFile> file_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace grpo
