#include "data/jinja/json_text.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/jinja/number.h"
#include "data/jinja/sorting.h"
#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonStyle& style, std::string* out)
      : runtime_(runtime), style_(style), out_(out) {}

  absl::Status Write(const Value& value) {
    const size_t before = out_->size();
    switch (value.kind()) {
      case Kind::kNone:
        *out_ += "null";
        break;
      case Kind::kBool:
        *out_ += value.AsBool() ? "true" : "false";
        break;
      case Kind::kInt:
        absl::StrAppend(out_, value.AsInt());
        break;
      case Kind::kFloat:
        *out_ += NumberText(value.AsFloat());
        break;
      case Kind::kString:
        WriteString(value.AsString());
        break;
      case Kind::kList:
      case Kind::kTuple:
        return WriteItems(value.Items());
      case Kind::kDict:
        return WriteDict(*value.As<const Dict>());
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("an object of type '", TypeName(value), "' cannot be written as JSON"));
    }
    return runtime_.Spend(kUnitsPerStep + out_->size() - before);
  }

 private:
  static std::string NumberText(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return FloatText(number);
  }

  void WriteString(absl::string_view text) {
    out_->push_back('"');
    while (!text.empty()) {
      size_t size = 0;
      WriteCharacter(DecodeUtf8(text, &size), text);
      text.remove_prefix(size);
    }
    out_->push_back('"');
  }

  void WriteCharacter(char32_t character, absl::string_view text) {
    static constexpr absl::string_view kEscaped = "\"\\\n\r\t\b\f";
    static constexpr absl::string_view kLetters = "\"\\nrtbf";
    const size_t escape =
        character < 0x80 ? kEscaped.find(static_cast<char>(character)) : absl::string_view::npos;
    if (escape != absl::string_view::npos) {
      out_->push_back('\\');
      out_->push_back(kLetters[escape]);
    } else if (character < 0x20 || (character >= 0x7f && style_.ascii_only)) {
      WriteEscape(character);
    } else {
      absl::StrAppend(out_, text.substr(0, ByteOffset(text.substr(0, 4), 1)));
    }
  }

  void WriteEscape(char32_t character) {
    if (character < 0x10000) {
      absl::StrAppendFormat(out_, "\\u%04x", static_cast<uint32_t>(character));
    } else {
      const uint32_t rest = static_cast<uint32_t>(character) - 0x10000;
      absl::StrAppendFormat(out_, "\\u%04x\\u%04x", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    }
  }

  // Before an item, or with `level_` one up before a closing bracket.
  void NewLine() {
    if (!style_.indent.has_value()) return;
    out_->push_back('\n');
    for (int i = 0; i < level_; ++i) *out_ += *style_.indent;
  }

  absl::Status WriteItems(const Values& items) {
    return WriteContainer('[', ']', items.size(), [&](size_t i) { return Write(items[i]); });
  }

  absl::Status WriteDict(const Dict& dict) {
    std::vector<Dict::Entry> sorted;
    const std::vector<Dict::Entry>* entries = &dict.entries();
    if (style_.sort_keys) {
      ASSIGN_OR_RETURN(sorted, SortedByKey(dict));
      entries = &sorted;
    }
    return WriteContainer('{', '}', entries->size(), [&](size_t i) {
      ASSIGN_OR_RETURN(const std::string key, KeyText((*entries)[i].key));
      WriteString(key);
      *out_ += style_.key_separator;
      return Write((*entries)[i].value);
    });
  }

  template <typename WriteItem>
  absl::Status WriteContainer(char open, char close, size_t count, WriteItem write_item) {
    RETURN_IF_ERROR(runtime_.Spend(kUnitsPerStep));
    out_->push_back(open);
    ++level_;
    for (size_t i = 0; i < count; ++i) {
      const size_t before = out_->size();
      if (i > 0) *out_ += style_.item_separator;
      NewLine();
      RETURN_IF_ERROR(runtime_.Spend(out_->size() - before));
      RETURN_IF_ERROR(write_item(i));
    }
    --level_;
    if (count > 0) NewLine();
    out_->push_back(close);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Dict::Entry>> SortedByKey(const Dict& dict) {
    std::vector<Value> keys;
    for (const Dict::Entry& entry : dict.entries()) keys.push_back(entry.key);
    ASSIGN_OR_RETURN(const std::vector<size_t> order, SortedOrder(runtime_, keys, false));
    std::vector<Dict::Entry> sorted;
    for (const size_t index : order) sorted.push_back(dict.entries()[index]);
    return sorted;
  }

  absl::StatusOr<std::string> KeyText(const Value& key) {
    switch (key.kind()) {
      case Kind::kString:
        return key.AsString();
      case Kind::kNone:
        return "null";
      case Kind::kBool:
        return key.AsBool() ? "true" : "false";
      case Kind::kInt:
        return absl::StrCat(key.AsInt());
      case Kind::kFloat:
        return NumberText(key.AsFloat());
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("a key of type '", TypeName(key), "' cannot be written as JSON"));
    }
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  std::string* out_;
  int level_ = 0;
};

}  // namespace

absl::StatusOr<std::string> ToJsonText(Runtime& runtime, const Value& value,
                                       const JsonStyle& style) {
  std::string text;
  RETURN_IF_ERROR(JsonWriter(runtime, style, &text).Write(value));
  return text;
}

}  // namespace grpo::jinja
