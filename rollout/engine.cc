#include "rollout/engine.h"

#include <algorithm>
#include <mutex>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "data/random.h"
#include "data/status_macros.h"
#include "policy/decoder.h"
#include "policy/threads.h"
#include "rollout/paged_cache.h"
#include "rollout/paged_sequences.h"
#include "rollout/token_sampler.h"

namespace grpo {
namespace {

// A token that waits to be fed, and where its results go.
struct Row {
  int32_t token;
  int32_t sequence;
  int32_t position;
  std::vector<int16_t>* experts;
};

// A completion under way.
struct Active {
  Rollout* rollout;
  int sequence;  // of the cache
};

// A group whose prompt is in the coming forward.
struct Admitted {
  RolloutGroup* group;
  int sequence;
  size_t last_row;
};

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

// One thread's share: takes groups from the common list until none is left.
class Worker {
 public:
  Worker(const Weights& weights, const GenerateRequest& request, const EngineLimits& limits,
         const Tokenizer& tokenizer, const std::vector<int32_t>& end_tokens, int longest_sequence,
         std::vector<RolloutGroup>& groups, std::atomic<size_t>& next_group)
      : weights_(weights),
        request_(request),
        tokenizer_(tokenizer),
        end_tokens_(end_tokens),
        groups_(groups),
        next_group_(next_group),
        max_sequences_(MaxSequences(limits, request)),
        pages_of_sequence_((longest_sequence + limits.page_size - 1) / limits.page_size),
        // Beside the completions, each group that joins holds a sequence for its prompt until it
        // has forked.
        cache_sequences_(max_sequences_ + max_sequences_ / request.group_size),
        cache_(weights.config, cache_sequences_ * pages_of_sequence_, limits.page_size,
               cache_sequences_, longest_sequence),
        attention_(weights.config, cache_),
        sampler_(request.sampling, weights.config.vocab_size) {}

  void Run() {
    c10::NoGradGuard no_grad;
    const NumericsScope scope(request_.numerics);
    while (request_.cancelled == nullptr || !request_.cancelled->load(std::memory_order_relaxed)) {
      CollectRows();
      if (rows_.empty()) return;
      const absl::Time start = absl::Now();
      Forward();
      CountForward(SecondsSince(start));
      const absl::Time forwarded = absl::Now();
      ContinueActive();
      StartAdmitted();
      times_.sampling += SecondsSince(forwarded);
    }
  }

  // Adds this thread's share.
  void AddTo(RolloutStats& stats) const {
    stats.forwards += counts_.forwards;
    stats.prefill_tokens += counts_.prefill_tokens;
    stats.decode_tokens += counts_.decode_tokens;
    stats.peak_cache_bytes += cache_.peak_pages() * cache_.page_bytes();
    stats.prefill_seconds.push_back(times_.prefill);
    stats.decode_seconds.push_back(times_.decode);
    stats.sampling_seconds.push_back(times_.sampling);
    stats.decode_step_seconds.insert(stats.decode_step_seconds.end(),
                                     counts_.decode_step_seconds.begin(),
                                     counts_.decode_step_seconds.end());
  }

 private:
  // No thread takes more than its share: the others would have nothing to do.
  static int MaxSequences(const EngineLimits& limits, const GenerateRequest& request) {
    const int groups = static_cast<int>(request.prompts.size());
    const int share = (groups + limits.threads - 1) / limits.threads;
    return std::max(std::min(limits.max_sequences, share * request.group_size), request.group_size);
  }

  void CountForward(double seconds) {
    const size_t decoding = active_.size(), prefilling = rows_.size() - decoding;
    ++counts_.forwards;
    counts_.prefill_tokens += prefilling;
    counts_.decode_tokens += decoding;
    times_.prefill += seconds * prefilling / rows_.size();
    times_.decode += seconds * decoding / rows_.size();
    if (decoding > 0) counts_.decode_step_seconds.push_back(seconds);
  }

