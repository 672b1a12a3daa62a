#include "rl/recorder.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <nlohmann/json.hpp>

#include "data/status_macros.h"
#include "rl/number_text.h"

namespace grpo {
namespace {

constexpr absl::string_view kEventFilePrefix = "events.out.tfevents.";

// Bytes that are not UTF-8 become the replacement character: a record is always readable.
std::string JsonText(const nlohmann::ordered_json& json) {
  return json.dump(/*indent=*/-1, /*indent_char=*/' ', /*ensure_ascii=*/false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

bool IsTiming(absl::string_view name) {
  return absl::StartsWith(name, "time/") || absl::StartsWith(name, "perf/");
}

double AsDouble(const MetricList::Value& value) {
  return std::visit([](auto number) { return static_cast<double>(number); }, value);
}

std::string ValueText(const MetricList::Value& value) {
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return absl::StrCat(*integer);
  const double real = std::get<double>(value);
  return std::isfinite(real) ? ExactDouble(real) : "null";
}

// A line for the metrics that are timings, or for those that are not; empty where there are none of
// them.
std::string Line(int64_t step, absl::string_view stage, const MetricList& metrics, bool timings) {
  std::string values;
  for (const auto& [name, value] : metrics.metrics()) {
    if (IsTiming(name) != timings) continue;
    absl::StrAppend(&values, ",", JsonText(name), ":", ValueText(value));
  }
  if (values.empty() && timings) return "";
  return absl::StrCat("{\"step\":", step, ",\"stage\":", JsonText(std::string(stage)), values,
                      "}\n");
}

absl::Status RemoveEarlierRecord(const std::string& run_dir) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(run_dir));
  for (const std::string& name : names) {
    if (absl::StartsWith(name, kEventFilePrefix) || name == "metrics.jsonl" ||
        name == "timings.jsonl" || name == "samples") {
      RETURN_IF_ERROR(RemoveTree(absl::StrCat(run_dir, "/", name)));
    }
  }
  return absl::OkStatus();
}

absl::Status CutBack(const std::string& path, int64_t found, int64_t wanted) {
  if (found >= wanted) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      path, ": has ", found, " bytes, yet the checkpoint was written when it had ", wanted,
      "; it was changed or lost since. Resume from an older checkpoint or start the run anew"));
}

absl::StatusOr<std::unique_ptr<AppendOnlyFile>> OpenLog(const std::string& path, int64_t size) {
  ASSIGN_OR_RETURN(std::unique_ptr<AppendOnlyFile> file, AppendOnlyFile::Open(path));
  RETURN_IF_ERROR(CutBack(path, file->size(), size));
  RETURN_IF_ERROR(file->TruncateTo(size));
  return file;
}

}  // namespace

nlohmann::ordered_json RecorderPositionToJson(const RecorderPosition& position) {
  return {{"metrics_bytes", position.metrics_bytes},
          {"timings_bytes", position.timings_bytes},
          {"event_file", position.event_file},
          {"event_bytes", position.event_bytes}};
}

absl::StatusOr<RecorderPosition> RecorderPositionFromJson(const nlohmann::ordered_json& json,
                                                          const std::string& origin) {
  RecorderPosition position;
  const auto expected = [&](absl::string_view key, absl::string_view what) {
    return absl::DataLossError(
        absl::StrCat(origin, ": recorder position: expected ", what, " under \"", key, "\""));
  };
  if (!json.is_object()) return expected("metrics_bytes", "an object with a number");
  const std::pair<const char*, int64_t*> numbers[] = {{"metrics_bytes", &position.metrics_bytes},
                                                      {"timings_bytes", &position.timings_bytes},
                                                      {"event_bytes", &position.event_bytes}};
  for (const auto& [key, field] : numbers) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number_integer() || found->get<int64_t>() < 0) {
      return expected(key, "a number of bytes");
    }
    *field = found->get<int64_t>();
  }
  const auto name = json.find("event_file");
  if (name == json.end() || !name->is_string() ||
      !absl::StartsWith(name->get_ref<const std::string&>(), kEventFilePrefix) ||
      name->get_ref<const std::string&>().find('/') != std::string::npos) {
    return expected("event_file", "the name of an event file");
  }
  position.event_file = name->get<std::string>();
  return position;
}

Recorder::Recorder(std::string run_dir, std::string event_file_name,
                   std::unique_ptr<AppendOnlyFile> metrics, std::unique_ptr<AppendOnlyFile> timings,
                   std::unique_ptr<EventFile> events)
    : run_dir_(std::move(run_dir)),
      event_file_name_(std::move(event_file_name)),
      metrics_(std::move(metrics)),
      timings_(std::move(timings)),
      events_(std::move(events)) {}

absl::StatusOr<std::unique_ptr<Recorder>> Recorder::Open(
    const std::string& run_dir, const absl::optional<RecorderPosition>& position) {
  RETURN_IF_ERROR(MakeDirectories(run_dir));
  const absl::Time now = absl::Now();
  RecorderPosition start;
  if (position) {
    start = *position;
  } else {
    RETURN_IF_ERROR(RemoveEarlierRecord(run_dir));
    start.event_file = EventFileName(now);
  }
  ASSIGN_OR_RETURN(auto metrics, OpenLog(run_dir + "/metrics.jsonl", start.metrics_bytes));
  ASSIGN_OR_RETURN(auto timings, OpenLog(run_dir + "/timings.jsonl", start.timings_bytes));
  const std::string event_path = absl::StrCat(run_dir, "/", start.event_file);
  const bool has_events = FileExists(event_path);
  ASSIGN_OR_RETURN(auto events, EventFile::Open(event_path, now));
  if (position && has_events) {
    RETURN_IF_ERROR(CutBack(event_path, events->size(), start.event_bytes));
    RETURN_IF_ERROR(events->TruncateTo(start.event_bytes));
  }
  return std::unique_ptr<Recorder>(new Recorder(run_dir, start.event_file, std::move(metrics),
                                                std::move(timings), std::move(events)));
}

absl::Status Recorder::Record(int64_t step, absl::string_view stage, const MetricList& metrics) {
  RETURN_IF_ERROR(metrics_->Append(Line(step, stage, metrics, /*timings=*/false)));
  RETURN_IF_ERROR(timings_->Append(Line(step, stage, metrics, /*timings=*/true)));
  std::vector<std::pair<std::string, double>> scalars;
  for (const auto& [name, value] : metrics.metrics()) scalars.emplace_back(name, AsDouble(value));
  return events_->Append(absl::Now(), step, scalars);
}

absl::Status Recorder::RecordSamples(const std::string& name,
                                     const std::vector<nlohmann::ordered_json>& samples) {
  RETURN_IF_ERROR(MakeDirectories(run_dir_ + "/samples"));
  std::string lines;
  for (const nlohmann::ordered_json& sample : samples) lines += JsonText(sample) + "\n";
  return WriteFileAtomically(absl::StrCat(run_dir_, "/samples/", name, ".jsonl"), lines);
}

absl::StatusOr<RecorderPosition> Recorder::Position() {
  RETURN_IF_ERROR(metrics_->Sync());
  RETURN_IF_ERROR(timings_->Sync());
  RETURN_IF_ERROR(events_->Sync());
  return RecorderPosition{metrics_->size(), timings_->size(), event_file_name_, events_->size()};
}

}  // namespace grpo
