#include "rl/eval/suite_result.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/random.h"

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// One completion of each of 500 problems, which this many get right. Which ones are is drawn anew
// for each policy: how much two policies agree is up to chance, as the worst case has it.
SuiteResult Result(int right, uint64_t stream) {
  SuiteResult result;
  result.suite = "gsm8k";
  result.policy = "runs/a/policy";
  result.data_digest = "d";
  result.suite_digest = "s";
  result.sampling = {{"temperature", 0.0}};
  RandomStream random(5, stream);
  int left = right;
  for (int i = 0; i < 500; ++i) {
    const bool correct = static_cast<int>(random.Below(500 - i)) < left;
    left -= correct;
    result.problems.push_back({absl::StrCat("p", i), "sums", "1", {correct}, {0}, 0, 0, 20});
  }
  return result;
}

TEST(SuiteResultTest, SixtyAgainstSixtyFourPercentOfFiveHundredIsUndecided) {
  for (uint64_t stream = 1; stream <= 20; ++stream) {
    const auto comparison = CompareSuiteResults(Result(300, 0), Result(320, stream));
    ASSERT_TRUE(comparison.ok()) << comparison.status();
    EXPECT_DOUBLE_EQ(comparison->rate_a, 0.6);
    EXPECT_NEAR(comparison->rate_b, 0.64, 1e-12);
    EXPECT_THAT(comparison->verdict, StartsWith("Undecided: B differs by 4.0 points"));
  }
}

TEST(SuiteResultTest, SixtyAgainstSeventyTwoPercentOfFiveHundredIsBetter) {
  for (uint64_t stream = 1; stream <= 20; ++stream) {
    const auto up = CompareSuiteResults(Result(300, 0), Result(360, stream));
    ASSERT_TRUE(up.ok()) << up.status();
    EXPECT_THAT(up->verdict, StartsWith("B is better by 12.0 points"));
    EXPECT_EQ(up->better - up->worse, 60);
    EXPECT_THAT(CompareSuiteResults(Result(360, stream), Result(300, 0))->verdict,
                StartsWith("B is worse by -12.0 points"));
  }
}

TEST(SuiteResultTest, PoliciesThatAgreeOnNearlyAllProblemsNeedFewerOfThem) {
  const SuiteResult a = Result(300, 0);
  SuiteResult b = a;
  int changed = 0;
  for (SuiteProblemResult& problem : b.problems) {
    if (!problem.correct[0] && changed < 20) problem.correct[0] = ++changed > 0;
  }
  const auto comparison = CompareSuiteResults(a, b);
  EXPECT_THAT(comparison->verdict, StartsWith("B is better by 4.0 points"));
}

TEST(SuiteResultTest, RefusesToCompareWhatDiffersInMoreThanThePolicy) {
  const SuiteResult a = Result(300, 0);
  const auto refusal = [&](void (*change)(SuiteResult&)) {
    SuiteResult b = a;
    b.policy = "runs/b/policy";
    EXPECT_TRUE(CompareSuiteResults(a, b).ok());
    change(b);
    const auto comparison = CompareSuiteResults(a, b);
    EXPECT_FALSE(comparison.ok());
    return std::string(comparison.status().message());
  };
  EXPECT_THAT(refusal([](SuiteResult& b) { b.suite = "math"; }), HasSubstr("gsm8k and math"));
  EXPECT_THAT(refusal([](SuiteResult& b) { b.data_digest = "e"; }), HasSubstr("data files"));
  EXPECT_THAT(refusal([](SuiteResult& b) { b.suite_digest = "t"; }), HasSubstr("template"));
  EXPECT_THAT(refusal([](SuiteResult& b) { b.samples = 8; }), HasSubstr("(1 and 8)"));
  EXPECT_THAT(refusal([](SuiteResult& b) { b.sampling["temperature"] = 0.6; }),
              AllOf(HasSubstr("sampling"), HasSubstr("0.6")));
  EXPECT_THAT(refusal([](SuiteResult& b) { b.problems.pop_back(); }), HasSubstr("499"));
  EXPECT_THAT(refusal([](SuiteResult& b) { b.problems[7].id = "q"; }), HasSubstr("(p7 and q)"));
}

