#include "reward/countdown.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <nlohmann/json.hpp>

#include "data/status_macros.h"
#include "reward/answer_equality.h"
#include "reward/arithmetic_expression.h"
#include "reward/tagged_text.h"

namespace grpo {
namespace {

constexpr size_t kMaxNumbers = 64;

struct Game {
  std::vector<int64_t> numbers;  // ascending
  int64_t target = 0;
};

// Integers of JSON that fit into int64_t.
bool IsInteger(const nlohmann::json& value) {
  return value.is_number_integer() &&
         (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{INT64_MAX});
}

absl::StatusOr<Game> ReadGame(const std::string& metadata_json) {
  const auto metadata = nlohmann::json::parse(metadata_json, nullptr, /*allow_exceptions=*/false);
  const absl::Status unusable = absl::InvalidArgumentError(
      absl::StrCat("expected metadata {\"numbers\": [1 to ", kMaxNumbers,
                   " integers >= 0], \"target\": integer}, found ", metadata_json.substr(0, 200)));
  if (!metadata.is_object() || !metadata.contains("numbers") || !metadata.contains("target")) {
    return unusable;
  }
  const nlohmann::json& numbers = metadata["numbers"];
  if (!numbers.is_array() || numbers.empty() || numbers.size() > kMaxNumbers ||
      !IsInteger(metadata["target"])) {
    return unusable;
  }
  Game game;
  game.target = metadata["target"].get<int64_t>();
  for (const nlohmann::json& number : numbers) {
    if (!IsInteger(number) || number.get<int64_t>() < 0) return unusable;
    game.numbers.push_back(number.get<int64_t>());
  }
  std::sort(game.numbers.begin(), game.numbers.end());
  return game;
}

RewardResult Judge(absl::string_view answer, const Game& game) {
  auto expression = EvaluateExpression(answer, game.numbers.size());
  if (!expression.ok()) return RewardResult::Scored(0, std::string(expression.status().message()));
  std::sort(expression->numbers.begin(), expression->numbers.end());
  if (expression->numbers != game.numbers) {
    return RewardResult::Scored(
        0, absl::StrCat("uses the numbers ", absl::StrJoin(expression->numbers, " "), " of ",
                        absl::StrJoin(game.numbers, " ")));
  }
  const bool hit = expression->value == Rational(game.target);
  return RewardResult::Scored(hit ? 1 : 0,
                              absl::StrCat("value ", expression->value.ToString(),
                                           hit ? " equals " : " is not ", game.target));
}

class Countdown : public Reward {
 public:
  explicit Countdown(const CountdownOptions& options) : answer_tag_(options.answer_tag) {}

  absl::string_view name() const override { return "countdown"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const auto game = ReadGame(request.prompt.metadata_json);
    if (!game.ok()) {
      return RewardResult::Invalid(
          absl::StrCat("prompt ", request.prompt.name, ": ", game.status().message()));
    }
    const auto answer = LastTagged(request.completion, answer_tag_);
    if (!answer.has_value()) {
      return RewardResult::Scored(0, absl::StrCat("no <", answer_tag_, "> tag"));
    }
    if (answer->size() > kMaxAnswerBytes) {
      return RewardResult::Scored(0, absl::StrCat("answer of ", answer->size(), " bytes"));
    }
    RewardResult result = Judge(*answer, *game);
    result.answer = std::string(absl::StripAsciiWhitespace(*answer));
    return result;
  }

 private:
  const std::string answer_tag_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reward>> NewCountdown(const CountdownOptions& options) {
  RETURN_IF_ERROR(CheckAnswerTag(options.answer_tag));
  return std::make_unique<Countdown>(options);
}

}  // namespace grpo
