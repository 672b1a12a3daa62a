#include "reward/tools/tool_calls.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "reward/metadata.h"
#include "reward/reply_text.h"
#include "reward/tools/assignment.h"
#include "reward/tools/bfcl_match.h"
#include "reward/tools/call_parser.h"
#include "reward/tools/expected_calls.h"
#include "reward/tools/value_match.h"

namespace grpo {
namespace {

using nlohmann::json;

struct Task {
  bool has_tools = false;
  Toolbox tools;
  std::vector<ExpectedCall> expected;
};

// How far a written call is the expected one, each from 0 to 1.
struct PairScore {
  double name = 0, keys = 0, values = 0;
  bool right() const { return name == 1 && keys == 1 && values == 1; }
};

absl::StatusOr<Task> ReadTask(const Prompt& prompt) {
  ASSIGN_OR_RETURN(const json metadata, ParseMetadata(prompt));
  Task task;
  for (const char* key : {"tools", "function"}) {
    if (task.has_tools || !metadata.contains(key)) continue;
    task.has_tools = true;
    ASSIGN_OR_RETURN(task.tools, ReadToolbox(metadata[key]));
  }
  if (metadata.contains("expected_calls")) {
    ASSIGN_OR_RETURN(task.expected, ReadExpectedCalls(metadata["expected_calls"]));
    return task;
  }
  if (prompt.answer.empty()) {
    return absl::InvalidArgumentError(
        "expected the calls in the answer or in metadata \"expected_calls\", found neither");
  }
  ASSIGN_OR_RETURN(const json answer, ParseJson(prompt.answer, {"answer"}));
  ASSIGN_OR_RETURN(task.expected, ReadExpectedCalls(answer));
  return task;
}

class ToolCalls : public Reward {
 public:
  explicit ToolCalls(const ToolCallsOptions& options)
      : bfcl_(options.matching == "bfcl"),
        strings_(options.strings == "folded" ? StringRule::kFolded : StringRule::kExact),
        partial_(options.partial) {}

  absl::string_view name() const override { return "tool_calls"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    auto task = ReadTask(request.prompt);
    absl::Status status = task.status();
    if (status.ok()) status = CheckTask(*task);
    if (!status.ok()) {
      return RewardResult::Invalid(
          absl::StrCat("prompt ", request.prompt.name, ": ", status.message()));
    }
    const std::string reply = ReplyWithoutThought(request.completion);
    ParsedCalls parsed = ParseToolCalls(reply);
    if (!parsed.fault.empty()) {
      return Result(0, {}, absl::StrCat("not a call: ", QuoteForMessage(parsed.fault, 200)));
    }
    if (task->expected.empty()) return JudgeSilence(parsed, reply);
    if (parsed.calls.empty()) return Result(0, {}, "no call found");
    for (ToolCall& call : parsed.calls) GiveTypes(Parameters(*task, call.name), &call);
    return JudgeCalls(parsed.calls, *task);
  }

 private:
  absl::Status CheckTask(const Task& task) const {
    if (bfcl_) {
      return task.has_tools ? absl::OkStatus()
                            : absl::InvalidArgumentError("BFCL's matching needs \"tools\"");
    }
    return task.has_tools ? CheckAgainstTools(task.expected, task.tools) : absl::OkStatus();
  }

  static const json& Parameters(const Task& task, const std::string& name) {
    static const json& none = *new json(json::object());
    const auto tool = task.tools.find(name);
    return tool == task.tools.end() ? none : tool->second;
  }

  RewardResult Result(double parse, const PairScore& mean, std::string reason) const {
    const bool right = parse == 1 && mean.right();
    const double parts_mean = (parse + mean.name + mean.keys + mean.values) / 4;
    RewardResult result = RewardResult::Scored(right      ? 1
                                               : partial_ ? parts_mean
                                                          : 0,
                                               std::move(reason));
    result.parts = {
        {"parse", parse}, {"name", mean.name}, {"keys", mean.keys}, {"values", mean.values}};
    return result;
  }

