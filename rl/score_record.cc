#include "rl/score_record.h"

#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/json_lines.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

constexpr char kInput[] = "standard input";
constexpr int64_t kMostTokens = 1 << 22;  // of one completion

// Reads the fields of one record, each once.
class FieldReader {
 public:
  explicit FieldReader(const JsonRecord& record) : record_(record) {}

  // The field's value; null where it is absent.
  const nlohmann::json& Take(const char* field) {
    static const nlohmann::json none;
    taken_.insert(field);
    const auto found = record_.value.find(field);
    return found == record_.value.end() ? none : *found;
  }

  absl::Status Refusal(const char* field, absl::string_view expected) const {
    const auto found = record_.value.find(field);
    return absl::InvalidArgumentError(absl::StrCat(
        kInput, ":", record_.line, ": \"", field, "\": expected ", expected, ", found ",
        found == record_.value.end() || found->is_null() ? "none" : JsonKind(*found)));
  }

  // A text; empty where it is absent.
  absl::StatusOr<std::string> Text(const char* field) {
    const nlohmann::json& value = Take(field);
    if (value.is_null()) return std::string();
    if (!value.is_string()) return Refusal(field, "a text");
    return value.get<std::string>();
  }

  // A text, or a number as it is written.
  absl::StatusOr<std::string> TextOrNumber(const char* field) {
    const nlohmann::json& value = Take(field);
    if (value.is_number()) return record_.numbers.at(field);
    if (value.is_null() || value.is_string()) return Text(field);
    return Refusal(field, "a text or a number");
  }

  // 0 where it is absent.
  absl::StatusOr<int> Count(const char* field) {
    const nlohmann::json& value = Take(field);
    if (value.is_null()) return 0;
    const bool fits = value.is_number_unsigned() && value.get<uint64_t>() <= kMostTokens;
    if (!fits) return Refusal(field, absl::StrCat("an integer from 0 to ", kMostTokens));
    return value.get<int>();
  }

  // The fields that nobody took, over those of "metadata".
  absl::StatusOr<std::string> Metadata() {
    nlohmann::json metadata = Take("metadata");
    if (metadata.is_null()) metadata = nlohmann::json::object();
    if (!metadata.is_object()) return Refusal("metadata", "an object");
    for (const auto& [key, value] : record_.value.items()) {
      if (taken_.count(key) == 0) metadata[key] = value;
    }
    return metadata.dump();
  }

 private:
  const JsonRecord& record_;
  std::set<std::string> taken_;
};

absl::StatusOr<std::string> ReadPrompt(FieldReader& fields) {
  const nlohmann::json& value = fields.Take("prompt");
  const bool is_chat = value.is_array() && value.size() == 1 && value[0].is_object() &&
                       value[0].value("content", nlohmann::json()).is_string();
  if (is_chat) return value[0]["content"].get<std::string>();
  if (value.is_array()) return fields.Refusal("prompt", "a text or a list with one message");
  return fields.Text("prompt");
}

// The same number for the same "group"; the line's number where there is none.
absl::StatusOr<uint64_t> ReadGroupId(FieldReader& fields, int64_t line) {
  const nlohmann::json& value = fields.Take("group");
  if (value.is_null()) return static_cast<uint64_t>(line);
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  if (!value.is_string()) return fields.Refusal("group", "a text or an integer of at least 0");
  return static_cast<uint64_t>(std::hash<std::string>()(value.get<std::string>()));
}

