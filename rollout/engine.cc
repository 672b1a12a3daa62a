#include "rollout/engine.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <unistd.h>

#include "data/status_macros.h"
#include "policy/decoder.h"

namespace grpo {
namespace {

int64_t MemoryBytes() { return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE); }

}  // namespace

// A prompt's group before anything is sampled.
absl::StatusOr<RolloutGroup> RolloutEngine::EmptyGroup(
    const PolicyConfig& config, const GenerateOptions& options, const Prompt& prompt,
    const std::vector<int32_t>* prompt_tokens) const {
  const auto refused = [&](const auto&... why) {
    return absl::InvalidArgumentError(absl::StrCat("prompt ", prompt.name, why...));
  };
  RolloutGroup group;
  group.prompt = prompt;
  if (prompt_tokens != nullptr) {
    group.prompt_tokens = *prompt_tokens;
  } else {
    auto tokens = format_.PromptTokens(*tokenizer_, prompt.text);
    if (!tokens.ok()) return refused(": ", tokens.status().message());
    group.prompt_tokens = *std::move(tokens);
  }
  const int64_t length = group.prompt_tokens.size(), budget = options.sampling.max_new_tokens;
  if (length == 0) {
    return refused(" has no tokens: there is nothing to continue. Give it a text or drop it");
  }
  const auto exceeds = [&](const auto&... limit) {
    return refused(" has ", length, " tokens; with max_new_tokens = ", budget, " that exceeds the ",
                   limit..., " tokens. Lower max_new_tokens or drop the prompt");
  };
  if (length + budget > config.max_position_embeddings) {
    return exceeds("policy's context of ", config.max_position_embeddings);
  }
  if (limits_.cache_tokens > 0 && length + budget > limits_.cache_tokens) {
    return exceeds("cache of ", limits_.cache_tokens);
  }
  group.rollouts.resize(options.group_size);
  for (int g = 0; g < options.group_size; ++g) {
    group.rollouts[g].prompt_id = prompt.id;
    group.rollouts[g].sample_index = g;
    group.rollouts[g].policy_version = options.policy_version;
    group.rollouts[g].finish = FinishReason::kLength;
  }
  return group;
}

absl::StatusOr<std::unique_ptr<Generation>> RolloutEngine::Begin(
    const Weights& weights, const PackedWeights& packed, const GenerateOptions& options,
    int64_t max_tokens, int64_t max_sequences, const std::atomic<bool>* cancelled) const {
  const bool bf16 = AttendsInBFloat16(weights);
  const int page = bf16 ? kBf16PageTokens : limits_.page_size;
  const auto pages_for = [&](int64_t tokens) { return (tokens + page - 1) / page; };
  max_sequences = std::min<int64_t>(max_sequences, limits_.max_sequences);
  // Each sequence with pages of its own, beside the prompts of those that have not joined yet.
  const int64_t prompts = (max_sequences + options.group_size - 1) / options.group_size;
  int64_t pages = (max_sequences + prompts) * pages_for(max_tokens);
  const int64_t affordable =
      limits_.cache_tokens > 0
          ? pages_for(limits_.cache_tokens)
          : MemoryBytes() / 4 / PagedCache::PageBytes(weights.config, page, bf16);
  pages = std::clamp(affordable, pages_for(max_tokens), pages);

  GenerationOptions generation;
  generation.threads = limits_.threads;
  generation.scheduler = {.max_sequences = static_cast<int>(max_sequences),
                          .max_prompt_tokens = limits_.max_prompt_tokens,
                          .max_new_tokens = options.sampling.max_new_tokens,
                          .draft_tokens = limits_.draft_tokens};
  generation.cache = {.pages = static_cast<int>(pages),
                      .page_size = page,
                      // A prompt under way holds one beside its completions, which join before it
                      // leaves.
                      .sequences = static_cast<int>(2 * max_sequences + 1),
                      .tokens = static_cast<int>(max_tokens),
                      .bf16 = bf16};
  generation.sampling = options.sampling;
  generation.seed = options.seed;
  generation.ignore_ends = options.ignore_ends;
  generation.cancelled = cancelled;
  return Generation::Create(weights, packed, tokenizer_, format_.end_tokens(), generation);
}

