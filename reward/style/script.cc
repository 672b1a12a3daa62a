#include "reward/style/script.h"

#include <algorithm>
#include <iterator>

#include "reward/style/characters.h"

namespace grpo {
namespace {

struct ScriptRange {
  char32_t first, last;
  Script script;
};

// Ascending.
constexpr ScriptRange kRanges[] = {
    {0x0041, 0x024F, Script::kLatin},      {0x0250, 0x02AF, Script::kLatin},
    {0x0370, 0x03FF, Script::kGreek},      {0x0400, 0x052F, Script::kCyrillic},
    {0x0531, 0x058F, Script::kArmenian},   {0x0591, 0x05F4, Script::kHebrew},
    {0x0600, 0x06FF, Script::kArabic},     {0x0750, 0x077F, Script::kArabic},
    {0x08A0, 0x08FF, Script::kArabic},     {0x0900, 0x097F, Script::kDevanagari},
    {0x0980, 0x09FF, Script::kBengali},    {0x0A00, 0x0A7F, Script::kGurmukhi},
    {0x0A80, 0x0AFF, Script::kGujarati},   {0x0B00, 0x0B7F, Script::kOriya},
    {0x0B80, 0x0BFF, Script::kTamil},      {0x0C00, 0x0C7F, Script::kTelugu},
    {0x0C80, 0x0CFF, Script::kKannada},    {0x0D00, 0x0D7F, Script::kMalayalam},
    {0x0D80, 0x0DFF, Script::kSinhala},    {0x0E00, 0x0E7F, Script::kThai},
    {0x0E80, 0x0EFF, Script::kLao},        {0x0F00, 0x0FFF, Script::kTibetan},
    {0x1000, 0x109F, Script::kMyanmar},    {0x10A0, 0x10FF, Script::kGeorgian},
    {0x1100, 0x11FF, Script::kHangul},     {0x1200, 0x139F, Script::kEthiopic},
    {0x1780, 0x17FF, Script::kKhmer},      {0x1800, 0x18AF, Script::kMongolian},
    {0x1C80, 0x1C8F, Script::kCyrillic},   {0x1C90, 0x1CBF, Script::kGeorgian},
    {0x1D00, 0x1D25, Script::kLatin},      {0x1D2C, 0x1D5C, Script::kLatin},
    {0x1E00, 0x1EFF, Script::kLatin},      {0x1F00, 0x1FFF, Script::kGreek},
    {0x2C60, 0x2C7F, Script::kLatin},      {0x2D00, 0x2D2F, Script::kGeorgian},
    {0x2D80, 0x2DDF, Script::kEthiopic},   {0x2DE0, 0x2DFF, Script::kCyrillic},
    {0x3005, 0x3007, Script::kHan},        {0x3041, 0x30FF, Script::kKana},
    {0x3131, 0x318E, Script::kHangul},     {0x31F0, 0x31FF, Script::kKana},
    {0x3400, 0x4DBF, Script::kHan},        {0x4E00, 0x9FFF, Script::kHan},
    {0xA640, 0xA69F, Script::kCyrillic},   {0xA722, 0xA7FF, Script::kLatin},
    {0xA8E0, 0xA8FF, Script::kDevanagari}, {0xA960, 0xA97F, Script::kHangul},
    {0xAB30, 0xAB64, Script::kLatin},      {0xAC00, 0xD7FF, Script::kHangul},
    {0xF900, 0xFAFF, Script::kHan},        {0xFB00, 0xFB06, Script::kLatin},
    {0xFB1D, 0xFB4F, Script::kHebrew},     {0xFB50, 0xFDFF, Script::kArabic},
    {0xFE70, 0xFEFC, Script::kArabic},     {0xFF21, 0xFF5A, Script::kLatin},
    {0xFF66, 0xFF9F, Script::kKana},       {0xFFA0, 0xFFDC, Script::kHangul},
    {0x20000, 0x323AF, Script::kHan},
};

}  // namespace

Script ScriptOf(char32_t letter) {
  const auto* const range = std::lower_bound(
      std::begin(kRanges), std::end(kRanges), letter,
      [](const ScriptRange& candidate, char32_t wanted) { return candidate.last < wanted; });
  return range == std::end(kRanges) || letter < range->first ? Script::kOther : range->script;
}

ScriptHistogram::ScriptHistogram(absl::string_view text) {
  ForEachCharacter(text, [&](char32_t character, size_t, size_t) {
    if (!IsLetter(character)) return;
    ++counts_[static_cast<size_t>(ScriptOf(character))];
    ++total_;
  });
}

}  // namespace grpo
