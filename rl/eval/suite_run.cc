#include "rl/eval/suite_run.h"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "data/digest.h"
#include "data/file.h"
#include "data/json.h"
#include "data/json_fields.h"
#include "data/json_lines.h"
#include "data/status_macros.h"
#include "reward/scorer.h"
#include "rl/eval/result_page.h"
#include "rl/eval/sample_log.h"
#include "rl/fields_json.h"
#include "rl/sample_json.h"
#include "rl/version.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

// What a suite asks and how it judges: what must be the same where results are compared.
std::string SuiteDigest(const SuiteConfig& suite) {
  return Sha256Hex(ordered_json{{"record", FieldsToJson(suite.record)},
                                {"shots", FieldsToJson(suite.shots)},
                                {"chat_template", suite.chat_template},
                                {"reward", FieldToJson(suite.reward)},
                                {"combine", suite.scorer.combine}}
                       .dump());
}

// Everything that the samples depend on, and nothing else.
ordered_json IdentityOf(const SuiteResult& head, size_t problems) {
  ordered_json identity = SuiteResultToJson(head);
  identity["policy"] = head.policy_digest;  // wherever it lies
  identity["problems"] = problems;
  return identity;
}

// Scores the one group of a problem and puts its samples down.
absl::Status ScoreInto(Scorer& scorer, int max_tokens, int64_t problem,
                       std::vector<RolloutGroup> group, SampleLog& log) {
  const std::vector<ScoredGroup> scored = scorer.Score(std::move(group), max_tokens);
  std::vector<ordered_json> records = SampleRecords(scored, 1);
  for (ordered_json& record : records) record["level"] = scored[0].group.prompt.pool;
  return log.Add(problem, records);
}

// Scores groups as they come out of the stream, until none is left. Threads share it: each takes a
// group, waits for nothing else, and puts its samples down.
class Collector {
 public:
  Collector(RolloutStream& stream, Scorer& scorer, SampleLog& log, int max_tokens,
            const std::vector<int64_t>& numbers, const SuiteRunOptions& options)
      : stream_(stream),
        scorer_(scorer),
        log_(log),
        max_tokens_(max_tokens),
        numbers_(numbers),
        options_(options) {}

  absl::Status Run() {
    std::vector<std::thread> threads;
    for (int i = 1; i < options_.scoring_threads; ++i) threads.emplace_back([this] { Collect(); });
    Collect();
    for (std::thread& thread : threads) thread.join();
    absl::MutexLock lock(&mutex_);
    return status_;
  }

 private:
  void Collect() {
    while (true) {
      const absl::StatusOr<bool> more = CollectOne();
      if (more.ok() && *more) continue;
      absl::MutexLock lock(&mutex_);
      status_.Update(more.status());
      return;
    }
  }

  // False at the end, or after another thread's failure.
  absl::StatusOr<bool> CollectOne() {
    ASSIGN_OR_RETURN(absl::optional<Generation::Finished> finished, stream_.Next());
    if (!finished.has_value()) return false;
    std::vector<RolloutGroup> groups;
    groups.push_back(std::move(finished->group));
    RETURN_IF_ERROR(
        ScoreInto(scorer_, max_tokens_, numbers_[finished->number], std::move(groups), log_));
    absl::MutexLock lock(&mutex_);
    if (options_.progress) options_.progress(++done_, numbers_.size());
    return status_.ok();
  }

  RolloutStream& stream_;
  Scorer& scorer_;
  SampleLog& log_;
  const int max_tokens_;
  const std::vector<int64_t>& numbers_;  // of the problems, by the stream's numbers
  const SuiteRunOptions& options_;
  absl::Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  size_t done_ ABSL_GUARDED_BY(mutex_) = 0;
};

