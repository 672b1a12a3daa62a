#include "data/token_decoder.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "data/byte_alphabet.h"
#include "data/json.h"
#include "data/json_fields.h"
#include "data/metaspace.h"
#include "data/normalizer.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr char kReplacement[] = "\uFFFD";
constexpr size_t kMaxSteps = 64;  // they call one another in turn
constexpr double kMaxGrowth = 4096;
constexpr int64_t kMaxStrip = 1 << 20;

constexpr char kSupported[] = "ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip, Sequence";

absl::Status Wrong(const std::string& where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

// The byte that a token such as <0x0A> stands for.
absl::optional<char> FallbackByte(absl::string_view token) {
  if (token.size() != 6 || !absl::StartsWith(token, "<0x") || token[5] != '>') {
    return absl::nullopt;
  }
  // Rust's from_str_radix, which takes a sign: <0x+A> is a byte too.
  absl::string_view digits = token.substr(3, 2);
  if (digits[0] == '+') digits.remove_prefix(1);
  int value = 0;
  for (const char digit : digits) {
    if (!absl::ascii_isxdigit(digit)) return absl::nullopt;
    value = value * 16 +
            (absl::ascii_isdigit(digit) ? digit - '0' : absl::ascii_tolower(digit) - 'a' + 10);
  }
  return static_cast<char>(value);
}

absl::StatusOr<size_t> CountField(const json& object, const std::string& key,
                                  const std::string& where) {
  const json& value = FieldOrNull(object, key);
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > kMaxStrip) {
    return Wrong(where, absl::StrCat("\"", key, "\": expected a number from 0 to ", kMaxStrip,
                                     ", found ", JsonKind(value)));
  }
  return value.get<size_t>();
}

}  // namespace

absl::StatusOr<TokenDecoder> TokenDecoder::FromJson(const json& description,
                                                    const std::string& origin) {
  TokenDecoder made;
  if (description.is_null()) {
    made.steps_.push_back({Kind::kSpaces});
    return made;
  }
  const std::string where = origin + ": decoder";
  RETURN_IF_ERROR(made.AddSteps(description, where));
  RETURN_IF_ERROR(made.LimitGrowth(where));
  return made;
}

absl::Status TokenDecoder::AddSteps(const json& description, const std::string& where) {
  ASSIGN_OR_RETURN(const std::string type, TypeField(description, where));
  const std::string here = absl::StrCat(where, ": ", QuoteForMessage(type));
  if (type != "Sequence") return AddStep(type, description, here);
  RETURN_IF_ERROR(CheckObject(description, {"type", "decoders"}, here));
  ASSIGN_OR_RETURN(const json* list, ListField(description, "decoders", here));
  for (const json& entry : *list) RETURN_IF_ERROR(AddSteps(entry, here));
  return absl::OkStatus();
}

absl::Status TokenDecoder::AddStep(const std::string& type, const json& description,
                                   const std::string& where) {
  if (steps_.size() == kMaxSteps) {
    return Wrong(where, absl::StrCat("more than ", kMaxSteps, " steps"));
  }
  if (type == "Fuse") {
    fused_ = true;
    return CheckObject(description, {"type"}, where);
  }
  if (type == "Strip") return AddStrip(description, where);
  Step step{Kind::kByteLevel, fused_};
  if (type == "ByteLevel") {
    // None of them has a say in decoding.
    RETURN_IF_ERROR(
        CheckObject(description, {"type", "add_prefix_space", "trim_offsets", "use_regex"}, where));
    fused_ = true;
  } else if (type == "Metaspace") {
    step.kind = Kind::kMetaspace;
    ASSIGN_OR_RETURN(const MetaspaceFields fields, ReadMetaspace(description, where));
    step.content = fields.replacement;
    step.drops_first = fields.prepend_scheme != "never";
  } else if (type == "Replace") {
    RETURN_IF_ERROR(CheckObject(description, {"type", "pattern", "content"}, where));
    step.kind = Kind::kReplace;
    ASSIGN_OR_RETURN(step.pattern, PatternField(description, where));
    ASSIGN_OR_RETURN(step.content, StringField(description, "content", where));
  } else if (type == "ByteFallback") {
    step.kind = Kind::kByteFallback;
    RETURN_IF_ERROR(CheckObject(description, {"type"}, where));
  } else {
    return Wrong(where, absl::StrCat("is not supported; supported are: ", kSupported));
  }
  steps_.push_back(std::move(step));
  return absl::OkStatus();
}

