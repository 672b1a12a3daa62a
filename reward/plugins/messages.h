// The protocol between the program and a reward in a process of its own: one JSON object a line,
// requests on its standard input, answers on its standard output.
//
//   {"v":1,"op":"hello"}
//     {"name":"…","version":"…","flags":["group"],"max_batch":64}     or {"error":"…"}
//   {"op":"score","id":7,"items":[{"sample_id":0,"group_id":3,"prompt":"…","completion":"…",
//     "ground_truth":"…","metadata":{…},"name":"…","family":"…","num_tokens":9,"max_tokens":64,
//     "finish":"stop"}]}
//     {"id":7,"results":[{"score":1,"status":"scored","parts":{"format":1},"reason":"…"}]}
//     or {"id":7,"error":"…"}
//
// A status is "scored", "invalid" (not applicable, or the task is unusable) or "error"; only a
// scored result needs a score. Several requests may be under way; answers carry their ids and come
// in any order. Keys that a reader does not know are passed over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "reward/reward.h"

namespace grpo {

struct PluginHello {
  std::string name;
  std::string version;
  bool group = false;  // flag "group": a batch holds whole groups
  int max_batch = 0;   // items in a batch at most; 0 for any number
};

// One completion as a plugin sees it, with texts of its own; all of them are UTF-8.
struct PluginItem {
  uint64_t sample_id = 0;
  uint64_t group_id = 0;
  std::string prompt, completion, ground_truth, metadata_json, name, family;
  int num_tokens = 0;
  int max_tokens = 0;
  FinishReason finish = FinishReason::kStop;
};

struct PluginAnswer {
  uint64_t id = 0;
  std::string error;  // of the whole batch; empty where there are results
  std::vector<RewardResult> results;
};

struct PluginQuestion {
  bool hello = false;
  uint64_t id = 0;
  std::vector<PluginItem> items;
};

// The item for a request; what is not UTF-8 in it becomes U+FFFD. An error where the prompt's
// metadata is no JSON object.
absl::StatusOr<PluginItem> MakePluginItem(const RewardRequest& request, uint64_t sample_id);

// Lines, without their ends. EncodeScore takes items as EncodeItem writes them.
std::string EncodeHello();
std::string EncodeItem(const PluginItem& item);
std::string EncodeScore(uint64_t id, const std::vector<std::string>& items);
std::string EncodeHelloAnswer(const PluginHello& hello);
std::string EncodeAnswer(const PluginAnswer& answer);
std::string EncodeError(const std::string& message);  // in answer to hello

absl::StatusOr<PluginQuestion> ParseQuestion(absl::string_view line);
absl::StatusOr<PluginHello> ParseHello(absl::string_view line);
// A result that says nothing usable (a wrong type, no status, a score that is no number) becomes an
// error of its own; an answer without an id or without results is refused.
absl::StatusOr<PluginAnswer> ParsePluginAnswer(absl::string_view line);

}  // namespace grpo
