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

struct TestSuite {
  enum class Kind { kCall, kStdio, kAsserts };
  Kind kind = Kind::kCall;
  std::string language = "python";
  double tolerance = 0;
  bool tagged = false;               // kCall
  std::string function;              // kCall
  std::vector<std::string> inputs;   // for the sandbox; kCall: {"args": […], "kwargs": {…}}
  std::vector<Value> expected;       // kCall: a value for each input
  std::vector<std::string> outputs;  // kStdio: standard output for each input
};

// Reads the record's metadata, a JSON object with the field "tests".
absl::StatusOr<TestSuite> ParseTestSuite(absl::string_view metadata_json);

}  // namespace grpo
