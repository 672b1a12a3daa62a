#include "rl/command_line.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "data/status_macros.h"
#include "rl/nearest_name.h"
#include "rl/recipe_node.h"
#include "rl/recipe_override.h"
#include "rl/recipe_reader.h"

namespace grpo {
namespace {

struct Option {
  std::string name;   // "--set"
  std::string value;  // what its value is called; empty: it takes none
  std::string documentation;
  bool repeats = false;
};

struct CommandSpec {
  Command command;
  std::string name;
  std::string usage;          // after "grpo "
  std::string documentation;  // one line
  std::string details;        // the paragraph of --help
  size_t positional;          // words besides options: a recipe, or a source and a destination
  std::vector<Option> options;
};

std::string OptionName(absl::string_view key) {
  return "--" + absl::StrReplaceAll(key, {{"_", "-"}});
}

// The visitor that turns fields into options.
class OptionCollector {
 public:
  template <typename T, typename Constraint>
  void operator()(const char* key, T&, const Constraint&, const char* documentation) {
    const std::string value = std::is_same_v<T, bool>          ? ""
                              : std::is_same_v<T, std::string> ? "TEXT"
                              : IsVector<T>::value             ? "LIST"
                                                               : "NUMBER";
    options.push_back({OptionName(key), value, documentation});
  }
  std::vector<Option> options;
};

template <typename Options>
std::vector<Option> OptionsOf() {
  Options defaults;
  OptionCollector collector;
  defaults.VisitFields(collector);
  return collector.options;
}

std::vector<Option> EvalOptions() {
  std::vector<Option> options = {
      {"--policy", "PATH", "folder or GGUF file of the policy"},
      {"--suite", "NAME", "a suite by name, or its .toml file; may be repeated", /*repeats=*/true},
      {"--set", "KEY=VALUE", "changes the recipe or the suite: samples=8; may be repeated",
       /*repeats=*/true},
      {"--training", "FILE",
       "looks for the suite's problems in training data instead, and reports those that it finds; "
       "may be repeated",
       /*repeats=*/true},
      {"--compare", "", "takes two result.json, A and B, and says which is better"},
      {"--list", "", "prints the suites that the program brings"}};
  for (Option& option : OptionsOf<SuiteOptions>()) options.push_back(std::move(option));
  return options;
}

std::vector<CommandSpec> MakeCommands() {
  const Option set = {"--set", "KEY=VALUE",
                      "changes the recipe: grpo.steps=3, reward.1.weight=0.5; may be repeated",
                      /*repeats=*/true};
  return {
      {Command::kTrain,
       "train",
       "train RECIPE.toml [--set KEY=VALUE …] [--resume] [--dry-run]",
       "runs all stages of a recipe",
       "Writes metrics, samples, checkpoints and the final policy into the run folder\n"
       "(run.dir of the recipe; runs/<run.name> by default).",
       /*positional=*/1,
       {set,
        {"--resume", "", "goes on from the last checkpoint in the run folder"},
        {"--dry-run", "",
         "checks everything, prints the resolved recipe and the cost, starts nothing"}}},
      {Command::kEval, "eval",
       "eval RECIPE.toml | --suite NAME --policy PATH [--data DIR] [--out DIR]",
       "evaluates a policy on suites of problems",
       "Prints pass rates by family with confidence intervals, on the recipe's held-out problems "
       "or\n"
       "on published suites (recipes/suites), whose files are read as they are.",
       /*positional=*/2, EvalOptions()},
      {Command::kScore,
       "score",
       "score RECIPE.toml | --reward NAME [--set KEY=VALUE …]  < in.jsonl > out.jsonl",
       "scores completions in JSON lines",
       "Runs the reward checkers alone: those of the recipe, or those named. In, a line each:\n"
       "\"completion\" and, as the checkers need them, \"answer\", \"tests\", \"tools\", "
       "\"instructions\",\n"
       "\"prompt\", \"family\", \"group\", \"id\", \"metadata\", \"num_tokens\", "
       "\"max_tokens\", \"finish\".\n"
       "Out, in the same order: id, score (null unless scored), status, parts, reason, "
       "microseconds.",
       /*positional=*/1,
       {{"--reward", "NAME", "a checker, or final_answer,tolerance=0.01; may be repeated",
         /*repeats=*/true},
        {"--set", "KEY=VALUE",
         "changes the one reward (tolerance=0.01), how checkers run (scorer.threads=4), or the "
         "recipe",
         /*repeats=*/true},
        {"--audit", "", "compares with the records' \"expected\", prints the counts on stderr"},
        {"--list", "", "prints all rewards with their options"}}},
      {Command::kSample, "sample", "sample --policy PATH [OPTION …]",
       "samples completions for prompts, or chats on a terminal",
       "Reads prompts from a file or standard input and prints completions.",
       /*positional=*/0, OptionsOf<SampleOptions>()},
      {Command::kLogprobs, "logprobs", "logprobs --policy PATH [OPTION …]  < in.jsonl > out.jsonl",
       "log-probs, best tokens and chosen experts of given tokens",
       "Reads {\"tokens\": [ids]} or {\"text\": \"…\"} a line and writes for each the log-prob of "
       "every\n"
       "token given those before it (null for the first) and the most likely next token after it.",
       /*positional=*/0, OptionsOf<LogprobsOptions>()},
      {Command::kLoss, "loss", "loss --policy PATH [OPTION …]  < in.jsonl",
       "the loss and the gradient of given completions",
       "Reads a completion a line: \"group\", \"prompt\" and \"completion\" as token ids, "
       "\"reward\" or\n"
       "\"advantage\", and, where they are not this policy's, \"behavior_logprobs\" and\n"
       "\"reference_logprobs\" of the completion. Prints one JSON line; changes nothing.",
       /*positional=*/0, OptionsOf<LossOptions>()},
      {Command::kBenchRollout, "bench rollout", "bench rollout --policy PATH [OPTION …]",
       "measures the rollout engine: JSON lines",
       "Samples random prompts and prints rates, times, memory, the machine's own limits, and how\n"
       "far the recorded log-probs are from the learner's.",
       /*positional=*/0, OptionsOf<RolloutBenchOptions>()},
      {Command::kBenchLearner, "bench learner", "bench learner --policy PATH [OPTION …]",
       "measures the learner: JSON lines",
       "Updates the policy from random completions and prints rates, times, memory and the\n"
       "machine's own limits. Nothing is written.",
       /*positional=*/0, OptionsOf<LearnerBenchOptions>()},
      {Command::kConvert, "convert", "convert SRC DST [OPTION …]",
       "converts between Hugging Face folders and GGUF files",
       "SRC is a Hugging Face folder, a checkpoint of a run or a .gguf file; DST a folder or,\n"
       "where it ends in .gguf, a file. Nothing stands there where anything fails.",
       /*positional=*/2, OptionsOf<ConvertOptions>()},
  };
}

const std::vector<CommandSpec>& Commands() {
  static const auto* commands = new std::vector<CommandSpec>(MakeCommands());
  return *commands;
}

absl::Status UsageError(const std::string& message) { return absl::InvalidArgumentError(message); }

std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known) {
  const absl::optional<std::string> nearest = NearestName(name, known);
  return nearest ? absl::StrCat("; did you mean ", *nearest, "?") : "";
}

const CommandSpec& SpecOf(Command command) {
  return *std::find_if(Commands().begin(), Commands().end(),
                       [&](const CommandSpec& spec) { return spec.command == command; });
}

// The words after the command, sorted into options and the rest.
struct Words {
  std::vector<std::string> positional;
  std::map<std::string, std::vector<std::string>> options;  // by name; a flag has one empty value

