// The values of a template: Python's, as far as a template can tell them apart.
//
// Lists, tuples and dicts never change once made (the sandbox of published templates forbids it);
// namespaces, loops, cyclers, joiners and generators have state.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpo::jinja {

class Dict;
class Runtime;
class Value;
struct Arguments;
struct Cycler;
struct DictView;
struct Function;
struct Generator;
struct Joiner;
struct List;
struct Loop;
struct Namespace;
struct Range;
struct Tuple;

using Values = std::vector<Value>;

struct None {};

// What a missing name or item gives. It prints as nothing, is false and empty; any other use is
// the error `problem`.
struct Undefined {
  std::shared_ptr<const std::string> problem;
};

// The kinds, in the order of Value::Storage.
enum class Kind {
  kNone,
  kUndefined,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kTuple,
  kDict,
  kDictView,
  kRange,
  kGenerator,
  kNamespace,
  kLoop,
  kCycler,
  kJoiner,
  kFunction,
};

// Cheap to copy: what is large is shared.
class Value {
 public:
  using Storage =
      std::variant<None, Undefined, bool, int64_t, double, std::shared_ptr<const std::string>,
                   std::shared_ptr<const List>, std::shared_ptr<const Tuple>,
                   std::shared_ptr<const Dict>, std::shared_ptr<const DictView>,
                   std::shared_ptr<const Range>, std::shared_ptr<Generator>,
                   std::shared_ptr<Namespace>, std::shared_ptr<Loop>, std::shared_ptr<Cycler>,
                   std::shared_ptr<Joiner>, std::shared_ptr<const Function>>;

  Value() = default;  // None
  static Value Bool(bool value) { return Value(Storage(value)); }
  static Value Int(int64_t value) { return Value(Storage(value)); }
  static Value Float(double value) { return Value(Storage(value)); }
  static Value Missing(std::string problem);
  // Of something shared: List, Dict, Namespace, …
  template <typename T>
  static Value Of(std::shared_ptr<T> object) {
    return Value(Storage(std::move(object)));
  }

  Kind kind() const { return static_cast<Kind>(storage_.index()); }
  bool Is(Kind kind) const { return this->kind() == kind; }
  bool IsNumber() const { return Is(Kind::kBool) || Is(Kind::kInt) || Is(Kind::kFloat); }
  bool IsInteger() const { return Is(Kind::kBool) || Is(Kind::kInt); }  // a bool counts as 0 or 1

  // Each for a value of that kind only.
  int64_t AsInt() const;   // of an int or a bool
  double AsFloat() const;  // of any number
  const std::string& AsString() const { return *std::get<SharedString>(storage_); }
  const std::string& UndefinedProblem() const;
  const Values& Items() const;  // of a list or a tuple
  template <typename T>
  const std::shared_ptr<T>& As() const {
    return std::get<std::shared_ptr<T>>(storage_);
  }
  bool AsBool() const { return std::get<bool>(storage_); }

  // Levels of containers within each other.
  int depth() const;
  // Whether both are one object, as Python's `is`.
  bool SameAs(const Value& other) const;

 private:
  using SharedString = std::shared_ptr<const std::string>;
  explicit Value(Storage storage) : storage_(std::move(storage)) {}

  Storage storage_;
};

struct List {
  Values items;
  int depth = 1;
};

struct Tuple {
  Values items;
  int depth = 1;
  bool is_group = false;  // of the filter groupby: its items are called grouper and list as well
};

// Keeps the order of insertion. Keys that are equal in Python (1, 1.0, True) are one key.
class Dict {
 public:
  struct Entry {
    Value key;
    Value value;
  };

  // `hash_key` is HashKey() of the key.
  const Value* Find(absl::string_view hash_key) const;
  const Value* FindString(absl::string_view key) const;
  void Set(std::string hash_key, Value key, Value value);

  const std::vector<Entry>& entries() const { return entries_; }
  int depth() const { return depth_; }

 private:
  std::vector<Entry> entries_;
  absl::flat_hash_map<std::string, size_t> index_;
  int depth_ = 1;
};

// What dict.keys(), .values() and .items() give.
struct DictView {
  enum class What { kKeys, kValues, kItems };
  std::shared_ptr<const Dict> dict;
  What what = What::kKeys;
};

struct Range {
  int64_t start = 0;
  int64_t stop = 0;
  int64_t step = 1;

  int64_t size() const;
  int64_t at(int64_t index) const { return start + index * step; }
};

// What map, select and their kin give: can be walked through once, and has neither length nor
// index.
struct Generator {
  Values items;
  size_t next = 0;  // the first item that was not taken
  int depth = 1;
};

// Made by namespace(): what `set` may change from within a loop.
struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;

  const Value* Find(absl::string_view name) const;
  void Set(absl::string_view name, Value value);
};

// The items of a `for`, one at a time; `if` of the loop is asked only when its turn has come.
struct Loop {
  using Test = std::function<absl::StatusOr<bool>(const Value&)>;

  std::shared_ptr<const Values> source;
  size_t next_in_source = 0;
  Test test;                 // empty without `if`
  std::vector<Value> ahead;  // items that passed the test and were not yet looped over, in order
  size_t next_ahead = 0;

  int64_t index0 = -1;
  int64_t depth0 = 0;
  Value current;
  Value previous;
  bool has_changed_value = false;
  Values changed_value;
  int depth = 1;

  // Makes sure that at least `count` items lie ahead, unless the source ends before.
  absl::Status LookAhead(size_t count);
  size_t CountAhead() const { return ahead.size() - next_ahead; }
  // Goes to the next item; false at the end.
  absl::StatusOr<bool> Advance();
  // Number of all items.
  absl::StatusOr<int64_t> Length();
};

struct Cycler {
  Values items;
  size_t position = 0;
  int depth = 1;
};

struct Joiner {
  Value separator;
  bool used = false;
};

struct Function {
  using Body = std::function<absl::StatusOr<Value>(Runtime&, const Arguments&)>;

  std::string name;
  std::string description;  // how it prints
  Body body;
  int depth = 1;  // of what a bound method holds
};

struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;
};

// "str", "dict", "NoneType", …: Python's name of the type.
std::string TypeName(const Value& value);

bool Truth(const Value& value);

}  // namespace grpo::jinja