absl::Status TokenDecoder::AddStrip(const json& description, const std::string& where) {
  RETURN_IF_ERROR(CheckObject(description, {"type", "content", "start", "stop"}, where));
  Step step{Kind::kStrip, fused_};
  ASSIGN_OR_RETURN(step.content, StringField(description, "content", where));
  if (step.content.empty() || Utf8CharacterSize(step.content) != step.content.size()) {
    return Wrong(where, absl::StrCat("\"content\": expected one character, found \"",
                                     QuoteForMessage(step.content), "\""));
  }
  ASSIGN_OR_RETURN(step.start, CountField(description, "start", where));
  ASSIGN_OR_RETURN(step.stop, CountField(description, "stop", where));
  steps_.push_back(std::move(step));
  return absl::OkStatus();
}

absl::Status TokenDecoder::LimitGrowth(const std::string& where) const {
  double growth = 1;
  for (const Step& step : steps_) {
    if (step.kind == Kind::kReplace) growth *= 1.0 + step.content.size();
    if (growth > kMaxGrowth) {
      return Wrong(where, absl::StrCat("its steps could make a token more than ", kMaxGrowth,
                                       " times as long"));
    }
  }
  return absl::OkStatus();
}

std::string TokenDecoder::BytesOf(absl::string_view token) const {
  std::string bytes(token);
  for (const Step& step : steps_) {
    if (step.fused) break;
    switch (step.kind) {
      case Kind::kByteLevel:
        bytes = FromByteAlphabet(bytes).value_or(bytes);
        break;
      case Kind::kMetaspace:
        bytes = absl::StrReplaceAll(bytes, {{step.content, " "}});
        break;
      case Kind::kReplace:
        bytes = ReplaceAll(*step.pattern, step.content, bytes);
        break;
      case Kind::kByteFallback:
        if (const auto byte = FallbackByte(bytes)) return std::string(1, *byte);
        break;
      case Kind::kStrip:
        bytes = Stripped(step, bytes);
        break;
      case Kind::kSpaces:
        break;
    }
  }
  return bytes;
}

std::string TokenDecoder::Stripped(const Step& step, absl::string_view token) {
  for (size_t i = 0; i < step.start && absl::StartsWith(token, step.content); ++i) {
    token.remove_prefix(step.content.size());
  }
  for (size_t i = 0; i < step.stop && absl::EndsWith(token, step.content); ++i) {
    token.remove_suffix(step.content.size());
  }
  return std::string(token);
}

