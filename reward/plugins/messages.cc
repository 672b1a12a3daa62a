#include "reward/plugins/messages.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr int kProtocolVersion = 1;
constexpr size_t kMaxParts = 256;
constexpr size_t kMaxReasonBytes = 2000;

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::Status Wrong(absl::string_view where, absl::string_view expected, const json& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(where, ": expected ", expected, ", found ", JsonKind(found)));
}

absl::StatusOr<json> ParseObject(absl::string_view line, const std::string& origin) {
  if (!IsUtf8(line)) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, " is not UTF-8: ", QuoteForMessage(line)));
  }
  absl::StatusOr<json> value = ParseJson(line, {origin});
  if (!value.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(value.status().message(), "; the line begins ", QuoteForMessage(line)));
  }
  if (!value->is_object()) return Wrong(origin, "an object", *value);
  return value;
}

std::string TextField(const json& object, const char* key) {
  const json& value = FieldOrNull(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

// 0 where it is no unsigned number of 64 bits.
uint64_t NumberField(const json& object, const char* key) {
  const json& value = FieldOrNull(object, key);
  return value.is_number_unsigned() ? value.get<uint64_t>() : 0;
}

const char* StateName(RewardState state) {
  switch (state) {
    case RewardState::kScored:
      return "scored";
    case RewardState::kInvalid:
      return "invalid";
    case RewardState::kError:
      break;
  }
  return "error";
}

std::string ShortReason(std::string reason) {
  if (reason.size() <= kMaxReasonBytes) return reason;
  reason.resize(kMaxReasonBytes);
  reason.resize(ValidUtf8Prefix(reason));
  return reason + "...";
}

absl::Status ReadParts(const json& value, RewardResult* result) {
  if (value.is_null()) return absl::OkStatus();
  if (!value.is_object()) return Wrong("parts", "an object of numbers", value);
  if (value.size() > kMaxParts) {
    return absl::InvalidArgumentError(
        absl::StrCat("parts: expected at most ", kMaxParts, ", found ", value.size()));
  }
  for (const auto& [name, part] : value.items()) {
    const std::string where = absl::StrCat("parts: \"", QuoteForMessage(name), "\"");
    if (!part.is_number()) return Wrong(where, "a number", part);
    if (!std::isfinite(part.get<double>())) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": expected a finite number"));
    }
    result->parts.emplace_back(name, part.get<double>());
  }
  return absl::OkStatus();
}

absl::StatusOr<RewardResult> ReadResult(const json& value) {
  if (!value.is_object()) return Wrong("result", "an object", value);
  const json& reason = FieldOrNull(value, "reason");
  if (!reason.is_null() && !reason.is_string()) return Wrong("reason", "a string", reason);
  RewardResult result;
  result.reason = ShortReason(TextField(value, "reason"));
  const json& status = FieldOrNull(value, "status");
  if (status == "invalid") {
    result.state = RewardState::kInvalid;
  } else if (status == "error") {
    result.state = RewardState::kError;
  } else if (status != "scored") {
    return absl::InvalidArgumentError(
        absl::StrCat("status: expected \"scored\", \"invalid\" or \"error\", found ",
                     QuoteForMessage(Dump(status))));
  }
  RETURN_IF_ERROR(ReadParts(FieldOrNull(value, "parts"), &result));
  if (result.state != RewardState::kScored) return result;
  const json& score = FieldOrNull(value, "score");
  if (!score.is_number()) return Wrong("score", "a number", score);
  result.score = score.get<double>();
  if (!std::isfinite(result.score)) {
    return absl::InvalidArgumentError(
        absl::StrCat("score: expected a finite number, found ", result.score));
  }
  return result;
}

json ResultToJson(const RewardResult& result) {
  json value = {{"status", StateName(result.state)}, {"reason", result.reason}};
  if (result.state == RewardState::kScored) value["score"] = result.score;
  if (!result.parts.empty()) {
    json& parts = value["parts"] = json::object();
    for (const auto& [name, part] : result.parts) parts[name] = part;
  }
  return value;
}

PluginItem ReadItem(const json& value) {
  PluginItem item;
  item.sample_id = NumberField(value, "sample_id");
  item.group_id = NumberField(value, "group_id");
  item.prompt = TextField(value, "prompt");
  item.completion = TextField(value, "completion");
  item.ground_truth = TextField(value, "ground_truth");
  const json& metadata = FieldOrNull(value, "metadata");
  item.metadata_json = metadata.is_object() ? Dump(metadata) : "{}";
  item.name = TextField(value, "name");
  item.family = TextField(value, "family");
  item.num_tokens = static_cast<int>(NumberField(value, "num_tokens"));
  item.max_tokens = static_cast<int>(NumberField(value, "max_tokens"));
  item.finish =
      TextField(value, "finish") == "length" ? FinishReason::kLength : FinishReason::kStop;
  return item;
}

}  // namespace

absl::StatusOr<PluginItem> MakePluginItem(const RewardRequest& request, uint64_t sample_id) {
  const Prompt& prompt = request.prompt;
  PluginItem item;
  item.metadata_json = "{}";
  if (!prompt.metadata_json.empty() && prompt.metadata_json != "{}") {
    ASSIGN_OR_RETURN(const json metadata, ParseObject(prompt.metadata_json, "metadata"));
    item.metadata_json = Dump(metadata);  // on one line
  }
  item.sample_id = sample_id;
  item.group_id = prompt.id;
  item.prompt = ReplaceInvalidUtf8(prompt.text);
  item.completion = ReplaceInvalidUtf8(request.completion);
  item.ground_truth = ReplaceInvalidUtf8(prompt.answer);
  item.name = ReplaceInvalidUtf8(prompt.name);
  item.family = ReplaceInvalidUtf8(prompt.family);
  item.num_tokens = request.num_tokens;
  item.max_tokens = request.max_tokens;
  item.finish = request.finish;
  return item;
}

