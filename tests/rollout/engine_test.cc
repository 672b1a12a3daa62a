// The engine with a small random policy: batching must not show in what it samples.
#include "rollout/engine.h"

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "policy/decoder.h"
#include "policy/ops.h"
#include "tests/rollout/small_engine.h"

namespace grpo {
namespace {

void ExpectSameGroups(const std::vector<RolloutGroup>& groups,
                      const std::vector<RolloutGroup>& expected) {
  ASSERT_EQ(groups.size(), expected.size());
  for (size_t g = 0; g < groups.size(); ++g) ExpectSameRollouts(groups[g], expected[g]);
}

// For latent attention, grouped queries, and grouped queries with experts.
class EngineTest : public testing::TestWithParam<const char*> {
 protected:
  RolloutEngine Engine(int threads, int max_sequences, int page_size) const {
    return Engine({.threads = threads, .max_sequences = max_sequences, .page_size = page_size});
  }
  RolloutEngine Engine(const EngineLimits& limits) const { return SmallEngine(limits); }

  std::vector<Prompt> Prompts(int count) const {
    std::vector<Prompt> prompts(count);
    for (int i = 0; i < count; ++i) {
      prompts[i].id = 10 + i;
      prompts[i].text = std::string("Compute ") + std::to_string(i * i * 37) + "+1.";
    }
    return prompts;
  }

  GenerateRequest Request(int prompts, int group_size) const {
    GenerateRequest request;
    request.prompts = Prompts(prompts);
    request.group_size = group_size;
    request.sampling.max_new_tokens = 40;
    request.seed = 5;
    return request;
  }

  std::vector<RolloutGroup> Generate(const RolloutEngine& engine, const GenerateRequest& request,
                                     RolloutStats* stats = nullptr) const {
    auto groups = engine.Generate(weights_, request, stats);
    EXPECT_TRUE(groups.ok()) << groups.status();
    return *std::move(groups);
  }

