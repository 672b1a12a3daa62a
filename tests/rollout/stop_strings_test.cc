#include "rollout/stop_strings.h"

#include <gtest/gtest.h>

#include "data/random.h"

namespace grpo {
namespace {

// The token, counted from 1, within which a stop string is first complete; 0: none.
size_t StopsIn(const std::vector<std::string>& stops, const std::vector<std::string>& tokens,
               StopStrings::Progress* progress = nullptr) {
  const StopStrings matcher(stops);
  StopStrings::Progress own;
  if (progress == nullptr) progress = &own;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (matcher.Push(tokens[i], *progress)) return i + 1;
  }
  return 0;
}

TEST(StopStringsTest, FindsAStopStringThatSpansThreeTokens) {
  EXPECT_EQ(StopsIn({"</answer>"}, {"42</", "answ", "er>", "more"}), 3u);
  EXPECT_EQ(StopsIn({"</answer>"}, {"42</", "answ", "er", "more"}), 0u);
}

TEST(StopStringsTest, SaysWhereTheStopStringEndsInATokenThatGoesOnBehindIt) {
  StopStrings::Progress progress;
  EXPECT_EQ(StopsIn({"END"}, {"so E", "ND. And then"}, &progress), 2u);
  EXPECT_EQ(progress.stop_end, 6u);
  EXPECT_EQ(progress.bytes, 16u);
}

TEST(StopStringsTest, FindsAStopStringInTheMiddleOfOneToken) {
  EXPECT_EQ(StopsIn({"b"}, {"aaa", "abc"}), 2u);
}

TEST(StopStringsTest, FindsWhicheverOfSeveralIsCompleteFirst) {
  StopStrings::Progress progress;
  EXPECT_EQ(StopsIn({"abcd", "bc", "xyz"}, {"a", "b", "c", "d"}, &progress), 3u);
  EXPECT_EQ(progress.stop_end, 3u);
  EXPECT_EQ(StopsIn({"abcd", "xyz"}, {"ab", "cx", "yz"}), 3u);
}

TEST(StopStringsTest, StartsOverWithinAFailedBeginning) {
  EXPECT_EQ(StopsIn({"\n\nQ"}, {"\n", "\n", "\n", "Q"}), 4u);
  EXPECT_EQ(StopsIn({"abab!"}, {"ab", "ab", "ab", "!"}), 4u);
}

TEST(StopStringsTest, MatchesBytesOfACharacterSpreadOverTokens) {
  EXPECT_EQ(StopsIn({"\u7b54"}, {"\xE7", "\xAD", "\x94"}), 3u);
}

TEST(StopStringsTest, GoesOnBehindAStopStringAndKeepsThePlaceOfTheFirst) {
  const StopStrings matcher({"ab"});
  StopStrings::Progress progress;
  EXPECT_TRUE(matcher.Push("xab", progress));
  EXPECT_FALSE(matcher.Push("a", progress));
  EXPECT_TRUE(matcher.Push("b", progress));
  EXPECT_EQ(progress.stop_end, 3u);
}

TEST(StopStringsTest, WithoutStopStringsNothingStops) {
  EXPECT_TRUE(StopStrings().empty());
  EXPECT_EQ(StopsIn({}, {"a", "", "b"}), 0u);
}

// Against a search of the whole text after each token, over texts of few letters.
TEST(StopStringsTest, FindsWhatASearchOfTheWholeTextFinds) {
  RandomStream random(1, 1);
  const auto text = [&](int longest) {
    std::string text(random.Below(longest) + 1, 'a');
    for (char& c : text) c = static_cast<char>('a' + random.Below(2));
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    const std::vector<std::string> stops = {text(7), text(7), text(9)};
    const StopStrings matcher(stops);
    StopStrings::Progress progress;
    std::string whole;
    for (bool stopped = false; !stopped && whole.size() < 60;) {
      const std::string token = text(4);
      whole += token;
      size_t end = std::string::npos;
      for (const std::string& stop : stops) {
        const size_t at = whole.find(stop);
        if (at != std::string::npos) end = std::min(end, at + stop.size());
      }
      stopped = end != std::string::npos;
      ASSERT_EQ(matcher.Push(token, progress), stopped) << whole;
      if (stopped) {
        ASSERT_EQ(progress.stop_end, end) << whole;
      }
    }
  }
}

}  // namespace
}  // namespace grpo
