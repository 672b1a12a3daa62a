#include "reward/instructions/sentences.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(SentencesTest, EndAtStopsQuestionAndExclamationMarks) {
  EXPECT_EQ(CountSentences(""), 0);
  EXPECT_EQ(CountSentences("No stop"), 1);
  EXPECT_EQ(CountSentences("One. Two? Three! Four"), 4);
  EXPECT_EQ(CountSentences("One!!! Two?! three.\n\nFour."), 4);
  EXPECT_EQ(CountSentences("One.\nTwo.\n"), 2);
  EXPECT_EQ(CountSentences("lower. case. too."), 3);
}

TEST(SentencesTest, DoNotEndInsideWordsAndNumbers) {
  EXPECT_EQ(CountSentences("Version 2.5 of www.example.com costs 3.50 today."), 1);
}

TEST(SentencesTest, DoNotEndBehindAbbreviations) {
  EXPECT_EQ(CountSentences("Dr. Smith met Mr. Jones at 5 p.m. on Jan. 3."), 1);
  EXPECT_EQ(CountSentences("He works for Acme Inc. in the U.S. as a clerk."), 1);
  EXPECT_EQ(CountSentences("He came at 5 p.m. The door was shut."), 2);
  EXPECT_EQ(CountSentences("J. R. Smith and J.K. Rowling wrote it."), 1);
}

TEST(SentencesTest, DoNotEndAtDotsWithoutAStarter) {
  EXPECT_EQ(CountSentences("Well... maybe so."), 1);
  EXPECT_EQ(CountSentences("Well... The end."), 2);
}

TEST(SentencesTest, TakeClosingMarksWithThem) {
  EXPECT_EQ(CountSentences("\"Go.\" He went. (Really.) Yes."), 4);
  EXPECT_EQ(CountSentences("He said \"go.\""), 1);
  EXPECT_EQ(CountSentences("One. \" Two."), 2);
}

TEST(SentencesTest, CountTheNumberOfAListItem) {
  EXPECT_EQ(CountSentences("1. Apples\n2. Pears"), 3);  // "1." / "Apples 2." / "Pears"
  EXPECT_EQ(CountSentences("1. apples"), 1);
  EXPECT_EQ(CountSentences("Plan\n  A. Walking\n  B. Running"), 3);
}

}  // namespace
}  // namespace grpo
