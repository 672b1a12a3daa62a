#include "reward/code/test_suite.h"

#include <initializer_list>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using Kind = Value::Kind;

constexpr size_t kMaxValues = 4000000;  // of all cases: tests are more to be trusted than answers

absl::Status Unusable(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("tests: ", what));
}

absl::Status CheckKeys(const Value& object, std::initializer_list<absl::string_view> known) {
  for (size_t i = 0; i < object.items.size(); i += 2) {
    const std::string& key = object.items[i].text;
    if (absl::c_find(known, key) == known.end()) {
      return Unusable(absl::StrCat("unknown field ", QuoteForMessage(key, 40)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Text(const Value& object, absl::string_view key) {
  const Value* value = Find(object, key);
  if (value == nullptr || value->kind != Kind::kString) {
    return Unusable(absl::StrCat("expected \"", key, "\" to be a string"));
  }
  return value->text;
}

absl::StatusOr<std::string> TextOr(const Value& object, absl::string_view key,
                                   const std::string& otherwise) {
  return Find(object, key) == nullptr ? otherwise : Text(object, key);
}

absl::StatusOr<double> Tolerance(const Value& object) {
  const Value* value = Find(object, "tolerance");
  if (value == nullptr || value->kind == Kind::kNull) return 0.0;
  const double number = IsNumber(*value) ? AsDouble(*value) : -1;
  if (!(number >= 0 && number <= 1))
    return Unusable("expected \"tolerance\" to be a number from 0 to 1");
  return number;
}

absl::StatusOr<const Value*> Cases(const Value& object) {
  const Value* cases = Find(object, "cases");
  if (cases == nullptr || cases->kind != Kind::kList || cases->items.empty()) {
    return Unusable("expected \"cases\" to be a list with a case or more");
  }
  return cases;
}

absl::Status ReadCall(const Value& object, TestSuite* suite) {
  RETURN_IF_ERROR(
      CheckKeys(object, {"kind", "language", "function", "cases", "tolerance", "encoding"}));
  ASSIGN_OR_RETURN(suite->function, Text(object, "function"));
  if (suite->function.empty()) return Unusable("\"function\" is empty");
  ASSIGN_OR_RETURN(suite->tolerance, Tolerance(object));
  ASSIGN_OR_RETURN(const std::string encoding, TextOr(object, "encoding", "json"));
  if (encoding != "json" && encoding != "tagged") {
    return Unusable("expected \"encoding\" to be \"json\" or \"tagged\"");
  }
  suite->tagged = encoding == "tagged";
  ASSIGN_OR_RETURN(const Value* cases, Cases(object));
  for (const Value& one : cases->items) {
    RETURN_IF_ERROR(CheckKeys(one, {"args", "kwargs", "expected"}));
    const Value *args = Find(one, "args"), *kwargs = Find(one, "kwargs");
    const Value* expected = Find(one, "expected");
    if ((args != nullptr && args->kind != Kind::kList) ||
        (kwargs != nullptr && kwargs->kind != Kind::kDict && kwargs->kind != Kind::kNull)) {
      return Unusable("expected \"args\" to be a list and \"kwargs\" an object");
    }
    if (expected == nullptr) return Unusable("a case has no \"expected\"");
    const bool named = kwargs != nullptr && kwargs->kind == Kind::kDict;
    suite->inputs.push_back(absl::StrCat("{\"args\": ", args != nullptr ? ToJson(*args) : "[]",
                                         ", \"kwargs\": ", named ? ToJson(*kwargs) : "{}", "}"));
    suite->expected.push_back({Expectation::Rule::kEqual, *expected, 0});
    if (suite->tagged) {
      ASSIGN_OR_RETURN(suite->expected.back().value, FromTagged(*expected));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadStdio(const Value& object, TestSuite* suite) {
  RETURN_IF_ERROR(CheckKeys(object, {"kind", "language", "cases", "tolerance"}));
  ASSIGN_OR_RETURN(suite->tolerance, Tolerance(object));
  ASSIGN_OR_RETURN(const Value* cases, Cases(object));
  for (const Value& one : cases->items) {
    RETURN_IF_ERROR(CheckKeys(one, {"input", "output"}));
    ASSIGN_OR_RETURN(std::string input, TextOr(one, "input", ""));
    ASSIGN_OR_RETURN(std::string output, Text(one, "output"));
    suite->inputs.push_back(std::move(input));
    suite->outputs.push_back(std::move(output));
  }
  return absl::OkStatus();
}

absl::Status ReadAsserts(const Value& object, TestSuite* suite) {
  RETURN_IF_ERROR(CheckKeys(object, {"kind", "language", "setup", "code"}));
  ASSIGN_OR_RETURN(std::string setup, TextOr(object, "setup", ""));
  ASSIGN_OR_RETURN(std::string code, Text(object, "code"));
  suite->inputs = {std::move(setup), std::move(code)};
  return absl::OkStatus();
}

absl::StatusOr<Expectation::Rule> RuleOf(absl::string_view name) {
  if (name == "equal") return Expectation::Rule::kEqual;
  if (name == "same") return Expectation::Rule::kSame;
  if (name == "truthy") return Expectation::Rule::kTruthy;
  if (name == "falsy") return Expectation::Rule::kFalsy;
  if (name == "within") return Expectation::Rule::kWithin;
  return Unusable("unknown rule");
}

}  // namespace

absl::StatusOr<TestSuite> ParseTestSuite(absl::string_view metadata_json) {
  const absl::StatusOr<Value> metadata = ParseJsonValue(metadata_json, {.max_values = kMaxValues});
  if (!metadata.ok()) return Unusable(metadata.status().message());
  const Value* tests = Find(*metadata, "tests");
  if (tests == nullptr || tests->kind != Kind::kDict) {
    return Unusable("expected a field \"tests\" with an object");
  }
  TestSuite suite;
  ASSIGN_OR_RETURN(suite.language, TextOr(*tests, "language", "python"));
  ASSIGN_OR_RETURN(const std::string kind, Text(*tests, "kind"));
  if (suite.language != "python" && suite.language != "cpp") {
    return Unusable("expected \"language\" to be \"python\" or \"cpp\"");
  }
  if (suite.language == "cpp" && kind != "stdio") {
    return Unusable("programs in C++ are tested by \"kind\": \"stdio\" alone");
  }
  if (kind == "call") {
    suite.kind = TestSuite::Kind::kCall;
    RETURN_IF_ERROR(ReadCall(*tests, &suite));
  } else if (kind == "stdio") {
    suite.kind = TestSuite::Kind::kStdio;
    RETURN_IF_ERROR(ReadStdio(*tests, &suite));
  } else if (kind == "asserts") {
    suite.kind = TestSuite::Kind::kAsserts;
    RETURN_IF_ERROR(ReadAsserts(*tests, &suite));
  } else {
    return Unusable("expected \"kind\" to be \"call\", \"stdio\" or \"asserts\"");
  }
  return suite;
}

absl::StatusOr<TestSuite> RewrittenAsCalls(const TestSuite& asserts, absl::string_view calls_json) {
  ASSIGN_OR_RETURN(const Value calls, ParseJsonValue(calls_json));
  if (calls.kind != Kind::kDict) return asserts;
  TestSuite suite;
  suite.tagged = suite.asserts = true;
  ASSIGN_OR_RETURN(suite.function, Text(calls, "function"));
  ASSIGN_OR_RETURN(suite.prelude, Text(calls, "prelude"));
  ASSIGN_OR_RETURN(const Value* cases, Cases(calls));
  for (const Value& one : cases->items) {
    Expectation expectation;
    ASSIGN_OR_RETURN(const std::string rule, Text(one, "rule"));
    ASSIGN_OR_RETURN(expectation.rule, RuleOf(rule));
    if (const Value* value = Find(one, "expected"); value != nullptr) {
      ASSIGN_OR_RETURN(expectation.value, FromTagged(*value));
    }
    if (const Value* limit = Find(one, "limit"); limit != nullptr) {
      if (!IsNumber(*limit)) return asserts;
      expectation.limit = AsDouble(*limit);
    }
    suite.expected.push_back(std::move(expectation));
    suite.inputs.push_back(absl::StrCat("{\"args\": ", ToJson(*Find(one, "args")),
                                        ", \"kwargs\": ", ToJson(*Find(one, "kwargs")), "}"));
  }
  return suite;
}

}  // namespace grpo
