// What a run leaves in its folder while it goes on:
//
//   metrics.jsonl               one line for each record, byte-identical between two runs of one
//   seed timings.jsonl               the same for what a clock measured: names that begin with
//   time/ or perf/ events.out.tfevents.*       all of it for TensorBoard samples/*.jsonl
//   completions, those that the caller chooses
//
//   ASSIGN_OR_RETURN(auto recorder, Recorder::Open(run_dir, position_of_the_checkpoint));
//   MetricList metrics;
//   metrics.Add("reward/mean", 0.25);
//   metrics.Add("time/rollout", 1.5);
//   RETURN_IF_ERROR(recorder->Record(step, "grpo", metrics));
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include <nlohmann/json_fwd.hpp>

#include "data/file.h"
#include "rl/event_file.h"

namespace grpo {

// Named numbers in the order they were added. Integers stay integers.
class MetricList {
 public:
  using Value = std::variant<int64_t, double>;

  template <typename Number>
  void Add(absl::string_view name, Number value) {
    static_assert(std::is_arithmetic_v<Number>);
    if constexpr (std::is_floating_point_v<Number>) {
      metrics_.emplace_back(std::string(name), static_cast<double>(value));
    } else {
      metrics_.emplace_back(std::string(name), static_cast<int64_t>(value));
    }
  }
  void Append(const MetricList& other) {
    metrics_.insert(metrics_.end(), other.metrics_.begin(), other.metrics_.end());
  }

  const std::vector<std::pair<std::string, Value>>& metrics() const { return metrics_; }

 private:
  std::vector<std::pair<std::string, Value>> metrics_;
};

// How far the files had grown when a checkpoint was written.
struct RecorderPosition {
  int64_t metrics_bytes = 0;
  int64_t timings_bytes = 0;
  std::string event_file;  // name in the run folder
  int64_t event_bytes = 0;
};
nlohmann::ordered_json RecorderPositionToJson(const RecorderPosition& position);
// `origin` names the checkpoint's file in messages.
absl::StatusOr<RecorderPosition> RecorderPositionFromJson(const nlohmann::ordered_json& json,
                                                          const std::string& origin);

// Not safe to share among threads.
class Recorder {
 public:
  // Without a position a new record begins: files that an earlier one left in the folder are
  // removed. With one, the files are cut back to it, so that a resumed run writes the bytes that
  // the uninterrupted run would have written (an event file that is gone is begun anew). kDataLoss
  // where a file is shorter than its position.
  static absl::StatusOr<std::unique_ptr<Recorder>> Open(
      const std::string& run_dir, const absl::optional<RecorderPosition>& position);

  // Appends {"step":…,"stage":…,metrics…} to metrics.jsonl, timings to timings.jsonl and both to
  // the event file. What is not finite becomes null. Nothing is held back: a killed process loses
  // no line that Record() returned from. TensorBoard tells records apart by name and step alone:
  // use different names where two stages share step numbers.
  absl::Status Record(int64_t step, absl::string_view stage, const MetricList& metrics);

  // Writes samples/NAME.jsonl, replacing one that is there; one line for each.
  absl::Status RecordSamples(const std::string& name,
                             const std::vector<nlohmann::ordered_json>& samples);

  // For a checkpoint. Flushes the files to the disk first, so that they are never shorter than a
  // checkpoint says.
  absl::StatusOr<RecorderPosition> Position();

 private:
  Recorder(std::string run_dir, std::string event_file_name,
           std::unique_ptr<AppendOnlyFile> metrics, std::unique_ptr<AppendOnlyFile> timings,
           std::unique_ptr<EventFile> events);

  std::string run_dir_;
  std::string event_file_name_;
  std::unique_ptr<AppendOnlyFile> metrics_;
  std::unique_ptr<AppendOnlyFile> timings_;
  std::unique_ptr<EventFile> events_;
};

}  // namespace grpo