TEST(SuiteResultTest, ReadsBackWhatItWroteAndRefusesWhatIsNoResult) {
  const SuiteResult result = Result(300, 0);
  const auto json = SuiteResultToJson(result);
  const auto back = SuiteResultFromJson(nlohmann::ordered_json::parse(json.dump()), "r.json");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(SuiteResultToJson(*back), json);
  EXPECT_THAT(std::string(SuiteResultFromJson({{"format", 1}}, "r.json").status().message()),
              AllOf(HasSubstr("r.json"), HasSubstr("expected format 2, found 1")));
  for (const char* key : {"format", "suite", "samples", "sampling", "problems"}) {
    auto damaged = json;
    damaged.erase(key);
    EXPECT_THAT(std::string(SuiteResultFromJson(damaged, "r.json").status().message()),
                HasSubstr(absl::StrCat("r.json: \"", key, "\"")));
  }
  EXPECT_FALSE(SuiteResultFromJson(nlohmann::ordered_json::array(), "r.json").ok());
  auto damaged = json;
  damaged["problems"][3]["answers"] = {0, 0};
  EXPECT_THAT(std::string(SuiteResultFromJson(damaged, "r.json").status().message()),
              HasSubstr("r.json: problem p3 has 1 verdicts and 2 answers"));
}

// Completions of problems of two families in turn.
SuiteResult InFamilies(const std::vector<int>& right, int samples) {
  SuiteResult result;
  for (size_t i = 0; i < right.size(); ++i) {
    std::vector<bool> correct(samples, false);
    std::fill_n(correct.begin(), right[i], true);
    result.problems.push_back({absl::StrCat(i), i % 2 == 0 ? "even" : "odd", "", correct,
                               std::vector<int>(samples, 0), 1, 0, 10 * samples});
  }
  return result;
}

TEST(SuiteResultTest, PassRateIsTheMeanOverProblemsOrThoseOfAFamily) {
  const SuiteResult result = InFamilies({4, 0, 2, 1}, 4);
  EXPECT_DOUBLE_EQ(result.PassRate(), 7.0 / 16);
  EXPECT_DOUBLE_EQ(result.PassRate("even"), 6.0 / 8);
  EXPECT_DOUBLE_EQ(result.PassRate("odd"), 1.0 / 8);
  EXPECT_EQ(result.PassRate("none"), 0);
  EXPECT_EQ(result.Families(), (std::vector<std::string>{"even", "odd"}));
  EXPECT_EQ(result.MeanTokens(), 10);
  EXPECT_EQ(result.TruncatedShare(), 0.25);
}

TEST(ChangeIntervalTest, PairsTheProblemsSoThatTheirDifficultyDoesNotWidenIt) {
  RandomStream random(3, 1);
  std::vector<int> before(100), after(100);
  for (int i = 0; i < 100; ++i) {
    before[i] = static_cast<int>(random.Below(7));
    after[i] = before[i] + static_cast<int>(random.Below(2));  // as hard as it was, a little better
  }
  const SuiteResult old = InFamilies(before, 8), now = InFamilies(after, 8);
  std::vector<double> rates;
  for (const SuiteProblemResult& problem : now.problems) rates.push_back(problem.Rate());
  const Interval change = ChangeInterval(old, now, ""), rate = MeanInterval(rates, {0, 1});
  EXPECT_GT(change.low, 0.04);
  EXPECT_LT(change.high, 0.09);
  EXPECT_GT(rate.high - rate.low, 2.5 * (change.high - change.low));
  EXPECT_LT(ChangeInterval(now, old, "").high, -0.04);
}

}  // namespace
}  // namespace grpo
