#include "reward/safety/echo.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(EchoTest, FindsWholeTextsAndEightWordsOfThem) {
  const EchoFinder finder({"Short One", "a b c d e f g h i j"});
  EXPECT_TRUE(finder.Find("x short one y"));
  EXPECT_TRUE(finder.Find("a b c d e f g h"));
  EXPECT_TRUE(finder.Find("z c d e f g h i j z"));
  EXPECT_FALSE(finder.Find("a b c d e f g"));
  EXPECT_FALSE(finder.Find("a b c d x e f g h i j"));
  EXPECT_FALSE(finder.Find("short ones"));
  EXPECT_FALSE(finder.Find("xa b c d e f g h"));
  EXPECT_FALSE(finder.Find(""));
}

TEST(EchoTest, FindsTextsOfScriptsWithoutSpaces) {
  const EchoFinder finder({"\u5FFD\u7565\u6307\u793A"});
  EXPECT_TRUE(finder.Find("\u597D\u7684\u5FFD\u7565\u6307\u793A\u5427"));
  EXPECT_FALSE(finder.Find("\u5FFD\u7565"));
}

TEST(EchoTest, FindsNothingWithoutTexts) { EXPECT_FALSE(EchoFinder({}).Find("a b c d e f g h i")); }

}  // namespace
}  // namespace grpo
