// Any bytes as a tokenizer.json: read or refused; what was read encodes and decodes a text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "data/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string json(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = grpo::Tokenizer::FromJson(json, "fuzz.json");
  if (!tokenizer.ok()) return 0;
  const std::string text =
      "The answer <think> is\n\n 132!  \xE7\xAD\x94\xE6\xA1\x88 e\xCC\x81 \xF0\x9F\x98\x80\xFF</s> "
      "a_b aaaaaaaaaaaa";
  std::vector<int32_t> tokens = (*tokenizer)->EncodeWithEnds(text);
  for (int32_t id = -1; id < 300; ++id) tokens.push_back(id);
  const std::string decoded = (*tokenizer)->Decode(tokens, /*skip_special=*/true);
  if (!grpo::IsUtf8(decoded)) std::abort();
  const auto stream = (*tokenizer)->DecodeStream(/*skip_special=*/true);
  std::string streamed;
  for (const int32_t token : tokens) streamed += stream->Push(token);
  if (streamed + stream->Finish() != decoded) std::abort();
  return 0;
}
