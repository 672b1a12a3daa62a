#include "rollout/engine.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <c10/core/GradMode.h>

#include "data/random.h"
#include "data/status_macros.h"
#include "policy/packed_weights.h"
#include "policy/threads.h"
#include "rollout/batch_forward.h"
#include "rollout/scheduler.h"
#include "rollout/token_sampler.h"

namespace grpo {
namespace {

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

// One call of Generate: the loop of plan, forward and draws, by a team of threads.
class Generation {
 public:
  Generation(const Weights& weights, const PackedWeights& packed, const GenerateRequest& request,
             const EngineLimits& limits, const Tokenizer& tokenizer,
             const std::vector<int32_t>& end_tokens, const CacheLimits& cache)
      : request_(request),
        threads_(limits.threads),
        tokenizer_(tokenizer),
        end_tokens_(end_tokens),
        cache_(weights.config, cache),
        scheduler_(cache_, {.max_sequences = limits.max_sequences,
                            .max_prompt_tokens = limits.max_prompt_tokens}),
        forward_(weights, packed, cache_, limits.threads,
                 limits.max_sequences + limits.max_prompt_tokens, limits.max_sequences),
        barrier_(limits.threads) {
    for (int t = 0; t < threads_; ++t) {
      samplers_.emplace_back(request.sampling, weights.config.vocab_size);
    }
    sampling_.resize(threads_);
  }

  void Add(RolloutGroup* group) { scheduler_.Add(group); }

  absl::Status Run() {
    return RunThreads(threads_, [this](int thread) {
      const c10::NoGradGuard no_grad;
      HoldProcessor(thread, threads_);
      try {
        while (Step(thread)) {
        }
      } catch (...) {
        barrier_.Break();
        throw;
      }
      return absl::OkStatus();
    });
  }

  void AddTo(RolloutStats& stats) const {
    const RolloutStats& counts = scheduler_.counts();
    stats.forwards += counts.forwards;
    stats.prefill_tokens += counts.prefill_tokens;
    stats.decode_tokens += counts.decode_tokens;
    stats.recomputed_tokens += counts.recomputed_tokens;
    stats.shared_tokens += counts.shared_tokens;
    stats.preemptions += counts.preemptions;
    stats.prefill_seconds += times_.prefill_seconds;
    stats.decode_seconds += times_.decode_seconds;
    stats.sampling_seconds += times_.sampling_seconds;
    stats.decode_step_seconds.insert(stats.decode_step_seconds.end(),
                                     times_.decode_step_seconds.begin(),
                                     times_.decode_step_seconds.end());
    for (int t = 0; t < threads_; ++t) {
      for (int kind = 0; kind < kNumWorkKinds; ++kind) {
        stats.work_seconds[kind] += forward_.seconds(t)[kind];
      }
      stats.work_seconds[static_cast<int>(WorkKind::kSampling)] += sampling_[t].seconds;
    }
    stats.work_seconds[static_cast<int>(WorkKind::kPlanning)] += planning_seconds_;
    stats.peak_cache_bytes += cache_.peak_pages() * cache_.page_bytes();
  }

 private:
  struct alignas(64) Seconds {
    double seconds = 0;
  };

  // A token for each sequence that decodes; false when nothing is left to do.
  bool Step(int thread) {
    if (thread == 0) Plan();
    barrier_.Wait();
    if (!more_) return false;
    forward_.Run(thread, barrier_);
    if (thread == 0) CountForward();
    const absl::Time start = absl::Now();
    std::vector<Scheduler::Draw>& draws = scheduler_.draws();
    for (size_t i = thread; i < draws.size(); i += threads_) Draw(thread, draws[i]);
    sampling_[thread].seconds += SecondsSince(start);
    barrier_.Wait();
    if (thread == 0) Advance();
    return true;
  }