void TokenDecoder::Run::Send(size_t index, absl::string_view token, std::string* text) {
  if (index == states_.size()) {
    absl::StrAppend(text, token);
    return;
  }
  const Step& step = decoder_.steps_[index];
  State& state = states_[index];
  const size_t received = step.fused ? 0 : state.received++;
  switch (step.kind) {
    case Kind::kByteLevel:
      if (step.fused) {  // whether the alphabet has all of its characters shows at the end
        absl::StrAppend(&state.held, token);
        return;
      }
      absl::StrAppend(&state.held, FromByteAlphabet(token).value_or(std::string(token)));
      return SendBytes(index, /*all=*/false, text);
    case Kind::kMetaspace: {
      const bool drop = step.drops_first && received == 0;
      return Send(index + 1, absl::StrReplaceAll(token, {{step.content, drop ? "" : " "}}), text);
    }
    case Kind::kReplace:
      if (step.fused) {  // a match may reach from one token into the next
        absl::StrAppend(&state.held, token);
        return;
      }
      return Send(index + 1, ReplaceAll(*step.pattern, step.content, token), text);
    case Kind::kByteFallback:
      if (step.fused) {
        absl::StrAppend(&state.held, token);
      } else if (const auto byte = FallbackByte(token)) {
        state.held.push_back(*byte);
      } else {
        SendFallback(index, text);
        Send(index + 1, token, text);
      }
      return;
    case Kind::kStrip:
      if (step.fused) return SendStripped(index, token, text);
      return Send(index + 1, Stripped(step, token), text);
    case Kind::kSpaces:
      absl::StrAppend(text, received == 0 ? "" : " ", token);
      return;
  }
}

// Sends the whole characters of the bytes held; at the end `all` of them.
void TokenDecoder::Run::SendBytes(size_t index, bool all, std::string* text) {
  std::string& held = states_[index].held;
  size_t whole = held.size();
  for (size_t cut = 1; !all && cut <= 3 && cut <= held.size(); ++cut) {
    if (IsUtf8Start(absl::string_view(held).substr(held.size() - cut))) whole = held.size() - cut;
  }
  if (whole == 0) return;
  const std::string characters = ReplaceInvalidUtf8(absl::string_view(held).substr(0, whole));
  held.erase(0, whole);
  Send(index + 1, characters, text);
}

// Sends the bytes of a run of byte tokens: as text where all of it is UTF-8, otherwise as one
// U+FFFD for each.
void TokenDecoder::Run::SendFallback(size_t index, std::string* text) {
  const std::string bytes = std::exchange(states_[index].held, "");
  if (bytes.empty()) return;
  if (IsUtf8(bytes)) return Send(index + 1, bytes, text);
  for (size_t i = 0; i < bytes.size(); ++i) Send(index + 1, kReplacement, text);
}

// Strips one string that comes in parts.
void TokenDecoder::Run::SendStripped(size_t index, absl::string_view token, std::string* text) {
  const Step& step = decoder_.steps_[index];
  State& state = states_[index];
  while (!state.past_start && !token.empty()) {
    if (state.stripped == step.start || !absl::StartsWith(token, step.content)) {
      state.past_start = true;
    } else {
      token.remove_prefix(step.content.size());
      ++state.stripped;
    }
  }
  absl::StrAppend(&state.held, token);
  // What the end may still take stays behind.
  absl::string_view certain = state.held;
  for (size_t i = 0; i < step.stop && absl::EndsWith(certain, step.content); ++i) {
    certain.remove_suffix(step.content.size());
  }
  const std::string sent(certain);
  state.held.erase(0, sent.size());
  if (!sent.empty()) Send(index + 1, sent, text);
}

void TokenDecoder::Run::Finish(std::string* text) {
  for (size_t i = 0; i < states_.size(); ++i) {
    const Step& step = decoder_.steps_[i];
    std::string& held = states_[i].held;
    if (step.kind == Kind::kByteFallback && !step.fused) {
      SendFallback(i, text);
    } else if (step.kind == Kind::kByteLevel) {
      if (step.fused) held = FromByteAlphabet(held).value_or(held);
      SendBytes(i, /*all=*/true, text);
    } else if (step.kind == Kind::kReplace && step.fused) {
      Send(i + 1, ReplaceAll(*step.pattern, step.content, std::exchange(held, "")), text);
    } else if (step.kind == Kind::kByteFallback) {  // one string, which may look like a byte
      const absl::optional<char> byte = FallbackByte(held);
      const std::string whole = byte.has_value() ? std::string(1, *byte) : held;
      Send(i + 1, IsUtf8(whole) ? whole : kReplacement, text);
    }
    // What Strip holds back is what it takes.
  }
}

}  // namespace grpo
