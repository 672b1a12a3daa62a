#include "data/jinja/sequence_filters.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "data/jinja/arguments.h"
#include "data/jinja/attribute_path.h"
#include "data/jinja/operators.h"
#include "data/jinja/sorting.h"
#include "data/jinja/tests.h"
#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

// How sort and its kin see a value: texts in lower case unless case counts.
absl::StatusOr<Value> FoldCase(Runtime& runtime, Value value, bool case_sensitive) {
  if (case_sensitive || !value.Is(Kind::kString)) return value;
  RETURN_IF_ERROR(runtime.SpendProduct(value.AsString().size(), 4));
  return runtime.NewString(ToLower(value.AsString()));
}

absl::StatusOr<Value> Length(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("length", arguments, {}).status());
  ASSIGN_OR_RETURN(const int64_t length, runtime.Length(value));
  return Value::Int(length);
}

absl::StatusOr<Value> ToList(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("list", arguments, {}).status());
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  return runtime.NewList(*items);
}

absl::StatusOr<Value> First(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("first", arguments, {}).status());
  if (value.Is(Kind::kGenerator)) {
    Generator& generator = *value.As<Generator>();
    if (generator.next < generator.items.size()) return generator.items[generator.next++];
  }
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  if (items->empty()) return Value::Missing("No first item, sequence was empty.");
  return items->front();
}

absl::Status CheckReversible(const Value& value) {
  if (!value.Is(Kind::kGenerator)) return absl::OkStatus();
  return absl::InvalidArgumentError("'generator' object is not reversible");
}

absl::StatusOr<Value> Last(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("last", arguments, {}).status());
  RETURN_IF_ERROR(CheckReversible(value));
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  if (items->empty()) return Value::Missing("No last item, sequence was empty.");
  return items->back();
}

absl::StatusOr<Value> Reverse(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("reverse", arguments, {}).status());
  if (value.Is(Kind::kString)) {
    return Slice(runtime, value, Value(), Value(), Value::Int(-1));
  }
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  Values reversed(items->rbegin(), items->rend());
  // What has no order to reverse is put into a list first.
  if (value.Is(Kind::kGenerator)) return runtime.NewList(std::move(reversed));
  return runtime.NewGenerator(std::move(reversed));
}

absl::StatusOr<Value> Join(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("join", arguments, {{"d"}, {"attribute"}}));
  ASSIGN_OR_RETURN(const std::string separator,
                   bound.Has(0) ? ToText(runtime, bound.Get(0)) : std::string());
  ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(runtime, bound.Get(1)));
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  std::string joined;
  for (size_t i = 0; i < items->size(); ++i) {
    ASSIGN_OR_RETURN(const Value part, path.Follow(runtime, (*items)[i]));
    ASSIGN_OR_RETURN(const std::string text, ToText(runtime, part));
    RETURN_IF_ERROR(runtime.Spend(separator.size() + text.size()));
    absl::StrAppend(&joined, i == 0 ? "" : separator, text);
  }
  return runtime.NewString(std::move(joined));
}

absl::StatusOr<Value> Items(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("items", arguments, {}).status());
  if (value.Is(Kind::kUndefined)) return runtime.NewGenerator({});
  if (!value.Is(Kind::kDict)) {
    return absl::InvalidArgumentError(
        absl::StrCat("items: can only get item pairs from a mapping, not '", TypeName(value), "'"));
  }
  const Value view = Value::Of(
      std::make_shared<const DictView>(DictView{value.As<const Dict>(), DictView::What::kItems}));
  ASSIGN_OR_RETURN(const auto pairs, runtime.Iterate(view));
  return runtime.NewGenerator(*pairs);
}

// The items in the order of their keys.
absl::StatusOr<Value> InOrder(Runtime& runtime, const Values& items, const Values& keys,
                              bool reverse) {
  ASSIGN_OR_RETURN(const std::vector<size_t> order, SortedOrder(runtime, keys, reverse));
  Values sorted;
  for (const size_t index : order) sorted.push_back(items[index]);
  return runtime.NewList(std::move(sorted));
}

