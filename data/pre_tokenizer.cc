#include "data/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

#include "data/byte_alphabet.h"
#include "data/check.h"
#include "data/json.h"
#include "data/json_fields.h"
#include "data/metaspace.h"
#include "data/normalizer.h"
#include "data/pattern_translator.h"
#include "data/status_macros.h"
#include "data/unicode_tables.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

// What ByteLevel cuts at with use_regex: GPT-2's pattern.
constexpr char kByteLevelPattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// The steps call one another in turn, so their number bounds the stack.
constexpr size_t kMaxSteps = 64;
// Steps that add characters, between others that cut a text at every character, multiply its
// length.
constexpr size_t kMaxMetaspaces = 4;

constexpr char kSupported[] =
    "Split, Digits, Punctuation, Whitespace, WhitespaceSplit, Metaspace, ByteLevel, Sequence";

absl::Status Wrong(const std::string& where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

// Rust's is_numeric, of Unicode 17.
constexpr char kDigit[] = R"([\p{N}\x{11de0}-\x{11de9}\x{16ff4}-\x{16ff6}])";

// The words of the `regex` crate, whose \w is not Oniguruma's, and what is neither word nor space.
constexpr char kWord[] = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d})";

std::string WhitespacePattern() { return absl::StrCat("[", kWord, "]+|[^", kWord, "\\s]+"); }

std::string PunctuationPattern() {
  std::string later;
  for (const CodePointRange& range : NotPunctuation()) {
    absl::StrAppendFormat(&later, R"(\x{%x}-\x{%x})", range.first, range.last);
  }
  return absl::StrCat("(?![", later, R"(])[!-/:-@\[-`{-~\p{P}\x{166d}\x{111c9}])");
}

}  // namespace

absl::StatusOr<PreTokenizer> PreTokenizer::FromJson(const json& description,
                                                    const std::string& origin) {
  PreTokenizer made;
  if (!description.is_null()) {
    RETURN_IF_ERROR(made.AddSteps(description, absl::StrCat(origin, ": pre_tokenizer")));
  }
  // The words of the last step are bytes; its characters are needed by a step after it alone.
  if (!made.steps_.empty() && made.steps_.back().kind == Kind::kByteAlphabet) {
    made.steps_.pop_back();
    made.in_alphabet_ = false;
  }
  return made;
}

absl::Status PreTokenizer::AddSteps(const json& description, const std::string& where) {
  ASSIGN_OR_RETURN(const std::string type, TypeField(description, where));
  const std::string here = absl::StrCat(where, ": ", QuoteForMessage(type));
  if (type != "Sequence") return AddStep(type, description, here);
  RETURN_IF_ERROR(CheckObject(description, {"type", "pretokenizers"}, here));
  ASSIGN_OR_RETURN(const json* list, ListField(description, "pretokenizers", here));
  for (const json& entry : *list) RETURN_IF_ERROR(AddSteps(entry, here));
  return absl::OkStatus();
}

absl::Status PreTokenizer::AddStep(const std::string& type, const json& description,
                                   const std::string& where) {
  if (steps_.size() >= kMaxSteps) {
    return Wrong(where, absl::StrCat("more than ", kMaxSteps, " steps"));
  }
  if (type == "Split") return AddSplit(description, where);
  if (type == "Metaspace") return AddMetaspace(description, where);
  if (type == "ByteLevel") return AddByteLevel(description, where);
  if (type == "Digits") {
    RETURN_IF_ERROR(CheckObject(description, {"type", "individual_digits"}, where));
    ASSIGN_OR_RETURN(const bool individual,
                     BoolField(description, "individual_digits", false, where));
    return AddPattern(kDigit, individual ? Behavior::kIsolated : Behavior::kContiguous);
  }
  if (type == "Punctuation") {
    RETURN_IF_ERROR(CheckObject(description, {"type", "behavior"}, where));
    Behavior behavior = Behavior::kIsolated;
    if (description.contains("behavior")) {
      ASSIGN_OR_RETURN(behavior, BehaviorField(description, where));
    }
    return AddPattern(PunctuationPattern(), behavior);
  }
  if (type == "Whitespace" || type == "WhitespaceSplit") {
    RETURN_IF_ERROR(CheckObject(description, {"type"}, where));
    return type == "Whitespace"
               ? AddPattern(WhitespacePattern(), Behavior::kRemoved, /*invert=*/true)
               : AddPattern("\\s", Behavior::kRemoved);
  }
  return Wrong(where, absl::StrCat("is not supported; supported are: ", kSupported));
}

