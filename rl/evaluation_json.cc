#include "rl/evaluation_json.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace grpo {

nlohmann::ordered_json EvaluationToJson(const Evaluation& evaluation) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const ProblemResult& problem : evaluation.problems) {
    json.push_back({problem.family, problem.correct, problem.samples, problem.truncated,
                    problem.unscored, problem.tokens});
  }
  return json;
}

absl::StatusOr<Evaluation> EvaluationFromJson(const nlohmann::ordered_json& json,
                                              const std::string& origin) {
  Evaluation evaluation;
  if (!json.is_array())
    return absl::DataLossError(absl::StrCat(origin, ": expected a list of problem results"));
  for (const auto& row : json) {
    bool fits = row.is_array() && row.size() == 6 && row[0].is_string();
    for (size_t i = 1; fits && i < 6; ++i) fits = row[i].is_number_integer();
    if (!fits) {
      return absl::DataLossError(absl::StrCat(
          origin, ": expected [family, five integers] for a problem, found ", row.dump()));
    }
    evaluation.problems.push_back({row[0], row[1], row[2], row[3], row[4], row[5]});
  }
  return evaluation;
}

}  // namespace grpo
