#include "reward/checker_pool.h"

#include <stdexcept>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using testing::HasSubstr;
using Call = CheckerPool::Call;

Call Scores(double score) {
  return [score](const Deadline&) { return RewardResult::Scored(score, "ok"); };
}

TEST(CheckerPoolTest, GivesResultsInTheOrderOfTheCalls) {
  for (const int threads : {1, 8}) {
    CheckerPool pool(threads, absl::Seconds(60));
    std::vector<Call> calls;
    for (int i = 0; i < 5000; ++i) calls.push_back(Scores(i));
    const auto results = pool.Run(std::move(calls));
    ASSERT_EQ(results.size(), 5000u);
    for (int i = 0; i < 5000; ++i) EXPECT_EQ(results[i].score, i);
  }
}

TEST(CheckerPoolTest, MakesNothingOfNothing) {
  CheckerPool pool(2, absl::Seconds(60));
  EXPECT_TRUE(pool.Run({}).empty());
}

TEST(CheckerPoolTest, TurnsExceptionsIntoErrors) {
  CheckerPool pool(1, absl::Seconds(60));
  std::vector<Call> calls = {
      [](const Deadline&) -> RewardResult { throw std::runtime_error("broken table"); }, Scores(1),
      [](const Deadline&) -> RewardResult { throw 7; }};
  const auto results = pool.Run(std::move(calls));
  EXPECT_EQ(results[0].state, RewardState::kError);
  EXPECT_EQ(results[0].reason, "exception: broken table");
  EXPECT_EQ(results[1].score, 1);
  EXPECT_EQ(results[2].state, RewardState::kError);
}

TEST(CheckerPoolTest, AbandonsACallThatHangsAndFinishesTheOthers) {
  const auto release = std::make_shared<absl::Notification>();
  {
    CheckerPool pool(1, absl::Milliseconds(30));
    std::vector<Call> calls = {Scores(1),
                               [release](const Deadline&) {
                                 release->WaitForNotification();
                                 return RewardResult::Scored(5, "too late");
                               },
                               Scores(2)};
    const auto results = pool.Run(std::move(calls));
    EXPECT_EQ(results[0].score, 1);
    EXPECT_EQ(results[1].state, RewardState::kError);
    EXPECT_THAT(results[1].reason, HasSubstr("not done within 30ms"));
    EXPECT_EQ(results[2].score, 2);
  }  // the pool goes while the call still hangs
  release->Notify();
}

TEST(CheckerPoolTest, TellsACallThatItsTimeIsOver) {
  CheckerPool pool(1, absl::Milliseconds(10));
  const auto results = pool.Run({[](const Deadline& deadline) {
    while (!deadline.Passed()) std::this_thread::yield();
    return RewardResult::Scored(1, "after the deadline");
  }});
  EXPECT_EQ(results[0].state, RewardState::kError);
}

TEST(CheckerPoolTest, CancelsTheCallThatItAbandons) {
  const auto ended = std::make_shared<absl::Notification>();
  CheckerPool pool(1, absl::Milliseconds(10));
  const auto results = pool.Run({[ended](const Deadline& deadline) {
    absl::SleepFor(absl::Milliseconds(300));
    while (!deadline.Passed()) std::this_thread::yield();
    ended->Notify();
    return RewardResult::Scored(1, "");
  }});
  EXPECT_EQ(results[0].state, RewardState::kError);
  ended->WaitForNotification();
}

TEST(CheckerPoolTest, StopsMakingCallsWhenTooManyThreadsHang) {
  const auto release = std::make_shared<absl::Notification>();
  CheckerPool pool(16, absl::Milliseconds(1));
  std::vector<Call> calls;
  for (int i = 0; i < 400; ++i) {
    calls.push_back([release](const Deadline&) {
      release->WaitForNotification();
      return RewardResult::Scored(1, "");
    });
  }
  const auto results = pool.Run(std::move(calls));
  for (const RewardResult& result : results) EXPECT_EQ(result.state, RewardState::kError);
  EXPECT_THAT(results.back().reason, HasSubstr("earlier calls hang"));
  release->Notify();
}

TEST(CheckerPoolTest, ServesSeveralCallersAtOnce) {
  CheckerPool pool(3, absl::Seconds(60));
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&pool, caller] {
      for (int round = 0; round < 20; ++round) {
        std::vector<Call> calls;
        for (int i = 0; i < 50; ++i) calls.push_back(Scores(caller * 1000 + i));
        const auto results = pool.Run(std::move(calls));
        for (int i = 0; i < 50; ++i) ASSERT_EQ(results[i].score, caller * 1000 + i);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace grpo
