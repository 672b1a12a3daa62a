#include "rl/score_audit.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <nlohmann/json.hpp>

#include "rl/table.h"

namespace grpo {

void ScoreAudit::Add(const Score& score, const absl::optional<bool>& passes) {
  if (!passes.has_value()) {
    ++without_expected;
  } else if (score.state == RewardState::kError) {
    ++errors;
  } else if (score.state != RewardState::kScored) {
    ++undecided;
  } else if (score.reward >= 1) {
    ++(*passes ? true_positives : false_positives);
  } else {
    ++(*passes ? false_negatives : true_negatives);
  }
}

void ScoreAudit::Add(const ScoreAudit& other) {
  true_positives += other.true_positives;
  false_positives += other.false_positives;
  true_negatives += other.true_negatives;
  false_negatives += other.false_negatives;
  undecided += other.undecided;
  errors += other.errors;
  without_expected += other.without_expected;
}

std::string ScoreAudit::ToString() const {
  const std::vector<std::pair<const char*, int64_t>> counts = {
      {"true_positives", true_positives},
      {"false_positives", false_positives},
      {"true_negatives", true_negatives},
      {"false_negatives", false_negatives},
      {"undecided", undecided},
      {"errors", errors},
      {"without_expected", without_expected}};
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  const std::string table =
      FormatTable({"expected", "passes", "does not"},
                  {{"to pass", absl::StrCat(true_positives), absl::StrCat(false_negatives)},
                   {"not to", absl::StrCat(false_positives), absl::StrCat(true_negatives)}});
  return absl::StrCat(table, "undecided ", undecided, ", errors ", errors, ", without expected ",
                      without_expected, "\n", json.dump(), "\n");
}

}  // namespace grpo
