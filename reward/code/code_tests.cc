#include "reward/code/code_tests.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

#include "data/json.h"
#include "data/status_macros.h"
#include "reward/code/fenced_code.h"
#include "reward/code/output_match.h"
#include "reward/code/sandbox.h"
#include "reward/code/test_suite.h"
#include "reward/code/value.h"
#include "reward/reply_text.h"

namespace grpo {
namespace {

constexpr size_t kMaxRewritten = 10000;  // suites that are remembered

// What the tests say of a program.
struct Verdict {
  size_t passed = 0;
  size_t cases = 1;
  std::string fault;    // the first failure
  std::string invalid;  // why the tests themselves are unusable
};

// What JSON the program sent, or null.
nlohmann::json ParseReply(absl::string_view text) {
  absl::StatusOr<nlohmann::json> reply = ParseJson(text, {"reply", 1});
  return reply.ok() ? *std::move(reply) : nlohmann::json();
}

std::string TextOf(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto field = object.find(key);
  if (field == object.end() || !field->is_string()) return "";
  return QuoteForMessage(field->get_ref<const std::string&>(), 200);
}

// Why a job that was not over said no more.
std::string WhySilent(const SandboxResult& result) {
  return result.reason.empty() ? "the program ended before its tests" : result.reason;
}

// What was wrong with the source; empty where it was loaded.
std::string LoadFault(const SandboxResult& result) {
  if (result.outputs.empty()) return WhySilent(result);
  const nlohmann::json reply = ParseReply(result.outputs[0]);
  if (reply.is_object() && reply.contains("load") && reply["load"].is_null()) return "";
  return absl::StrCat("the program cannot be loaded: ", TextOf(reply, "load"));
}

void NoteFault(std::string fault, Verdict* verdict) {
  if (verdict->fault.empty()) verdict->fault = std::move(fault);
}

bool Meets(const TestSuite& suite, const Expectation& expected, const Value& found) {
  using Rule = Expectation::Rule;
  const ValueEquality rules = {suite.tolerance, /*expected_is_json=*/!suite.tagged,
                               /*bool_is_int=*/suite.asserts && expected.rule != Rule::kSame};
  switch (expected.rule) {
    case Rule::kEqual:
    case Rule::kSame:
      return ValuesEqual(expected.value, found, rules);
    case Rule::kTruthy:
      return IsTruthy(found);
    case Rule::kFalsy:
      return !IsTruthy(found);
    case Rule::kWithin:
      return IsNumber(found) && IsNumber(expected.value) &&
             std::abs(AsDouble(found) - AsDouble(expected.value)) < expected.limit;
  }
  return false;
}

std::string DescribeExpectation(const Expectation& expected) {
  if (expected.rule == Expectation::Rule::kTruthy) return "what is true";
  if (expected.rule == Expectation::Rule::kFalsy) return "what is false";
  return DescribeValue(expected.value);
}

// Empty where the answer to a call is right.
std::string CallFault(const TestSuite& suite, size_t index, const std::string& output) {
  absl::StatusOr<Value> reply = ParseJsonValue(output);
  if (!reply.ok()) return "an answer that is no JSON";
  const Value* answer = Find(*reply, "v");
  if (answer == nullptr) {
    const Value* fault = Find(*reply, "e");
    return fault == nullptr ? "a malformed answer" : QuoteForMessage(fault->text, 200);
  }
  const absl::StatusOr<Value> found = FromTagged(*answer);
  if (!found.ok()) return "a malformed answer";
  if (Meets(suite, suite.expected[index], *found)) return "";
  return absl::StrCat("returned ", DescribeValue(*found), ", expected ",
                      DescribeExpectation(suite.expected[index]));
}

// Empty where a run of the program wrote what it should and ended well.
std::string RunFault(const TestSuite& suite, size_t index, const std::string& output,
                     const SandboxLimits& limits, OutputRule rule) {
  const size_t line_end = output.find('\n');
  if (line_end == std::string::npos) return "a malformed report";
  const nlohmann::json report = ParseReply(absl::string_view(output).substr(0, line_end));
  if (!report.is_object()) return "a malformed report";
  const absl::string_view written = absl::string_view(output).substr(line_end + 1);
  const int signal = report.value("signal", 0), status = report.value("status", 0);
  if (written.size() >= static_cast<size_t>(limits.output_bytes)) return "output too long";
  if (signal != 0) return absl::StrCat("killed by signal ", signal);
  if (status != 0) return absl::StrCat("exit status ", status, " ", TextOf(report, "error"));
  if (!OutputMatches(suite.outputs[index], written, rule, suite.tolerance)) {
    return absl::StrCat("wrote ", QuoteForMessage(written, 60), ", expected ",
                        QuoteForMessage(suite.outputs[index], 60));
  }
  return "";
}

Verdict JudgeAsserts(const SandboxResult& result) {
  Verdict verdict;
  if (result.outputs.empty()) {
    verdict.fault = WhySilent(result);
    return verdict;
  }
  const nlohmann::json report = ParseReply(result.outputs[0]);  // of the tests' own process
  verdict.invalid = TextOf(report, "invalid");
  if (!verdict.invalid.empty()) return verdict;
  if (!report.is_object()) {
    verdict.fault = "no report";
    return verdict;
  }
  verdict.passed = report.value("passed", size_t{0});
  verdict.cases = verdict.passed + report.value("failed", size_t{1});
  verdict.fault = TextOf(report, "fault");
  return verdict;
}

OutputRule RuleOf(const std::string& name) {
  if (name == "exact") return OutputRule::kExact;
  return name == "tokens" ? OutputRule::kTokens : OutputRule::kLines;
}

SandboxPolicy PolicyOf(const CodeTestsOptions& options) {
  SandboxPolicy policy;
  policy.tier = options.tier;
  policy.limits.wall_seconds = options.seconds;
  policy.limits.cpu_seconds = std::max(1, static_cast<int>(std::ceil(options.seconds)));
  policy.limits.memory_bytes = int64_t{options.memory_mb} << 20;
  return policy;
}

class CodeTests : public Reward {
 public:
  CodeTests(const CodeTestsOptions& options, std::unique_ptr<Sandbox> sandbox)
      : options_(options),
        limits_(PolicyOf(options).limits),
        output_rule_(RuleOf(options.output)),
        sandbox_(std::move(sandbox)) {}

