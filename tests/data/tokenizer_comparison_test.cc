// Published tokenizers, on many lines: what `tokenizers` makes of each. The files are too large for
// the repository; tests/golden/make_tokenizer_comparison.py writes them, and the environment
// variable GRPO_TOKENIZER_COMPARISON names their folder.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "nlohmann/json.hpp"
#include <gtest/gtest.h>

#include "data/tokenizer.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using ::nlohmann::json;

std::string Streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& tokens) {
  const auto stream = tokenizer.DecodeStream(/*skip_special=*/false);
  std::string text;
  for (const int32_t token : tokens) text += stream->Push(token);
  return text + stream->Finish();
}

// Compares a folder's lines and gives their number.
int CompareLines(const std::filesystem::path& folder) {
  const auto tokenizer = Tokenizer::Load(folder / "tokenizer.json");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  if (!tokenizer.ok()) return 0;
  std::ifstream lines(folder / "cases.jsonl");
  int count = 0;
  for (std::string line; std::getline(lines, line) && !testing::Test::HasFailure(); ++count) {
    const json expected = json::parse(line);
    const std::string text = expected.contains("hex")
                                 ? absl::HexStringToBytes(expected["hex"].get<std::string>())
                                 : expected["text"].get<std::string>();
    const auto ids = expected["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ((*tokenizer)->Encode(text), ids) << folder << ", line " << count + 1 << ": " << line;
    const std::string decoded = expected.value("decoded", ReplaceInvalidUtf8(text));
    EXPECT_EQ((*tokenizer)->Decode(ids, /*skip_special=*/false), decoded) << line;
    EXPECT_EQ(Streamed(**tokenizer, ids), decoded) << line;
  }
  return count;
}

TEST(TokenizerComparisonTest, EncodesAndDecodesEveryLineAsTheReference) {
  const char* const root = std::getenv("GRPO_TOKENIZER_COMPARISON");
  if (root == nullptr) {
    GTEST_SKIP() << "GRPO_TOKENIZER_COMPARISON names no folder that "
                    "tests/golden/make_tokenizer_comparison.py has written";
  }
  int tokenizers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    const int count = CompareLines(entry.path());
    std::cout << entry.path().filename() << ": " << count << " lines\n";
    EXPECT_GE(count, 50'000);
    ++tokenizers;
  }
  EXPECT_GE(tokenizers, 2);
}

}  // namespace
}  // namespace grpo
