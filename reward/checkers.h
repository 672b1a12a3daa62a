// The built-in checkers, a file each. A new one is a file, a line here and a line in registry.cc.
#pragma once

#include <memory>

#include "reward/reward.h"
#include "reward/scorer.h"

namespace grpo {

// 1 where the text inside the last <answer>…</answer> says the same as Prompt::answer (see
// AnswersEqual), else 0, also without the tag or with more than kMaxAnswerBytes inside. Invalid
// where Prompt::answer is empty or longer than that. Options: answer_tag, tolerance.
std::unique_ptr<Reward> NewFinalAnswer(const RewardSpec& spec);

// 1 where the text inside the last <answer>…</answer> is an expression of + - * / (also × · ÷ −)
// and parentheses that uses each number of Prompt::metadata_json's {"numbers": […], "target": n}
// exactly once and has exactly the target's value over the rationals, else 0. No sign before a
// number, nothing but the expression. Invalid where the metadata lacks the numbers (1 to 64
// integers >= 0) or the target (an integer). Option: answer_tag.
std::unique_ptr<Reward> NewCountdown(const RewardSpec& spec);

// The generated task families' checker: countdown where the metadata has "numbers" and "target",
// else final_answer. Option: answer_tag.
std::unique_ptr<Reward> NewTaskAnswer(const RewardSpec& spec);

// 1 where the completion is <think>…</think><answer>…</answer>, both not blank, each of the four
// tags once, and nothing but white space before, between and after; else 0. Option: answer_tag.
std::unique_ptr<Reward> NewFormat(const RewardSpec& spec);

// DAPO's soft overlong punishment (arXiv 2503.14476, equation 13, with L_max - L_cache =
// free_tokens and L_max the token budget): -penalty · clamp((tokens - free_tokens) / (max_tokens -
// free_tokens), 0, 1); 0 where the budget is not above free_tokens. Options: penalty, free_tokens.
std::unique_ptr<Reward> NewLength(const RewardSpec& spec);

// -penalty · (1 - distinct n-grams / n-grams) over the words of the completion (separated by white
// space); 0 with fewer than `ngram` words. Options: penalty, ngram.
std::unique_ptr<Reward> NewRepetition(const RewardSpec& spec);

}  // namespace grpo