  bool Has(const std::string& name) const { return options.count(name) > 0; }
  std::vector<std::string> All(const std::string& name) const {
    return Has(name) ? options.at(name) : std::vector<std::string>();
  }
};

absl::StatusOr<const Option*> FindOption(const CommandSpec& spec, const std::string& name) {
  std::vector<std::string> names;
  for (const Option& option : spec.options) {
    if (option.name == name) return &option;
    names.push_back(option.name);
  }
  return UsageError(absl::StrCat("grpo ", spec.name, ": unknown option ", name,
                                 DidYouMean(name, names), " See grpo ", spec.name, " --help."));
}

// Takes the option at arguments[i], and its value after '=' or in the next word.
absl::Status TakeOption(const CommandSpec& spec, const std::vector<std::string>& arguments,
                        size_t& i, Words& words) {
  const std::string& argument = arguments[i];
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  ASSIGN_OR_RETURN(const Option* option, FindOption(spec, name));
  std::string value;
  const std::string origin = absl::StrCat("grpo ", spec.name, ": ", name);
  if (option->value.empty()) {
    if (equals != std::string::npos) return UsageError(origin + " takes no value");
  } else if (equals != std::string::npos) {
    value = argument.substr(equals + 1);
  } else if (i + 1 < arguments.size()) {
    value = arguments[++i];
  } else {
    return UsageError(absl::StrCat(origin, " needs a value: ", name, " ", option->value));
  }
  if (words.Has(name) && !option->repeats) return UsageError(origin + " stands twice");
  words.options[name].push_back(value);
  return absl::OkStatus();
}

// Of a command's name: "train" is one word, "bench learner" two.
size_t CountWords(absl::string_view name) { return std::count(name.begin(), name.end(), ' ') + 1; }

// Whether the arguments begin with the command's name.
bool Names(const std::vector<std::string>& arguments, const CommandSpec& spec) {
  const size_t words = CountWords(spec.name);
  if (arguments.size() < words) return false;
  return absl::StrJoin(arguments.begin(), arguments.begin() + words, " ") == spec.name;
}

absl::StatusOr<Words> SortWords(const CommandSpec& spec,
                                const std::vector<std::string>& arguments) {
  Words words;
  for (size_t i = CountWords(spec.name); i < arguments.size(); ++i) {
    if (absl::StartsWith(arguments[i], "-") && arguments[i] != "-") {
      RETURN_IF_ERROR(TakeOption(spec, arguments, i, words));
    } else {
      words.positional.push_back(arguments[i]);
    }
  }
  if (words.positional.size() > spec.positional) {
    return UsageError(absl::StrCat("grpo ", spec.name, ": unexpected '",
                                   words.positional[spec.positional], "'; usage: grpo ",
                                   spec.usage));
  }
  return words;
}

absl::Status RequireRecipe(const CommandSpec& spec, const CommandLine& line) {
  if (!line.recipe.empty()) return absl::OkStatus();
  return UsageError(absl::StrCat("grpo ", spec.name, ": needs a recipe; usage: grpo ", spec.usage));
}

absl::Status FinishScore(const CommandSpec& spec, const Words& words, CommandLine& line) {
  line.audit = words.Has("--audit");
  line.list = words.Has("--list");
  if (line.list) return absl::OkStatus();
  if (line.rewards.empty()) return RequireRecipe(spec, line);
  if (!line.recipe.empty()) {
    return UsageError("grpo score: takes a recipe or --reward, not both");
  }
  return absl::OkStatus();
}

// The visitor that reads fields from their options, as those of a recipe are read from its keys.
class OptionReader {
 public:
  OptionReader(const Words& words, std::string origin, RecipeErrors& errors)
      : words_(words), context_{errors, /*known_paths=*/{}} {
    command_.position.origin = std::move(origin);
  }

