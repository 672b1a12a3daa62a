#include "reward/registry.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <type_traits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

#include "data/status_macros.h"
#include "reward/code/code_tests.h"
#include "reward/countdown.h"
#include "reward/final_answer.h"
#include "reward/group_reward.h"
#include "reward/instructions/instructions.h"
#include "reward/math/math_answer.h"
#include "reward/plugins/plugin_reward.h"
#include "reward/safety/safety.h"
#include "reward/style/cosine_length.h"
#include "reward/style/format.h"
#include "reward/style/language.h"
#include "reward/style/length.h"
#include "reward/style/phrases.h"
#include "reward/style/repetition.h"
#include "reward/task_answer.h"
#include "reward/tools/tool_calls.h"

namespace grpo {
namespace {

struct Entry {
  std::string name;
  std::string documentation;  // one line
  std::function<std::unique_ptr<CheckerOptions>()> new_options;
  std::function<bool(const CheckerOptions&)> owns;  // whether these are the checker's options
  // `argument` is what stands behind a name that ends in ':'.
  std::function<absl::StatusOr<std::unique_ptr<Reward>>(const CheckerOptions&,
                                                        const std::string& argument)>
      create;

  // `maker` takes the options, or the argument and the options; it returns the checker or a
  // StatusOr of it.
  template <typename Options, typename Maker>
  static Entry Of(std::string name, std::string documentation, Maker maker) {
    using Typed = CheckerOptionsOf<Options>;
    Entry entry;
    entry.name = std::move(name);
    entry.documentation = std::move(documentation);
    entry.new_options = [] { return std::make_unique<Typed>(); };
    entry.owns = [](const CheckerOptions& options) {
      return dynamic_cast<const Typed*>(&options) != nullptr;
    };
    entry.create = [maker](const CheckerOptions& options,
                           const std::string& argument) -> absl::StatusOr<std::unique_ptr<Reward>> {
      const Options& typed = static_cast<const Typed&>(options).options();
      if constexpr (std::is_invocable_v<Maker, const std::string&, const Options&>) {
        return maker(argument, typed);
      } else {
        return maker(typed);
      }
    };
    return entry;
  }
};

// The checker behind "cosine_length:NAME", with its defaults, says what is right.
absl::StatusOr<std::unique_ptr<Reward>> NewCosineLengthOf(const std::string& name,
                                                          const CosineLengthOptions& options) {
  RewardSpec spec;
  spec.name = name;
  ASSIGN_OR_RETURN(std::unique_ptr<Reward> correctness, MakeReward(spec));
  const auto* group_reward = dynamic_cast<const GroupReward*>(correctness.get());
  if (group_reward != nullptr && group_reward->NeedsWholeGroup()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", name, "\" wants the completions of a group together, and cosine_length judges them ",
        "one by one; have it score them alone (grpo_reward.py: --each)"));
  }
  return NewCosineLength(options, std::move(correctness));
}

// A new checker is a line here. One with an argument ("plugin:PATH") has a name that ends in ':'
// and a maker that takes the argument before the options.
const std::vector<Entry>& Entries() {
  static const auto* const entries = new std::vector<Entry>{
      Entry::Of<FinalAnswerOptions>("final_answer", "1 where the last <answer> says the truth",
                                    NewFinalAnswer),
      Entry::Of<TaskAnswerOptions>("task_answer", "countdown or final_answer, as the prompt is",
                                   NewTaskAnswer),
      Entry::Of<CountdownOptions>("countdown", "1 where the given numbers make the target",
                                  NewCountdown),
      Entry::Of<FormatOptions>("format", "1 for <think>…</think><answer>…</answer> alone",
                               NewFormat),
      Entry::Of<LengthOptions>("length", "falls to -penalty at the token budget", NewLength),
      Entry::Of<RepetitionOptions>("repetition", "-penalty times the share of repeated n-grams",
                                   NewRepetition),
      Entry::Of<PluginOptions>("plugin:", "a shared library of yours (reward/plugin.h)",
                               NewPluginReward),
      Entry::Of<ProcessOptions>("process:", "a command of yours, in any language",
                                NewProcessReward),
      Entry::Of<CosineLengthOptions>(
          "cosine_length:", "by length and by what the checker named behind the colon says",
          NewCosineLengthOf),
      Entry::Of<PhrasesOptions>("phrases", "required and forbidden phrases", NewPhrases),
      Entry::Of<LanguageOptions>("language", "share of the text in the wanted language",
                                 NewLanguage),
      Entry::Of<MathAnswerOptions>("math_answer", "1 where the final answer equals the truth",
                                   NewMathAnswer),
      Entry::Of<CodeTestsOptions>("code_tests", "1 where the program passes all tests",
                                  NewCodeTests),
      Entry::Of<ToolCallsOptions>("tool_calls", "1 where the calls are those expected",
                                  NewToolCalls),
      Entry::Of<SafetyOptions>("safety", "refusals, canaries, secrets, topics, injected text",
                               NewSafety),
      Entry::Of<InstructionsOptions>("instructions", "IFEval's 25 kinds of instructions",
                                     NewInstructions),
  };
  return *entries;
}

