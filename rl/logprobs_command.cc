#include "rl/logprobs_command.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <nlohmann/json.hpp>

#include "data/json.h"
#include "data/status_macros.h"
#include "data/tokenizer.h"
#include "policy/checkpoint_tokenizer.h"
#include "policy/decoder.h"
#include "policy/kernels/kernels.h"
#include "policy/ops.h"
#include "policy/policy_folder.h"
#include "policy/threads.h"
#include "rl/token_ids.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kLogitRows = 256;  // rows of logits held at a time
constexpr size_t kLinesAtOnce = 64;  // read, shared out among the threads, written in order

// Turns lines into tokens; the tokenizer is read when the first text comes.
class LineReader {
 public:
  LineReader(const CheckpointReader& checkpoint, int vocabulary)
      : checkpoint_(checkpoint), vocabulary_(vocabulary) {}

  absl::StatusOr<std::vector<int64_t>> Tokens(const std::string& text, int64_t line) {
    const std::string origin = "standard input";
    ASSIGN_OR_RETURN(const nlohmann::json record, ParseJson(text, {origin, line}));
    const auto fail = [&](const auto&... message) {
      return absl::InvalidArgumentError(absl::StrCat(origin, ":", line, ": ", message...));
    };
    if (!record.is_object() || record.contains("tokens") == record.contains("text")) {
      return fail("expected an object with either \"tokens\" or \"text\"");
    }
    if (record.contains("text")) {
      if (!record["text"].is_string()) return fail("\"text\" must be a text");
      if (tokenizer_ == nullptr) {
        ASSIGN_OR_RETURN(tokenizer_, LoadTokenizer(checkpoint_));
      }
      const auto ids = tokenizer_->Encode(record["text"].get<std::string>());
      return std::vector<int64_t>(ids.begin(), ids.end());
    }
    if (!record["tokens"].is_array()) return fail("\"tokens\" must be a list of token ids");
    const auto ids = TokenIdsFromJson(record["tokens"], vocabulary_);
    if (!ids.ok()) return fail(ids.status().message());
    return std::vector<int64_t>(ids->begin(), ids->end());
  }

 private:
  const CheckpointReader& checkpoint_;
  int vocabulary_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

ordered_json BestLogits(const float* logits, int64_t vocabulary, int count) {
  std::vector<int64_t> ids(vocabulary);
  std::iota(ids.begin(), ids.end(), 0);
  const int64_t kept = std::min<int64_t>(count, vocabulary);
  std::partial_sort(ids.begin(), ids.begin() + kept, ids.end(), [&](int64_t a, int64_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  ordered_json best = ordered_json::array();
  for (int64_t i = 0; i < kept; ++i) best.push_back({ids[i], logits[ids[i]]});
  return best;
}

ordered_json ExpertLists(const ExpertChoices& chosen) {
  ordered_json layers = ordered_json::array();
  for (const at::Tensor& layer : chosen.layers) {
    ordered_json tokens = ordered_json::array();
    const int64_t* ids = layer.const_data_ptr<int64_t>();
    for (int64_t n = 0; n < layer.size(0); ++n, ids += layer.size(1)) {
      tokens.push_back(std::vector<int64_t>(ids, ids + layer.size(1)));
    }
    layers.push_back(std::move(tokens));
  }
  return layers;
}

ordered_json Record(const Weights& weights, const LogprobsOptions& options,
                    const std::vector<int64_t>& tokens) {
  ordered_json record = {
      {"tokens", tokens}, {"logprobs", ordered_json::array()}, {"argmax", ordered_json::array()}};
  if (options.experts) record["experts"] = ordered_json::array();
  if (options.top_logits > 0) record["top_logits"] = ordered_json::array();
  if (tokens.empty()) return record;
  record["logprobs"].push_back(nullptr);
  c10::NoGradGuard no_grad;
  const NumericsScope scope(options.numerics == "fast" ? Numerics::kFast : Numerics::kExact);
  const int64_t length = tokens.size(), vocabulary = weights.head.size(0);
  RouterOutputs routers;
  const at::Tensor hidden =
      DecoderHidden(weights, at::tensor(tokens, at::kLong), at::arange(length),
                    std::vector<int32_t>{0, static_cast<int32_t>(length)}, nullptr, &routers);
  for (int64_t begin = 0; begin < length; begin += kLogitRows) {
    const int64_t count = std::min(kLogitRows, length - begin);
    const at::Tensor rows = hidden.narrow(0, begin, count);
    const at::Tensor logits = Adapt(Linear(rows, weights.head), 0, rows, weights.adapters.head);
    std::vector<float> log_sum(count);
    ActiveKernels<float>().log_sum_exp(count, vocabulary, logits.const_data_ptr<float>(), 1,
                                       log_sum.data(), nullptr);
    for (int64_t i = 0; i < count; ++i) {
      const float* row = logits.const_data_ptr<float>() + i * vocabulary;
      record["argmax"].push_back(std::max_element(row, row + vocabulary) - row);
      if (begin + i + 1 < length) {
        record["logprobs"].push_back(row[tokens[begin + i + 1]] - log_sum[i]);
      }
      if (options.top_logits > 0) {
        record["top_logits"].push_back(BestLogits(row, vocabulary, options.top_logits));
      }
    }
  }
  if (options.experts) record["experts"] = ExpertLists(routers.chosen);
  return record;
}

}  // namespace

absl::Status RunLogprobs(const CommandLine& command) {
  const LogprobsOptions& options = command.logprobs;
  ASSIGN_OR_RETURN(const auto checkpoint, CheckpointReader::Open(options.policy));
  ASSIGN_OR_RETURN(Weights weights, LoadWeights(*checkpoint, MatrixStorage::kAsStored));
  if (options.dtype == "bf16") weights = weights.To(at::kBFloat16);
  LineReader reader(*checkpoint, weights.config.vocab_size);
  std::string text;
  int64_t line = 0;
  while (std::cin) {
    std::vector<std::vector<int64_t>> sequences;
    absl::Status bad_line;  // reported once the lines before it are answered
    while (sequences.size() < kLinesAtOnce && bad_line.ok() && std::getline(std::cin, text)) {
      ++line;
      if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
      auto tokens = reader.Tokens(text, line);
      if (tokens.ok() &&
          static_cast<int>(tokens->size()) > weights.config.max_position_embeddings) {
        tokens = absl::InvalidArgumentError(absl::StrCat(
            "standard input:", line, ": ", tokens->size(),
            " tokens exceed the policy's context of ", weights.config.max_position_embeddings));
      }
      bad_line = tokens.status();
      if (tokens.ok()) sequences.push_back(*std::move(tokens));
    }
    std::vector<ordered_json> records(sequences.size());
    std::atomic<size_t> next{0};
    RETURN_IF_ERROR(RunThreads(options.threads, [&](int) {
      for (size_t i = next++; i < sequences.size(); i = next++) {
        records[i] = Record(weights, options, sequences[i]);
      }
      return absl::OkStatus();
    }));
    for (const ordered_json& record : records) std::printf("%s\n", record.dump().c_str());
    std::fflush(stdout);
    RETURN_IF_ERROR(bad_line);
  }
  return absl::OkStatus();
}

}  // namespace grpo