  template <typename T, typename Constraint>
  void operator()(const char* key, T& field, const Constraint& constraint,
                  const char* documentation) {
    const std::string name = OptionName(key);
    if constexpr (std::is_same_v<T, bool>) {
      field = words_.Has(name);
    } else if (words_.Has(name)) {
      const absl::optional<RecipeNode> value =
          OverrideValue(words_.All(name)[0], command_.position);
      if (value) {
        ReadField(*value, name, constraint, field, context_);
      } else {
        context_.errors.Add(command_.position, name, "the value is not UTF-8");
      }
    } else if constexpr (std::is_same_v<T, std::string>) {
      const TextRule rule = RuleOf(constraint);
      if (!Satisfies(field, rule)) ReportMissing(command_, name, rule, documentation, context_);
    }
  }

 private:
  const Words& words_;
  ReadContext context_;
  RecipeNode command_;  // stands for the command in messages
};

template <typename Options>
absl::Status ReadOptions(const CommandSpec& spec, const Words& words, Options& options) {
  RecipeErrors errors;
  OptionReader reader(words, "grpo " + spec.name, errors);
  options.VisitFields(reader);
  return errors.ToStatus();
}

// An algorithm gives defaults to the options that are not there.
absl::Status ReadLossOptions(const CommandSpec& spec, const Words& words, LossOptions& options) {
  RETURN_IF_ERROR(ReadOptions(spec, words, options));
  LossOptions with_algorithm;
  ApplyAlgorithm(options.algorithm, &with_algorithm.objective);
  options = with_algorithm;
  return ReadOptions(spec, words, options);
}

absl::Status FinishEval(const CommandSpec& spec, const Words& words, CommandLine& line) {
  line.list = words.Has("--list");
  line.suites = words.All("--suite");
  line.training = words.All("--training");
  RETURN_IF_ERROR(ReadOptions(spec, words, line.suite));
  if (line.list) return absl::OkStatus();
  if (words.Has("--compare")) {
    line.compared = words.positional;
    if (line.compared.size() == 2) return absl::OkStatus();
    return UsageError("grpo eval: --compare needs two results: --compare A.json B.json");
  }
  if (words.positional.size() > 1) {
    return UsageError(absl::StrCat("grpo eval: unexpected '", words.positional[1],
                                   "'; usage: grpo ", spec.usage));
  }
  if (!words.positional.empty()) line.recipe = words.positional[0];
  if (line.suites.empty()) {
    RETURN_IF_ERROR(RequireRecipe(spec, line));
    if (line.suite.check) return UsageError("grpo eval: --check needs --suite NAME");
    if (!line.training.empty()) return UsageError("grpo eval: --training needs --suite NAME");
  } else if (!line.recipe.empty()) {
    return UsageError("grpo eval: takes a recipe or --suite, not both");
  }
  if (line.suite.rank >= line.suite.ranks) {
    return UsageError(
        absl::StrCat("grpo eval: --rank ", line.suite.rank, " needs --ranks above it"));
  }
  const bool samples = !line.suite.check && line.suite.completions.empty() && line.training.empty();
  if (line.policy.empty() && samples) {
    return UsageError("grpo eval: needs --policy PATH; usage: grpo " + spec.usage);
  }
  return absl::OkStatus();
}

absl::Status FinishConvert(const CommandSpec& spec, const Words& words, CommandLine& line) {
  if (words.positional.size() < 2) {
    return UsageError(
        absl::StrCat("grpo convert: needs a source and a destination; usage: grpo ", spec.usage));
  }
  line.convert.source = words.positional[0];
  line.convert.destination = words.positional[1];
  return ReadOptions(spec, words, line.convert);
}

absl::StatusOr<CommandLine> ParseCommand(const CommandSpec& spec,
                                         const std::vector<std::string>& arguments) {
  ASSIGN_OR_RETURN(const Words words, SortWords(spec, arguments));
  CommandLine line;
  line.command = spec.command;
  if (spec.positional == 1 && !words.positional.empty()) line.recipe = words.positional[0];
  line.overrides = words.All("--set");
  line.rewards = words.All("--reward");
  line.resume = words.Has("--resume");
  line.dry_run = words.Has("--dry-run");
  if (words.Has("--policy")) line.policy = words.All("--policy")[0];
  if (spec.command == Command::kScore) {
    RETURN_IF_ERROR(FinishScore(spec, words, line));
  } else if (spec.command == Command::kSample) {
    RETURN_IF_ERROR(ReadOptions(spec, words, line.sample));
  } else if (spec.command == Command::kLogprobs) {
    RETURN_IF_ERROR(ReadOptions(spec, words, line.logprobs));
  } else if (spec.command == Command::kLoss) {
    RETURN_IF_ERROR(ReadLossOptions(spec, words, line.loss));
  } else if (spec.command == Command::kBenchRollout) {
    RETURN_IF_ERROR(ReadOptions(spec, words, line.bench_rollout));
  } else if (spec.command == Command::kBenchLearner) {
    RETURN_IF_ERROR(ReadOptions(spec, words, line.bench_learner));
  } else if (spec.command == Command::kConvert) {
    RETURN_IF_ERROR(FinishConvert(spec, words, line));
  } else if (spec.command == Command::kEval) {
    RETURN_IF_ERROR(FinishEval(spec, words, line));
  } else {
    RETURN_IF_ERROR(RequireRecipe(spec, line));
  }
  return line;
}

bool IsHelp(const std::string& word) { return word == "--help" || word == "-h"; }

std::string ProgramHelp() {
  std::string text =
      "grpo teaches a policy to reason with Group Relative Policy Optimization.\n\nCommands:\n";
  for (const CommandSpec& spec : Commands()) {
    absl::StrAppend(&text, "  grpo ", spec.usage, "\n      ", spec.documentation, "\n");
  }
  absl::StrAppend(
      &text,
      "\ngrpo COMMAND --help lists a command's options, grpo --version prints the version.\n"
      "A first run: grpo train recipes/quickstart.toml\n");
  return text;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  CommandLine line;
  if (arguments.empty()) {
    return UsageError(
        "grpo: needs a command: train, eval, score, sample, logprobs, loss, bench or convert. See "
        "grpo --help.");
  }
  if (IsHelp(arguments[0])) return line;
  if (arguments[0] == "--version") {
    line.command = Command::kVersion;
    return line;
  }
  std::vector<std::string> names = {"--help", "--version"};
  for (const CommandSpec& spec : Commands()) {
    names.push_back(spec.name);
    if (!Names(arguments, spec)) continue;
    if (std::any_of(arguments.begin() + 1, arguments.end(), IsHelp)) {
      line.help_about = spec.command;
      return line;
    }
    return ParseCommand(spec, arguments);
  }
  if (arguments[0] == "bench") {
    if (arguments.size() > 1 && IsHelp(arguments[1])) return line;
    return UsageError("grpo bench: needs what is measured: rollout or learner. See grpo --help.");
  }
  return UsageError(absl::StrCat("grpo: unknown command '", arguments[0], "'",
                                 DidYouMean(arguments[0], names), " See grpo --help."));
}

std::string HelpText(const absl::optional<Command>& about) {
  if (!about || *about == Command::kHelp || *about == Command::kVersion) return ProgramHelp();
  const CommandSpec& spec = SpecOf(*about);
  std::string text = absl::StrCat("grpo ", spec.usage, "\n\n", spec.documentation, ".\n",
                                  spec.details, "\n\nOptions:\n");
  size_t width = 0;
  for (const Option& option : spec.options) {
    width = std::max(width, option.name.size() + 1 + option.value.size());
  }
  for (const Option& option : spec.options) {
    std::string left = absl::StrCat(option.name, option.value.empty() ? "" : " ", option.value);
    left.resize(width, ' ');
    absl::StrAppend(&text, "  ", left, "  ", option.documentation, "\n");
  }
  return text;
}

}  // namespace grpo
