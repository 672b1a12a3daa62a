#include "data/json.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 256;

// The library's text without its "[json.exception...] parse error at line 1, column 2: ".
std::string Reason(absl::string_view what) {
  const size_t bracket = what.find("] ");
  if (bracket != absl::string_view::npos) what.remove_prefix(bracket + 2);
  const size_t colon = what.find(": ");
  if (what.substr(0, 11) == "parse error" && colon != absl::string_view::npos) {
    what.remove_prefix(colon + 2);
  }
  return QuoteForMessage(what, 200);
}

// Builds the value from the parser's events; stops at the first one it does not like.
class ValueBuilder : public nlohmann::json_sax<json> {
 public:
  explicit ValueBuilder(std::map<std::string, std::string>* numbers) : numbers_(numbers) {}

  bool null() override { return Add(json(nullptr)); }
  bool boolean(bool value) override { return Add(json(value)); }
  bool number_integer(int64_t value) override { return AddNumber(value, absl::StrCat(value)); }
  bool number_unsigned(uint64_t value) override { return AddNumber(value, absl::StrCat(value)); }
  bool number_float(double value, const std::string& text) override {
    const bool is_integer = text.find_first_of(".eE") == std::string::npos;
    if (is_integer && open_.size() > 1 && open_[0]->is_object()) rounded_.insert(field_);
    return AddNumber(value, text);
  }
  bool string(std::string& value) override { return Add(json(std::move(value))); }
  bool binary(json::binary_t&) override { return Refuse("binary data"); }
  bool start_object(size_t) override { return Open(json::object()); }
  bool start_array(size_t) override { return Open(json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(std::string& name) override {
    if (open_.back()->contains(name)) {
      return Refuse(
          absl::StrCat("the key \"", QuoteForMessage(name), "\" stands twice in one object"));
    }
    key_ = std::move(name);
    if (open_.size() == 1) field_ = key_;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception& error) override {
    position_ = position;
    return Refuse(Reason(error.what()));
  }

  json& value() { return value_; }
  // The outermost object's lists and objects with an integer of more than 64 bits.
  const std::set<std::string>& rounded() const { return rounded_; }
  const std::string& problem() const { return problem_; }
  // Of the problem, in bytes from the start, counted from 1; 0 where the parser did not say.
  size_t position() const { return position_; }

 private:
  bool Refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  json* Place(json&& value) {
    if (open_.empty()) return &(value_ = std::move(value));
    json& parent = *open_.back();
    if (parent.is_object()) return &(parent[key_] = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }

  bool Add(json&& value) {
    Place(std::move(value));
    return true;
  }

  bool AddNumber(json&& value, const std::string& text) {
    if (numbers_ != nullptr && open_.size() == 1 && open_.back()->is_object()) {
      (*numbers_)[key_] = text;
    }
    return Add(std::move(value));
  }

  bool Open(json&& value) {
    if (open_.size() >= kMaxDepth) {
      return Refuse(absl::StrCat("more than ", kMaxDepth, " levels of nesting"));
    }
    open_.push_back(Place(std::move(value)));
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  std::map<std::string, std::string>* numbers_;
  json value_;
  std::vector<json*> open_;  // objects and lists around the present place, outermost first
  std::string key_;
  std::string field_;  // the outermost object's
  std::set<std::string> rounded_;
  std::string problem_;
  size_t position_ = 0;
};

// Writes some fields of the outermost object of a text that ValueBuilder took, with every number as
// it stands there.
class FieldWriter : public nlohmann::json_sax<json> {
 public:
  FieldWriter(const std::set<std::string>& fields, std::map<std::string, std::string>& to)
      : fields_(fields), to_(to) {}

  bool null() override { return Value("null"); }
  bool boolean(bool value) override { return Value(value ? "true" : "false"); }
  bool number_integer(int64_t value) override { return Value(absl::StrCat(value)); }
  bool number_unsigned(uint64_t value) override { return Value(absl::StrCat(value)); }
  bool number_float(double, const std::string& text) override { return Value(text); }
  bool string(std::string& value) override { return Value(json(value).dump()); }
  bool binary(json::binary_t&) override { return false; }
  bool start_object(size_t) override { return Open("{"); }
  bool start_array(size_t) override { return Open("["); }
  bool end_object() override { return Close("}"); }
  bool end_array() override { return Close("]"); }
  bool parse_error(size_t, const std::string&, const json::exception&) override { return false; }

  bool key(std::string& name) override {
    if (depth_ == 1) {
      written_ = fields_.count(name) == 0 ? nullptr : &to_[name];
      follows_ = false;
      return true;
    }
    Value(absl::StrCat(json(name).dump(), ":"));
    follows_ = false;
    return true;
  }

 private:
  bool Value(absl::string_view text) {
    if (written_ != nullptr) absl::StrAppend(written_, follows_ ? "," : "", text);
    follows_ = true;
    return true;
  }
  bool Open(absl::string_view bracket) {
    Value(bracket);
    follows_ = false;
    ++depth_;
    return true;
  }
  bool Close(absl::string_view bracket) {
    follows_ = false;
    if (--depth_ == 0) written_ = nullptr;
    return Value(bracket);
  }

  const std::set<std::string>& fields_;
  std::map<std::string, std::string>& to_;
  std::string* written_ = nullptr;  // where the present field goes; null: it is not wanted
  bool follows_ = false;            // a value stands before the next one
  int depth_ = 0;
};

// "file:3:14", or "file:3" where the column is not known.
std::string Place(absl::string_view text, const JsonOrigin& origin, size_t position) {
  if (position == 0) return absl::StrCat(origin.origin, ":", origin.first_line);
  const absl::string_view before = text.substr(0, std::min(position - 1, text.size()));
  const int64_t line = std::count(before.begin(), before.end(), '\n');
  const size_t line_start =
      before.rfind('\n') == absl::string_view::npos ? 0 : before.rfind('\n') + 1;
  return absl::StrCat(origin.origin, ":", origin.first_line + line, ":",
                      before.size() - line_start + 1);
}

}  // namespace

absl::StatusOr<json> ParseJson(absl::string_view text, const JsonOrigin& origin,
                               std::map<std::string, std::string>* numbers) {
  ValueBuilder builder(numbers);
  if (json::sax_parse(text.begin(), text.end(), &builder)) {
    if (numbers != nullptr && !builder.rounded().empty()) {
      FieldWriter writer(builder.rounded(), *numbers);
      json::sax_parse(text.begin(), text.end(), &writer);
    }
    return std::move(builder.value());
  }
  return absl::InvalidArgumentError(absl::StrCat(Place(text, origin, builder.position()),
                                                 ": not usable as JSON: ", builder.problem()));
}

std::string JsonKind(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case json::value_t::string:
      return "a string";
    case json::value_t::array:
      return "a list";
    case json::value_t::object:
      return "an object";
    default:
      return absl::StrCat("the number ", value.dump());
  }
}

std::string QuoteForMessage(absl::string_view text, size_t limit) {
  std::string quoted;
  for (const unsigned char byte : text.substr(0, limit)) {
    if (byte >= 0x20 && byte < 0x7f) {
      quoted.push_back(static_cast<char>(byte));
    } else {
      absl::StrAppendFormat(&quoted, "\\x%02x", byte);
    }
  }
  if (text.size() > limit) quoted += "...";
  return quoted;
}

}  // namespace grpo
