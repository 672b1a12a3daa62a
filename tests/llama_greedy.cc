// llama_greedy MODEL.gguf COUNT: of each line of token ids on standard input, the COUNT most likely
// next tokens one after the other by llama.cpp, in fp32 without flash attention. Built and run by
// tests/compare_with_llama.py; no part of the program.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <llama.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int count = std::atoi(argv[2]);
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) std::cerr << text;
      },
      nullptr);
  llama_backend_init();
  llama_model* const model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (model == nullptr) return 1;
  const int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::vector<llama_token> tokens;
    for (llama_token token; words >> token;) tokens.push_back(token);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = tokens.size() + count;
    params.n_batch = tokens.size();
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = params.type_v = GGML_TYPE_F32;
    llama_context* const context = llama_init_from_model(model, params);
    if (context == nullptr) return 1;
    for (int i = 0; i < count; ++i) {
      if (llama_decode(context, llama_batch_get_one(tokens.data(), tokens.size())) != 0) return 1;
      const float* const logits = llama_get_logits_ith(context, -1);
      tokens = {static_cast<llama_token>(std::max_element(logits, logits + vocabulary) - logits)};
      std::cout << (i == 0 ? "" : " ") << tokens[0];
    }
    std::cout << std::endl;
    llama_free(context);
  }
}