  void Plan() {
    const absl::Time start = absl::Now();
    const bool cancelled =
        request_.cancelled != nullptr && request_.cancelled->load(std::memory_order_relaxed);
    more_ = !cancelled && scheduler_.Plan();
    if (more_) forward_.SetBatch(scheduler_.rows(), scheduler_.wanted());
    step_start_ = absl::Now();
    planning_seconds_ += absl::ToDoubleSeconds(step_start_ - start);
  }

  void CountForward() {
    const double seconds = SecondsSince(step_start_);
    const double decoding = scheduler_.decoding(), rows = scheduler_.rows().size();
    times_.prefill_seconds += seconds * (rows - decoding) / rows;
    times_.decode_seconds += seconds * decoding / rows;
    if (decoding > 0) times_.decode_step_seconds.push_back(seconds);
    forwarded_ = absl::Now();
  }

  void Advance() {
    times_.sampling_seconds += SecondsSince(forwarded_);
    const absl::Time start = absl::Now();
    scheduler_.RecordExperts(forward_);
    scheduler_.Advance();
    planning_seconds_ += SecondsSince(start);
  }

  // Appends a token drawn from the logits to a completion, which may end with it.
  void Draw(int thread, Scheduler::Draw& draw) {
    Rollout& rollout = *draw.rollout;
    const uint32_t position = rollout.tokens.size();
    const double uniform =
        SamplingUniform(request_.seed, rollout.prompt_id, rollout.sample_index, position);
    TokenSampler& sampler = samplers_[thread];
    const SampledToken drawn = sampler.Draw(forward_.Logits(draw.logits), uniform);
    rollout.tokens.push_back(drawn.token);
    rollout.logprobs.push_back(drawn.logprob);
    if (sampler.truncates()) rollout.log_kept_mass.push_back(drawn.log_kept_mass);
    const bool ends =
        std::find(end_tokens_.begin(), end_tokens_.end(), drawn.token) != end_tokens_.end() ||
        EndsWithStopString(rollout);
    const bool stops = ends && !request_.ignore_ends;
    rollout.finish = stops ? FinishReason::kStop : FinishReason::kLength;
    draw.goes_on =
        !stops && static_cast<int>(rollout.tokens.size()) < request_.sampling.max_new_tokens;
  }

  bool EndsWithStopString(Rollout& rollout) {
    if (request_.sampling.stop_strings.empty()) return false;
    const size_t before = rollout.text.size();
    // Bytes, for now: a character may be spread over several tokens.
    absl::StrAppend(&rollout.text, tokenizer_.TokenBytes(rollout.tokens.back()));
    for (const std::string& stop : request_.sampling.stop_strings) {
      const size_t from = before >= stop.size() ? before - stop.size() + 1 : 0;
      if (rollout.text.find(stop, from) != std::string::npos) return true;
    }
    return false;
  }