absl::Status SampleWhatIsLeft(const SuiteConfig& suite, const std::vector<Prompt>& problems,
                              const Weights& weights, const RolloutEngine& engine, SampleLog& log,
                              const SuiteRunOptions& options) {
  if (log.left().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<Scorer> scorer,
                   Scorer::Create(suite.reward, suite.scorer));
  GenerateOptions generate;
  generate.group_size = suite.samples;
  generate.sampling = suite.sampling;
  generate.seed = options.seed;
  generate.cancelled = options.cancelled;
  ASSIGN_OR_RETURN(const std::unique_ptr<RolloutStream> stream,
                   RolloutStream::Open(engine, weights, generate));
  for (int64_t problem : log.left()) {
    RETURN_IF_ERROR(stream->Submit(problems[problem]).status());
  }
  stream->Close();
  RETURN_IF_ERROR(
      Collector(*stream, *scorer, log, suite.sampling.max_new_tokens, log.left(), options).Run());
  if (options.cancelled != nullptr && options.cancelled->load()) {
    return absl::CancelledError(
        absl::StrCat("interrupted; the same command goes on from ", options.folder));
  }
  return absl::OkStatus();
}

// The class of each completion's answer: all right ones are one, for they are equal however they
// are written; of wrong ones those that are written alike.
std::vector<int> AnswerClasses(const std::vector<ordered_json>& records) {
  absl::flat_hash_map<std::string, int> classes;
  std::vector<int> answers;
  for (const ordered_json& record : records) {
    const std::string given = record.value("given", "");
    if (given.empty()) {
      answers.push_back(-1);
      continue;
    }
    const std::string key = record.value("correct", false) ? "" : given;
    answers.push_back(classes.try_emplace(key, static_cast<int>(classes.size())).first->second);
  }
  return answers;
}

SuiteProblemResult ResultOf(const std::vector<ordered_json>& records) {
  SuiteProblemResult result;
  result.answers = AnswerClasses(records);
  result.id = records[0].value("name", "");
  result.family = records[0].value("family", "");
  result.level = records[0].value("level", "");
  for (const ordered_json& record : records) {
    result.correct.push_back(record.value("correct", false));
    result.unscored += record.value("state", "") != "scored";
    result.truncated += record.value("finish", "") == "length";
    result.tokens += record.value("tokens", int64_t{0});
  }
  return result;
}

absl::StatusOr<std::unique_ptr<SampleLog>> OpenLog(const SuiteResult& head, int samples,
                                                   size_t problems,
                                                   const SuiteRunOptions& options) {
  SampleLogOptions log_options;
  log_options.folder = options.folder;
  log_options.replaces = options.replaces;
  log_options.identity = IdentityOf(head, problems);
  log_options.problems = static_cast<int64_t>(problems);
  log_options.samples = samples;
  log_options.rank = options.rank;
  log_options.ranks = options.ranks;
  return SampleLog::Open(log_options);
}

// Writes the result and its page from a log that is complete.
absl::StatusOr<SuiteResult> Finish(const SuiteConfig& suite, const SuiteResult& head,
                                   const SampleLog& log, const std::string& folder) {
  SuiteResult result = head;
  ResultPage page;
  absl::flat_hash_set<std::string> families;
  const auto add = [&](int64_t, const std::vector<ordered_json>& records) {
    result.problems.push_back(ResultOf(records));
    if (families.insert(result.problems.back().family).second) {
      result.examples.push_back(records[0]);
    }
    page.Add(records);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(log.ForEachProblem(add));
  RETURN_IF_ERROR(
      WriteFileAtomically(absl::StrCat(folder, "/page.html"), page.Html(suite, result)));
  RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(folder, "/result.json"),
                                      SuiteResultToJson(result).dump() + "\n"));
  return result;
}

