#include "reward/safety/phrase_finder.h"

#include <tuple>

#include <gtest/gtest.h>

namespace grpo {
namespace {

using Found = std::vector<std::tuple<int, size_t, size_t>>;

Found All(const std::vector<std::string>& phrases, const std::string& text) {
  Found found;
  PhraseFinder(phrases).Find(text, [&](const PhraseFinder::Match& match) {
    found.emplace_back(match.phrase, match.begin, match.end);
    return false;
  });
  return found;
}

TEST(PhraseFinderTest, FindsOverlappingPhrases) {
  EXPECT_EQ(All({"he", "she", "his", "hers"}, "ushers"), (Found{{1, 1, 4}, {0, 2, 4}, {3, 2, 6}}));
  EXPECT_EQ(All({"aa"}, "aaaa"), (Found{{0, 0, 2}, {0, 1, 3}, {0, 2, 4}}));
  EXPECT_EQ(All({"a", "a"}, "a"), (Found{{0, 0, 1}, {1, 0, 1}}));
}

TEST(PhraseFinderTest, FindsNothingWhereThereIsNothing) {
  EXPECT_TRUE(All({}, "text").empty());
  EXPECT_TRUE(All({""}, "text").empty());
  EXPECT_TRUE(All({"longer than"}, "longer").empty());
}

TEST(PhraseFinderTest, FindsWhatASearchOneByOneFinds) {
  uint64_t state = 7;
  const auto letter = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<char>('a' + (state >> 62));
  };
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::string> phrases(5);
    for (size_t i = 0; i < phrases.size(); ++i) {
      for (size_t k = 0; k <= i; ++k) phrases[i].push_back(letter());
    }
    std::string text;
    for (int i = 0; i < 60; ++i) text.push_back(letter());
    size_t count = 0;
    for (const std::string& phrase : phrases) {
      for (size_t at = text.find(phrase); at != std::string::npos; at = text.find(phrase, at + 1)) {
        ++count;
      }
    }
    const Found found = All(phrases, text);
    EXPECT_EQ(found.size(), count);
    for (const auto& [phrase, begin, end] : found) {
      EXPECT_EQ(text.substr(begin, end - begin), phrases[phrase]);
    }
  }
}

TEST(PhraseFinderTest, StopsWhereItIsToldTo) {
  int calls = 0;
  EXPECT_TRUE(PhraseFinder({"a"}).Find("aaa", [&](const PhraseFinder::Match&) {
    ++calls;
    return calls == 2;
  }));
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace grpo