absl::Status PreTokenizer::AddPattern(const std::string& pattern, Behavior behavior, bool invert) {
  ASSIGN_OR_RETURN(Regex regex, Regex::Compile(pattern));
  steps_.push_back({Kind::kSplit, std::move(regex), behavior, invert});
  return absl::OkStatus();
}

absl::Status PreTokenizer::AddSplit(const json& description, const std::string& where) {
  RETURN_IF_ERROR(CheckObject(description, {"type", "pattern", "behavior", "invert"}, where));
  ASSIGN_OR_RETURN(Regex regex, PatternField(description, where));
  ASSIGN_OR_RETURN(const Behavior behavior, BehaviorField(description, where));
  ASSIGN_OR_RETURN(const bool invert, BoolField(description, "invert", false, where));
  steps_.push_back({Kind::kSplit, std::move(regex), behavior, invert});
  return absl::OkStatus();
}

absl::StatusOr<PreTokenizer::Behavior> PreTokenizer::BehaviorField(const json& description,
                                                                   const std::string& where) {
  static constexpr std::pair<const char*, Behavior> kBehaviors[] = {
      {"Removed", Behavior::kRemoved},
      {"Isolated", Behavior::kIsolated},
      {"MergedWithPrevious", Behavior::kMergedWithPrevious},
      {"MergedWithNext", Behavior::kMergedWithNext},
      {"Contiguous", Behavior::kContiguous}};
  ASSIGN_OR_RETURN(const std::string name, StringField(description, "behavior", where));
  for (const auto& [known, behavior] : kBehaviors) {
    if (name == known) return behavior;
  }
  return Wrong(where, absl::StrCat("the behavior \"", QuoteForMessage(name),
                                   "\" is not known; known are: Removed, Isolated, "
                                   "MergedWithPrevious, MergedWithNext, Contiguous"));
}

absl::Status PreTokenizer::AddMetaspace(const json& description, const std::string& where) {
  ASSIGN_OR_RETURN(const MetaspaceFields fields, ReadMetaspace(description, where));
  if (byte_level_) {
    return Wrong(where, "stands after ByteLevel, which leaves no space for it to replace");
  }
  const auto is_metaspace = [](const Step& step) { return step.kind == Kind::kMetaspace; };
  if (std::count_if(steps_.begin(), steps_.end(), is_metaspace) == kMaxMetaspaces) {
    return Wrong(where, absl::StrCat("stands more than ", kMaxMetaspaces, " times"));
  }
  Step step{Kind::kMetaspace};
  step.replacement = fields.replacement;
  step.prepend = fields.prepend_scheme == "always"  ? Prepend::kAlways
                 : fields.prepend_scheme == "first" ? Prepend::kFirst
                                                    : Prepend::kNever;
  steps_.push_back(std::move(step));
  if (!fields.split) return absl::OkStatus();
  ASSIGN_OR_RETURN(Regex regex, Regex::CompileLiteral(fields.replacement));
  steps_.push_back({Kind::kSplit, std::move(regex), Behavior::kMergedWithNext});
  return absl::OkStatus();
}