  absl::string_view name() const override { return "code_tests"; }

  RewardResult Score(const RewardRequest& request, const Deadline& deadline) const override {
    absl::StatusOr<TestSuite> suite = ParseTestSuite(request.prompt.metadata_json);
    if (!suite.ok()) return RewardResult::Invalid(std::string(suite.status().message()));
    const absl::optional<std::string> source = Source(request.completion, suite->language);
    if (!source.has_value()) return Scored({0, 1, "no program in the completion", ""});
    if (suite->kind == TestSuite::Kind::kAsserts) suite = *Rewritten(*suite, deadline);
    SandboxJob job;
    job.kind = suite->kind == TestSuite::Kind::kCall    ? SandboxJob::Kind::kCalls
               : suite->kind == TestSuite::Kind::kStdio ? SandboxJob::Kind::kPrograms
                                                        : SandboxJob::Kind::kAsserts;
    job.language = suite->language;
    job.function = suite->function;
    job.tagged = suite->tagged;
    job.prelude = suite->prelude;
    job.source = *source;
    job.inputs = suite->inputs;
    const SandboxResult result = sandbox_->Run(job, deadline);
    if (result.status == SandboxStatus::kInfrastructure) {
      return RewardResult::Error(absl::StrCat("sandbox: ", result.reason));
    }
    const Verdict verdict = Judge(*suite, result);
    if (!verdict.invalid.empty()) return RewardResult::Invalid(verdict.invalid);
    return Scored(verdict);
  }

  // Two runs: asserts may be rewritten before they are judged.
  absl::Duration LongestCall() const override {
    return 2 * (absl::Seconds(limits_.wall_seconds) + kSandboxReportTime) +
           absl::Seconds(limits_.compiler_wall_seconds);
  }