absl::StatusOr<Value> DictSort(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("dictsort", arguments, {{"case_sensitive"}, {"by"}, {"reverse"}}));
  ASSIGN_OR_RETURN(const std::string by, bound.String(1, "key"));
  if (by != "key" && by != "value") {
    return absl::InvalidArgumentError("dictsort sorts by \"key\" or \"value\" only");
  }
  if (value.Is(Kind::kUndefined)) return UndefinedError(value);
  if (!value.Is(Kind::kDict)) {
    return absl::InvalidArgumentError(
        absl::StrCat("dictsort needs a dict, not '", TypeName(value), "'"));
  }
  Values pairs, keys;
  for (const auto& [key, member] : value.As<const Dict>()->entries()) {
    ASSIGN_OR_RETURN(pairs.emplace_back(), runtime.NewTuple({key, member}));
    ASSIGN_OR_RETURN(keys.emplace_back(),
                     FoldCase(runtime, by == "key" ? key : member, bound.Bool(0, false)));
  }
  ASSIGN_OR_RETURN(const int64_t reverse, bound.Int(2, 0));
  return InOrder(runtime, pairs, keys, reverse != 0);
}

absl::StatusOr<Value> Sort(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("sort", arguments, {{"reverse"}, {"case_sensitive"}, {"attribute"}}));
  ASSIGN_OR_RETURN(const auto paths, AttributePath::ParseSeveral(runtime, bound.Get(2)));
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  Values keys;
  for (const Value& item : *items) {
    Values parts;
    for (const AttributePath& path : paths) {
      ASSIGN_OR_RETURN(Value part, path.Follow(runtime, item));
      ASSIGN_OR_RETURN(parts.emplace_back(),
                       FoldCase(runtime, std::move(part), bound.Bool(1, false)));
    }
    ASSIGN_OR_RETURN(keys.emplace_back(), runtime.NewList(std::move(parts)));
  }
  ASSIGN_OR_RETURN(const int64_t reverse, bound.Int(0, 0));
  return InOrder(runtime, *items, keys, reverse != 0);
}

absl::StatusOr<Value> Unique(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("unique", arguments, {{"case_sensitive"}, {"attribute"}}));
  ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(runtime, bound.Get(1)));
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  absl::flat_hash_set<std::string> seen;
  Values kept;
  for (const Value& item : *items) {
    ASSIGN_OR_RETURN(Value part, path.Follow(runtime, item));
    ASSIGN_OR_RETURN(const Value key, FoldCase(runtime, std::move(part), bound.Bool(0, false)));
    ASSIGN_OR_RETURN(std::string hash, HashKey(runtime, key));
    if (seen.insert(std::move(hash)).second) kept.push_back(item);
  }
  return runtime.NewGenerator(std::move(kept));
}

template <bool wants_largest>
absl::StatusOr<Value> Extreme(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("min or max", arguments, {{"case_sensitive"}, {"attribute"}}));
  ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(runtime, bound.Get(1)));
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  if (items->empty()) return Value::Missing("No aggregated item, sequence was empty.");
  Value best, best_key;
  bool is_first = true;
  for (const Value& item : *items) {
    ASSIGN_OR_RETURN(Value part, path.Follow(runtime, item));
    ASSIGN_OR_RETURN(Value key, FoldCase(runtime, std::move(part), bound.Bool(0, false)));
    if (!is_first) {
      ASSIGN_OR_RETURN(const bool better,
                       wants_largest ? Less(runtime, best_key, key) : Less(runtime, key, best_key));
      if (!better) continue;
    }
    best = item;
    best_key = std::move(key);
    is_first = false;
  }
  return best;
}

absl::StatusOr<Value> Sum(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("sum", arguments, {{"attribute"}, {"start"}}));
  ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(runtime, bound.Get(0)));
  Value sum = bound.Has(1) ? bound.Get(1) : Value::Int(0);
  if (sum.Is(Kind::kString)) {
    return absl::InvalidArgumentError("sum cannot add strings; join does");
  }
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  for (const Value& item : *items) {
    ASSIGN_OR_RETURN(const Value part, path.Follow(runtime, item));
    ASSIGN_OR_RETURN(sum, Arithmetic(runtime, ArithmeticOperator::kAdd, sum, part));
  }
  return sum;
}

