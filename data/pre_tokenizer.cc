#include "data/pre_tokenizer.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

// What ByteLevel cuts at with use_regex: GPT-2's pattern.
constexpr char kByteLevelPattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// The steps call one another in turn, so their number bounds the stack.
constexpr size_t kMaxSteps = 64;

absl::Status Wrong(const std::string& where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

}  // namespace

absl::StatusOr<PreTokenizer> PreTokenizer::FromJson(const json& description,
                                                    const std::string& origin) {
  PreTokenizer made;
  const std::string where = absl::StrCat(origin, ": pre_tokenizer");
  if (description.is_null()) {
    return Wrong(where,
                 "is null; only byte-level tokenizers are supported: expected ByteLevel, or "
                 "a Sequence that ends in it");
  }
  RETURN_IF_ERROR(made.AddStep(description, where));
  if (!made.has_byte_level_) {
    return Wrong(where, "has no ByteLevel; only byte-level tokenizers are supported");
  }
  return made;
}

absl::Status PreTokenizer::AddStep(const json& description, const std::string& where) {
  if (!description.is_object()) {
    return Wrong(where, absl::StrCat("expected an object, found ", JsonKind(description)));
  }
  ASSIGN_OR_RETURN(const std::string type, StringField(description, "type", where));
  const std::string here = absl::StrCat(where, ": ", QuoteForMessage(type));
  if (type == "Sequence") {
    RETURN_IF_ERROR(CheckObject(description, {"type", "pretokenizers"}, here));
    const auto list = description.find("pretokenizers");
    if (list == description.end() || !list->is_array()) {
      return Wrong(here, "expected a list \"pretokenizers\"");
    }
    for (const json& entry : *list) RETURN_IF_ERROR(AddStep(entry, here));
    return absl::OkStatus();
  }
  if (steps_.size() == kMaxSteps) {
    return Wrong(where, absl::StrCat("more than ", kMaxSteps, " steps"));
  }
  if (has_byte_level_) {
    return Wrong(here,
                 "stands after ByteLevel; only a pre_tokenizer that ends in ByteLevel is "
                 "supported");
  }
  if (type == "Split") return AddSplit(description, here);
  if (type == "Digits") return AddDigits(description, here);
  if (type == "ByteLevel") return AddByteLevel(description, here);
  return Wrong(here, "is not supported; supported are: Split, Digits, ByteLevel, Sequence");
}

absl::Status PreTokenizer::AddSplit(const json& description, const std::string& where) {
  RETURN_IF_ERROR(CheckObject(description, {"type", "pattern", "behavior", "invert"}, where));
  const json& pattern = FieldOrNull(description, "pattern");
  const std::string pattern_where = absl::StrCat(where, ".pattern");
  RETURN_IF_ERROR(CheckObject(pattern, {"Regex", "String"}, pattern_where));
  const bool literal = pattern.contains("String");
  ASSIGN_OR_RETURN(const std::string text,
                   StringField(pattern, literal ? "String" : "Regex", pattern_where));
  absl::StatusOr<Regex> regex = literal ? Regex::CompileLiteral(text) : Regex::Compile(text);
  if (!regex.ok()) return Wrong(pattern_where, regex.status().message());

  ASSIGN_OR_RETURN(const std::string name, StringField(description, "behavior", where));
  static const std::pair<const char*, Behavior> kBehaviors[] = {
      {"Removed", Behavior::kRemoved},
      {"Isolated", Behavior::kIsolated},
      {"MergedWithPrevious", Behavior::kMergedWithPrevious},
      {"MergedWithNext", Behavior::kMergedWithNext},
      {"Contiguous", Behavior::kContiguous}};
  ASSIGN_OR_RETURN(const bool invert, BoolField(description, "invert", false, where));
  for (const auto& [known, behavior] : kBehaviors) {
    if (name == known) {
      steps_.push_back({*std::move(regex), behavior, invert});
      return absl::OkStatus();
    }
  }
  return Wrong(where, absl::StrCat("the behavior \"", QuoteForMessage(name),
                                   "\" is not known; known are: Removed, Isolated, "
                                   "MergedWithPrevious, MergedWithNext, Contiguous"));
}

