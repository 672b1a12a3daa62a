#include "data/normalizer.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <utf8proc.h>

#include "data/check.h"
#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "data/unicode_tables.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

// Times that the steps together may make a text longer: a hostile file of a few Replace would have
// no bound.
constexpr double kMaxGrowth = 4096;
constexpr double kUnicodeGrowth = 11;  // U+FDFA under NFKD: from 3 to 33 bytes

constexpr char kSupported[] =
    "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, Sequence";

absl::Status Wrong(const std::string& where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

absl::string_view NextCharacter(absl::string_view text) {
  return text.substr(0, Utf8CharacterSize(text));
}

// Calls `change` with each code point in turn.
template <typename Change>
void ForEachCodePoint(absl::string_view text, Change change) {
  while (!text.empty()) {
    const absl::string_view character = NextCharacter(text);
    change(DecodeUtf8(character), character);
    text.remove_prefix(character.size());
  }
}

void AppendNormalized(absl::string_view text, int form, std::string* normalized) {
  if (text.empty()) return;
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), text.size(), &mapped,
                   static_cast<utf8proc_option_t>(form | UTF8PROC_STABLE));
  GRPO_CHECK(size >= 0);  // valid UTF-8 has a normal form
  normalized->append(reinterpret_cast<const char*>(mapped), size);
  std::free(mapped);
}

// ASCII text is its own normal form, and nothing in it joins what stands before it; so only the
// runs of other characters, each with the one ASCII character before it, go to the library.
std::string NormalForm(absl::string_view text, int form) {
  std::string normalized;
  const auto is_ascii = [](char byte) { return static_cast<unsigned char>(byte) < 0x80; };
  size_t done = 0;
  while (done < text.size()) {
    const auto other = std::find_if_not(text.begin() + done, text.end(), is_ascii);
    size_t begin = other - text.begin();
    if (other == text.end()) begin = text.size();
    const size_t run = begin < text.size() && begin > done ? begin - 1 : begin;
    normalized.append(text.data() + done, run - done);
    const size_t end = std::find_if(text.begin() + begin, text.end(), is_ascii) - text.begin();
    size_t pending = run;  // what the library has not seen yet
    ForEachCodePoint(text.substr(begin, end - begin), [&](char32_t point, absl::string_view bytes) {
      if (FindRange(NotNormalized(), point) == nullptr) return;
      const size_t place = bytes.data() - text.data();
      AppendNormalized(text.substr(pending, place - pending), form, &normalized);
      absl::StrAppend(&normalized, bytes);
      pending = place + bytes.size();
    });
    AppendNormalized(text.substr(pending, end - pending), form, &normalized);
    done = end;
  }
  return normalized;
}

std::string Lowercased(absl::string_view text) {
  std::string lower;
  ForEachCodePoint(text, [&](char32_t point, absl::string_view) {
    if (point == 0x130) {  // the only letter that becomes two
      lower += "i\u0307";
      return;
    }
    const auto& added = AddedLowercase();
    const auto pair =
        std::lower_bound(added.begin(), added.end(), point,
                         [](const CodePointRange& a, char32_t b) { return a.first < b; });
    const bool is_added = pair != added.end() && pair->first == point;
    AppendUtf8(is_added ? pair->last : static_cast<char32_t>(utf8proc_tolower(point)), &lower);
  });
  return lower;
}

std::string WithoutAccents(absl::string_view text) {
  std::string kept;
  ForEachCodePoint(text, [&](char32_t point, absl::string_view bytes) {
    const utf8proc_category_t category = utf8proc_category(point);
    const bool is_mark = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
                         category == UTF8PROC_CATEGORY_ME;
    if (!is_mark || FindRange(NotAccents(), point) != nullptr) absl::StrAppend(&kept, bytes);
  });
  return kept;
}

absl::string_view Stripped(absl::string_view text, bool left, bool right) {
  while (left && !text.empty() && IsWhiteSpace(DecodeUtf8(text))) {
    text.remove_prefix(NextCharacter(text).size());
  }
  while (right && !text.empty()) {
    size_t last = text.size() - 1;
    while ((text[last] & 0xC0) == 0x80) --last;
    if (!IsWhiteSpace(DecodeUtf8(text.substr(last)))) break;
    text = text.substr(0, last);
  }
  return text;
}

}  // namespace

absl::StatusOr<Regex> PatternField(const json& object, const std::string& where) {
  const std::string here = where + ".pattern";
  const json& pattern = FieldOrNull(object, "pattern");
  RETURN_IF_ERROR(CheckObject(pattern, {"Regex", "String"}, here));
  const bool literal = pattern.contains("String");
  ASSIGN_OR_RETURN(const std::string text,
                   StringField(pattern, literal ? "String" : "Regex", here));
  absl::StatusOr<Regex> regex = literal ? Regex::CompileLiteral(text) : Regex::Compile(text);
  if (!regex.ok()) return Wrong(here, regex.status().message());
  return regex;
}

