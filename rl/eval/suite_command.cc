#include "rl/eval/suite_command.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/digest.h"
#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "policy/checkpoint_reader.h"
#include "policy/checkpoint_tokenizer.h"
#include "policy/policy_folder.h"
#include "rl/eval/metrics.h"
#include "rl/eval/shipped_suites.h"
#include "rl/eval/suite.h"
#include "rl/eval/suite_check.h"
#include "rl/eval/suite_result.h"
#include "rl/fields_json.h"
#include "rl/table.h"
#include "rl/version.h"
#include "rollout/engine.h"

namespace grpo {
namespace {

using Row = std::vector<std::string>;

// A suite with its problems.
struct LoadedSuite {
  SuiteConfig config;
  std::vector<Prompt> problems;
  std::string digest;  // of its files
};

// All of them before anything is sampled: what is wrong with the last one is said at once.
absl::StatusOr<std::vector<LoadedSuite>> LoadSuites(const CommandLine& command) {
  std::vector<LoadedSuite> suites;
  for (const std::string& name : command.suites) {
    LoadedSuite suite;
    ASSIGN_OR_RETURN(suite.config, LoadSuite(name, command.overrides));
    ASSIGN_OR_RETURN(SuiteProblems read,
                     ReadSuiteProblems(suite.config, command.suite.data, command.suite.skip_bad));
    for (const std::string& reason : read.skipped) {
      std::fprintf(stderr, "left out: %s\n", reason.c_str());
    }
    const size_t published = suite.config.data.records;
    if (published > 0 && read.problems.size() != published) {
      std::fprintf(stderr, "%s: %zu problems, where the published file has %zu\n",
                   suite.config.name.c_str(), read.problems.size(), published);
    }
    suite.problems = std::move(read.problems);
    suite.digest = read.digest;
    const size_t limit = command.suite.limit;
    if (limit > 0 && suite.problems.size() > limit) suite.problems.resize(limit);
    suites.push_back(std::move(suite));
  }
  return suites;
}

std::string CountText(const SuiteCheck::Count& count) {
  return absl::StrCat(count.right, " of ", count.completions);
}

absl::Status TrySuites(const std::vector<LoadedSuite>& suites) {
  std::vector<Row> rows;
  for (const LoadedSuite& suite : suites) {
    ASSIGN_OR_RETURN(const SuiteCheck check, CheckSuite(suite.config, suite.problems));
    for (const std::string& exception : check.exceptions) std::printf("%s\n", exception.c_str());
    rows.push_back({suite.config.name, absl::StrCat(suite.problems.size()),
                    CountText(check.solutions), CountText(check.wrong), CountText(check.empty)});
  }
  const Row header = {"suite", "problems", "solutions right", "others' right", "empty right"};
  std::fputs(FormatTable(header, rows).c_str(), stdout);
  return absl::OkStatus();
}

// The mean over the problems of a family (empty: all) of `value`, in percent.
template <typename Value>
double MeanPercent(const SuiteResult& result, const std::string& family, const Value& value) {
  double sum = 0;
  int count = 0;
  for (const SuiteProblemResult& problem : result.problems) {
    if (!family.empty() && problem.family != family) continue;
    sum += value(problem);
    ++count;
  }
  return count == 0 ? 0 : 100 * sum / count;
}

double PassAt(const SuiteProblemResult& problem, int k) {
  const int correct = std::count(problem.correct.begin(), problem.correct.end(), true);
  return PassAtK(problem.correct.size(), correct, k);
}

Row ResultRow(const SuiteConfig& suite, const SuiteResult& result, const std::string& family) {
  std::vector<double> rates;
  for (const SuiteProblemResult& problem : result.problems) {
    if (family.empty() || problem.family == family) rates.push_back(problem.Rate());
  }
  const Interval interval = MeanInterval(rates, {0, 1});
  const auto rate = [](const SuiteProblemResult& problem) { return problem.Rate(); };
  Row row = {family.empty() ? "all" : family, absl::StrCat(rates.size()),
             absl::StrFormat("%.1f %%", MeanPercent(result, family, rate)),
             absl::StrFormat("%.1f to %.1f", 100 * interval.low, 100 * interval.high)};
  for (double k : suite.pass_at) {
    const auto pass = [k](const SuiteProblemResult& problem) { return PassAt(problem, k); };
    row.push_back(absl::StrFormat("%.1f %%", MeanPercent(result, family, pass)));
  }
  return row;
}

std::string ResultTable(const SuiteConfig& suite, const SuiteResult& result) {
  std::set<std::string> families;
  double tokens = 0, truncated = 0, completions = 0;
  int unscored = 0;
  for (const SuiteProblemResult& problem : result.problems) {
    families.insert(problem.family);
    tokens += problem.tokens;
    truncated += problem.truncated;
    completions += problem.correct.size();
    unscored += problem.unscored;
  }
  if (families.size() == 1) families.clear();
  Row header = {suite.name, "problems", absl::StrFormat("mean@%d", suite.samples), "95 % interval"};
  for (double k : suite.pass_at) header.push_back(absl::StrFormat("pass@%d", static_cast<int>(k)));
  std::vector<Row> rows;
  for (const std::string& family : families) rows.push_back(ResultRow(suite, result, family));
  rows.push_back(ResultRow(suite, result, ""));
  return absl::StrCat(
      FormatTable(header, rows),
      absl::StrFormat("%.0f tokens a completion, %.1f %% cut off at %d, %d without a verdict\n",
                      tokens / completions, 100 * truncated / completions,
                      suite.sampling.max_new_tokens, unscored));
}

SuiteProblemResult ResultOf(const ScoredGroup& scored) {
  SuiteProblemResult result;
  result.id = scored.group.prompt.name;
  result.family = scored.group.prompt.family;
  result.level = scored.group.prompt.pool;
  for (size_t i = 0; i < scored.scores.size(); ++i) {
    const Rollout& rollout = scored.group.rollouts[i];
    result.correct.push_back(scored.scores[i].correct);
    result.unscored += scored.scores[i].state != RewardState::kScored;
    result.truncated += rollout.finish == FinishReason::kLength;
    result.tokens += rollout.tokens.size();
  }
  return result;
}

absl::Status WriteResult(const std::string& folder, const SuiteResult& result) {
  if (folder.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(MakeDirectories(folder));
  return WriteFileAtomically(absl::StrCat(folder, "/", result.suite, ".json"),
                             SuiteResultToJson(result).dump() + "\n");
}

// What a suite asks and how it judges: what must be the same where results are compared.
std::string SuiteDigest(const SuiteConfig& suite) {
  nlohmann::ordered_json rewards = FieldToJson(suite.reward);
  return Sha256Hex(nlohmann::ordered_json{{"record", FieldsToJson(suite.record)},
                                          {"reward", std::move(rewards)},
                                          {"combine", suite.scorer.combine}}
                       .dump());
}

absl::Status Measure(const CommandLine& command, const std::vector<LoadedSuite>& suites,
                     const std::atomic<bool>& interrupted) {
  ASSIGN_OR_RETURN(const auto checkpoint, CheckpointReader::Open(command.policy));
  ASSIGN_OR_RETURN(const auto tokenizer, LoadTokenizer(*checkpoint));
  ASSIGN_OR_RETURN(const ChatFormat format, LoadChatFormat(*checkpoint, *tokenizer));
  ASSIGN_OR_RETURN(const Weights weights, LoadWeights(*checkpoint, MatrixStorage::kAsStored));
  EngineLimits limits;
  limits.threads = command.suite.threads;
  const RolloutEngine engine(tokenizer, format, limits);
  SuiteResult result;
  result.policy = command.policy;
  result.policy_digest = weights.Digest();
  result.seed = command.suite.seed;
  result.version = kVersion;
  for (const LoadedSuite& suite : suites) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Scorer> scorer,
                     Scorer::Create(suite.config.reward, suite.config.scorer));
    GenerateRequest request;
    request.prompts = suite.problems;
    request.group_size = suite.config.samples;
    request.sampling = suite.config.sampling;
    request.seed = command.suite.seed;
    request.cancelled = &interrupted;
    ASSIGN_OR_RETURN(std::vector<RolloutGroup> groups, engine.Generate(weights, request));
    result.suite = suite.config.name;
    result.data_digest = suite.digest;
    result.suite_digest = SuiteDigest(suite.config);
    result.sampling = FieldsToJson(suite.config.sampling);
    result.samples = suite.config.samples;
    result.problems.clear();
    for (const ScoredGroup& scored :
         scorer->Score(std::move(groups), suite.config.sampling.max_new_tokens)) {
      result.problems.push_back(ResultOf(scored));
    }
    RETURN_IF_ERROR(WriteResult(command.suite.out, result));
    std::fputs(ResultTable(suite.config, result).c_str(), stdout);
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

absl::StatusOr<SuiteResult> ReadResult(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(text, {path}));
  return SuiteResultFromJson(json, path);
}

absl::Status Compare(const std::string& path_a, const std::string& path_b) {
  ASSIGN_OR_RETURN(const SuiteResult a, ReadResult(path_a));
  ASSIGN_OR_RETURN(const SuiteResult b, ReadResult(path_b));
  ASSIGN_OR_RETURN(const SuiteComparison comparison, CompareSuiteResults(a, b));
  std::printf(
      "%s, %zu problems, %d completions of each\nA  %5.1f %%  %s\nB  %5.1f %%  %s\n"
      "%d problems better in B, %d worse\n%s\n",
      a.suite.c_str(), a.problems.size(), a.samples, 100 * comparison.rate_a, a.policy.c_str(),
      100 * comparison.rate_b, b.policy.c_str(), comparison.better, comparison.worse,
      comparison.verdict.c_str());
  return absl::OkStatus();
}

absl::Status ListSuites() {
  std::vector<Row> rows;
  for (const auto& [name, toml] : ShippedSuites()) {
    ASSIGN_OR_RETURN(const SuiteConfig suite, ParseSuite(toml, name + ".toml", {}));
    rows.push_back({name, suite.data.file, suite.title});
  }
  std::fputs(FormatTable({"suite", "file", "what"}, rows).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunSuites(const CommandLine& command, const std::atomic<bool>& interrupted) {
  if (command.list) return ListSuites();
  if (!command.compared.empty()) return Compare(command.compared[0], command.compared[1]);
  ASSIGN_OR_RETURN(const std::vector<LoadedSuite> suites, LoadSuites(command));
  return command.suite.check ? TrySuites(suites) : Measure(command, suites, interrupted);
}

}  // namespace grpo