absl::Status PreTokenizer::AddDigits(const json& description, const std::string& where) {
  RETURN_IF_ERROR(CheckObject(description, {"type", "individual_digits"}, where));
  ASSIGN_OR_RETURN(const bool individual,
                   BoolField(description, "individual_digits", false, where));
  ASSIGN_OR_RETURN(Regex regex, Regex::Compile("\\p{N}"));
  steps_.push_back({std::move(regex), individual ? Behavior::kIsolated : Behavior::kContiguous,
                    /*invert=*/false});
  return absl::OkStatus();
}

absl::Status PreTokenizer::AddByteLevel(const json& description, const std::string& where) {
  // trim_offsets concerns places in the text, which this tokenizer does not report.
  RETURN_IF_ERROR(
      CheckObject(description, {"type", "add_prefix_space", "trim_offsets", "use_regex"}, where));
  ASSIGN_OR_RETURN(add_prefix_space_, BoolField(description, "add_prefix_space", true, where));
  ASSIGN_OR_RETURN(const bool use_regex, BoolField(description, "use_regex", true, where));
  has_byte_level_ = true;
  byte_level_step_ = steps_.size();
  if (!use_regex) return absl::OkStatus();
  ASSIGN_OR_RETURN(Regex regex, Regex::Compile(kByteLevelPattern));
  steps_.push_back({std::move(regex), Behavior::kIsolated, /*invert=*/false});
  return absl::OkStatus();
}

void PreTokenizer::Split(absl::string_view text, Emit emit) const {
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    SplitFrom(0, text.substr(0, valid), emit);
    text.remove_prefix(valid);
    const size_t invalid = InvalidUtf8Prefix(text);
    if (invalid > 0) emit(text.substr(0, invalid));
    text.remove_prefix(invalid);
  }
}

void PreTokenizer::SplitFrom(size_t step, absl::string_view text, Emit emit) const {
  if (text.empty()) return;
  std::string with_space;
  if (step == byte_level_step_ && add_prefix_space_ && text[0] != ' ') {
    with_space = absl::StrCat(" ", text);
    text = with_space;
  }
  if (step == steps_.size()) return emit(text);
  for (const absl::string_view piece : Pieces(steps_[step], text)) {
    SplitFrom(step + 1, piece, emit);
  }
}

std::vector<absl::string_view> PreTokenizer::Pieces(const Step& step, absl::string_view text) {
  // The text as matches and what lies between them.
  struct Span {
    size_t begin, end;
    bool is_match;
  };
  std::vector<Span> spans;
  size_t end = 0;
  for (const Regex::Match& match : step.regex.FindAll(text)) {
    if (match.begin > end) spans.push_back({end, match.begin, step.invert});
    spans.push_back({match.begin, match.end, !step.invert});
    end = match.end;
  }
  if (end < text.size()) spans.push_back({end, text.size(), step.invert});

  std::vector<Span> joined;
  bool previous_is_match = false;
  for (const Span& span : spans) {
    const bool join =
        !joined.empty() &&
        ((step.behavior == Behavior::kMergedWithPrevious && span.is_match && !previous_is_match) ||
         (step.behavior == Behavior::kMergedWithNext && !span.is_match && previous_is_match) ||
         (step.behavior == Behavior::kContiguous && span.is_match == previous_is_match));
    previous_is_match = span.is_match;
    if (join) {
      joined.back().end = span.end;
    } else if (step.behavior != Behavior::kRemoved || !span.is_match) {
      joined.push_back(span);
    }
  }
  std::vector<absl::string_view> pieces;
  for (const Span& span : joined) {
    if (span.end > span.begin) pieces.push_back(text.substr(span.begin, span.end - span.begin));
  }
  return pieces;
}

}  // namespace grpo