  std::shared_ptr<const Tokenizer> tokenizer_ = SmallTokenizer();
  Weights weights_ = SmallWeights(GetParam());
};

TEST_P(EngineTest, SamplesTheSameBitsForAnyNumberOfThreadsBatchSizeAndPageSize) {
  const GenerateRequest request = Request(9, 4);
  const auto expected = Generate(Engine(1, 256, 16), request);
  for (const auto& [threads, sequences, page] :
       {std::tuple<int, int, int>{2, 256, 16}, {3, 8, 4}, {1, 4, 1}}) {
    ExpectSameGroups(Generate(Engine(threads, sequences, page), request), expected);
  }
}

TEST_P(EngineTest, SamplesTheSameBitsWithPromptsInChunksAndWhenTheCacheRunsOut) {
  const GenerateRequest request = Request(9, 4);
  const auto expected = Generate(Engine(1, 256, 16), request);
  int64_t longest = 0;
  for (const RolloutGroup& group : expected)
    longest = std::max<int64_t>(longest, group.prompt_tokens.size() + 40);
  for (const EngineLimits& limits :
       {EngineLimits{.threads = 2, .max_prompt_tokens = 3},
        EngineLimits{
            .threads = 1, .page_size = 4, .max_prompt_tokens = 7, .cache_tokens = 3 * longest},
        EngineLimits{.threads = 2, .max_sequences = 5, .page_size = 1, .cache_tokens = longest},
        EngineLimits{.threads = 2,
        .max_sequences = 3,
        .max_prompt_tokens = 1,
        .cache_tokens = 2 * longest}}) {
    RolloutStats stats;
    ExpectSameGroups(Generate(Engine(limits), request, &stats), expected);
    EXPECT_EQ(stats.preemptions > 0, limits.cache_tokens > 0);
  }
}

TEST_P(EngineTest, SamplesTheSameTokensWithDraftsOfThem) {
  GenerateRequest request = Request(2, 3);
  request.ignore_ends = true;
  request.sampling.max_new_tokens = 100;
  int64_t accepted = 0;
  // Peaked enough for completions to repeat themselves, and not.
  for (const double temperature : {0.0, 0.1, 1.0}) {
    request.sampling.temperature = temperature;
    const auto expected = Generate(Engine(1, 64, 16), request);
    for (const EngineLimits& limits :
         {EngineLimits{.threads = 2, .draft_tokens = 4},
          EngineLimits{.threads = 1, .page_size = 1, .draft_tokens = 1},
          EngineLimits{.threads = 2, .page_size = 4, .cache_tokens = 150, .draft_tokens = 9}}) {
      RolloutStats stats;
      ExpectSameGroups(Generate(Engine(limits), request, &stats), expected);
      EXPECT_LE(stats.accepted_tokens, stats.drafted_tokens);
      accepted += stats.accepted_tokens;
    }
  }
  EXPECT_GT(accepted, 0);
}

TEST_P(EngineTest, SamplesTheSameTokensWithGuessesAheadOfManyCompletions) {
  GenerateRequest request = Request(6, 4);
  request.ignore_ends = true;
  request.sampling.max_new_tokens = 100;
  for (const double temperature : {0.0, 1.0}) {
    request.sampling.temperature = temperature;
    const auto expected = Generate(Engine(1, 64, 16), request);
    for (const EngineLimits& limits :
         {EngineLimits{.threads = 2, .max_sequences = 24, .draft_tokens = 6},
          EngineLimits{.threads = 2, .page_size = 4, .cache_tokens = 700, .draft_tokens = 6}}) {
      RolloutStats stats;
      ExpectSameGroups(Generate(Engine(limits), request, &stats), expected);
      EXPECT_LE(stats.accepted_tokens, stats.drafted_tokens);
      if (temperature == 0) {
        EXPECT_GT(stats.drafted_tokens, 0);
      }
    }
  }
}

TEST_P(EngineTest, ForcesTheEndOfThinkingAtItsBudgetAndMarksWhatItForced) {
  GenerateRequest request = Request(1, 4);
  request.ignore_ends = true;
  request.sampling.thinking_budget = 10;
  const auto groups = Generate(Engine(2, 64, 16), request);
  for (const Rollout& rollout : groups[0].rollouts) {
    const size_t end = rollout.text.find("</think>");
    ASSERT_NE(end, std::string::npos) << rollout.text;
    if (rollout.forced.empty()) continue;  // it ended thinking by itself
    ASSERT_EQ(rollout.forced.size(), rollout.tokens.size());
    EXPECT_EQ(std::count(rollout.forced.begin(), rollout.forced.begin() + 10, 1), 0);
    EXPECT_EQ(rollout.forced[10], 1);
  }
}

TEST_P(EngineTest, RefusesABiasOnATokenThatIsNotThere) {
  GenerateRequest request = Request(1, 1);
  request.sampling.logit_bias = {{100000, 1}};
  EXPECT_EQ(Engine(1, 64, 16).Generate(weights_, request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(EngineTest, SharesTheBeginningThatPromptsHaveInCommon) {
  GenerateRequest request = Request(3, 2);
  request.prompt_tokens.assign(3, {});
  for (int p = 0; p < 3; ++p) {
    for (int t = 0; t < 40; ++t) request.prompt_tokens[p].push_back(t < 35 ? t : 100 + p);
  }
  RolloutStats stats;
  const auto together = Engine(2, 64, 16).Generate(weights_, request, &stats);
  ASSERT_TRUE(together.ok()) << together.status();
  EXPECT_EQ(stats.shared_tokens, 2 * 32);
  EXPECT_EQ(stats.prefill_tokens, 3 * 40 - 2 * 32);
  for (int p = 0; p < 3; ++p) {
    GenerateRequest alone = request;
    alone.prompts = {request.prompts[p]};
    alone.prompt_tokens = {request.prompt_tokens[p]};
    ExpectSameRollouts(Generate(Engine(1, 64, 16), alone)[0], (*together)[p]);
  }
}

TEST_P(EngineTest, SamplesAPromptTheSameAloneAndAmongOthers) {
  const auto together = Generate(Engine(2, 64, 16), Request(6, 3));
  GenerateRequest alone = Request(6, 3);
  alone.prompts = {alone.prompts[4]};
  ExpectSameRollouts(Generate(Engine(1, 64, 16), alone)[0], together[4]);
}

TEST_P(EngineTest, GivesEachSampleOfAGroupItsOwnDraws) {
  const auto groups = Generate(Engine(1, 64, 16), Request(1, 6));
  EXPECT_NE(groups[0].rollouts[0].tokens, groups[0].rollouts[1].tokens);
}

TEST_P(EngineTest, RecordsTheVeryBitsThatTheLearnersForwardRecomputes) {
  for (const RolloutGroup& group : Generate(Engine(2, 64, 16), Request(4, 4))) {
    for (const Rollout& rollout : group.rollouts) {
      std::vector<int64_t> tokens(group.prompt_tokens.begin(), group.prompt_tokens.end());
      tokens.insert(tokens.end(), rollout.tokens.begin(), rollout.tokens.end());
      const int64_t fed = tokens.size() - 1, prompt = group.prompt_tokens.size();
      RouterOutputs routers;
      const at::Tensor hidden =
          DecoderHidden(weights_, at::tensor(tokens).narrow(0, 0, fed), at::arange(fed),
                        std::vector<int32_t>{0, static_cast<int32_t>(fed)}, nullptr, &routers);
      const at::Tensor logprobs =
          TokenLogprobs(hidden.narrow(0, prompt - 1, fed - prompt + 1), weights_.head,
                        at::tensor(tokens).narrow(0, prompt, fed - prompt + 1), 1)
              .first;
      for (size_t t = 0; t < rollout.tokens.size(); ++t) {
        EXPECT_EQ(rollout.logprobs[t], logprobs[t].item<float>());
      }
      std::vector<int16_t> recorded = group.prompt_experts;
      recorded.insert(recorded.end(), rollout.experts.begin(), rollout.experts.end());
      std::vector<int16_t> recomputed;
      for (int64_t n = 0; n < fed; ++n) {
        for (const at::Tensor& layer : routers.chosen.layers) {
          for (int64_t k = 0; k < layer.size(1); ++k)
            recomputed.push_back(layer[n][k].item<int64_t>());
        }
      }
      EXPECT_EQ(recorded, recomputed);
    }
  }
}

TEST_P(EngineTest, EndsAtTheTokenBudgetAndSaysSo) {
  GenerateRequest request = Request(2, 2);
  request.sampling.max_new_tokens = 1;
  for (const RolloutGroup& group : Generate(Engine(1, 64, 16), request)) {
    for (const Rollout& rollout : group.rollouts) {
      ASSERT_EQ(rollout.tokens.size(), 1u);
      const bool ended = rollout.tokens[0] == *tokenizer_->TokenId("<eos>");
      EXPECT_EQ(rollout.finish, ended ? FinishReason::kStop : FinishReason::kLength);
      EXPECT_TRUE(rollout.experts.empty());
    }
  }
}

TEST_P(EngineTest, AnEndAsTheLastTokenOfTheBudgetIsAnEndAndNotCutOff) {
  GenerateRequest request = Request(1, 2);
  request.sampling.max_new_tokens = 1;
  request.sampling.logit_bias = {{*tokenizer_->TokenId("<eos>"), 1000}};
  for (const Rollout& rollout : Generate(Engine(1, 64, 16), request)[0].rollouts) {
    EXPECT_EQ(rollout.tokens.size(), 1u);
    EXPECT_EQ(rollout.finish, FinishReason::kStop);
  }
}

TEST_P(EngineTest, EndsAtEitherOfTwoEndTokens) {
  const int32_t first = *tokenizer_->TokenId("<eos>"), second = *tokenizer_->TokenId("<user>");
  const auto format =
      ChatFormat::FromFiles({{"tokenizer_config.json", "{}"},
                             {"chat_template.jinja", "{{ messages[0].content }}"},
                             {"generation_config.json",
                              absl::StrCat(R"({"eos_token_id": [)", first, ", ", second, "]}")}},
                            "{}", "test", *tokenizer_);
  ASSERT_TRUE(format.ok()) << format.status();
  const RolloutEngine engine(tokenizer_, *format, {.threads = 1});
  for (const int32_t end : {first, second}) {
    GenerateRequest request = Request(1, 1);
    request.sampling.logit_bias = {{end, 1000}};
    const Rollout rollout = Generate(engine, request)[0].rollouts[0];
    EXPECT_EQ(rollout.tokens, std::vector<int32_t>{end});
    EXPECT_EQ(rollout.finish, FinishReason::kStop);
  }
}

TEST_P(EngineTest, StopsAtAStopStringThatSpansTokens) {
  GenerateRequest request = Request(1, 1);
  const Rollout whole = Generate(Engine(1, 64, 16), request)[0].rollouts[0];
  ASSERT_GT(whole.tokens.size(), 4u);
  request.sampling.stop_strings = {absl::StrCat(tokenizer_->TokenBytes(whole.tokens[2]),
                                                tokenizer_->TokenBytes(whole.tokens[3]))};
  const Rollout stopped = Generate(Engine(1, 64, 16), request)[0].rollouts[0];
  EXPECT_LE(stopped.tokens.size(), 4u);
  EXPECT_EQ(stopped.finish, FinishReason::kStop);
}

TEST_P(EngineTest, RecordsTheKeptMassOnlyWhenSamplingCutsOff) {
  GenerateRequest request = Request(1, 2);
  EXPECT_TRUE(Generate(Engine(1, 64, 16), request)[0].rollouts[0].log_kept_mass.empty());
  request.sampling.top_p = 0.5;
  const Rollout rollout = Generate(Engine(1, 64, 16), request)[0].rollouts[0];
  ASSERT_EQ(rollout.log_kept_mass.size(), rollout.tokens.size());
  for (float mass : rollout.log_kept_mass) EXPECT_LE(mass, 0);
}

TEST_P(EngineTest, TakesPromptsAsTokensAndGoesOnBehindEndsWhenAsked) {
  GenerateRequest request = Request(/*prompts=*/3, /*group_size=*/4);
  const auto of_texts = Generate(Engine(1, 64, 16), request);
  for (const RolloutGroup& group : of_texts) request.prompt_tokens.push_back(group.prompt_tokens);
  for (Prompt& prompt : request.prompts) prompt.text.clear();
  const auto of_tokens = Generate(Engine(1, 64, 16), request);
  ASSERT_EQ(of_tokens.size(), of_texts.size());
  for (size_t i = 0; i < of_texts.size(); ++i) ExpectSameRollouts(of_tokens[i], of_texts[i]);
  request.ignore_ends = true;
  for (const RolloutGroup& group : Generate(Engine(1, 64, 16), request)) {
    for (const Rollout& rollout : group.rollouts) {
      EXPECT_EQ(rollout.tokens.size(), 40u);
      EXPECT_EQ(rollout.finish, FinishReason::kLength);
    }
  }
}

TEST_P(EngineTest, CountsWhatItDoes) {
  GenerateRequest request = Request(/*prompts=*/4, /*group_size=*/4);
  request.ignore_ends = true;
  request.prompt_tokens.assign(4, {1, 2, 3, 4, 5});
  RolloutStats stats;
  const auto groups = Engine(2, 64, 16).Generate(weights_, request, &stats);
  ASSERT_TRUE(groups.ok()) << groups.status();
  EXPECT_EQ(stats.prefill_tokens, 4 * 5);
  EXPECT_EQ(stats.prompt_tokens_asked, 16 * 5);
  EXPECT_EQ(stats.completion_tokens, 16 * 40);
  EXPECT_EQ(stats.decode_tokens, 16 * 39);  // the first comes from the prompt, the last is not fed
  EXPECT_EQ(stats.forwards, 40);  // the prompts in one, a token of each completion in the others
  EXPECT_EQ(stats.decode_step_seconds.size(), 39u);
  EXPECT_EQ(stats.MeanDecodeBatch(), 16);
  EXPECT_EQ(stats.preemptions, 0);
  EXPECT_EQ(stats.recomputed_tokens, 0);
  EXPECT_GT(stats.peak_cache_bytes, 0);
}

TEST_P(EngineTest, RefusesAPromptThatDoesNotFitTheContext) {
  GenerateRequest request = Request(1, 1);
  request.prompts[0].name = "set.jsonl:7";
  request.sampling.max_new_tokens = 200;
  const absl::Status status = Engine(1, 64, 16).Generate(weights_, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("set.jsonl:7"), absl::string_view::npos);
}

TEST_P(EngineTest, RefusesAPromptThatDoesNotFitTheCache) {
  GenerateRequest request = Request(1, 1);
  request.prompts[0].name = "set.jsonl:7";
  const absl::Status status =
      Engine({.threads = 1, .cache_tokens = 41}).Generate(weights_, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("set.jsonl:7"), absl::string_view::npos);
  EXPECT_NE(status.message().find("the cache of 41 tokens"), absl::string_view::npos);
}

TEST_P(EngineTest, RefusesAPromptWithoutTokens) {
  GenerateRequest request = Request(2, 1);
  request.prompts[1].name = "set.jsonl:8";
  request.prompt_tokens = {{1, 2}, {}};
  const absl::Status status = Engine(1, 64, 16).Generate(weights_, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("set.jsonl:8 has no tokens"), absl::string_view::npos);
}

TEST_P(EngineTest, GivesEmptyCompletionsForABudgetOfNoTokens) {
  GenerateRequest request = Request(2, 3);
  request.sampling.max_new_tokens = 0;
  const auto groups = Generate(Engine(1, 64, 16), request);
  ASSERT_EQ(groups.size(), 2u);
  for (const RolloutGroup& group : groups) {
    EXPECT_FALSE(group.prompt_tokens.empty());
    ASSERT_EQ(group.rollouts.size(), 3u);
    for (const Rollout& rollout : group.rollouts) {
      EXPECT_TRUE(rollout.tokens.empty());
      EXPECT_EQ(rollout.finish, FinishReason::kLength);
    }
  }
}

TEST_P(EngineTest, GivesUpWhenCancelled) {
  GenerateRequest request = Request(3, 2);
  const std::atomic<bool> cancelled{true};
  request.cancelled = &cancelled;
  EXPECT_EQ(Engine(2, 64, 16).Generate(weights_, request).status().code(),
            absl::StatusCode::kCancelled);
}

TEST_P(EngineTest, AcceptsNoPrompts) {
  EXPECT_TRUE(Generate(Engine(2, 64, 16), Request(0, 4)).empty());
}

INSTANTIATE_TEST_SUITE_P(Architectures, EngineTest,
                         testing::Values("deepseek_v3", "qwen2", "qwen3_moe"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace grpo
