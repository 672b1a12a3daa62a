#include "rl/eval/suite_result.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/check.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

constexpr int kFormat = 2;  // 2: with answers

template <typename T>
absl::Status ReadValue(const ordered_json& object, const char* key, const std::string& origin,
                       T& value) {
  try {
    value = object.at(key).get<T>();
  } catch (const ordered_json::exception& error) {
    return absl::DataLossError(absl::StrCat(
        origin, ": \"", key,
        "\" is missing or of another kind: ", "the file is no result of grpo eval, or damaged"));
  }
  return absl::OkStatus();
}

absl::StatusOr<SuiteProblemResult> ProblemFromJson(const ordered_json& json,
                                                   const std::string& origin) {
  SuiteProblemResult problem;
  RETURN_IF_ERROR(ReadValue(json, "id", origin, problem.id));
  RETURN_IF_ERROR(ReadValue(json, "family", origin, problem.family));
  RETURN_IF_ERROR(ReadValue(json, "level", origin, problem.level));
  RETURN_IF_ERROR(ReadValue(json, "correct", origin, problem.correct));
  RETURN_IF_ERROR(ReadValue(json, "answers", origin, problem.answers));
  if (problem.answers.size() != problem.correct.size()) {
    return absl::DataLossError(
        absl::StrCat(origin, ": problem ", problem.id, " has ", problem.correct.size(),
                     " verdicts and ", problem.answers.size(), " answers: the file is damaged"));
  }
  RETURN_IF_ERROR(ReadValue(json, "truncated", origin, problem.truncated));
  RETURN_IF_ERROR(ReadValue(json, "unscored", origin, problem.unscored));
  RETURN_IF_ERROR(ReadValue(json, "tokens", origin, problem.tokens));
  return problem;
}

absl::Status Differ(const std::string& what, const std::string& a, const std::string& b) {
  return absl::FailedPreconditionError(
      absl::StrCat("the results cannot be compared: ", what, " differ (", a, " and ", b, ")"));
}

absl::Status CheckComparable(const SuiteResult& a, const SuiteResult& b) {
  if (a.suite != b.suite) return Differ("the suites", a.suite, b.suite);
  if (a.data_digest != b.data_digest) {
    return Differ("the digests of the data files", a.data_digest, b.data_digest);
  }
  if (a.suite_digest != b.suite_digest) {
    return Differ("the digests of prompt template and rewards", a.suite_digest, b.suite_digest);
  }
  if (a.samples != b.samples) {
    return Differ("the completions of each problem", absl::StrCat(a.samples),
                  absl::StrCat(b.samples));
  }
  if (a.sampling != b.sampling) {
    return Differ("the settings of sampling", a.sampling.dump(), b.sampling.dump());
  }
  if (a.problems.size() != b.problems.size()) {
    return Differ("the numbers of problems", absl::StrCat(a.problems.size()),
                  absl::StrCat(b.problems.size()));
  }
  for (size_t i = 0; i < a.problems.size(); ++i) {
    if (a.problems[i].id != b.problems[i].id) {
      return Differ("the problems", a.problems[i].id, b.problems[i].id);
    }
  }
  return absl::OkStatus();
}

bool Belongs(const SuiteProblemResult& problem, const std::string& family) {
  return family.empty() || problem.family == family;
}

// The mean over all completions of what problems count; 0 of none.
template <typename Count>
double PerCompletion(const std::vector<SuiteProblemResult>& problems,
                     Count SuiteProblemResult::*count) {
  double sum = 0, completions = 0;
  for (const SuiteProblemResult& problem : problems) {
    sum += problem.*count;
    completions += problem.correct.size();
  }
  return completions == 0 ? 0 : sum / completions;
}

std::string Verdict(const SuiteComparison& comparison) {
  const std::string change = absl::StrFormat(
      "by %.1f points (95 %% interval %.1f to %.1f)", 100 * (comparison.rate_b - comparison.rate_a),
      100 * comparison.change.low, 100 * comparison.change.high);
  if (comparison.change.low > 0) return "B is better " + change + ".";
  if (comparison.change.high < 0) return "B is worse " + change + ".";
  return absl::StrCat("Undecided: B differs ", change,
                      "; more problems or more completions of each would tell.");
}

}  // namespace

double SuiteProblemResult::Rate() const {
  return correct.empty() ? 0
                         : static_cast<double>(std::count(correct.begin(), correct.end(), true)) /
                               correct.size();
}

bool SuiteProblemResult::HasVotes() const {
  return std::any_of(answers.begin(), answers.end(), [](int answer) { return answer >= 0; });
}