absl::Status PreTokenizer::AddByteLevel(const json& description, const std::string& where) {
  // trim_offsets concerns places in the text, which this tokenizer does not report.
  RETURN_IF_ERROR(
      CheckObject(description, {"type", "add_prefix_space", "trim_offsets", "use_regex"}, where));
  if (byte_level_) return Wrong(where, "stands a second time");
  ASSIGN_OR_RETURN(const bool add_prefix_space,
                   BoolField(description, "add_prefix_space", true, where));
  ASSIGN_OR_RETURN(const bool use_regex, BoolField(description, "use_regex", true, where));
  if (add_prefix_space) steps_.push_back({Kind::kPrefixSpace});
  if (use_regex) RETURN_IF_ERROR(AddPattern(kByteLevelPattern, Behavior::kIsolated));
  steps_.push_back({Kind::kByteAlphabet});
  byte_level_ = in_alphabet_ = true;
  return absl::OkStatus();
}

void PreTokenizer::Split(absl::string_view text, bool at_start, Emit emit) const {
  if (!in_alphabet_) return SplitFrom(0, text, at_start, emit);
  SplitFrom(0, text, at_start, [&](absl::string_view word) {
    const absl::optional<std::string> bytes = FromByteAlphabet(word);
    GRPO_CHECK(bytes.has_value());  // every step after kByteAlphabet only cuts
    emit(*bytes);
  });
}

void PreTokenizer::SplitFrom(size_t step, absl::string_view text, bool at_start, Emit emit) const {
  if (text.empty()) return;
  if (step == steps_.size()) return emit(text);
  std::string changed;
  switch (steps_[step].kind) {
    case Kind::kSplit:
      return SplitAtPattern(step, text, at_start, emit);
    case Kind::kPrefixSpace:
      if (text[0] == ' ') break;
      changed = absl::StrCat(" ", text);
      text = changed;
      break;
    case Kind::kByteAlphabet:
      changed = ToByteAlphabet(text);
      text = changed;
      break;
    case Kind::kMetaspace: {
      const Step& metaspace = steps_[step];
      changed = absl::StrReplaceAll(text, {{" ", metaspace.replacement}});
      const bool prepend = metaspace.prepend == Prepend::kAlways ||
                           (metaspace.prepend == Prepend::kFirst && at_start);
      if (prepend && !absl::StartsWith(changed, metaspace.replacement)) {
        changed.insert(0, metaspace.replacement);
      }
      text = changed;
      break;
    }
  }
  SplitFrom(step + 1, text, at_start, emit);
}

void PreTokenizer::SplitAtPattern(size_t step, absl::string_view text, bool at_start,
                                  Emit emit) const {
  const Step& split = steps_[step];
  const std::vector<Regex::Match> matches = split.pattern->FindAll(text);
  // The piece that grows while its neighbours join it; the next step takes it when none does.
  struct {
    size_t begin = 0, end = 0;
    bool exists = false;
  } piece;
  bool previous_is_match = false;
  const auto finish = [&] {
    if (!piece.exists) return;
    SplitFrom(step + 1, text.substr(piece.begin, piece.end - piece.begin),
              at_start && piece.begin == 0, emit);
    piece.exists = false;
  };
  const auto add = [&](size_t begin, size_t end, bool is_match) {
    is_match ^= split.invert;
    const bool join =
        piece.exists &&
        ((split.behavior == Behavior::kMergedWithPrevious && is_match && !previous_is_match) ||
         (split.behavior == Behavior::kMergedWithNext && !is_match && previous_is_match) ||
         (split.behavior == Behavior::kContiguous && is_match == previous_is_match));
    previous_is_match = is_match;
    if (join) {
      piece.end = end;
      return;
    }
    finish();
    if (split.behavior != Behavior::kRemoved || !is_match) piece = {begin, end, true};
  };
  size_t end = 0;
  for (const Regex::Match& match : matches) {
    if (match.begin > end) add(end, match.begin, false);
    add(match.begin, match.end, true);
    end = match.end;
  }
  if (end < text.size()) add(end, text.size(), false);
  finish();
}

}  // namespace grpo
