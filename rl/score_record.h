// One line of `grpo score`: a completion with what is known of its task, and the verdict on it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include <nlohmann/json.hpp>

#include "data/rollout.h"
#include "reward/scored_group.h"

namespace grpo {

struct ScoreRecord {
  nlohmann::json id;            // as the record has it, else its line's number
  RolloutGroup group;           // of one completion
  std::string group_key;        // equal for records of one "group"; empty where there is none
  int max_tokens = 0;           // the budget it was sampled under; 0 where the record says nothing
  absl::optional<bool> passes;  // what an audit expects
};

// Reads {"completion": text} with, as the checkers need them, "answer" (a text, or a number, which
// is kept as it is written), "prompt" (a text, or a list with one message, the user's), "family",
// "group" (a number or a text: records of one group have the same Prompt::id), "id", "num_tokens",
// "max_tokens", "finish" ("stop" or "length"), and "metadata" (an object). The fields of
// "metadata", and all others of the record ("tests", "tools", "instructions", …), become
// Prompt::metadata_json; the record's own win. With `audit`, "expected" is true, false or a number,
// of which 1 and more is true. A field that is null is as if it were not there.
//
// The error names the line, the field, what was expected and what was found.
absl::StatusOr<ScoreRecord> ReadScoreRecord(absl::string_view text, int64_t line, bool audit);

// ScoreRecord::group_key of a line, of whatever else it consists; empty where it is no record.
std::string GroupKeyOf(absl::string_view text, int64_t line);

// An error that names the line and what differs where two records of one "group" disagree in more
// than the completion: they answer the same prompt.
absl::Status CheckSamePrompt(const ScoreRecord& first, const ScoreRecord& record, int64_t line);

// The verdict in one line, without its end: id, score (null unless scored), status, parts, reason,
// microseconds (of the checkers' calls, together). With several rewards the parts are the scores by
// label, and each reward's own parts behind "label/".
std::string ScoreRecordJson(const nlohmann::json& id, const Score& score,
                            const std::vector<std::string>& labels);

}  // namespace grpo