std::vector<Vote> SuiteProblemResult::Votes() const {
  std::vector<Vote> votes;
  for (size_t i = 0; i < answers.size(); ++i) {
    votes.push_back({.answer = answers[i], .correct = correct[i]});
  }
  return votes;
}

double SuiteResult::PassRate(const std::string& family) const {
  double sum = 0;
  int count = 0;
  for (const SuiteProblemResult& problem : problems) {
    if (!Belongs(problem, family)) continue;
    sum += problem.Rate();
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

std::vector<std::string> SuiteResult::Families() const {
  std::vector<std::string> families;
  for (const SuiteProblemResult& problem : problems) {
    if (std::find(families.begin(), families.end(), problem.family) == families.end())
      families.push_back(problem.family);
  }
  return families;
}

double SuiteResult::MeanTokens() const {
  return PerCompletion(problems, &SuiteProblemResult::tokens);
}

double SuiteResult::TruncatedShare() const {
  return PerCompletion(problems, &SuiteProblemResult::truncated);
}

Interval ChangeInterval(const SuiteResult& before, const SuiteResult& after,
                        const std::string& family) {
  GRPO_CHECK(before.problems.size() == after.problems.size());
  std::vector<double> changes;
  for (size_t i = 0; i < after.problems.size(); ++i) {
    if (Belongs(after.problems[i], family))
      changes.push_back(after.problems[i].Rate() - before.problems[i].Rate());
  }
  return MeanInterval(changes, {-1, 1});
}

ordered_json SuiteResultToJson(const SuiteResult& result) {
  ordered_json json = {{"format", kFormat},
                       {"suite", result.suite},
                       {"policy", result.policy},
                       {"policy_digest", result.policy_digest},
                       {"data_digest", result.data_digest},
                       {"suite_digest", result.suite_digest},
                       {"samples", result.samples},
                       {"sampling", result.sampling},
                       {"seed", result.seed},
                       {"version", result.version},
                       {"problems", ordered_json::array()}};
  for (const SuiteProblemResult& problem : result.problems) {
    json["problems"].push_back({{"id", problem.id},
                                {"family", problem.family},
                                {"level", problem.level},
                                {"correct", problem.correct},
                                {"answers", problem.answers},
                                {"truncated", problem.truncated},
                                {"unscored", problem.unscored},
                                {"tokens", problem.tokens}});
  }
  return json;
}

absl::StatusOr<SuiteResult> SuiteResultFromJson(const ordered_json& json,
                                                const std::string& origin) {
  int format = 0;
  RETURN_IF_ERROR(ReadValue(json, "format", origin, format));
  if (format != kFormat) {
    return absl::DataLossError(absl::StrCat(origin, ": expected format ", kFormat, ", found ",
                                            format, "; evaluate again with this version"));
  }
  SuiteResult result;
  RETURN_IF_ERROR(ReadValue(json, "suite", origin, result.suite));
  RETURN_IF_ERROR(ReadValue(json, "policy", origin, result.policy));
  RETURN_IF_ERROR(ReadValue(json, "policy_digest", origin, result.policy_digest));
  RETURN_IF_ERROR(ReadValue(json, "data_digest", origin, result.data_digest));
  RETURN_IF_ERROR(ReadValue(json, "suite_digest", origin, result.suite_digest));
  RETURN_IF_ERROR(ReadValue(json, "samples", origin, result.samples));
  RETURN_IF_ERROR(ReadValue(json, "sampling", origin, result.sampling));
  RETURN_IF_ERROR(ReadValue(json, "seed", origin, result.seed));
  RETURN_IF_ERROR(ReadValue(json, "version", origin, result.version));
  ordered_json problems;
  RETURN_IF_ERROR(ReadValue(json, "problems", origin, problems));
  for (const ordered_json& problem : problems) {
    ASSIGN_OR_RETURN(SuiteProblemResult read, ProblemFromJson(problem, origin));
    result.problems.push_back(std::move(read));
  }
  return result;
}

absl::StatusOr<SuiteComparison> CompareSuiteResults(const SuiteResult& a, const SuiteResult& b) {
  RETURN_IF_ERROR(CheckComparable(a, b));
  SuiteComparison comparison;
  for (size_t i = 0; i < a.problems.size(); ++i) {
    const double before = a.problems[i].Rate(), after = b.problems[i].Rate();
    comparison.rate_a += before / a.problems.size();
    comparison.rate_b += after / a.problems.size();
    comparison.better += after > before;
    comparison.worse += after < before;
  }
  comparison.change = ChangeInterval(a, b, "");
  comparison.verdict = Verdict(comparison);
  return comparison;
}

}  // namespace grpo
