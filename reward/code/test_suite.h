// The tests of a task: the field "tests" of its record.
//
//   {"kind": "call", "function": "f", "tolerance": 0, "encoding": "json",
//    "cases": [{"args": […], "kwargs": {…}, "expected": …}, …]}
//   {"kind": "stdio", "tolerance": 0, "cases": [{"input": "…", "output": "…"}, …]}
//   {"kind": "asserts", "setup": "…", "code": "assert …"}
//
// each with an optional "language": "python" (else "cpp", for stdio). "encoding": "tagged" says
// that arguments and expected values are tagged JSON (value.h), for what plain JSON lacks.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "reward/code/value.h"

namespace grpo {

// What a call must return.
struct Expectation {
  enum class Rule {
    kEqual,   // the value
    kSame,    // the value, and of its very type: `is None`
    kTruthy,  // what Python's `if` takes for true
    kFalsy,
    kWithin,  // a number nearer to the value than `limit`
  };
  Rule rule = Rule::kEqual;
  Value value;
  double limit = 0;
};

struct TestSuite {
  enum class Kind { kCall, kStdio, kAsserts };
  Kind kind = Kind::kCall;
  std::string language = "python";
  double tolerance = 0;
  bool tagged = false;                // kCall
  std::string function;               // kCall
  std::vector<std::string> inputs;    // for the sandbox; kCall: {"args": […], "kwargs": {…}}
  std::vector<Expectation> expected;  // kCall: for each input
  std::string prelude;                // kCall: imports that the program may rely on
  bool asserts = false;  // kCall: whether these were asserts: True == 1, and (1,) is not [1]
  std::vector<std::string> outputs;  // kStdio: standard output for each input
};

// Reads the record's metadata, a JSON object with the field "tests".
absl::StatusOr<TestSuite> ParseTestSuite(absl::string_view metadata_json);

// An asserts suite as calls, from what the sandbox says of it (kRewrite); the suite itself where it
// says null.
absl::StatusOr<TestSuite> RewrittenAsCalls(const TestSuite& asserts, absl::string_view calls_json);

}  // namespace grpo