// The completions of each problem out of a file of JSON lines.
absl::StatusOr<std::vector<RolloutGroup>> ReadCompletions(const std::vector<Prompt>& problems,
                                                          const std::string& path) {
  absl::flat_hash_map<std::string, size_t> places;
  std::vector<RolloutGroup> groups(problems.size());
  for (size_t i = 0; i < problems.size(); ++i) {
    places[problems[i].name] = i;
    groups[i].prompt = problems[i];
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<JsonLinesReader> reader, JsonLinesReader::Open(path));
  while (true) {
    ASSIGN_OR_RETURN(const absl::optional<JsonRecord> record, reader->Next());
    if (!record.has_value()) break;
    const std::string where = absl::StrCat(path, ":", record->line);
    ASSIGN_OR_RETURN(const std::string id, StringField(record->value, "id", where));
    const auto place = places.find(id);
    if (place == places.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": the suite has no problem \"", QuoteForMessage(id, 60), "\""));
    }
    RolloutGroup& group = groups[place->second];
    Rollout rollout;
    rollout.prompt_id = group.prompt.id;
    rollout.sample_index = static_cast<int>(group.rollouts.size());
    ASSIGN_OR_RETURN(rollout.text, StringField(record->value, "completion", where));
    group.rollouts.push_back(std::move(rollout));
  }
  for (const RolloutGroup& group : groups) {
    if (!group.rollouts.empty() && group.rollouts.size() == groups[0].rollouts.size()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": ", group.rollouts.size(), " completions of problem \"", group.prompt.name,
        "\", and ", groups[0].rollouts.size(), " of the first; expected as many of each"));
  }
  return groups;
}

}  // namespace

SuiteResult SuiteHead(const SuiteConfig& suite, const std::string& data_digest,
                      const std::string& policy, const std::string& policy_digest, int64_t seed) {
  SuiteResult head;
  head.suite = suite.name;
  head.policy = policy;
  head.policy_digest = policy_digest;
  head.data_digest = data_digest;
  head.suite_digest = SuiteDigest(suite);
  head.sampling = FieldsToJson(suite.sampling);
  head.samples = suite.samples;
  head.seed = seed;
  head.version = kVersion;
  return head;
}

absl::StatusOr<absl::optional<SuiteResult>> RunSuite(
    const SuiteConfig& suite, const std::vector<Prompt>& problems, const SuiteResult& head,
    const Weights& weights, const RolloutEngine& engine, const SuiteRunOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SampleLog> log,
                   OpenLog(head, suite.samples, problems.size(), options));
  RETURN_IF_ERROR(SampleWhatIsLeft(suite, problems, weights, engine, *log, options));
  ASSIGN_OR_RETURN(const bool complete, log->Complete());
  if (!complete) return absl::optional<SuiteResult>();
  ASSIGN_OR_RETURN(SuiteResult result, Finish(suite, head, *log, options.folder));
  return absl::make_optional(std::move(result));
}

absl::StatusOr<SuiteResult> JudgeCompletions(const SuiteConfig& suite,
                                             const std::vector<Prompt>& problems,
                                             const SuiteResult& head, const std::string& file,
                                             const SuiteRunOptions& options) {
  ASSIGN_OR_RETURN(std::vector<RolloutGroup> groups, ReadCompletions(problems, file));
  SuiteConfig given = suite;
  given.samples = static_cast<int>(groups[0].rollouts.size());
  SuiteResult given_head = head;
  given_head.samples = given.samples;
  ASSIGN_OR_RETURN(const std::unique_ptr<SampleLog> log,
                   OpenLog(given_head, given.samples, problems.size(), options));
  ASSIGN_OR_RETURN(const std::unique_ptr<Scorer> scorer,
                   Scorer::Create(suite.reward, suite.scorer));
  size_t done = 0;
  for (int64_t problem : log->left()) {
    std::vector<RolloutGroup> one;
    one.push_back(std::move(groups[problem]));
    RETURN_IF_ERROR(
        ScoreInto(*scorer, suite.sampling.max_new_tokens, problem, std::move(one), *log));
    if (options.progress) options.progress(++done, log->left().size());
  }
  return Finish(given, given_head, *log, options.folder);
}

}  // namespace grpo