std::string ReplaceAll(const Regex& pattern, absl::string_view content, absl::string_view text) {
  if (text.empty()) return "";
  std::string replaced;
  size_t end = 0;
  for (const Regex::Match& match : pattern.FindAll(text)) {
    absl::StrAppend(&replaced, text.substr(end, match.begin - end), content);
    end = match.end;
  }
  absl::StrAppend(&replaced, text.substr(end));
  return replaced;
}

absl::StatusOr<Normalizer> Normalizer::FromJson(const json& description,
                                                const std::string& origin) {
  Normalizer made;
  if (description.is_null()) return made;
  const std::string where = origin + ": normalizer";
  RETURN_IF_ERROR(made.AddSteps(description, where));
  RETURN_IF_ERROR(made.LimitGrowth(where));
  return made;
}

absl::Status Normalizer::AddSteps(const json& description, const std::string& where) {
  ASSIGN_OR_RETURN(const std::string type, TypeField(description, where));
  const std::string here = absl::StrCat(where, ": ", QuoteForMessage(type));
  if (type != "Sequence") return AddStep(type, description, here);
  RETURN_IF_ERROR(CheckObject(description, {"type", "normalizers"}, here));
  ASSIGN_OR_RETURN(const json* list, ListField(description, "normalizers", here));
  for (const json& entry : *list) RETURN_IF_ERROR(AddSteps(entry, here));
  return absl::OkStatus();
}

absl::Status Normalizer::AddStep(const std::string& type, const json& description,
                                 const std::string& where) {
  static constexpr std::pair<const char*, int> kForms[] = {
      {"NFC", UTF8PROC_COMPOSE},
      {"NFD", UTF8PROC_DECOMPOSE},
      {"NFKC", UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
      {"NFKD", UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT}};
  for (const auto& [name, form] : kForms) {
    if (type != name) continue;
    steps_.push_back({Kind::kUnicode, form});
    return CheckObject(description, {"type"}, where);
  }
  if (type == "Lowercase" || type == "StripAccents") {
    steps_.push_back({type == "Lowercase" ? Kind::kLowercase : Kind::kStripAccents});
    return CheckObject(description, {"type"}, where);
  }
  Step step{Kind::kStrip};
  if (type == "Strip") {
    RETURN_IF_ERROR(CheckObject(description, {"type", "strip_left", "strip_right"}, where));
    ASSIGN_OR_RETURN(step.left, BoolField(description, "strip_left", false, where));
    ASSIGN_OR_RETURN(step.right, BoolField(description, "strip_right", false, where));
  } else if (type == "Prepend") {
    RETURN_IF_ERROR(CheckObject(description, {"type", "prepend"}, where));
    step.kind = Kind::kPrepend;
    ASSIGN_OR_RETURN(step.content, StringField(description, "prepend", where));
  } else if (type == "Replace") {
    RETURN_IF_ERROR(CheckObject(description, {"type", "pattern", "content"}, where));
    step.kind = Kind::kReplace;
    ASSIGN_OR_RETURN(step.pattern, PatternField(description, where));
    ASSIGN_OR_RETURN(step.content, StringField(description, "content", where));
  } else {
    return Wrong(where, absl::StrCat("is not supported; supported are: ", kSupported));
  }
  steps_.push_back(std::move(step));
  return absl::OkStatus();
}

absl::Status Normalizer::LimitGrowth(const std::string& where) const {
  double growth = 1;
  for (const Step& step : steps_) {
    if (step.kind == Kind::kUnicode) growth *= kUnicodeGrowth;
    if (step.kind == Kind::kLowercase) growth *= 2;
    if (step.kind == Kind::kPrepend || step.kind == Kind::kReplace) {
      growth *= 1.0 + step.content.size();
    }
    if (growth > kMaxGrowth) {
      return Wrong(where, absl::StrCat("its steps could make a text more than ", kMaxGrowth,
                                       " times as long"));
    }
  }
  return absl::OkStatus();
}

std::string Normalizer::Apply(absl::string_view text, bool* start_removed) const {
  std::string normalized(text);
  bool removed = false;
  for (const Step& step : steps_) {
    if (!normalized.empty()) normalized = ApplyStep(step, normalized, &removed);
  }
  if (start_removed != nullptr) *start_removed = removed;
  return normalized;
}

std::string Normalizer::ApplyStep(const Step& step, const std::string& text, bool* start_removed) {
  switch (step.kind) {
    case Kind::kUnicode:
      return NormalForm(text, step.unicode_form);
    case Kind::kLowercase:
      return Lowercased(text);
    case Kind::kStripAccents: {
      const absl::string_view first = NextCharacter(text);
      *start_removed |= WithoutAccents(first).empty();
      return WithoutAccents(text);
    }
    case Kind::kStrip:
      *start_removed |= step.left && IsWhiteSpace(DecodeUtf8(text));
      return std::string(Stripped(text, step.left, step.right));
    case Kind::kPrepend:
      return step.content + text;
    case Kind::kReplace: {
      const std::vector<Regex::Match> matches = step.pattern->FindAll(text);
      *start_removed |=
          step.content.empty() && !matches.empty() && matches[0].begin == 0 && matches[0].end > 0;
      return ReplaceAll(*step.pattern, step.content, text);
    }
  }
  return text;
}

}  // namespace grpo
