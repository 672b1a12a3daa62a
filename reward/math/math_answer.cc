#include "reward/math/math_answer.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "data/utf8.h"

namespace grpo {
namespace {

constexpr size_t kMaxCachedTruths = 4096;
constexpr size_t kMaxTruthBytes = 65536;

// For reasons shown to a person.
std::string Shortened(absl::string_view text) {
  constexpr size_t kLongest = 80;
  text = absl::StripAsciiWhitespace(text);
  if (text.size() <= kLongest) return ReplaceInvalidUtf8(text);
  return absl::StrCat(ReplaceInvalidUtf8(text.substr(0, kLongest)), "…");
}

bool IsChoice(const ParsedAnswer& truth) {
  if (!truth.parsed()) return false;
  const Answer& answer = truth.readings[0];
  if (answer.form == AnswerForm::kChoice) return true;
  const bool letter = (answer.form == AnswerForm::kScalar && answer.op == Op::kVariable) ||
                      answer.form == AnswerForm::kText;
  return letter && truth.text.size() == 1 && absl::ascii_isupper(truth.text[0]);
}

bool IsLetter(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  return text.size() == 1 && text[0] >= 'A' && text[0] <= 'J';
}

bool IsWords(const ParsedAnswer& parsed) {
  return !parsed.parsed() || parsed.readings[0].form == AnswerForm::kText;
}

absl::optional<Extraction> Extract(absl::string_view completion, bool choice,
                                   const std::string& extract) {
  if (extract == "none") return Extraction{std::string(completion), "whole text"};
  ExtractPolicy policy;
  policy.boxed = extract != "answer_tag";
  policy.answer_tag = extract != "boxed";
  policy.plain = extract == "completion";
  policy.choice = choice;
  return ExtractAnswer(completion, policy);
}

class MathAnswer : public Reward {
 public:
  explicit MathAnswer(const MathAnswerOptions& options) : options_(options) {}

  absl::string_view name() const override { return "math_answer"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const std::string& text = request.prompt.answer;
    if (absl::StripAsciiWhitespace(text).empty() || text.size() > kMaxTruthBytes) {
      return RewardResult::Invalid(
          absl::StrCat("the ground truth of prompt ", request.prompt.name, " has ", text.size(),
                       " bytes, expected an answer of at most ", kMaxTruthBytes));
    }
    const std::shared_ptr<const ParsedAnswer> truth = Truth(text);
    const MathJudgement judgement = JudgeMathAnswer(*truth, text, request.completion, options_);
    const MathComparison& comparison = judgement.comparison;
    if (comparison.verdict == MathVerdict::kUnparsedTruth) {
      return RewardResult::Invalid(absl::StrCat("the ground truth of prompt ", request.prompt.name,
                                                " cannot be read as an answer: ", Shortened(text)));
    }
    if (judgement.source[0] == '\0') return RewardResult::Scored(0, "no answer found");
    const bool equal = comparison.verdict == MathVerdict::kEqual;
    return RewardResult::ScoredAnswer(
        equal ? 1 : 0,
        absl::StrCat("answer ", Shortened(judgement.answer), " (", judgement.source, ")",
                     equal ? " equals " : " is not ", Shortened(truth->text), ": ",
                     comparison.reason),
        judgement.answer);
  }

 private:
  // A group's completions share one truth.
  std::shared_ptr<const ParsedAnswer> Truth(const std::string& text) const {
    {
      const absl::MutexLock lock(&mutex_);
      const auto found = truths_.find(text);
      if (found != truths_.end()) return found->second;
    }
    auto parsed = std::make_shared<const ParsedAnswer>(ParseTruth(text));
    const absl::MutexLock lock(&mutex_);
    if (truths_.size() >= kMaxCachedTruths) truths_.clear();
    truths_[text] = parsed;
    return parsed;
  }

  const MathAnswerOptions options_;
  mutable absl::Mutex mutex_;
  mutable absl::flat_hash_map<std::string, std::shared_ptr<const ParsedAnswer>> truths_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace

ParsedAnswer ParseTruth(absl::string_view truth) {
  ParsedAnswer whole;
  const bool boxed = truth.find("box") != absl::string_view::npos;
  if (!boxed) whole = ParseAnswer(truth);
  if (!boxed && !IsWords(whole)) return whole;
  ExtractPolicy policy;
  policy.truth = true;
  const absl::optional<Extraction> extraction = ExtractAnswer(truth, policy);
  if (!extraction.has_value()) return boxed ? ParseAnswer(truth) : whole;
  // Words are an answer of their own; a number among them is the answer of a whole solution only.
  const bool words =
      whole.parsed() && truth.size() < 100 && absl::string_view(extraction->source) != "####";
  if (words) return whole;
  ParsedAnswer answer = ParseAnswer(extraction->text);
  return answer.parsed() || boxed ? answer : whole;
}

MathJudgement JudgeMathAnswer(const ParsedAnswer& truth, absl::string_view truth_text,
                              absl::string_view completion, const MathAnswerOptions& options) {
  MathJudgement judgement;
  judgement.comparison.reason = "no answer found";
  if (!truth.parsed() && truth.text.empty()) {
    judgement.comparison = {MathVerdict::kUnparsedTruth, "the truth cannot be read"};
    return judgement;
  }
  const absl::optional<Extraction> extraction =
      Extract(completion, IsChoice(truth), options.extract);
  if (!extraction.has_value()) return judgement;
  judgement.answer = extraction->text;
  judgement.source = extraction->source;
  judgement.comparison = CompareAnswers(truth, ParseAnswer(extraction->text), options.policy);
  // A truth that says the option in words: "A Peter", "… the answer is (C) Cecile".
  if (judgement.comparison.verdict != MathVerdict::kEqual && IsWords(truth) &&
      IsLetter(extraction->text)) {
    ExtractPolicy policy;
    policy.choice = true;
    const auto letter = ExtractAnswer(truth_text, policy);
    if (letter.has_value() && letter->text == absl::StripAsciiWhitespace(extraction->text)) {
      judgement.comparison = {MathVerdict::kEqual, "same choice"};
    }
  }
  return judgement;
}

std::unique_ptr<Reward> NewMathAnswer(const MathAnswerOptions& options) {
  return std::make_unique<MathAnswer>(options);
}

}  // namespace grpo
