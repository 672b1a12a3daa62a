#include "rl/recorder.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/file.h"

namespace grpo {
namespace {

using ::testing::HasSubstr;

std::string NewFolder(const std::string& name) {
  const std::string path = testing::TempDir() + "/recorder_" + name;
  EXPECT_TRUE(RemoveTree(path).ok());
  return path;
}

MetricList MetricsOf(int step) {
  MetricList metrics;
  metrics.Add("reward/mean", 1.0 / step);
  metrics.Add("num_groups", step);
  metrics.Add("time/step", 0.5 * step);
  return metrics;
}

std::string Read(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? *text : "";
}

std::vector<std::string> EventFiles(const std::string& folder) {
  std::vector<std::string> found;
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(folder);
  EXPECT_TRUE(names.ok()) << names.status();
  if (!names.ok()) return found;
  for (const std::string& name : *names) {
    if (absl::StartsWith(name, "events.out.tfevents.")) found.push_back(name);
  }
  return found;
}

TEST(RecorderTest, WritesOneLineForEachRecordAndTimingsApart) {
  const std::string folder = NewFolder("lines");
  auto recorder = Recorder::Open(folder, absl::nullopt);
  ASSERT_TRUE(recorder.ok()) << recorder.status();
  MetricList metrics;
  metrics.Add("loss/\"x\"", 0.1);
  metrics.Add("tokens", 12);
  metrics.Add("whole", 2.0);
  metrics.Add("kl", std::nan(""));
  metrics.Add("bound", -std::numeric_limits<double>::infinity());
  metrics.Add("time/rollout", 1.5);
  metrics.Add("perf/tokens_per_second", 1e5);
  ASSERT_TRUE((*recorder)->Record(1, "grpo", metrics).ok());
  ASSERT_TRUE((*recorder)->Record(2, "eval", MetricList()).ok());
  EXPECT_EQ(Read(folder + "/metrics.jsonl"),
            "{\"step\":1,\"stage\":\"grpo\",\"loss/\\\"x\\\"\":0.1,\"tokens\":12,\"whole\":2.0,"
            "\"kl\":null,\"bound\":null}\n{\"step\":2,\"stage\":\"eval\"}\n");
  EXPECT_EQ(
      Read(folder + "/timings.jsonl"),
      "{\"step\":1,\"stage\":\"grpo\",\"time/rollout\":1.5,\"perf/tokens_per_second\":1e+05}\n");
  for (const char* name : {"/metrics.jsonl", "/timings.jsonl"}) {
    const std::string text = Read(folder + name);
    EXPECT_TRUE(nlohmann::json::accept(text.substr(0, text.find('\n')))) << text;
  }
}

TEST(RecorderTest, AResumedRunLeavesTheBytesOfAnUninterruptedOne) {
  const std::string whole = NewFolder("whole");
  const std::string resumed = NewFolder("resumed");
  {
    auto recorder = Recorder::Open(whole, absl::nullopt);
    for (int step = 1; step <= 6; ++step)
      ASSERT_TRUE((*recorder)->Record(step, "grpo", MetricsOf(step)).ok());
  }
  nlohmann::ordered_json saved;
  {
    auto recorder = Recorder::Open(resumed, absl::nullopt);
    for (int step = 1; step <= 5; ++step) {
      ASSERT_TRUE((*recorder)->Record(step, "grpo", MetricsOf(step)).ok());
      if (step == 3) saved = RecorderPositionToJson(*(*recorder)->Position());
    }
  }
  const absl::StatusOr<RecorderPosition> position = RecorderPositionFromJson(saved, "checkpoint");
  ASSERT_TRUE(position.ok()) << position.status();
  auto recorder = Recorder::Open(resumed, *position);
  ASSERT_TRUE(recorder.ok()) << recorder.status();
  for (int step = 4; step <= 6; ++step)
    ASSERT_TRUE((*recorder)->Record(step, "grpo", MetricsOf(step)).ok());
  EXPECT_EQ(Read(resumed + "/metrics.jsonl"), Read(whole + "/metrics.jsonl"));
  EXPECT_EQ(Read(resumed + "/timings.jsonl"), Read(whole + "/timings.jsonl"));
  ASSERT_EQ(EventFiles(resumed).size(), 1u);
  EXPECT_EQ(Read(resumed + "/" + EventFiles(resumed)[0]).size(),
            Read(whole + "/" + EventFiles(whole)[0]).size());
}

TEST(RecorderTest, ANewRecordRemovesAnEarlierOneAndNothingElse) {
  const std::string folder = NewFolder("anew");
  {
    auto recorder = Recorder::Open(folder, absl::nullopt);
    ASSERT_TRUE((*recorder)->Record(1, "sft", MetricsOf(1)).ok());
    ASSERT_TRUE((*recorder)->RecordSamples("step-1", {{{"a", 1}}}).ok());
  }
  ASSERT_TRUE(WriteFileAtomically(folder + "/events.out.tfevents.1.old", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/notes.txt", "mine").ok());
  ASSERT_TRUE(Recorder::Open(folder, absl::nullopt).ok());
  EXPECT_EQ(Read(folder + "/metrics.jsonl"), "");
  EXPECT_EQ(Read(folder + "/notes.txt"), "mine");
  EXPECT_FALSE(DirectoryExists(folder + "/samples"));
  EXPECT_EQ(EventFiles(folder).size(), 1u);
}

TEST(RecorderTest, RefusesToResumeAFileThatShrank) {
  const std::string folder = NewFolder("shrank");
  auto recorder = Recorder::Open(folder, absl::nullopt);
  ASSERT_TRUE((*recorder)->Record(1, "sft", MetricsOf(1)).ok());
  const RecorderPosition position = *(*recorder)->Position();
  ASSERT_TRUE(WriteFileAtomically(folder + "/metrics.jsonl", "x").ok());
  const absl::Status status = Recorder::Open(folder, position).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("metrics.jsonl: has 1 bytes"));
}

TEST(RecorderTest, ResumesWithoutItsEventFile) {
  const std::string folder = NewFolder("no_events");
  auto recorder = Recorder::Open(folder, absl::nullopt);
  ASSERT_TRUE((*recorder)->Record(1, "sft", MetricsOf(1)).ok());
  const RecorderPosition position = *(*recorder)->Position();
  ASSERT_TRUE(RemoveTree(folder + "/" + position.event_file).ok());
  auto resumed = Recorder::Open(folder, position);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_TRUE((*resumed)->Record(2, "sft", MetricsOf(2)).ok());
}

TEST(RecorderTest, WritesSamplesEvenWhenTheyAreNotUtf8) {
  const std::string folder = NewFolder("samples");
  auto recorder = Recorder::Open(folder, absl::nullopt);
  ASSERT_TRUE(
      (*recorder)->RecordSamples("step-12", {{{"text", "a\xff"}, {"reward", 1}}, {{"b", 2}}}).ok());
  EXPECT_EQ(Read(folder + "/samples/step-12.jsonl"),
            "{\"text\":\"a\xEF\xBF\xBD\",\"reward\":1}\n{\"b\":2}\n");
}

TEST(RecorderTest, RefusesAPositionThatIsNone) {
  const nlohmann::ordered_json good = RecorderPositionToJson({1, 2, "events.out.tfevents.1.h", 3});
  ASSERT_TRUE(RecorderPositionFromJson(good, "state.json").ok());
  for (const auto& [key, value] : std::vector<std::pair<std::string, nlohmann::ordered_json>>{
           {"metrics_bytes", -1},
           {"timings_bytes", "2"},
           {"event_bytes", nullptr},
           {"event_file", "../x"},
           {"event_file", "events.out.tfevents.1/../../x"},
           {"event_file", 3}}) {
    nlohmann::ordered_json bad = good;
    bad[key] = value;
    const absl::Status status = RecorderPositionFromJson(bad, "state.json").status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("\"" + key + "\"")) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("state.json: "));
  }
  EXPECT_FALSE(RecorderPositionFromJson(nlohmann::ordered_json::array(), "state.json").ok());
}

TEST(RecorderTest, SaysWhichFolderCannotBeMade) {
  const std::string file = NewFolder("file");
  ASSERT_TRUE(WriteFileAtomically(file, "x").ok());
  const absl::Status status = Recorder::Open(file + "/run", absl::nullopt).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(file));
}

}  // namespace
}  // namespace grpo
