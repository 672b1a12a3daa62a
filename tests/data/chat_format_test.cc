#include "data/chat_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const Tokenizer> TrainedTokenizer() {
  auto tokenizer = Tokenizer::Train({"Compute 12+34. <think>"}, 264, ChatFormat::SpecialTokens(),
                                    ChatFormat::VisibleTokens());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *tokenizer;
}

void Write(const ScratchFolder& folder, const std::string& name, const std::string& text) {
  ASSERT_TRUE(WriteFileAtomically(folder.path() + "/" + name, text).ok());
}

TEST(ChatFormatTest, PutsAMessageBetweenTheMarksOfATrainedTokenizer) {
  const auto tokenizer = TrainedTokenizer();
  const auto format = ChatFormat::OfTrainedTokenizer(*tokenizer);
  ASSERT_TRUE(format.ok()) << format.status();
  std::vector<int32_t> expected = {*tokenizer->TokenId("<bos>"), *tokenizer->TokenId("<user>")};
  for (const int32_t token : tokenizer->Encode("Compute 1+2.")) expected.push_back(token);
  expected.push_back(*tokenizer->TokenId("<assistant>"));
  EXPECT_EQ(*format->PromptTokens(*tokenizer, "Compute 1+2."), expected);
  EXPECT_THAT(format->CompletionTokens(*tokenizer, ""), ElementsAre(*tokenizer->TokenId("<eos>")));
  EXPECT_EQ(format->bos(), *tokenizer->TokenId("<bos>"));
}

TEST(ChatFormatTest, ReadsBackTheFilesThatItWrites) {
  const auto tokenizer = TrainedTokenizer();
  const auto format = ChatFormat::OfTrainedTokenizer(*tokenizer);
  const ScratchFolder folder;
  for (const auto& [name, text] : format->files()) Write(folder, name, text);
  const auto loaded = ChatFormat::Load(folder.path(), *tokenizer);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->files(), format->files());
  EXPECT_EQ(loaded->end_tokens(), format->end_tokens());
  EXPECT_EQ(*loaded->PromptTokens(*tokenizer, "1+2"), *format->PromptTokens(*tokenizer, "1+2"));
}

TEST(ChatFormatTest, FollowsTheTemplateOfAFolder) {
  const auto tokenizer = TrainedTokenizer();
  const ScratchFolder folder;
  Write(folder, "tokenizer_config.json", R"({"eos_token": {"content": "<eos>"}})");
  Write(folder, "chat_template.jinja",
        "{% for m in messages %}{{ m.role }}:{{ m.content }}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}");
  Write(folder, "generation_config.json", R"({"eos_token_id": [7, 1, 9]})");
  const auto format = ChatFormat::Load(folder.path(), *tokenizer);
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_EQ(*format->PromptTokens(*tokenizer, "1+2"),
            tokenizer->Encode("user:1+2<eos><assistant>"));
  // The tokenizer's own end token ends demonstrations.
  ASSERT_EQ(*tokenizer->TokenId("<eos>"), 1);
  EXPECT_THAT(format->end_tokens(), ElementsAre(1, 7, 9));
  EXPECT_EQ(format->bos(), -1);
}

TEST(ChatFormatTest, ATemplateGivenBesideTakesTheFoldersPlace) {
  const auto tokenizer = TrainedTokenizer();
  const ScratchFolder folder;
  Write(folder, "tokenizer_config.json",
        R"({"bos_token": "<bos>", "eos_token": "<eos>", "chat_template": "x"})");
  const auto format =
      ChatFormat::Load(folder.path(), *tokenizer, "{{ bos_token }}{{ messages[0].content }}");
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_EQ(*format->PromptTokens(*tokenizer, "1+2"), tokenizer->Encode("<bos>1+2"));
  EXPECT_THAT(format->end_tokens(), ElementsAre(*tokenizer->TokenId("<eos>")));
  // A policy without a template of its own, which never saw the marks of ours.
  Write(folder, "tokenizer_config.json", R"({"eos_token": "<eos>"})");
  const auto none = ChatFormat::Load(folder.path(), *tokenizer, "{{ messages[0].content }}");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(*none->PromptTokens(*tokenizer, "1+2"), tokenizer->Encode("1+2"));
}

TEST(ChatFormatTest, TakesTheEndTokensOfConfigJsonWhereThereIsNoGenerationConfig) {
  const auto tokenizer = TrainedTokenizer();
  const ScratchFolder folder;
  Write(folder, "chat_template.jinja", "{{ messages[0].content }}");
  Write(folder, "config.json", R"({"eos_token_id": 5})");
  EXPECT_THAT(ChatFormat::Load(folder.path(), *tokenizer)->end_tokens(), ElementsAre(5));
}

TEST(ChatFormatTest, SaysWhatIsWrongWithAFolder) {
  const auto tokenizer = TrainedTokenizer();
  const auto message = [&](const ScratchFolder& folder) {
    return std::string(ChatFormat::Load(folder.path(), *tokenizer).status().message());
  };
  const ScratchFolder endless, range, broken;
  Write(endless, "chat_template.jinja", "x");
  EXPECT_THAT(message(endless), HasSubstr("no token ends a completion"));
  Write(range, "chat_template.jinja", "x");
  Write(range, "generation_config.json", R"({"eos_token_id": [1, 264]})");
  EXPECT_THAT(message(range), HasSubstr("generation_config.json: eos_token_id must be ids from 0"));
  Write(broken, "chat_template.jinja", "{% if %}");
  EXPECT_THAT(message(broken), HasSubstr("chat_template.jinja:1"));
}

TEST(ChatFormatTest, NamesTheMarkThatATokenizerWithoutATemplateLacks) {
  const auto tokenizer = Tokenizer::Train({"Compute 12+34."}, 258, {"<bos>", "<eos>"}, {});
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const ScratchFolder folder;
  EXPECT_THAT(std::string(ChatFormat::Load(folder.path(), **tokenizer).status().message()),
              HasSubstr("'<user>'"));
}

TEST(ChatFormatTest, HandsOnTheTemplatesOwnRefusal) {
  const auto tokenizer = TrainedTokenizer();
  const ScratchFolder folder;
  Write(folder, "chat_template.jinja", "{{ raise_exception('no users here') }}");
  Write(folder, "generation_config.json", R"({"eos_token_id": 1})");
  const auto format = ChatFormat::Load(folder.path(), *tokenizer);
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_THAT(std::string(format->PromptTokens(*tokenizer, "x").status().message()),
              HasSubstr("no users here"));
}

}  // namespace
}  // namespace grpo
