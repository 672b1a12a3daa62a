#include "rl/eval/suite_command.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "data/digest.h"
#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "policy/checkpoint_reader.h"
#include "policy/checkpoint_tokenizer.h"
#include "policy/policy_folder.h"
#include "rl/eval/contamination.h"
#include "rl/eval/loaded_suite.h"
#include "rl/eval/result_table.h"
#include "rl/eval/shipped_suites.h"
#include "rl/eval/suite.h"
#include "rl/eval/suite_check.h"
#include "rl/eval/suite_result.h"
#include "rl/eval/suite_run.h"
#include "rl/table.h"
#include "rollout/engine.h"

namespace grpo {
namespace {

using Row = std::vector<std::string>;

// All of them before anything is sampled: what is wrong with the last one is said at once.
absl::StatusOr<std::vector<LoadedSuite>> LoadSuites(const CommandLine& command) {
  std::vector<LoadedSuite> suites;
  for (const std::string& name : command.suites) {
    SuiteChoice choice;
    choice.name = name;
    choice.overrides = command.overrides;
    choice.data = command.suite.data;
    choice.skip_bad = command.suite.skip_bad;
    choice.limit = command.suite.limit;
    ASSIGN_OR_RETURN(LoadedSuite suite, LoadSuiteWithProblems(choice));
    for (const std::string& note : suite.notes) std::fprintf(stderr, "%s\n", note.c_str());
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

constexpr size_t kShownOverlaps = 20;  // of a suite; the report has all

// Reports what training data has of each suite; an error where it is more of one than is allowed.
absl::Status LookForProblems(const CommandLine& command, const std::vector<LoadedSuite>& suites) {
  std::vector<Row> rows;
  std::vector<std::string> above;
  for (const LoadedSuite& suite : suites) {
    ASSIGN_OR_RETURN(
        const ContaminationReport report,
        FindContamination(suite.problems, command.training, command.suite.overlap_words));
    const size_t shown = std::min(kShownOverlaps, report.overlapping.size());
    for (size_t i = 0; i < shown; ++i) {
      const OverlappingProblem& problem = report.overlapping[i];
      std::printf("%s %s: %.0f %% of it, in %s: %s\n", suite.config.name.c_str(),
                  problem.id.c_str(), 100 * problem.share, problem.where.c_str(),
                  problem.passage.c_str());
    }
    if (shown < report.overlapping.size()) {
      std::printf("… and %zu more\n", report.overlapping.size() - shown);
    }
    if (!command.suite.out.empty()) {
      const std::string folder = absl::StrCat(command.suite.out, "/", suite.config.name);
      RETURN_IF_ERROR(MakeDirectories(folder));
      RETURN_IF_ERROR(WriteFileAtomically(folder + "/contamination.json",
                                          ContaminationToJson(report).dump(2) + "\n"));
    }
    rows.push_back({suite.config.name, absl::StrCat(report.problems),
                    absl::StrCat(report.comparable), absl::StrCat(report.overlapping.size()),
                    absl::StrFormat("%.1f %%", 100 * report.Share()),
                    absl::StrCat(report.records)});
    if (report.Share() > command.suite.max_overlap) above.push_back(suite.config.name);
  }
  const Row header = {"suite", "problems", "long enough", "in training", "share", "records read"};
  std::fputs(FormatTable(header, rows).c_str(), stdout);
  if (above.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the training data has problems of ", absl::StrJoin(above, ", "),
                   ", more than --max-overlap ", command.suite.max_overlap,
                   " allows; take those records out, or do not report these suites"));
}

std::string TableText(const TableRows& rows) {
  return rows.empty() ? "" : FormatTable(rows[0], {rows.begin() + 1, rows.end()});
}

// The suite's folder in --out; by default one of its own for each evaluation, so that the same
// command finds it again.
std::string FolderOf(const SuiteOptions& options, const SuiteResult& head, size_t problems) {
  if (!options.out.empty()) return absl::StrCat(options.out, "/", head.suite);
  const std::string digest = Sha256Hex(absl::StrCat(problems, SuiteResultToJson(head).dump()));
  return absl::StrCat("evals/", head.suite, "-", digest.substr(0, 12));
}

// Says every few seconds how far a suite is.
std::function<void(size_t, size_t)> ProgressOf(const std::string& suite) {
  const absl::Time start = absl::Now();
  return [suite, start, said = 0.0](size_t done, size_t all) mutable {
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    if (done < all && seconds - said < 5) return;
    said = seconds;
    std::fprintf(stderr, "%s  %zu/%zu problems  %.0f s\n", suite.c_str(), done, all, seconds);
  };
}

void Show(const SuiteConfig& suite, const SuiteResult& result, const std::string& folder) {
  std::printf("%s%s%s/result.json and page.html\n", TableText(ResultTable(suite, result)).c_str(),
              TableText(LevelTable(suite, result)).c_str(), folder.c_str());
  std::fflush(stdout);
}

absl::Status Measure(const CommandLine& command, const std::vector<LoadedSuite>& suites,
                     const std::atomic<bool>& interrupted) {
  const SuiteOptions& chosen = command.suite;
  ASSIGN_OR_RETURN(const auto checkpoint, CheckpointReader::Open(command.policy));
  ASSIGN_OR_RETURN(const auto tokenizer, LoadTokenizer(*checkpoint));
  ASSIGN_OR_RETURN(const Weights weights, LoadWeights(*checkpoint, MatrixStorage::kAsStored));
  const std::string digest = weights.Digest();
  EngineLimits limits;
  limits.threads = chosen.threads;
  limits.max_sequences = chosen.batch;
  limits.draft_tokens = 8;  // no result depends on it
  for (const LoadedSuite& suite : suites) {
    ASSIGN_OR_RETURN(const ChatFormat format,
                     LoadChatFormat(*checkpoint, *tokenizer, suite.config.chat_template));
    const RolloutEngine engine(tokenizer, format, limits);
    const SuiteResult head =
        SuiteHead(suite.config, suite.digest, command.policy, digest, chosen.seed);
    const SuiteRunOptions options = RunOptionsOf(chosen, head, suite.problems.size(), interrupted);
    RETURN_IF_ERROR(MeasureSuite(suite, head, weights, engine, options));
  }
  return absl::OkStatus();
}

absl::Status Judge(const CommandLine& command, const std::vector<LoadedSuite>& suites,
                   const std::atomic<bool>& interrupted) {
  const std::string& file = command.suite.completions;
  ASSIGN_OR_RETURN(const std::string digest, Sha256OfFile(file));
  for (const LoadedSuite& suite : suites) {
    const SuiteResult head = SuiteHead(suite.config, suite.digest, file, digest, /*seed=*/0);
    const SuiteRunOptions options =
        RunOptionsOf(command.suite, head, suite.problems.size(), interrupted);
    ASSIGN_OR_RETURN(const SuiteResult result,
                     JudgeCompletions(suite.config, suite.problems, head, file, options));
    SuiteConfig given = suite.config;
    given.samples = result.samples;
    Show(given, result, options.folder);
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

SuiteRunOptions RunOptionsOf(const SuiteOptions& chosen, const SuiteResult& head, size_t problems,
                             const std::atomic<bool>& interrupted) {
  SuiteRunOptions options;
  options.folder = FolderOf(chosen, head, problems);
  options.seed = static_cast<uint64_t>(chosen.seed);
  options.scoring_threads = chosen.threads;
  options.rank = chosen.rank;
  options.ranks = chosen.ranks;
  options.cancelled = &interrupted;
  options.progress = ProgressOf(head.suite);
  return options;
}

absl::Status MeasureSuite(const LoadedSuite& suite, const SuiteResult& head, const Weights& weights,
                          const RolloutEngine& engine, const SuiteRunOptions& options) {
  ASSIGN_OR_RETURN(const absl::optional<SuiteResult> result,
                   RunSuite(suite.config, suite.problems, head, weights, engine, options));
  if (result.has_value()) {
    Show(suite.config, *result, options.folder);
  } else {
    std::printf("%s: this rank's problems are done; other ranks have some left (%s)\n",
                head.suite.c_str(), options.folder.c_str());
  }
  return absl::OkStatus();
}

absl::Status RunSuites(const CommandLine& command, const std::atomic<bool>& interrupted) {
  if (command.list) return ListSuites();
  if (!command.compared.empty()) return Compare(command.compared[0], command.compared[1]);
  ASSIGN_OR_RETURN(const std::vector<LoadedSuite> suites, LoadSuites(command));
  if (command.suite.check) return TrySuites(suites);
  if (!command.training.empty()) return LookForProblems(command, suites);
  if (!command.suite.completions.empty()) return Judge(command, suites, interrupted);
  return Measure(command, suites, interrupted);
}

}  // namespace grpo
