#include "rl/run_parts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/file.h"
#include "data/prompt_file.h"
#include "data/random.h"
#include "data/status_macros.h"
#include "data/task_prompts.h"
#include "policy/checkpoint_reader.h"
#include "policy/checkpoint_tokenizer.h"
#include "policy/policy_folder.h"

namespace grpo {
namespace {

// Numbers that keep a run's random streams apart.
enum SeedStream : uint64_t {
  kWeightsStream = 1,
  kTokenizerStream,
  kSftStream,
  kGrpoStream,
  kHeldOutStream,
  kAdapterStream
};

constexpr int kTokenizerTexts = 4000;  // demonstrations a tokenizer is trained on

bool HasStage(const Recipe& recipe, const char* stage) {
  return std::find(recipe.run.stages.begin(), recipe.run.stages.end(), stage) !=
         recipe.run.stages.end();
}

std::vector<TaskShare> Mixture(const Recipe& recipe) {
  std::vector<TaskShare> mixture;
  for (const TaskConfig& task : recipe.data.task)
    mixture.push_back({task.family, task.level, task.weight});
  return mixture;
}

PromptFileOptions FileOptions(const DataConfig& data, const std::string& path, uint64_t seed,
                              bool demonstrations) {
  PromptFileOptions options;
  options.path = path;
  options.prompt_field = data.prompt_field;
  options.answer_field = data.answer_field;
  options.family_field = data.family_field;
  options.demonstration_field = data.demonstration_field;
  options.require_demonstration = demonstrations;
  options.seed = seed;
  return options;
}

absl::StatusOr<std::unique_ptr<PromptSource>> TrainingPrompts(const Recipe& recipe,
                                                              SeedStream stream,
                                                              bool demonstrations) {
  const uint64_t seed = MixSeed(recipe.run.seed, stream);
  if (!recipe.data.train_file.empty()) {
    return PromptFile::Open(FileOptions(recipe.data, recipe.data.train_file, seed, demonstrations));
  }
  TaskPromptsOptions options;
  options.mixture = Mixture(recipe);
  options.seed = seed;
  options.split = TaskSplit::kTrain;
  options.hasty_share = demonstrations ? recipe.sft.hasty_share : 0;
  return TaskPrompts::Create(options);
}

absl::StatusOr<std::vector<Prompt>> HeldOutProblemsOf(const Recipe& recipe) {
  if (recipe.eval.problems == 0 || recipe.reward.empty()) return std::vector<Prompt>();
  if (!recipe.data.eval_file.empty()) {
    ASSIGN_OR_RETURN(auto file,
                     PromptFile::Open(FileOptions(recipe.data, recipe.data.eval_file, 0, false)));
    ASSIGN_OR_RETURN(std::vector<Prompt> problems, file->ReadAll());
    if (problems.size() > static_cast<size_t>(recipe.eval.problems))
      problems.resize(recipe.eval.problems);
    return problems;
  }
  if (recipe.data.task.empty()) return std::vector<Prompt>();
  return HeldOutProblems(Mixture(recipe), recipe.eval.problems,
                         MixSeed(recipe.run.seed, kHeldOutStream));
}

// The three parts of a policy, each of its checkpoint, or of the recipe where `checkpoint` is null.

absl::StatusOr<std::shared_ptr<const Tokenizer>> BuildTokenizer(
    const Recipe& recipe, const CheckpointReader* checkpoint) {
  if (checkpoint != nullptr) return LoadTokenizer(*checkpoint);
  if (!recipe.tokenizer.path.empty()) return Tokenizer::Load(recipe.tokenizer.path);
  // Of a file those that it has; whoever imitates none needs none.
  const bool demonstrations = recipe.data.train_file.empty();
  ASSIGN_OR_RETURN(auto source, TrainingPrompts(recipe, kTokenizerStream, demonstrations));
  ASSIGN_OR_RETURN(const std::vector<Prompt> prompts, source->Next(kTokenizerTexts));
  std::vector<std::string> texts;
  for (const Prompt& prompt : prompts) {
    texts.push_back(prompt.text);
    texts.push_back(prompt.demonstration);
  }
  return Tokenizer::Train(texts, recipe.tokenizer.train_vocab_size, ChatFormat::SpecialTokens(),
                          ChatFormat::VisibleTokens());
}

absl::StatusOr<ChatFormat> BuildFormat(const Recipe& recipe, const CheckpointReader* checkpoint,
                                       const Tokenizer& tokenizer) {
  if (checkpoint != nullptr) return LoadChatFormat(*checkpoint, tokenizer);
  const std::string& path = recipe.tokenizer.path;
  if (path.empty()) return ChatFormat::OfTrainedTokenizer(tokenizer);
  const size_t slash = path.rfind('/');
  return ChatFormat::Load(slash == std::string::npos ? "." : path.substr(0, slash), tokenizer);
}

absl::StatusOr<Weights> BuildWeights(const Recipe& recipe, const CheckpointReader* checkpoint,
                                     const Tokenizer& tokenizer) {
  if (checkpoint != nullptr) {
    const bool learns = HasStage(recipe, "sft") || HasStage(recipe, "grpo");
    ASSIGN_OR_RETURN(Weights weights, LoadWeights(*checkpoint, learns ? MatrixStorage::kFloat
                                                                      : MatrixStorage::kAsStored));
    if (weights.config.vocab_size < tokenizer.vocabulary_size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          checkpoint->path(), "/config.json: vocab_size is ", weights.config.vocab_size,
          ", but the tokenizer has ", tokenizer.vocabulary_size(), " tokens"));
    }
    return weights;
  }
  PolicyConfig config = recipe.policy.config;
  config.vocab_size = tokenizer.vocabulary_size();
  RETURN_IF_ERROR(CheckPolicyConfig(config, "[policy.config]"));
  return Weights::Random(config, recipe.policy.init_std, MixSeed(recipe.run.seed, kWeightsStream));
}