  // The tokens of the coming forward: the last one of each active sequence, and the prompts of
  // groups that join.
  void CollectRows() {
    rows_.clear();
    admitted_.clear();
    for (Active& active : active_) {
      cache_.Extend(active.sequence);
      rows_.push_back({active.rollout->tokens.back(), active.sequence,
                       cache_.length(active.sequence) - 1, &active.rollout->experts});
    }
    size_t planned = active_.size();
    for (; planned + request_.group_size <= static_cast<size_t>(max_sequences_);
         planned += request_.group_size) {
      const size_t index = next_group_.fetch_add(1);
      if (index >= groups_.size()) break;
      Admit(groups_[index]);
    }
  }

  void Admit(RolloutGroup& group) {
    const int sequence = cache_.NewSequence();
    for (size_t i = 0; i < group.prompt_tokens.size(); ++i) {
      cache_.Extend(sequence);
      rows_.push_back(
          {group.prompt_tokens[i], sequence, static_cast<int32_t>(i), &group.prompt_experts});
    }
    admitted_.push_back({&group, sequence, rows_.size() - 1});
  }

  // Feeds the rows; leaves logits for the active sequences and then for the last row of each
  // admitted prompt.
  void Forward() {
    std::vector<int64_t> tokens(rows_.size()), positions(rows_.size());
    std::vector<int32_t> sequences(rows_.size()), places(rows_.size());
    for (size_t n = 0; n < rows_.size(); ++n) {
      tokens[n] = rows_[n].token;
      positions[n] = rows_[n].position;
      sequences[n] = rows_[n].sequence;
      places[n] = rows_[n].position;
    }
    attention_.SetRows(sequences, places);
    ExpertChoices chosen;
    at::Tensor hidden =
        DecoderHidden(weights_, at::tensor(tokens, at::kLong), at::tensor(positions, at::kLong),
                      attention_, nullptr, &chosen);
    RecordExperts(chosen);
    std::vector<int64_t> wanted(active_.size());
    for (size_t n = 0; n < wanted.size(); ++n) wanted[n] = n;
    for (const Admitted& admitted : admitted_) wanted.push_back(admitted.last_row);
    if (wanted.size() != rows_.size())
      hidden = hidden.index_select(0, at::tensor(wanted, at::kLong));
    logits_ = Linear(hidden, weights_.head);
  }

  // A record holds the layers of one token side by side; the forward gives the tokens of one layer.
  void RecordExperts(const ExpertChoices& chosen) {
    for (size_t n = 0; n < rows_.size(); ++n) {
      for (const at::Tensor& layer : chosen.layers) {
        const int64_t choices = layer.size(1);
        const int64_t* ids = layer.const_data_ptr<int64_t>() + n * choices;
        rows_[n].experts->insert(rows_[n].experts->end(), ids, ids + choices);
      }
    }
  }

  void ContinueActive() {
    std::vector<Active> still;
    for (size_t n = 0; n < active_.size(); ++n) {
      if (Draw(*active_[n].rollout, n)) {
        still.push_back(active_[n]);
      } else {
        cache_.Release(active_[n].sequence);
      }
    }
    num_logits_used_ = active_.size();
    active_ = std::move(still);
  }

  void StartAdmitted() {
    for (size_t a = 0; a < admitted_.size(); ++a) {
      for (Rollout& rollout : admitted_[a].group->rollouts) {
        if (Draw(rollout, num_logits_used_ + a))
          active_.push_back({&rollout, cache_.Fork(admitted_[a].sequence)});
      }
      cache_.Release(admitted_[a].sequence);
    }
  }

