#include "rl/training_sample.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "data/check.h"

namespace grpo {
namespace {

// Whether the prompt of a sample is that of the one before it, and may be computed once for both.
bool SharesPrompt(const TrainingSample& before, const TrainingSample& sample) {
  return sample.group >= 0 && sample.group == before.group && sample.prompt_length > 0 &&
         sample.prompt_length == before.prompt_length &&
         std::equal(sample.tokens.begin(), sample.tokens.begin() + sample.prompt_length,
                    before.tokens.begin());
}

// Samples in their order, each micro-batch as full as the budget allows.
std::vector<std::vector<size_t>> FillMicroBatches(const std::vector<TrainingSample>& samples,
                                                  int64_t budget, bool share_prompts) {
  std::vector<std::vector<size_t>> plan;
  int64_t used = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    int64_t length = samples[i].tokens.size();
    if (share_prompts && i > 0 && SharesPrompt(samples[i - 1], samples[i])) {
      length -= samples[i].prompt_length;
    }
    if (plan.empty() || used + length > budget) {
      plan.emplace_back();
      used = 0;
      length = samples[i].tokens.size();
    }
    plan.back().push_back(i);
    used += length;
  }
  return plan;
}

}  // namespace

std::vector<std::vector<size_t>> PlanMicroBatches(const std::vector<TrainingSample>& samples,
                                                  int micro_batch_tokens, bool share_prompts) {
  const size_t count = FillMicroBatches(samples, micro_batch_tokens, share_prompts).size();
  int64_t least = 1, enough = micro_batch_tokens;  // of the budgets that make no more of them
  while (least < enough) {
    const int64_t middle = least + (enough - least) / 2;
    if (FillMicroBatches(samples, middle, share_prompts).size() > count) {
      least = middle + 1;
    } else {
      enough = middle;
    }
  }
  return FillMicroBatches(samples, enough, share_prompts);
}

namespace {

// A row of a micro-batch: a token of a sample that is fed.
struct FedToken {
  const TrainingSample* sample;
  int64_t position;
};

ExpertChoices PackExperts(const std::vector<FedToken>& fed, int layers, int choices) {
  ExpertChoices packed;
  if (fed.empty() || fed[0].sample->experts.empty()) return packed;
  const int64_t rows = fed.size();
  for (int layer = 0; layer < layers; ++layer) {
    at::Tensor ids = at::empty({rows, choices}, at::kLong);
    int64_t* out = ids.data_ptr<int64_t>();
    for (const FedToken& token : fed) {
      const std::vector<int16_t>& record = token.sample->experts;
      GRPO_CHECK(record.size() == (token.sample->tokens.size() - 1) * layers * choices);
      const int16_t* chosen = record.data() + (token.position * layers + layer) * choices;
      out = std::copy_n(chosen, choices, out);
    }
    packed.layers.push_back(ids);
  }
  return packed;
}

void AppendLearned(const TrainingSample& sample, const std::vector<float>& of_completion,
                   std::vector<float>& out) {
  for (size_t t = 0; t < of_completion.size(); ++t) {
    if (sample.Learns(t)) out.push_back(of_completion[t]);
  }
}

void AppendAdvantages(const TrainingSample& sample, int64_t learned, std::vector<double>& out) {
  if (sample.advantage.empty()) return;
  const bool one = sample.advantage.size() == 1;
  GRPO_CHECK(one || static_cast<int64_t>(sample.advantage.size()) == learned);
  for (int64_t t = 0; t < learned; ++t) out.push_back(sample.advantage[one ? 0 : t]);
}

// The rows of the samples of a micro-batch, one after the other.
template <typename Value>
std::vector<float> Rows(const std::vector<std::vector<Value>>& rows,
                        const std::vector<size_t>& indices) {
  std::vector<float> joined;
  if (rows.empty()) return joined;
  for (size_t index : indices) joined.insert(joined.end(), rows[index].begin(), rows[index].end());
  return joined;
}

}  // namespace

namespace {

// Lays sequences into rows.
class RowPacker {
 public:
  // Rows of tokens begin to end of a sample, as one sequence; the first row.
  int64_t Append(const TrainingSample& sample, int64_t begin, int64_t end, int32_t prefix) {
    const int64_t first = fed_.size();
    for (int64_t t = begin; t < end; ++t) fed_.push_back({&sample, t});
    packing_.cu_seqlens.push_back(static_cast<int32_t>(fed_.size()));
    packing_.prefixes.push_back(prefix);
    return first;
  }