// What only the policy can tell of the recipe.
absl::Status CheckAdapters(const LoraConfig& lora, const PolicyConfig& policy) {
  if (lora.expert_rank > 0 && policy.num_moe_layers() == 0) {
    return absl::InvalidArgumentError(absl::StrCat("policy.lora.expert_rank is ", lora.expert_rank,
                                                   ", but the policy has no experts; drop it"));
  }
  return absl::OkStatus();
}

absl::Status CheckRouters(const Recipe& recipe, const PolicyConfig& policy) {
  const RouterConfig& router = recipe.grpo.router;
  const bool has_experts = policy.num_moe_layers() > 0;
  if (router.bias != "freeze" && !(has_experts && policy.topk_method == "noaux_tc")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "grpo.router.bias is \"", router.bias, "\", but the policy has ",
        has_experts ? "a gate without selection bias" : "no experts", "; only \"freeze\" fits it"));
  }
  if (!has_experts && (router.has_loss() || recipe.policy.freeze_routers)) {
    return absl::InvalidArgumentError(absl::StrCat(
        router.has_loss() ? "grpo.router has a loss of" : "policy.freeze_routers is about",
        " routers, but the policy has no experts; drop it"));
  }
  return absl::OkStatus();
}

}  // namespace

EngineLimits EngineLimitsOf(const RolloutConfig& config, int threads) {
  return {.threads = threads,
          .max_sequences = config.max_sequences,
          .max_prompt_tokens = config.max_prompt_tokens,
          .cache_tokens = config.cache_tokens,
          .draft_tokens = config.draft_tokens,
          .numerics = config.numerics == "fast" ? Numerics::kFast : Numerics::kExact,
          .int8_weights = config.weights == "int8"};
}

absl::StatusOr<RunParts> BuildRunParts(const Recipe& recipe, const std::string& policy) {
  const std::string path = policy.empty() ? recipe.policy.path : policy;
  RunParts parts;
  if (!recipe.reward.empty()) {
    ASSIGN_OR_RETURN(parts.scorer, Scorer::Create(recipe.reward, recipe.scorer));
  }
  ASSIGN_OR_RETURN(std::vector<Prompt> held_out, HeldOutProblemsOf(recipe));
  ASSIGN_OR_RETURN(parts.evaluations, EvaluationsOf(recipe, std::move(held_out)));
  if (HasStage(recipe, "sft")) {
    ASSIGN_OR_RETURN(parts.demonstrations,
                     TrainingPrompts(recipe, kSftStream, /*demonstrations=*/true));
  }
  if (HasStage(recipe, "grpo")) {
    ASSIGN_OR_RETURN(parts.prompts, TrainingPrompts(recipe, kGrpoStream, /*demonstrations=*/false));
  }
  std::unique_ptr<CheckpointReader> checkpoint;
  if (!path.empty()) {
    ASSIGN_OR_RETURN(checkpoint, CheckpointReader::Open(path));
  }
  ASSIGN_OR_RETURN(parts.tokenizer, BuildTokenizer(recipe, checkpoint.get()));
  ASSIGN_OR_RETURN(parts.format, BuildFormat(recipe, checkpoint.get(), *parts.tokenizer));
  ASSIGN_OR_RETURN(parts.weights, BuildWeights(recipe, checkpoint.get(), *parts.tokenizer));
  RETURN_IF_ERROR(CheckAdapters(recipe.policy.lora, parts.weights.config));
  if (policy.empty()) {
    parts.weights.adapters = NewAdapters(parts.weights.config, recipe.policy.lora,
                                         MixSeed(recipe.run.seed, kAdapterStream));
  }
  RETURN_IF_ERROR(CheckRouters(recipe, parts.weights.config));
  const EngineLimits limits = EngineLimitsOf(recipe.rollout, recipe.run.threads);
  parts.engine = std::make_shared<const RolloutEngine>(parts.tokenizer, parts.format, limits);
  for (Evaluation& evaluation : parts.evaluations) {
    evaluation.engine = parts.engine;
    const std::string& chat_template = evaluation.suite.config.chat_template;
    if (chat_template.empty()) continue;
    ASSIGN_OR_RETURN(const ChatFormat format,
                     parts.format.WithTemplate(chat_template, evaluation.Name()));
    evaluation.engine = std::make_shared<const RolloutEngine>(parts.tokenizer, format, limits);
  }
  return parts;
}

}  // namespace grpo
