// What one rendering may still use, and how it makes values: every value that takes memory is paid
// for here, so that a hostile template ends with an error instead of the machine's memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"

#include "data/jinja/value.h"

namespace grpo::jinja {

struct Limits {
  // One unit a byte read or written, kUnitsPerStep a node of the template. A conversation of a
  // thousand messages takes about two million.
  int64_t work = int64_t{256} << 20;
  int64_t output_bytes = int64_t{64} << 20;
  // Nested evaluations: macros that call themselves end here.
  int nesting = 600;
};

// Containers within containers, and levels of recursion over them.
inline constexpr int kMaxValueDepth = 200;
inline constexpr int64_t kUnitsPerStep = 16;
inline constexpr int64_t kUnitsPerItem = 32;
// Items of a range, as in Jinja's sandbox.
inline constexpr int64_t kMaxRange = 100'000;

class Runtime {
 public:
  explicit Runtime(const Limits& limits) : limits_(limits), work_left_(limits.work) {}
  // Takes apart what may hold itself.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  absl::Status Spend(int64_t units) {
    work_left_ -= units;
    return work_left_ >= 0 ? absl::OkStatus() : Exhausted();
  }
  // Before `count` pieces of `size` bytes each are made.
  absl::Status SpendProduct(int64_t count, int64_t size);
  const Limits& limits() const { return limits_; }

  absl::StatusOr<Value> NewString(std::string text);
  absl::StatusOr<Value> NewList(Values items);
  absl::StatusOr<Value> NewTuple(Values items);
  absl::StatusOr<Value> NewGenerator(Values items);
  absl::StatusOr<Value> NewDict(Dict dict);
  absl::StatusOr<Value> NewNamespace(Namespace attributes);
  absl::StatusOr<Value> NewCycler(Values items);
  // A function that holds values nested `depth` deep.
  absl::StatusOr<Value> NewFunction(std::string name, std::string description, Function::Body body,
                                    int depth);
  absl::StatusOr<Value> FromJson(const nlohmann::ordered_json& json);

  // The items of what can be iterated over; a generator is used up.
  absl::StatusOr<std::shared_ptr<const Values>> Iterate(const Value& value);
  // Number of items or characters.
  absl::StatusOr<int64_t> Length(const Value& value);

  absl::StatusOr<Value> Call(const Value& function, const Arguments& arguments);

 private:
  absl::Status Exhausted() const;
  absl::Status CheckDepth(int depth) const;
  absl::StatusOr<Value> FromJson(const nlohmann::ordered_json& json, int depth);

  Limits limits_;
  int64_t work_left_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
};

// A text that identifies a dict's key: equal for keys that are equal in Python. An error for what
// cannot be a key.
absl::StatusOr<std::string> HashKey(Runtime& runtime, const Value& key);

// str(value) and repr(value).
absl::StatusOr<std::string> ToText(Runtime& runtime, const Value& value);
absl::StatusOr<std::string> ToRepr(Runtime& runtime, const Value& value);

// kInvalidArgument with the reason that an undefined value carries.
absl::Status UndefinedError(const Value& value);

}  // namespace grpo::jinja