  const GenerateRequest& request_;
  const int threads_;
  const Tokenizer& tokenizer_;
  const std::vector<int32_t>& end_tokens_;
  PagedCache cache_;
  Scheduler scheduler_;
  BatchForward forward_;
  TeamBarrier barrier_;
  std::vector<TokenSampler> samplers_;  // of each thread
  std::vector<Seconds> sampling_;       // of each thread
  bool more_ = true;
  absl::Time step_start_, forwarded_;
  RolloutStats times_;
  double planning_seconds_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<int32_t>> RolloutEngine::PromptTokens(const GenerateRequest& request,
                                                                 size_t prompt) const {
  if (!request.prompt_tokens.empty()) return request.prompt_tokens[prompt];
  return format_.PromptTokens(*tokenizer_, request.prompts[prompt].text);
}

absl::StatusOr<std::vector<RolloutGroup>> RolloutEngine::EmptyGroups(
    const PolicyConfig& config, const GenerateRequest& request) const {
  std::vector<RolloutGroup> groups(request.prompts.size());
  for (size_t i = 0; i < groups.size(); ++i) {
    RolloutGroup& group = groups[i];
    group.prompt = request.prompts[i];
    const auto refused = [&](const auto&... why) {
      return absl::InvalidArgumentError(absl::StrCat("prompt ", group.prompt.name, why...));
    };
    auto prompt_tokens = PromptTokens(request, i);
    if (!prompt_tokens.ok()) return refused(": ", prompt_tokens.status().message());
    group.prompt_tokens = *std::move(prompt_tokens);
    const int64_t prompt = group.prompt_tokens.size(), budget = request.sampling.max_new_tokens;
    if (prompt == 0) {
      return refused(" has no tokens: there is nothing to continue. Give it a text or drop it");
    }
    if (prompt + budget > config.max_position_embeddings) {
      return refused(" has ", prompt, " tokens; with max_new_tokens = ", budget,
                     " that exceeds the policy's context of ", config.max_position_embeddings,
                     " tokens. Lower max_new_tokens or drop the prompt");
    }
    if (limits_.cache_tokens > 0 && prompt + budget > limits_.cache_tokens) {
      return refused(" has ", prompt, " tokens; with max_new_tokens = ", budget,
                     " that exceeds the cache of ", limits_.cache_tokens,
                     " tokens. Give the cache more, lower max_new_tokens or drop the prompt");
    }
    group.rollouts.resize(request.group_size);
    for (int g = 0; g < request.group_size; ++g) {
      group.rollouts[g].prompt_id = group.prompt.id;
      group.rollouts[g].sample_index = g;
      group.rollouts[g].policy_version = request.policy_version;
      group.rollouts[g].finish = FinishReason::kLength;
    }
  }
  return groups;
}

CacheLimits RolloutEngine::SizeOfCache(const GenerateRequest& request,
                                       const std::vector<RolloutGroup>& groups) const {
  const int page = limits_.page_size;
  const auto pages_for = [&](int64_t tokens) { return (tokens + page - 1) / page; };
  int64_t longest = 0, prompts = 0;
  for (const RolloutGroup& group : groups) {
    longest = std::max<int64_t>(longest, group.prompt_tokens.size());
    prompts += pages_for(group.prompt_tokens.size());
  }
  longest += request.sampling.max_new_tokens;
  // As many sequences as can run, each with pages of its own, beside all prompts.
  const int64_t sequences =
      std::min<int64_t>(limits_.max_sequences, groups.size() * request.group_size);
  int64_t pages = sequences * pages_for(longest) + prompts;
  if (limits_.cache_tokens > 0) pages = std::min(pages, pages_for(limits_.cache_tokens));
  return {.pages = static_cast<int>(pages),
          .page_size = page,
          // Each prompt under way holds one beside its completions, which join before it leaves.
          .sequences = 2 * limits_.max_sequences + 1,
          .tokens = static_cast<int>(longest)};
}

absl::StatusOr<std::vector<RolloutGroup>> RolloutEngine::Generate(const Weights& weights,
                                                                  const GenerateRequest& request,
                                                                  RolloutStats* stats) const {
  ASSIGN_OR_RETURN(std::vector<RolloutGroup> groups, EmptyGroups(weights.config, request));
  if (groups.empty() || request.sampling.max_new_tokens == 0) return groups;
  ASSIGN_OR_RETURN(const auto packed, PackedWeights::Pack(weights, {.numerics = request.numerics,
                                                                    .threads = limits_.threads,
                                                                    .int8 = request.int8_weights}));
  Generation generation(weights, *packed, request, limits_, *tokenizer_, format_.end_tokens(),
                        SizeOfCache(request, groups));
  for (RolloutGroup& group : groups) generation.Add(&group);
  RETURN_IF_ERROR(generation.Run());
  if (request.cancelled != nullptr && request.cancelled->load())
    return absl::CancelledError("interrupted");
  if (stats != nullptr) generation.AddTo(*stats);
  for (RolloutGroup& group : groups) {
    for (Rollout& rollout : group.rollouts) {
      rollout.text = tokenizer_->Decode(rollout.tokens, /*skip_special=*/true);
      if (stats == nullptr) continue;
      stats->completion_tokens += rollout.tokens.size();
      stats->prompt_tokens_asked += group.prompt_tokens.size();
    }
  }
  return groups;
}

}  // namespace grpo
