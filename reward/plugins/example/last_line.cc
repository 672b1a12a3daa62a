// A reward plugin: 1 where the last line of the completion is the ground truth, else 0.
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "reward/plugin.h"

namespace {

std::string_view View(const grpo_text& text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

std::string_view LastLine(std::string_view text) {
  text = Trim(text);
  const size_t end = text.rfind('\n');
  return Trim(end == std::string_view::npos ? text : text.substr(end + 1));
}

// The plugin's own memory, which FreeResults() gives back.
grpo_text Keep(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return {copy, text.size()};
}

struct LastLineReward {};  // what a plugin keeps between calls; nothing here

void* Create(grpo_text config_json, char* error, size_t error_size) {
  if (Trim(View(config_json)) != "{}") {
    std::strncpy(error, "last_line has no options; leave the configuration empty", error_size - 1);
    return nullptr;
  }
  return new LastLineReward;
}

void ScoreItem(const grpo_item& item, grpo_result* result) {
  const std::string_view expected = Trim(View(item.ground_truth));
  if (expected.empty()) {
    result->status = GRPO_INVALID;  // nothing to compare with: says nothing about the completion
    return;
  }
  const std::string_view found = LastLine(View(item.completion));
  result->status = GRPO_SCORED;
  result->score = found == expected ? 1 : 0;
  result->reason = Keep("the last line is \"" + std::string(found) + "\"");
  result->parts = new grpo_part{"characters", static_cast<double>(found.size())};
  result->num_parts = 1;
}

int32_t Score(void*, const grpo_call*, const grpo_item* const* items, uint32_t num_items,
              grpo_result* const* results) {
  for (uint32_t i = 0; i < num_items; ++i) ScoreItem(*items[i], results[i]);
  return 0;
}

void FreeResults(void*, grpo_result* const* results, uint32_t num_items) {
  for (uint32_t i = 0; i < num_items; ++i) {
    std::free(const_cast<char*>(results[i]->reason.data));
    delete results[i]->parts;
  }
}

void Destroy(void* instance) { delete static_cast<LastLineReward*>(instance); }

const grpo_plugin kPlugin = {
    GRPO_PLUGIN_ABI,
    sizeof(grpo_plugin),
    "last_line",
    "1.0",
    GRPO_THREAD_SAFE,
    /*max_batch=*/0,
    Create,
    Score,
    FreeResults,
    Destroy,
};

}  // namespace

extern "C" const grpo_plugin* grpo_plugin_get(void) { return &kPlugin; }
