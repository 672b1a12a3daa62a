#include "rollout/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::HasSubstr;

TEST(CheckVocabularyTest, RefusesABiasOfATokenThatThePolicyLacks) {
  SamplingConfig config;
  config.logit_bias = {{99, 1.0}};
  EXPECT_TRUE(CheckVocabulary(config, 100).ok());
  EXPECT_THAT(CheckVocabulary(config, 99).message(), HasSubstr("token 99"));
}

TEST(CheckVocabularyTest, RefusesTwoBiasesOfOneToken) {
  SamplingConfig config;
  config.logit_bias = {{5, 1.0}, {6, 1.0}, {5, -1.0}};
  EXPECT_THAT(CheckVocabulary(config, 100).message(), HasSubstr("token 5 stands twice"));
}

TEST(CheckForTrainingTest, AcceptsCutOffsAndAThinkingBudget) {
  SamplingConfig config;
  config.temperature = 0.7;
  config.top_k = 50;
  config.top_p = 0.9;
  config.min_p = 0.05;
  config.thinking_budget = 10;
  EXPECT_TRUE(CheckForTraining(config).ok());
}

TEST(CheckForTrainingTest, RefusesWhatDrawsFromAnotherDistributionAndSaysWhatToChange) {
  SamplingConfig penalty, bias;
  penalty.repetition_penalty = 1.1;
  bias.logit_bias = {{5, 1.0}};
  EXPECT_THAT(CheckForTraining(penalty).message(), HasSubstr("repetition_penalty = 1.1 draws"));
  EXPECT_THAT(CheckForTraining(penalty).message(), HasSubstr("set it to 1 to train"));
  EXPECT_THAT(CheckForTraining(bias).message(), HasSubstr("drop its entries to train"));
}

}  // namespace
}  // namespace grpo