absl::StatusOr<Value> Batch(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("batch", arguments, {{"linecount", true}, {"fill_with"}}));
  ASSIGN_OR_RETURN(const int64_t size, bound.Int(0, 1));
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  Values batches, batch;
  for (const Value& item : *items) {
    if (static_cast<int64_t>(batch.size()) == size) {
      ASSIGN_OR_RETURN(batches.emplace_back(), runtime.NewList(std::move(batch)));
      batch.clear();
    }
    batch.push_back(item);
  }
  if (!batch.empty()) {
    if (!bound.Get(1).Is(Kind::kNone) && static_cast<int64_t>(batch.size()) < size) {
      RETURN_IF_ERROR(runtime.SpendProduct(size, kUnitsPerItem));
      batch.resize(size, bound.Get(1));
    }
    ASSIGN_OR_RETURN(batches.emplace_back(), runtime.NewList(std::move(batch)));
  }
  return runtime.NewGenerator(std::move(batches));
}

absl::StatusOr<Value> SliceIntoColumns(Runtime& runtime, const Value& value,
                                       const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("slice", arguments, {{"slices", true}, {"fill_with"}}));
  ASSIGN_OR_RETURN(const int64_t count, bound.Int(0, 1));
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  if (count == 0) return absl::InvalidArgumentError("slice: division by zero");
  const auto size = static_cast<int64_t>(items->size());
  Values columns;
  int64_t start = 0;
  for (int64_t column = 0; column < count; ++column) {
    const bool has_extra = column < size % count;
    const int64_t end = start + size / count + (has_extra ? 1 : 0);
    Values part(items->begin() + start, items->begin() + end);
    if (!has_extra && !bound.Get(1).Is(Kind::kNone)) part.push_back(bound.Get(1));
    RETURN_IF_ERROR(runtime.Spend(kUnitsPerItem));
    ASSIGN_OR_RETURN(columns.emplace_back(), runtime.NewList(std::move(part)));
    start = end;
  }
  return runtime.NewGenerator(std::move(columns));
}

// The list of (key, items) of groupby, from items in the order of their keys.
absl::StatusOr<Value> Groups(Runtime& runtime, const Values& items, const Values& keys,
                             const Values& shown_keys, const std::vector<size_t>& order) {
  Values groups, group;
  for (size_t i = 0; i < order.size(); ++i) {
    group.push_back(items[order[i]]);
    bool ends = i + 1 == order.size();
    if (!ends) {
      ASSIGN_OR_RETURN(const bool same, Equal(runtime, keys[order[i]], keys[order[i + 1]]));
      ends = !same;
    }
    if (!ends) continue;
    const size_t first = order[i + 1 - group.size()];
    ASSIGN_OR_RETURN(Value members, runtime.NewList(std::move(group)));
    group.clear();
    const int depth = std::max(shown_keys[first].depth(), members.depth()) + 1;
    groups.push_back(Value::Of(std::make_shared<const Tuple>(
        Tuple{{shown_keys[first], std::move(members)}, depth, /*is_group=*/true})));
  }
  return runtime.NewList(std::move(groups));
}

absl::StatusOr<Value> GroupBy(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(
      const BoundArguments bound,
      Bind("groupby", arguments, {{"attribute", true}, {"default"}, {"case_sensitive"}}));
  ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(runtime, bound.Get(0)));
  absl::optional<Value> otherwise;
  if (!bound.Get(1).Is(Kind::kNone)) otherwise = bound.Get(1);
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  Values keys, shown_keys;
  for (const Value& item : *items) {
    ASSIGN_OR_RETURN(Value key, path.Follow(runtime, item, otherwise));
    shown_keys.push_back(key);
    ASSIGN_OR_RETURN(keys.emplace_back(), FoldCase(runtime, std::move(key), bound.Bool(2, false)));
  }
  ASSIGN_OR_RETURN(const std::vector<size_t> order, SortedOrder(runtime, keys, false));
  return Groups(runtime, *items, keys, shown_keys, order);
}

// Arguments without the first few.
Arguments Rest(const Arguments& arguments, size_t skipped) {
  return {Values(arguments.positional.begin() + skipped, arguments.positional.end()),
          arguments.named};
}

absl::StatusOr<Value> MapAttribute(Runtime& runtime, const Values& items,
                                   const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("map", arguments, {{"attribute", true}, {"default"}}));
  ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(runtime, bound.Get(0)));
  absl::optional<Value> otherwise;
  if (!bound.Get(1).Is(Kind::kNone)) otherwise = bound.Get(1);
  Values mapped;
  for (const Value& item : items) {
    ASSIGN_OR_RETURN(mapped.emplace_back(), path.Follow(runtime, item, otherwise));
  }
  return runtime.NewGenerator(std::move(mapped));
}