  int32_t num_sequences() const { return static_cast<int32_t>(packing_.prefixes.size()); }
  const std::vector<FedToken>& fed() const { return fed_; }
  PackedSequences TakePacking() { return std::move(packing_); }

 private:
  std::vector<FedToken> fed_;
  PackedSequences packing_;
};

}  // namespace

MicroBatch PackTokens(const std::vector<TrainingSample>& samples,
                      const std::vector<size_t>& indices, const PackingOptions& options) {
  RowPacker packer;
  std::vector<int64_t> predicting_rows, targets, sequences;
  std::vector<double> lengths;
  int32_t prefix = -1;  // the sequence of the prompt that the last sample shares
  int64_t prompt_row = 0;
  for (size_t i = 0; i < indices.size(); ++i) {
    const TrainingSample& sample = samples[indices[i]];
    const int64_t length = sample.tokens.size(), prompt = sample.prompt_length;
    const auto shares = [&](size_t a, size_t b) {
      return options.share_prompts && SharesPrompt(samples[indices[a]], samples[indices[b]]);
    };
    if (i == 0 || !shares(i - 1, i)) {
      prefix = -1;
      if (i + 1 < indices.size() && shares(i, i + 1)) {
        prefix = packer.num_sequences();
        prompt_row = packer.Append(sample, 0, prompt, -1);
      }
    }
    const int64_t begin = prefix < 0 ? 0 : prompt;
    const int64_t row = packer.Append(sample, begin, length - 1, prefix);
    for (int64_t completed = 0; prompt + completed < length; ++completed) {
      const int64_t from = prompt + completed - 1;  // the token that predicts it
      if (from < 0 || !sample.Learns(completed)) continue;
      predicting_rows.push_back(from < begin ? prompt_row + from : row + from - begin);
      targets.push_back(sample.tokens[from + 1]);
      sequences.push_back(lengths.size());
    }
    lengths.push_back(sample.NumLearned());
  }
  std::vector<int64_t> tokens, positions;
  for (const FedToken& token : packer.fed()) {
    tokens.push_back(token.sample->tokens[token.position]);
    positions.push_back(token.position);
  }
  MicroBatch packed;
  packed.tokens = at::tensor(tokens, at::kLong);
  packed.positions = at::tensor(positions, at::kLong);
  packed.predicting_rows = at::tensor(predicting_rows, at::kLong);
  packed.targets = at::tensor(targets, at::kLong);
  packed.sequences = at::tensor(sequences, at::kLong);
  packed.sequence_lengths = at::tensor(lengths, at::kDouble).to(options.dtype);
  packed.experts = PackExperts(packer.fed(), options.num_moe_layers, options.experts_per_token);
  packed.packing = packer.TakePacking();
  return packed;
}

MicroBatch PackMicroBatch(const StepBatch& batch, const std::vector<size_t>& indices,
                          const PackingOptions& options) {
  GRPO_CHECK(batch.token_weights.size() == batch.samples.size());
  MicroBatch packed = PackTokens(batch.samples, indices, options);
  std::vector<double> advantages, weights;
  std::vector<float> behavior, kept;
  for (size_t index : indices) {
    const TrainingSample& sample = batch.samples[index];
    const int64_t learned = sample.NumLearned();
    weights.insert(weights.end(), learned, batch.token_weights[index]);
    AppendAdvantages(sample, learned, advantages);
    AppendLearned(sample, sample.behavior_logprobs, behavior);
    AppendLearned(sample, sample.log_kept_mass, kept);
  }
  const auto optional = [&](const auto& values) {
    GRPO_CHECK(values.empty() || static_cast<int64_t>(values.size()) == packed.targets.numel());
    return values.empty() ? at::Tensor() : at::tensor(values).to(options.dtype);
  };
  packed.loss_weights = at::tensor(weights, at::kDouble).to(options.dtype);
  packed.advantages = optional(advantages);
  packed.behavior_logprobs = optional(behavior);
  packed.old_logprobs = optional(Rows(batch.old_logprobs, indices));
  packed.reference_logprobs = optional(Rows(batch.reference_logprobs, indices));
  packed.log_kept_mass = optional(kept);
  packed.selected = optional(Rows(batch.selected, indices));
  return packed;
}

}  // namespace grpo
