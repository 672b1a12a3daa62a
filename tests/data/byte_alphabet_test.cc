#include "data/byte_alphabet.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(ByteAlphabetTest, WritesSpaceAndLineFeedAsGpt2Does) {
  EXPECT_EQ(ToByteAlphabet(" a\n"), "Ġa\u010a");
  EXPECT_EQ(ToByteAlphabet("é"), "Ã©");
}

TEST(ByteAlphabetTest, HasADistinctCharacterForEveryByteAndReadsItBack) {
  std::set<std::string> characters;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string bytes(1, static_cast<char>(byte));
    characters.insert(ToByteAlphabet(bytes));
    EXPECT_EQ(FromByteAlphabet(ToByteAlphabet(bytes)), bytes);
  }
  EXPECT_EQ(characters.size(), 256u);
}

TEST(ByteAlphabetTest, KnowsWhatIsNotOfTheAlphabet) {
  for (const char* text : {" ", "a b", "\u0144", "中", "\xC3", "\xFF", "\u00ad"}) {
    EXPECT_FALSE(FromByteAlphabet(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace grpo
