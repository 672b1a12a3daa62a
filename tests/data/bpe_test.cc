#include "data/bpe.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/random.h"

namespace grpo {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

BpeAlphabet BytesAsIds() {
  BpeAlphabet alphabet;
  for (int byte = 0; byte < 256; ++byte) alphabet.byte_ids[byte] = byte;
  return alphabet;
}

std::vector<int32_t> Encode(const std::vector<BpeMerge>& merges, const std::string& word) {
  std::vector<int32_t> tokens;
  Bpe(BytesAsIds(), merges).Encode(word, &tokens);
  return tokens;
}

// The definition, word for word: apply the applicable rule of the lowest rank at the leftmost
// place.
std::vector<int32_t> EncodeSlowly(const std::vector<BpeMerge>& merges, const std::string& word) {
  std::vector<int32_t> tokens;
  for (const unsigned char byte : word) tokens.push_back(byte);
  for (bool merged = true; merged;) {
    merged = false;
    for (size_t rank = 0; rank < merges.size() && !merged; ++rank) {
      for (size_t i = 0; i + 1 < tokens.size() && !merged; ++i) {
        if (tokens[i] != merges[rank].left || tokens[i + 1] != merges[rank].right) continue;
        tokens[i] = merges[rank].result;
        tokens.erase(tokens.begin() + i + 1);
        merged = true;
      }
    }
  }
  return tokens;
}

TEST(BpeTest, AppliesTheLowestRankFirstAndTheLeftmostPlaceFirst) {
  const std::vector<BpeMerge> merges = {{'b', 'c', 300}, {'a', 'b', 301}, {'a', 300, 302}};
  EXPECT_THAT(Encode(merges, "abc"), ElementsAre(302));
  EXPECT_THAT(Encode(merges, "abab"), ElementsAre(301, 301));
  EXPECT_THAT(Encode({{'a', 'a', 300}}, "aaaaa"), ElementsAre(300, 300, 'a'));
  EXPECT_THAT(Encode(merges, ""), ElementsAre());
}

TEST(BpeTest, AgreesWithTheDefinitionOnRandomRulesAndWords) {
  RandomStream random(5, 0);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<int32_t> known = {'a', 'b', 'c'};
    std::map<std::pair<int32_t, int32_t>, int32_t> pairs;
    std::vector<BpeMerge> merges;
    for (int i = 0; i < 12; ++i) {
      const BpeMerge merge = {known[random.Below(known.size())], known[random.Below(known.size())],
                              300 + i};
      if (!pairs.try_emplace({merge.left, merge.right}, merge.result).second) continue;
      merges.push_back(merge);
      known.push_back(merge.result);
    }
    std::string word;
    for (int i = 0; i < (trial % 2 == 0 ? 40 : 80); ++i) word.push_back("abc"[random.Below(3)]);
    EXPECT_EQ(Encode(merges, word), EncodeSlowly(merges, word));
  }
}

TEST(BpeTest, StartsFromCharactersThenBytesThenTheUnknown) {
  BpeAlphabet alphabet;
  alphabet.bytes = false;
  alphabet.byte_ids.fill(-1);
  alphabet.character_ids = {{U'a', 1}, {U'中', 2}};
  const auto encode = [&](const std::string& word) {
    std::vector<int32_t> tokens;
    Bpe(alphabet, {{1, 2, 3}}).Encode(word, &tokens);
    return tokens;
  };
  EXPECT_THAT(encode("aéé中a中"), ElementsAre(3, 3));  // nothing to write é with
  alphabet.unknown_id = 0;
  EXPECT_THAT(encode("aéé中"), ElementsAre(1, 0, 0, 2));
  alphabet.fuse_unknown = true;
  EXPECT_THAT(encode("aéé中éé"), ElementsAre(1, 0, 2, 0));
  alphabet.byte_ids[0xC3] = 4;
  EXPECT_THAT(encode("aé"), ElementsAre(1, 0));  // all bytes of a character, or none
  alphabet.byte_ids[0xA9] = 5;
  EXPECT_THAT(encode("aé中"), ElementsAre(1, 4, 5, 2));
}

TEST(BpeTest, EncodesAWordOfAMillionBytes) {
  const std::vector<BpeMerge> merges = {{'a', 'a', 300}, {300, 300, 301}, {301, 301, 302}};
  const std::vector<int32_t> tokens = Encode(merges, std::string(1 << 20, 'a'));
  EXPECT_EQ(tokens.size(), size_t{1} << 17);
  EXPECT_THAT(tokens, Each(302));
}

}  // namespace
}  // namespace grpo