absl::StatusOr<Value> Map(Runtime& runtime, const Value& value, const Arguments& arguments) {
  if (!Truth(value)) return runtime.NewGenerator({});
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  const bool has_attribute =
      std::any_of(arguments.named.begin(), arguments.named.end(),
                  [](const auto& argument) { return argument.first == "attribute"; });
  if (arguments.positional.empty() && has_attribute) {
    return MapAttribute(runtime, *items, arguments);
  }
  if (arguments.positional.empty()) {
    return absl::InvalidArgumentError("map needs the name of a filter or attribute=…");
  }
  const Value& name = arguments.positional[0];
  const Filter filter = name.Is(Kind::kString) ? FindFilter(name.AsString()) : nullptr;
  if (filter == nullptr && !items->empty()) {
    return absl::InvalidArgumentError("map: there is no filter of that name");
  }
  const Arguments filter_arguments = Rest(arguments, 1);
  Values mapped;
  for (const Value& item : *items) {
    RETURN_IF_ERROR(runtime.Spend(kUnitsPerStep));
    ASSIGN_OR_RETURN(mapped.emplace_back(), filter(runtime, item, filter_arguments));
  }
  return runtime.NewGenerator(std::move(mapped));
}

// What select asks of each item: its truth, or the test that the arguments name.
class Condition {
 public:
  static absl::StatusOr<Condition> Parse(const Arguments& arguments, size_t skipped) {
    if (arguments.positional.size() <= skipped) return Condition(nullptr, {});
    const Value& name = arguments.positional[skipped];
    const Test test = name.Is(Kind::kString) ? FindTest(name.AsString()) : nullptr;
    if (test == nullptr) return absl::InvalidArgumentError("there is no test of that name");
    return Condition(test, Rest(arguments, skipped + 1));
  }

  absl::StatusOr<bool> Holds(Runtime& runtime, const Value& item) const {
    RETURN_IF_ERROR(runtime.Spend(kUnitsPerStep));
    return test_ == nullptr ? Truth(item) : test_(runtime, item, arguments_);
  }

 private:
  Condition(Test test, Arguments arguments) : test_(test), arguments_(std::move(arguments)) {}

  Test test_;  // null: the truth
  Arguments arguments_;
};

template <bool wanted, bool by_attribute>
absl::StatusOr<Value> Select(Runtime& runtime, const Value& value, const Arguments& arguments) {
  if (!Truth(value)) return runtime.NewGenerator({});
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(value));
  if (by_attribute && arguments.positional.empty()) {
    return absl::InvalidArgumentError("selectattr and rejectattr need the name of an attribute");
  }
  ASSIGN_OR_RETURN(const Condition condition, Condition::Parse(arguments, by_attribute ? 1 : 0));
  ASSIGN_OR_RETURN(const AttributePath path,
                   AttributePath::Parse(runtime, by_attribute ? arguments.positional[0] : Value()));
  Values kept;
  for (const Value& item : *items) {
    ASSIGN_OR_RETURN(const Value tested, path.Follow(runtime, item));
    ASSIGN_OR_RETURN(const bool passes, condition.Holds(runtime, tested));
    if (passes == wanted) kept.push_back(item);
  }
  return runtime.NewGenerator(std::move(kept));
}

}  // namespace

std::vector<std::pair<absl::string_view, Filter>> SequenceFilters() {
  return {
      {"batch", Batch},
      {"count", Length},
      {"dictsort", DictSort},
      {"first", First},
      {"groupby", GroupBy},
      {"items", Items},
      {"join", Join},
      {"last", Last},
      {"length", Length},
      {"list", ToList},
      {"map", Map},
      {"max", Extreme<true>},
      {"min", Extreme<false>},
      {"reject", Select<false, false>},
      {"rejectattr", Select<false, true>},
      {"reverse", Reverse},
      {"select", Select<true, false>},
      {"selectattr", Select<true, true>},
      {"slice", SliceIntoColumns},
      {"sort", Sort},
      {"sum", Sum},
      {"unique", Unique},
  };
}

}  // namespace grpo::jinja
