// Which writing system a letter belongs to.
#pragma once

#include <array>
#include <cstddef>

#include "absl/strings/string_view.h"

namespace grpo {

enum class Script {
  kOther,  // a writing system that is not below
  kLatin,
  kGreek,
  kCyrillic,
  kArmenian,
  kHebrew,
  kArabic,
  kDevanagari,
  kBengali,
  kGurmukhi,
  kGujarati,
  kOriya,
  kTamil,
  kTelugu,
  kKannada,
  kMalayalam,
  kSinhala,
  kThai,
  kLao,
  kTibetan,
  kMyanmar,
  kGeorgian,
  kHangul,
  kEthiopic,
  kKhmer,
  kMongolian,
  kKana,  // Hiragana and Katakana
  kHan,
};
constexpr size_t kNumScripts = static_cast<size_t>(Script::kHan) + 1;

// By the Unicode blocks that hold the script's letters.
Script ScriptOf(char32_t letter);

// Letters of each script in valid UTF-8.
class ScriptHistogram {
 public:
  explicit ScriptHistogram(absl::string_view text);
  size_t operator[](Script script) const { return counts_[static_cast<size_t>(script)]; }
  size_t total() const { return total_; }

 private:
  std::array<size_t, kNumScripts> counts_{};
  size_t total_ = 0;
};

}  // namespace grpo