  // Appends a token drawn from a row of logits; false when the completion has ended with it.
  bool Draw(Rollout& rollout, size_t logits_row) {
    const uint32_t position = rollout.tokens.size();
    const double uniform =
        SamplingUniform(request_.seed, rollout.prompt_id, rollout.sample_index, position);
    const SampledToken drawn = sampler_.Draw(
        logits_.const_data_ptr<float>() + logits_row * weights_.config.vocab_size, uniform);
    rollout.tokens.push_back(drawn.token);
    rollout.logprobs.push_back(drawn.logprob);
    if (sampler_.truncates()) rollout.log_kept_mass.push_back(drawn.log_kept_mass);
    const bool ends =
        std::find(end_tokens_.begin(), end_tokens_.end(), drawn.token) != end_tokens_.end() ||
        EndsWithStopString(rollout);
    if (ends && !request_.ignore_ends) {
      rollout.finish = FinishReason::kStop;
      return false;
    }
    rollout.finish = FinishReason::kLength;
    return static_cast<int>(rollout.tokens.size()) < request_.sampling.max_new_tokens;
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

  const Weights& weights_;
  const GenerateRequest& request_;
  const Tokenizer& tokenizer_;
  const std::vector<int32_t>& end_tokens_;
  std::vector<RolloutGroup>& groups_;
  std::atomic<size_t>& next_group_;
  int max_sequences_;
  int pages_of_sequence_;
  int cache_sequences_;
  PagedCache cache_;
  PagedSequences attention_;
  TokenSampler sampler_;
  std::vector<Row> rows_;
  std::vector<Active> active_;
  std::vector<Admitted> admitted_;
  size_t num_logits_used_ = 0;
  at::Tensor logits_;  // [active + admitted, V]
  RolloutStats counts_;
  struct {
    double prefill = 0, decode = 0, sampling = 0;
  } times_;
};

// Packing reads and writes all weights once: much less than that many steps do, and products with
// few rows do without.
bool PaysToPack(const GenerateRequest& request, const EngineLimits& limits) {
  constexpr int kFewRows = 8, kFewSteps = 8;
  const size_t sequences = request.prompts.size() * request.group_size;
  return request.numerics == Numerics::kExact && sequences > size_t{kFewRows} * limits.threads &&
         request.sampling.max_new_tokens > kFewSteps;
}

}  // namespace

absl::StatusOr<std::vector<int32_t>> RolloutEngine::PromptTokens(const GenerateRequest& request,
                                                                 size_t prompt) const {
  if (!request.prompt_tokens.empty()) return request.prompt_tokens[prompt];
  return format_.PromptTokens(*tokenizer_, request.prompts[prompt].text);
}

absl::StatusOr<std::vector<RolloutGroup>> RolloutEngine::Generate(const Weights& weights,
                                                                  const GenerateRequest& request,
                                                                  RolloutStats* stats) const {
  std::vector<RolloutGroup> groups(request.prompts.size());
  int longest = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    RolloutGroup& group = groups[i];
    group.prompt = request.prompts[i];
    auto prompt_tokens = PromptTokens(request, i);
    if (!prompt_tokens.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("prompt ", group.prompt.name, ": ", prompt_tokens.status().message()));
    }
    group.prompt_tokens = *std::move(prompt_tokens);
    const int total =
        static_cast<int>(group.prompt_tokens.size()) + request.sampling.max_new_tokens;
    if (total > weights.config.max_position_embeddings) {
      return absl::InvalidArgumentError(absl::StrCat(
          "prompt ", group.prompt.name, " has ", group.prompt_tokens.size(),
          " tokens; with max_new_tokens = ", request.sampling.max_new_tokens,
          " that exceeds the policy's context of ", weights.config.max_position_embeddings,
          " tokens. Lower max_new_tokens or drop the prompt"));
    }
    longest = std::max(longest, total);
    group.rollouts.resize(request.group_size);
    for (int g = 0; g < request.group_size; ++g) {
      group.rollouts[g].prompt_id = group.prompt.id;
      group.rollouts[g].sample_index = g;
      group.rollouts[g].policy_version = request.policy_version;
    }
  }
  std::unique_ptr<PackedWeights> packed;
  if (PaysToPack(request, limits_)) {
    ASSIGN_OR_RETURN(packed, PackedWeights::Pack(weights, limits_.threads));
  }
  std::atomic<size_t> next_group{0};
  std::mutex stats_mutex;
  RETURN_IF_ERROR(RunThreads(limits_.threads, [&](int) {
    const PackedWeights::Scope scope(packed.get());
    Worker worker(weights, request, limits_, *tokenizer_, format_.end_tokens(), longest, groups,
                  next_group);
    worker.Run();
    const std::lock_guard<std::mutex> lock(stats_mutex);
    if (stats != nullptr) worker.AddTo(*stats);
    return absl::OkStatus();
  }));
  if (request.cancelled != nullptr && request.cancelled->load())
    return absl::CancelledError("interrupted");
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
