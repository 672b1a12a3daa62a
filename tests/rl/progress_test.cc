#include "rl/progress.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A stream into memory and a clock that stands still until it is moved.
class ProgressTest : public testing::Test {
 protected:
  ProgressTest() : out_(open_memstream(&buffer_, &size_)) {}
  ~ProgressTest() override {
    std::fclose(out_);
    std::free(buffer_);
  }
  std::function<absl::Time()> Clock() {
    return [this] { return now_; };
  }
  std::string Written() {
    std::fflush(out_);
    return std::string(buffer_, size_);
  }
  static ProgressLine Line(const std::string& stage, int step) {
    ProgressLine line;
    line.stage = stage;
    line.step = step;
    line.num_steps = 10;
    return line;
  }

  char* buffer_ = nullptr;
  size_t size_ = 0;
  std::FILE* out_;
  absl::Time now_ = absl::FromUnixSeconds(1000);
};

TEST_F(ProgressTest, SaysWhatIsKnownOfAStep) {
  ProgressLine line = Line("grpo", 3);
  EXPECT_EQ(ProgressText(line, absl::nullopt), "grpo  3/10");
  line.loss = 0.5;
  line.reward = 0.4123;
  line.pass_rate = 0.385;
  line.tokens_per_second = 5210.4;
  EXPECT_EQ(ProgressText(line, absl::Seconds(250)),
            "grpo  3/10  loss 0.5000  reward 0.412  pass 38.5 %  5210 tokens/s  4m10s left");
}

TEST_F(ProgressTest, WritesDurationsForPeople) {
  EXPECT_EQ(DurationText(absl::Milliseconds(4600)), "5s");
  EXPECT_EQ(DurationText(absl::Seconds(65)), "1m05s");
  EXPECT_EQ(DurationText(absl::Minutes(125)), "2h05m");
  EXPECT_EQ(DurationText(absl::Hours(76)), "3d04h");
  EXPECT_EQ(DurationText(absl::Seconds(-3)), "0s");
  EXPECT_THAT(DurationText(absl::InfiniteDuration()), HasSubstr("d"));
}

TEST_F(ProgressTest, WritesPlainLinesNowAndThenButTheFirstAndLastAlways) {
  {
    Progress progress(out_, /*is_terminal=*/false, Clock());
    for (int step = 1; step <= 10; ++step) {
      progress.Update(Line("sft", step));
      now_ += absl::Seconds(2);
    }
    progress.Update(Line("grpo", 1));
  }
  EXPECT_EQ(Written(),
            "sft  1/10\nsft  4/10  12s left\nsft  7/10  6s left\nsft  10/10  0s left\n"
            "grpo  1/10\n");
}

TEST_F(ProgressTest, CountsTheRemainingTimeFromTheFirstStepSeen) {
  Progress progress(out_, /*is_terminal=*/false, Clock());
  progress.Update(Line("grpo", 6));
  now_ += absl::Seconds(10);
  progress.Update(Line("grpo", 8));
  EXPECT_EQ(Written(), "grpo  6/10\ngrpo  8/10  10s left\n");
}

TEST_F(ProgressTest, RewritesOneLineOnATerminalAndLeavesItAtTheEndOfAStage) {
  {
    Progress progress(out_, /*is_terminal=*/true, Clock());
    progress.Update(Line("sft", 9));
    now_ += absl::Milliseconds(10);
    progress.Update(Line("sft", 9));  // not due
    progress.Update(Line("sft", 10));
    progress.Update(Line("grpo", 1));
  }
  EXPECT_EQ(Written(), "\r\x1b[Ksft  9/10\r\x1b[Ksft  10/10  0s left\n\r\x1b[Kgrpo  1/10\n");
}

TEST_F(ProgressTest, NotesStandAboveTheLine) {
  {
    Progress progress(out_, /*is_terminal=*/true, Clock());
    progress.Note("starts");
    progress.Update(Line("sft", 1));
    progress.Note("checkpoint written");
  }
  EXPECT_EQ(Written(), "starts\n\r\x1b[Ksft  1/10\r\x1b[Kcheckpoint written\nsft  1/10\n");
}

TEST_F(ProgressTest, ALongLineDoesNotWrap) {
  Progress progress(out_, /*is_terminal=*/true, Clock());
  progress.Update(Line(std::string(500, 'x'), 1));
  EXPECT_LE(Written().size(), 100u);
}

TEST_F(ProgressTest, PlainOutputHasNoControlCharacters) {
  Progress progress(out_, /*is_terminal=*/false, Clock());
  progress.Update(Line("sft", 1));
  progress.Note("note");
  EXPECT_THAT(Written(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(Written(), Not(HasSubstr("\r")));
}

}  // namespace
}  // namespace grpo