std::string EncodeHello() { return Dump({{"v", kProtocolVersion}, {"op", "hello"}}); }

std::string EncodeItem(const PluginItem& item) {
  json value = {{"sample_id", item.sample_id},
                {"group_id", item.group_id},
                {"prompt", item.prompt},
                {"completion", item.completion},
                {"ground_truth", item.ground_truth},
                {"name", item.name},
                {"family", item.family},
                {"num_tokens", item.num_tokens},
                {"max_tokens", item.max_tokens},
                {"finish", item.finish == FinishReason::kStop ? "stop" : "length"}};
  std::string text = Dump(value);
  text.pop_back();
  return absl::StrCat(text, ",\"metadata\":", item.metadata_json, "}");
}

std::string EncodeScore(uint64_t id, const std::vector<std::string>& items) {
  return absl::StrCat("{\"op\":\"score\",\"id\":", id, ",\"items\":[", absl::StrJoin(items, ","),
                      "]}");
}

std::string EncodeHelloAnswer(const PluginHello& hello) {
  json flags = json::array();
  if (hello.group) flags.push_back("group");
  return Dump({{"name", hello.name},
               {"version", hello.version},
               {"flags", flags},
               {"max_batch", hello.max_batch}});
}

std::string EncodeAnswer(const PluginAnswer& answer) {
  json value = {{"id", answer.id}};
  if (!answer.error.empty()) {
    value["error"] = answer.error;
    return Dump(value);
  }
  json& results = value["results"] = json::array();
  for (const RewardResult& result : answer.results) results.push_back(ResultToJson(result));
  return Dump(value);
}

std::string EncodeError(const std::string& message) { return Dump({{"error", message}}); }

absl::StatusOr<PluginQuestion> ParseQuestion(absl::string_view line) {
  ASSIGN_OR_RETURN(const json value, ParseObject(line, "request"));
  PluginQuestion question;
  const std::string op = TextField(value, "op");
  question.hello = op == "hello";
  if (question.hello && FieldOrNull(value, "v") != kProtocolVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("hello in version ", QuoteForMessage(Dump(FieldOrNull(value, "v"))),
                     " of the protocol, expected ", kProtocolVersion));
  }
  if (question.hello) return question;
  if (op != "score") {
    return absl::InvalidArgumentError(
        absl::StrCat("op: expected \"hello\" or \"score\", found \"", QuoteForMessage(op), "\""));
  }
  question.id = NumberField(value, "id");
  const json& items = FieldOrNull(value, "items");
  if (!items.is_array()) return Wrong("items", "a list", items);
  for (const json& item : items) question.items.push_back(ReadItem(item));
  return question;
}

absl::StatusOr<PluginHello> ParseHello(absl::string_view line) {
  ASSIGN_OR_RETURN(const json value, ParseObject(line, "the answer to hello"));
  if (const json& error = FieldOrNull(value, "error"); !error.is_null()) {
    return absl::FailedPreconditionError(error.is_string() ? ShortReason(error.get<std::string>())
                                                           : QuoteForMessage(Dump(error)));
  }
  PluginHello hello;
  ASSIGN_OR_RETURN(hello.name, StringField(value, "name", "the answer to hello"));
  hello.version = TextField(value, "version");
  const json& flags = FieldOrNull(value, "flags");
  if (!flags.is_null() && !flags.is_array()) return Wrong("hello: flags", "a list", flags);
  for (const json& flag : flags) hello.group |= flag == "group";
  const json& max_batch = FieldOrNull(value, "max_batch");
  if (!max_batch.is_null() && !(max_batch.is_number_unsigned() && max_batch <= 1000000)) {
    return Wrong("hello: max_batch", "a whole number of 0 to 1000000", max_batch);
  }
  if (!max_batch.is_null()) hello.max_batch = max_batch.get<int>();
  return hello;
}

absl::StatusOr<PluginAnswer> ParsePluginAnswer(absl::string_view line) {
  ASSIGN_OR_RETURN(const json value, ParseObject(line, "answer"));
  const json& id = FieldOrNull(value, "id");
  if (!id.is_number_unsigned()) return Wrong("answer: id", "the request's number", id);
  PluginAnswer answer;
  answer.id = id.get<uint64_t>();
  if (const json& error = FieldOrNull(value, "error"); !error.is_null()) {
    answer.error =
        ShortReason(error.is_string() ? error.get<std::string>() : QuoteForMessage(Dump(error)));
    if (answer.error.empty()) answer.error = "an error without a message";
    return answer;
  }
  const json& results = FieldOrNull(value, "results");
  if (!results.is_array()) return Wrong("answer: results", "a list", results);
  for (const json& result : results) {
    absl::StatusOr<RewardResult> read = ReadResult(result);
    answer.results.push_back(
        read.ok() ? *std::move(read)
                  : RewardResult::Error(absl::StrCat("answer: ", read.status().message())));
  }
  return answer;
}

}  // namespace grpo