 private:
  absl::optional<std::string> Source(absl::string_view completion,
                                     const std::string& language) const {
    if (options_.extract == "none") return std::string(completion);
    const absl::optional<absl::string_view> text = AfterThought(completion);
    if (!text.has_value()) return absl::nullopt;
    absl::optional<std::string> block = LastFencedBlock(*text, language);
    if (!block.has_value() && options_.extract == "fenced_or_text") return std::string(*text);
    return block;
  }

  // The suite as calls where it says no more than that, asked once for all completions of a prompt.
  std::shared_ptr<const TestSuite> Rewritten(const TestSuite& suite,
                                             const Deadline& deadline) const {
    const std::string key =
        absl::StrCat(suite.inputs[0].size(), ":", suite.inputs[0], suite.inputs[1]);
    {
      absl::MutexLock lock(&mutex_);
      const auto place = rewritten_.find(key);
      if (place != rewritten_.end()) return place->second;
    }
    SandboxJob job;
    job.kind = SandboxJob::Kind::kRewrite;
    job.source = suite.inputs[0];
    job.inputs = {suite.inputs[1]};
    const SandboxResult result = sandbox_->Run(job, deadline);
    absl::StatusOr<TestSuite> calls = suite;
    if (result.outputs.size() == 1) calls = RewrittenAsCalls(suite, result.outputs[0]);
    auto chosen = std::make_shared<const TestSuite>(calls.ok() ? *std::move(calls) : suite);
    if (result.status == SandboxStatus::kInfrastructure) return chosen;
    absl::MutexLock lock(&mutex_);
    if (rewritten_.size() >= kMaxRewritten) rewritten_.clear();
    rewritten_[key] = chosen;
    return chosen;
  }

  Verdict Judge(const TestSuite& suite, const SandboxResult& result) const {
    if (suite.kind == TestSuite::Kind::kAsserts) return JudgeAsserts(result);
    Verdict verdict;
    verdict.cases = suite.inputs.size();
    verdict.fault = LoadFault(result);
    if (!verdict.fault.empty()) return verdict;
    for (size_t i = 0; i < suite.inputs.size(); ++i) {
      if (i + 1 >= result.outputs.size()) {
        NoteFault(WhySilent(result), &verdict);
        break;
      }
      const std::string& output = result.outputs[i + 1];
      std::string fault = suite.kind == TestSuite::Kind::kCall
                              ? CallFault(suite, i, output)
                              : RunFault(suite, i, output, limits_, output_rule_);
      if (fault.empty()) {
        ++verdict.passed;
      } else {
        NoteFault(absl::StrCat("case ", i + 1, ": ", fault), &verdict);
      }
    }
    if (result.outputs.size() > suite.inputs.size() + 1) {
      NoteFault("more answers than calls", &verdict);
      verdict.passed = 0;
    }
    return verdict;
  }

  RewardResult Scored(const Verdict& verdict) const {
    const double share = static_cast<double>(verdict.passed) /
                         static_cast<double>(std::max<size_t>(1, verdict.cases));
    const bool all = verdict.passed == verdict.cases && verdict.fault.empty();
    const double score = options_.fractional ? share : all ? 1 : 0;
    RewardResult result = RewardResult::Scored(
        score, absl::StrCat(verdict.passed, " of ", verdict.cases, " tests passed",
                            verdict.fault.empty() ? "" : ": ", verdict.fault, " (",
                            std::string(SandboxTierName(sandbox_->tier())), ")"));
    result.parts = {{"passed", share}};
    return result;
  }

  const CodeTestsOptions options_;
  const SandboxLimits limits_;
  const OutputRule output_rule_;
  const std::unique_ptr<Sandbox> sandbox_;
  mutable absl::Mutex mutex_;
  mutable absl::flat_hash_map<std::string, std::shared_ptr<const TestSuite>> rewritten_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reward>> NewCodeTests(const CodeTestsOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Sandbox> sandbox, Sandbox::Create(PolicyOf(options)));
  return std::make_unique<CodeTests>(options, std::move(sandbox));
}

}  // namespace grpo
