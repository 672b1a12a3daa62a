#include "policy/strict_json.h"

#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 64;
constexpr size_t kExcerptBytes = 60;

// Walks the text without building anything and keeps the first thing that is wrong with it.
class StrictnessCheck : public json::json_sax_t {
 public:
  const std::string& problem() const { return problem_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return Enter(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    return Refuse(absl::StrCat("the key '", name, "' stands twice in one object"));
  }
  bool end_object() override { return Leave(); }
  bool start_array(size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    const std::string what =
        error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 2: …"
    const size_t bracket = what.find("] ");
    return Refuse(bracket == std::string::npos ? what : what.substr(bracket + 2));
  }

 private:
  bool Enter() {
    keys_.emplace_back();
    if (keys_.size() <= kMaxDepth) return true;
    return Refuse(absl::StrCat("nested deeper than ", kMaxDepth, " levels"));
  }
  bool Leave() {
    keys_.pop_back();
    return true;
  }
  bool Refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  std::vector<std::set<std::string>> keys_;  // of each object that is open
  std::string problem_;
};

}  // namespace

absl::StatusOr<json> ParseJsonObject(absl::string_view text, const std::string& origin) {
  StrictnessCheck check;
  if (!json::sax_parse(text.begin(), text.end(), &check)) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": not usable as JSON: ", check.problem()));
  }
  json value = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": expected one JSON object, found ", JsonKind(value)));
  }
  return value;
}

std::string JsonKind(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "true or false";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "a whole number";
    case json::value_t::number_float:
      return "a number with a fraction";
    default:
      return "something that is not JSON";
  }
}

std::string JsonExcerpt(const json& value) {
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  if (text.size() > kExcerptBytes) text = absl::StrCat(text.substr(0, kExcerptBytes), "…");
  return text;
}

}  // namespace grpo