const Entry* FindEntry(absl::string_view name) {
  for (const Entry& entry : Entries()) {
    const bool takes_argument = absl::EndsWith(entry.name, ":");
    const bool is_meant = takes_argument ? absl::StartsWith(name, entry.name) && name != entry.name
                                         : name == entry.name;
    if (is_meant) return &entry;
  }
  return nullptr;
}

std::string RangeText(const Range& range) {
  return std::isinf(range.high) ? absl::StrCat("at least ", range.low)
                                : absl::StrCat(range.low, " to ", range.high);
}

// Finds values that a recipe could not have: a program's own specifications are checked by the
// same list of fields.
class RangeChecker : public FieldVisitor {
 public:
  void Visit(const char* key, const FieldPointer& field, const FieldConstraint& constraint,
             const char*) override {
    if (const auto* range = std::get_if<Range>(&constraint)) {
      std::visit([&](auto* value) { CheckNumbers(key, *value, *range); }, field);
    } else if (const auto* one_of = std::get_if<OneOf>(&constraint)) {
      const auto* text = std::get_if<std::string*>(&field);
      const std::vector<std::string>& values = one_of->values;
      if (text != nullptr && std::find(values.begin(), values.end(), **text) == values.end()) {
        Add(key, "one of " + absl::StrJoin(values, ", "), **text);
      }
    }
  }

  const std::string& fault() const { return fault_; }

 private:
  template <typename T>
  void CheckNumbers(const char* key, const T& value, const Range& range) {
    if constexpr (std::is_arithmetic_v<T>) {
      const bool is_within = static_cast<double>(value) >= range.low &&
                             static_cast<double>(value) <= range.high &&
                             std::isfinite(static_cast<double>(value));
      if (!is_within) Add(key, RangeText(range), absl::StrCat(value));
    } else if constexpr (std::is_same_v<T, std::vector<double>>) {
      for (double item : value) CheckNumbers(key, item, range);
    }
  }

  void Add(const char* key, const std::string& expected, const std::string& found) {
    if (fault_.empty()) fault_ = absl::StrCat(key, ": expected ", expected, ", found ", found);
  }

  std::string fault_;
};

// Passes every key on once.
class OnceVisitor : public FieldVisitor {
 public:
  explicit OnceVisitor(FieldVisitor& visitor) : visitor_(visitor) {}
  void Visit(const char* key, const FieldPointer& field, const FieldConstraint& constraint,
             const char* documentation) override {
    if (seen_.insert(key).second) visitor_.Visit(key, field, constraint, documentation);
  }

 private:
  FieldVisitor& visitor_;
  std::set<std::string> seen_;
};

absl::Status Refusal(const RewardSpec& spec, absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat("reward \"", spec.name, "\": ", reason));
}

}  // namespace

std::vector<std::string> RewardNames() {
  std::vector<std::string> names;
  for (const Entry& entry : Entries()) names.push_back(entry.name);
  return names;
}

std::string RewardDocumentation(const std::string& name) {
  for (const Entry& entry : Entries()) {
    if (entry.name == name) return entry.documentation;
  }
  return "";
}

std::unique_ptr<CheckerOptions> DefaultOptions(const std::string& name) {
  for (const Entry& entry : Entries()) {
    if (entry.name == name) return entry.new_options();
  }
  return nullptr;
}

OneOf RewardSpec::KnownNames() { return OneOf{RewardNames()}; }

void RewardSpec::VisitOptions(FieldVisitor& visit) {
  if (const Entry* entry = FindEntry(name)) {
    const bool keep = options != nullptr && entry->owns(*options);
    std::unique_ptr<CheckerOptions> own = keep ? options->Clone() : entry->new_options();
    own->VisitFields(visit);
    options = std::move(own);
    return;
  }
  OnceVisitor once(visit);
  for (const Entry& entry : Entries()) entry.new_options()->VisitFields(once);
}

absl::StatusOr<std::unique_ptr<Reward>> MakeReward(const RewardSpec& spec) {
  const Entry* entry = FindEntry(spec.name);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("unknown reward \"", spec.name,
                                                   "\"; the rewards are ",
                                                   absl::StrJoin(RewardNames(), ", ")));
  }
  if (!std::isfinite(spec.weight)) return Refusal(spec, "expected a finite weight");
  if (spec.options != nullptr && !entry->owns(*spec.options)) {
    return Refusal(spec, "has the options of another checker");
  }
  const std::unique_ptr<CheckerOptions> options =
      spec.options == nullptr ? entry->new_options() : spec.options->Clone();
  RangeChecker ranges;
  options->VisitFields(ranges);
  if (!ranges.fault().empty()) return Refusal(spec, ranges.fault());
  const std::string argument(absl::StripPrefix(spec.name, entry->name));
  absl::StatusOr<std::unique_ptr<Reward>> reward = entry->create(*options, argument);
  if (!reward.ok()) {
    return absl::Status(reward.status().code(),
                        absl::StrCat("reward \"", spec.name, "\": ", reward.status().message()));
  }
  return reward;
}

}  // namespace grpo
