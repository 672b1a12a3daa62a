// Any bytes as a truth and a completion, split at the first zero byte: judged without a crash, the
// same both ways round.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"

#include "reward/math/math_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t split = text.find('\0');
  const absl::string_view first = text.substr(0, split);
  const absl::string_view second =
      split == absl::string_view::npos ? first : text.substr(split + 1);
  const grpo::MathAnswerOptions options;
  grpo::JudgeMathAnswer(grpo::ParseTruth(first), first, second, options);
  const grpo::ParsedAnswer a = grpo::ParseAnswer(first), b = grpo::ParseAnswer(second);
  if (!a.parsed() || !b.parsed()) return 0;
  const auto forth = grpo::CompareAnswers(a, b, options.policy).verdict;
  const auto back = grpo::CompareAnswers(b, a, options.policy).verdict;
  if ((forth == grpo::MathVerdict::kEqual) != (back == grpo::MathVerdict::kEqual)) std::abort();
  return 0;
}
