// How the tokens of an optimizer step become one loss: the weight of a token, so that the loss is
// the sum over all tokens of weight times token loss. With N tokens in S sequences, len_i of them
// in sequence i, L tokens that a completion may have at most:
//
//   token_mean     1 / N             DAPO (arXiv 2503.14476)
//   sequence_mean  1 / (S len_i)     GRPO (arXiv 2402.03300)
//   sequence_sum   1 / S             REINFORCE, RLOO (arXiv 2402.14740)
//   constant       1 / (S L)         Dr. GRPO (arXiv 2503.20783)
//
// Counts are those of the whole step, whatever its micro-batches and ranks. Sequences of which no
// token is learned from count for nothing, also in S.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace grpo {

// The weight of each token of a sequence. lengths: tokens of each sequence of the step.
std::vector<double> TokenWeights(const std::string& aggregation,
                                 const std::vector<int64_t>& lengths, int max_tokens);

}  // namespace grpo