std::string GroupKey(const nlohmann::json& group) {
  return group.is_null()
             ? std::string()
             : group.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<FinishReason> ReadFinish(FieldReader& fields) {
  ASSIGN_OR_RETURN(const std::string text, fields.Text("finish"));
  if (text == "length") return FinishReason::kLength;
  if (text.empty() || text == "stop") return FinishReason::kStop;
  return fields.Refusal("finish", "\"stop\" or \"length\"");
}

absl::StatusOr<absl::optional<bool>> ReadExpected(FieldReader& fields) {
  const nlohmann::json& value = fields.Take("expected");
  if (value.is_null()) return absl::optional<bool>();
  if (value.is_boolean()) return absl::optional<bool>(value.get<bool>());
  if (value.is_number()) return absl::optional<bool>(value.get<double>() >= 1);
  return fields.Refusal("expected", "true, false or a number");
}

const char* StatusName(RewardState state) {
  if (state == RewardState::kScored) return "scored";
  return state == RewardState::kError ? "error" : "invalid";
}

nlohmann::ordered_json PartsJson(const Score& score, const std::vector<std::string>& labels) {
  nlohmann::ordered_json parts = nlohmann::ordered_json::object();
  for (size_t i = 0; i < score.results.size(); ++i) {
    const RewardResult& result = score.results[i];
    std::string prefix;
    if (labels.size() > 1) {
      if (result.state == RewardState::kScored) parts[labels[i]] = result.score;
      prefix = labels[i] + "/";
    }
    for (const auto& [name, value] : result.parts) parts[prefix + name] = value;
  }
  return parts;
}

std::string ReasonOf(const Score& score, const std::vector<std::string>& labels) {
  if (score.results.size() == 1) return score.results[0].reason;
  std::string reason;
  for (size_t i = 0; i < score.results.size(); ++i) {
    const RewardResult& result = score.results[i];
    const bool is_named = result.state == RewardState::kError;  // names its reward itself
    absl::StrAppend(&reason, i == 0 ? "" : "; ", is_named ? "" : labels[i] + ": ", result.reason);
  }
  return reason;
}

}  // namespace

absl::StatusOr<ScoreRecord> ReadScoreRecord(absl::string_view text, int64_t line, bool audit) {
  ASSIGN_OR_RETURN(const JsonRecord json, ParseJsonLine(text, kInput, line));
  FieldReader fields(json);
  ScoreRecord record;
  record.id = fields.Take("id").is_null() ? nlohmann::json(line) : fields.Take("id");
  Prompt& prompt = record.group.prompt;
  prompt.name = record.id.is_string() ? record.id.get<std::string>() : absl::StrCat("line ", line);
  Rollout& rollout = record.group.rollouts.emplace_back();
  if (!fields.Take("completion").is_string()) return fields.Refusal("completion", "a text");
  ASSIGN_OR_RETURN(rollout.text, fields.Text("completion"));
  ASSIGN_OR_RETURN(prompt.answer, fields.TextOrNumber("answer"));
  ASSIGN_OR_RETURN(prompt.text, ReadPrompt(fields));
  ASSIGN_OR_RETURN(prompt.family, fields.Text("family"));
  ASSIGN_OR_RETURN(prompt.id, ReadGroupId(fields, line));
  record.group_key = GroupKey(fields.Take("group"));
  ASSIGN_OR_RETURN(const int num_tokens, fields.Count("num_tokens"));
  ASSIGN_OR_RETURN(record.max_tokens, fields.Count("max_tokens"));
  ASSIGN_OR_RETURN(rollout.finish, ReadFinish(fields));
  if (audit) {
    ASSIGN_OR_RETURN(record.passes, ReadExpected(fields));
  }
  ASSIGN_OR_RETURN(prompt.metadata_json, fields.Metadata());
  rollout.prompt_id = prompt.id;
  rollout.tokens.resize(num_tokens);
  return record;
}

std::string GroupKeyOf(absl::string_view text, int64_t line) {
  const absl::StatusOr<JsonRecord> json = ParseJsonLine(text, kInput, line);
  return json.ok() ? GroupKey(FieldReader(*json).Take("group")) : std::string();
}

absl::Status CheckSamePrompt(const ScoreRecord& first, const ScoreRecord& record, int64_t line) {
  const Prompt &one = first.group.prompt, &other = record.group.prompt;
  const char* differs = nullptr;
  if (one.text != other.text) differs = "\"prompt\"";
  if (one.answer != other.answer) differs = "\"answer\"";
  if (one.family != other.family) differs = "\"family\"";
  if (one.metadata_json != other.metadata_json) differs = "\"metadata\" or a further field";
  if (first.max_tokens != record.max_tokens) differs = "\"max_tokens\"";
  if (differs == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      kInput, ":", line, ": ", differs, " differs from that of an earlier record of group ",
      record.group_key, "; a group's records are completions of one prompt"));
}

std::string ScoreRecordJson(const nlohmann::json& id, const Score& score,
                            const std::vector<std::string>& labels) {
  nlohmann::ordered_json record;
  record["id"] = id;
  record["score"] = nullptr;
  if (score.state == RewardState::kScored) record["score"] = score.reward;
  record["status"] = StatusName(score.state);
  record["parts"] = PartsJson(score, labels);
  record["reason"] = ReasonOf(score, labels);
  int64_t microseconds = 0;
  for (const RewardResult& result : score.results) microseconds += result.microseconds;
  record["microseconds"] = microseconds;
  return record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace grpo
