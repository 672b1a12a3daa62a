// Prompts that come and go while others are sampled.
#include <thread>

#include "data/random.h"
#include "rollout/engine.h"
#include "tests/rollout/small_engine.h"

namespace grpo {
namespace {

constexpr int kPrompts = 24;

Prompt PromptOf(int i) {
  Prompt prompt;
  prompt.id = 100 + i;
  prompt.text = std::string("Compute ") + std::to_string(i * i * 37 % 101) + "+1.";
  return prompt;
}

GenerateOptions Options() {
  GenerateOptions options;
  options.group_size = 3;
  options.sampling.max_new_tokens = 24;
  options.seed = 5;
  return options;
}

class RolloutStreamTest : public testing::Test {
 protected:
  std::vector<RolloutGroup> Expected() {
    GenerateRequest request;
    static_cast<GenerateOptions&>(request) = Options();
    for (int i = 0; i < kPrompts; ++i) request.prompts.push_back(PromptOf(i));
    auto groups = SmallEngine({.threads = 1}).Generate(weights_, request);
    EXPECT_TRUE(groups.ok()) << groups.status();
    return *std::move(groups);
  }

  std::unique_ptr<RolloutStream> Open(const RolloutEngine& engine) {
    auto stream = RolloutStream::Open(engine, weights_, Options());
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *std::move(stream);
  }

  const Weights weights_ = SmallWeights("deepseek_v3");
};

TEST_F(RolloutStreamTest, GivesTheGroupsOfOneCallWhateverTheOrderAndTimesOfArrival) {
  const std::vector<RolloutGroup> expected = Expected();
  for (const EngineLimits& limits :
       {EngineLimits{.threads = 2}, EngineLimits{.threads = 2, .max_sequences = 5},
        EngineLimits{.threads = 1, .page_size = 4, .max_prompt_tokens = 5, .cache_tokens = 90}}) {
    const RolloutEngine engine = SmallEngine(limits);
    const auto stream = Open(engine);
    std::vector<int> prompt_of;
    RandomStream random(3, limits.max_sequences);
    std::thread submits([&] {
      for (int i = kPrompts - 1; i >= 0; --i) {
        prompt_of.push_back(i);
        EXPECT_TRUE(stream->Submit(PromptOf(i)).ok());
        std::this_thread::sleep_for(std::chrono::microseconds(random.Below(3000)));
      }
      stream->Close();
    });
    std::vector<bool> seen(kPrompts, false);
    int finished = 0;
    while (true) {
      auto next = stream->Next();
      ASSERT_TRUE(next.ok()) << next.status();
      if (!next->has_value()) break;
      const int prompt = static_cast<int>((*next)->group.prompt.id) - 100;
      EXPECT_FALSE(seen[prompt]);
      seen[prompt] = true;
      ++finished;
      ExpectSameRollouts((*next)->group, expected[prompt]);
    }
    submits.join();
    EXPECT_EQ(finished, kPrompts);
  }
}

TEST_F(RolloutStreamTest, ServesManyThreadsThatSubmitAndCancelAtRandom) {
  const std::vector<RolloutGroup> expected = Expected();
  const RolloutEngine engine =
      SmallEngine({.threads = 2, .max_sequences = 7, .page_size = 4, .cache_tokens = 150});
  const auto stream = Open(engine);
  constexpr int kSubmitters = 3, kEach = 20;
  std::atomic<int> left{kSubmitters};
  std::atomic<int> cancelled{0};
  std::vector<std::thread> submitters;
  for (int t = 0; t < kSubmitters; ++t) {
    submitters.emplace_back([&, t] {
      RandomStream random(11, t);
      for (int i = 0; i < kEach; ++i) {
        const auto number = stream->Submit(PromptOf(random.Below(kPrompts)));
        EXPECT_TRUE(number.ok()) << number.status();
        std::this_thread::sleep_for(std::chrono::microseconds(random.Below(4000)));
        if (random.Below(3) == 0) {
          stream->Cancel(*number);
          ++cancelled;
        }
      }
      if (--left == 0) stream->Close();
    });
  }
  int finished = 0;
  while (true) {
    auto next = stream->Next();
    ASSERT_TRUE(next.ok()) << next.status();
    if (!next->has_value()) break;
    ++finished;
    ExpectSameRollouts((*next)->group, expected[(*next)->group.prompt.id - 100]);
  }
  for (std::thread& submitter : submitters) submitter.join();
  // What was finished already when it was cancelled comes out all the same.
  EXPECT_GE(finished, kSubmitters * kEach - cancelled);
  EXPECT_LE(finished, kSubmitters * kEach);
}

TEST_F(RolloutStreamTest, CanBeLeftAtAnyTime) {
  const RolloutEngine engine = SmallEngine({.threads = 2});
  Open(engine);
  const auto busy = Open(engine);
  for (int i = 0; i < kPrompts; ++i) EXPECT_TRUE(busy->Submit(PromptOf(i)).ok());
}

TEST_F(RolloutStreamTest, RefusesAPromptThatIsTooLongAndGoesOn) {
  const RolloutEngine engine = SmallEngine({.threads = 1});
  const auto stream = Open(engine);
  Prompt prompt = PromptOf(0);
  prompt.text = std::string(500, 'x');
  EXPECT_EQ(stream->Submit(prompt).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(stream->Submit(PromptOf(0)).ok());
  stream->Close();
  const auto next = stream->Next();
  ASSERT_TRUE(next.ok() && next->has_value());
  EXPECT_FALSE(stream->Next()->has_value());
}

}  // namespace
}  // namespace grpo