absl::StatusOr<std::vector<RolloutGroup>> RolloutEngine::Generate(const Weights& weights,
                                                                  const GenerateRequest& request,
                                                                  RolloutStats* stats) const {
  std::vector<RolloutGroup> groups;
  int64_t longest = 0;
  for (size_t i = 0; i < request.prompts.size(); ++i) {
    const bool given = !request.prompt_tokens.empty();
    ASSIGN_OR_RETURN(RolloutGroup group, EmptyGroup(weights.config, request, request.prompts[i],
                                                    given ? &request.prompt_tokens[i] : nullptr));
    longest = std::max<int64_t>(longest, group.prompt_tokens.size());
    groups.push_back(std::move(group));
  }
  const int64_t sequences = static_cast<int64_t>(groups.size()) * request.group_size;
  if (sequences == 0 || request.sampling.max_new_tokens == 0) return groups;
  ASSIGN_OR_RETURN(const auto packed, PackedWeights::Pack(weights, limits_.packing()));
  ASSIGN_OR_RETURN(const auto generation,
                   Begin(weights, *packed, request, longest + request.sampling.max_new_tokens,
                         sequences, request.cancelled));
  for (RolloutGroup& group : groups) generation->Submit(std::move(group));
  generation->Close();
  RETURN_IF_ERROR(generation->Run());
  if (request.cancelled != nullptr && request.cancelled->load())
    return absl::CancelledError("interrupted");
  if (stats != nullptr) {
    generation->AddTo(*stats);
    stats->bytes_per_weight = packed->bytes_per_weight;
  }
  while (true) {
    ASSIGN_OR_RETURN(auto finished, generation->Next());
    if (!finished.has_value()) return groups;
    groups[finished->number] = std::move(finished->group);
  }
}

absl::StatusOr<std::unique_ptr<RolloutStream>> RolloutStream::Open(const RolloutEngine& engine,
                                                                   const Weights& weights,
                                                                   const GenerateOptions& options) {
  if (options.sampling.max_new_tokens == 0 || options.group_size == 0) {
    return absl::InvalidArgumentError("a stream needs max_new_tokens and a group size above 0");
  }
  const EngineLimits& limits = engine.limits_;
  std::unique_ptr<RolloutStream> stream(new RolloutStream(engine, weights, options));
  ASSIGN_OR_RETURN(stream->packed_, PackedWeights::Pack(weights, limits.packing()));
  int64_t longest = weights.config.max_position_embeddings;
  if (limits.cache_tokens > 0) longest = std::min(longest, limits.cache_tokens);
  ASSIGN_OR_RETURN(stream->generation_, engine.Begin(weights, *stream->packed_, options, longest,
                                                     limits.max_sequences, options.cancelled));
  // What becomes of it is said by Next.
  stream->team_ = std::thread([&team = *stream->generation_] { team.Run().IgnoreError(); });
  return stream;
}

RolloutStream::~RolloutStream() {
  if (!team_.joinable()) return;
  generation_->Abandon();
  team_.join();
}

absl::StatusOr<int64_t> RolloutStream::Submit(const Prompt& prompt,
                                              const std::vector<int32_t>* prompt_tokens) {
  ASSIGN_OR_RETURN(RolloutGroup group,
                   engine_.EmptyGroup(weights_.config, options_, prompt, prompt_tokens));
  return generation_->Submit(std::move(group));
}

void RolloutStream::Cancel(int64_t number) { generation_->Cancel(number); }

void RolloutStream::Close() { generation_->Close(); }

absl::StatusOr<absl::optional<Generation::Finished>> RolloutStream::Next() {
  return generation_->Next();
}

}  // namespace grpo