  RewardResult JudgeSilence(const ParsedCalls& parsed, const std::string& reply) const {
    if (!parsed.calls.empty()) {
      return Result(0, {},
                    absl::StrCat("calls ", QuoteForMessage(parsed.calls[0].name),
                                 " where nothing was to be called"));
    }
    if (absl::StripAsciiWhitespace(reply).empty()) return Result(0, {}, "an empty reply");
    return Result(1, {1, 1, 1}, "nothing called, as expected");
  }

  RewardResult JudgeCalls(const std::vector<ToolCall>& calls, const Task& task) const {
    const size_t count = task.expected.size();
    if (calls.size() > count) {
      return Result(0, {}, absl::StrCat(calls.size(), " calls, expected ", count));
    }
    std::vector<std::vector<PairScore>> scores(count, std::vector<PairScore>(count));
    std::vector<std::vector<int64_t>> weights(count, std::vector<int64_t>(count));
    for (size_t i = 0; i < count; ++i) {
      for (size_t j = 0; j < calls.size(); ++j) {
        scores[i][j] = ScorePair(calls[j], task.expected[i], task);
        weights[i][j] = Weight(scores[i][j]);
      }
    }
    const std::vector<int> call_of = BestAssignment(weights);
    PairScore sum;
    int right = 0;
    for (size_t i = 0; i < count; ++i) {
      const PairScore& pair = scores[i][call_of[i]];
      sum.name += pair.name;
      sum.keys += pair.keys;
      sum.values += pair.values;
      right += pair.right() ? 1 : 0;
    }
    const double n = static_cast<double>(count);
    return Result(1, {sum.name / n, sum.keys / n, sum.values / n},
                  absl::StrCat(right, " of ", count, " calls right"));
  }

  // A whole number that is largest only for a pair that is right: a pairing of right pairs alone
  // has the largest sum of all, so that it is found where there is one.
  static int64_t Weight(const PairScore& pair) {
    constexpr int64_t kPart = 1 << 20;
    return static_cast<int64_t>(pair.name * kPart) + static_cast<int64_t>(pair.keys * kPart) +
           static_cast<int64_t>(pair.values * kPart);
  }

  PairScore ScorePair(const ToolCall& call, const ExpectedCall& expected, const Task& task) const {
    if (call.name != expected.name) return {};
    const json& parameters = Parameters(task, call.name);
    const std::vector<std::string> required = RequiredParameters(parameters);
    std::set<std::string> names(required.begin(), required.end());
    for (const auto& argument : call.arguments.items()) names.insert(argument.key());
    for (const auto& argument : expected.arguments.items()) {
      if (IsRequired(expected, argument.key())) names.insert(argument.key());
    }
    if (names.empty()) return {1, 1, 1};
    size_t keys = 0, values = 0;
    for (const std::string& name : names) {
      if (!call.arguments.contains(name) || !IsKnown(name, expected, parameters)) continue;
      ++keys;
      values += ValueIsRight(call.arguments[name], name, expected, parameters) ? 1 : 0;
    }
    const double n = static_cast<double>(names.size());
    return {1, keys / n, values / n};
  }

  // Whether the call may have an argument of this name.
  bool IsKnown(const std::string& name, const ExpectedCall& expected,
               const json& parameters) const {
    if (!expected.arguments.contains(name)) return false;
    if (FieldOrNull(parameters, "properties").contains(name)) return true;
    const json& others = FieldOrNull(parameters, "additionalProperties");
    return !bfcl_ && !(others.is_boolean() && !others.get<bool>());
  }

  bool ValueIsRight(const json& value, const std::string& name, const ExpectedCall& expected,
                    const json& parameters) const {
    const json& schema = ParameterSchema(parameters, name);
    if (bfcl_) return BfclValueAllowed(value, AllowedValues(expected, name), schema);
    if (!SchemaViolation(value, schema).empty()) return false;
    const json& argument = expected.arguments[name];
    return expected.plain ? ValueMatches(value, argument, schema, strings_)
                          : ValueAllowed(value, argument, schema, strings_);
  }

  const bool bfcl_;
  const StringRule strings_;
  const bool partial_;
};

}  // namespace

std::unique_ptr<Reward> NewToolCalls(const ToolCallsOptions& options) {
  return std::make_unique<ToolCalls>(options);
}

}  // namespace grpo
