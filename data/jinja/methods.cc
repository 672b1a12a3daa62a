#include "data/jinja/methods.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/jinja/arguments.h"
#include "data/jinja/operators.h"
#include "data/jinja/string_methods.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

using Found = absl::StatusOr<absl::optional<Value>>;
using NameSet = absl::flat_hash_set<absl::string_view>;

Value Unsafe(const Value& object, absl::string_view name) {
  return Value::Missing(absl::StrCat("access to attribute '", name, "' of '", TypeName(object),
                                     "' object is unsafe"));
}

Value Unsupported(const Value& object, absl::string_view name) {
  return Value::Missing(
      absl::StrCat("the attribute '", name, "' of '", TypeName(object), "' is not supported"));
}

// A function that remembers its object.
Found BoundMethod(Runtime& runtime, const Value& object, absl::string_view name,
                  Function::Body body) {
  ASSIGN_OR_RETURN(Value method, runtime.NewFunction(std::string(name),
                                                     absl::StrCat("<built-in method ", name, " of ",
                                                                  TypeName(object), " object>"),
                                                     std::move(body), object.depth() + 1));
  return method;
}

Found StringAttribute(Runtime& runtime, const Value& object, absl::string_view name) {
  if (const StringMethod method = FindStringMethod(name)) {
    return BoundMethod(runtime, object, name,
                       [object, method](Runtime& runtime, const Arguments& arguments) {
                         return method(runtime, object.AsString(), arguments);
                       });
  }
  if (IsUnsupportedStringMethod(name)) return Unsupported(object, name);
  return absl::nullopt;
}

absl::StatusOr<Value> CountItems(Runtime& runtime, const Value& object,
                                 const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("count", arguments, {{"", true}}));
  int64_t count = 0;
  for (const Value& item : object.Items()) {
    ASSIGN_OR_RETURN(const bool equal, Equal(runtime, item, bound.Get(0)));
    if (equal) ++count;
  }
  return Value::Int(count);
}

absl::StatusOr<Value> IndexOfItem(Runtime& runtime, const Value& object,
                                  const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("index", arguments, {{"", true}, {""}, {""}}));
  const Values& items = object.Items();
  const auto size = static_cast<int64_t>(items.size());
  ASSIGN_OR_RETURN(const int64_t start, bound.Int(1, 0));
  ASSIGN_OR_RETURN(const int64_t stop, bound.Int(2, size));
  const SliceRange range = ResolveSlice(size, start, stop, 1);
  for (int64_t i = range.start; i < range.start + range.count; ++i) {
    ASSIGN_OR_RETURN(const bool equal, Equal(runtime, items[i], bound.Get(0)));
    if (equal) return Value::Int(i);
  }
  return absl::InvalidArgumentError("index: the value is not in the list");
}

Found SequenceAttribute(Runtime& runtime, const Value& object, absl::string_view name) {
  static const auto* const changing =
      new NameSet{"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"};
  if (object.Is(Kind::kList) && changing->contains(name)) return Unsafe(object, name);
  if (object.Is(Kind::kTuple) && object.As<const Tuple>()->is_group) {
    if (name == "grouper") return object.Items()[0];
    if (name == "list") return object.Items()[1];
  }
  if (name == "count") {
    return BoundMethod(runtime, object, name,
                       [object](Runtime& runtime, const Arguments& arguments) {
                         return CountItems(runtime, object, arguments);
                       });
  }
  if (name == "index") {
    return BoundMethod(runtime, object, name,
                       [object](Runtime& runtime, const Arguments& arguments) {
                         return IndexOfItem(runtime, object, arguments);
                       });
  }
  if (name == "copy" && object.Is(Kind::kList)) {
    return BoundMethod(
        runtime, object, name,
        [object](Runtime& runtime, const Arguments& arguments) -> absl::StatusOr<Value> {
          RETURN_IF_ERROR(Bind("copy", arguments, {}).status());
          return runtime.NewList(object.Items());
        });
  }
  return absl::nullopt;
}

absl::StatusOr<Value> GetFromDict(Runtime& runtime, const Dict& dict, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("get", arguments, {{"", true}, {""}}));
  ASSIGN_OR_RETURN(const std::string hash, HashKey(runtime, bound.Get(0)));
  const Value* found = dict.Find(hash);
  return found != nullptr ? *found : bound.Get(1);
}

Found ViewMethod(Runtime& runtime, const Value& object, absl::string_view name,
                 DictView::What what) {
  return BoundMethod(
      runtime, object, name,
      [object, what](Runtime& runtime, const Arguments& arguments) -> absl::StatusOr<Value> {
        RETURN_IF_ERROR(Bind("a view of a dict", arguments, {}).status());
        RETURN_IF_ERROR(runtime.Spend(kUnitsPerItem));
        return Value::Of(std::make_shared<const DictView>(DictView{object.As<const Dict>(), what}));
      });
}

Found DictAttribute(Runtime& runtime, const Value& object, absl::string_view name) {
  static const auto* const changing =
      new NameSet{"clear", "pop", "popitem", "setdefault", "update"};
  if (changing->contains(name)) return Unsafe(object, name);
  if (name == "items") return ViewMethod(runtime, object, name, DictView::What::kItems);
  if (name == "keys") return ViewMethod(runtime, object, name, DictView::What::kKeys);
  if (name == "values") return ViewMethod(runtime, object, name, DictView::What::kValues);
  if (name == "get") {
    return BoundMethod(runtime, object, name,
                       [object](Runtime& runtime, const Arguments& arguments) {
                         return GetFromDict(runtime, *object.As<const Dict>(), arguments);
                       });
  }
  if (name == "copy") {
    return BoundMethod(runtime, object, name,
                       [object](Runtime&, const Arguments& arguments) -> absl::StatusOr<Value> {
                         RETURN_IF_ERROR(Bind("copy", arguments, {}).status());
                         return object;  // dicts never change, so one may stand for the other
                       });
  }
  if (name == "fromkeys") return Unsupported(object, name);
  return absl::nullopt;
}

absl::StatusOr<Value> CycleInLoop(const Loop& loop, const Arguments& arguments) {
  const Values& items = arguments.positional;
  if (!arguments.named.empty() || items.empty()) {
    return absl::InvalidArgumentError("loop.cycle needs the items to cycle through");
  }
  return items[loop.index0 % static_cast<int64_t>(items.size())];
}

absl::StatusOr<Value> ChangedInLoop(Runtime& runtime, Loop& loop, const Arguments& arguments) {
  if (!arguments.named.empty()) {
    return absl::InvalidArgumentError("loop.changed takes no named arguments");
  }
  bool same = loop.has_changed_value && loop.changed_value.size() == arguments.positional.size();
  for (size_t i = 0; same && i < loop.changed_value.size(); ++i) {
    ASSIGN_OR_RETURN(same, Equal(runtime, loop.changed_value[i], arguments.positional[i]));
  }
  if (same) return Value::Bool(false);
  for (const Value& value : arguments.positional) {
    if (value.depth() >= loop.depth) {
      return absl::InvalidArgumentError(
          "loop.changed: a value nested deeper than the loop's items");
    }
  }
  loop.has_changed_value = true;
  loop.changed_value = arguments.positional;
  return Value::Bool(true);
}

Found LoopAttribute(Runtime& runtime, const Value& object, absl::string_view name) {
  Loop& loop = *object.As<Loop>();
  if (name == "index") return Value::Int(loop.index0 + 1);
  if (name == "index0") return Value::Int(loop.index0);
  if (name == "first") return Value::Bool(loop.index0 == 0);
  if (name == "depth") return Value::Int(loop.depth0 + 1);
  if (name == "depth0") return Value::Int(loop.depth0);
  if (name == "last" || name == "nextitem") {
    RETURN_IF_ERROR(loop.LookAhead(1));
    if (name == "last") return Value::Bool(loop.CountAhead() == 0);
    if (loop.CountAhead() == 0) return Value::Missing("there is no next item");
    return loop.ahead[loop.next_ahead];
  }
  if (name == "previtem") {
    return loop.index0 == 0 ? Value::Missing("there is no previous item") : loop.previous;
  }
  if (name == "length" || name == "revindex" || name == "revindex0") {
    ASSIGN_OR_RETURN(const int64_t length, loop.Length());
    if (name == "length") return Value::Int(length);
    return Value::Int(length - loop.index0 - (name == "revindex" ? 0 : 1));
  }
  if (name == "cycle") {
    return BoundMethod(runtime, object, name, [object](Runtime&, const Arguments& arguments) {
      return CycleInLoop(*object.As<Loop>(), arguments);
    });
  }
  if (name == "changed") {
    return BoundMethod(runtime, object, name,
                       [object](Runtime& runtime, const Arguments& arguments) {
                         return ChangedInLoop(runtime, *object.As<Loop>(), arguments);
                       });
  }
  return absl::nullopt;
}

Found CyclerAttribute(Runtime& runtime, const Value& object, absl::string_view name) {
  const Cycler& cycler = *object.As<Cycler>();
  if (name == "current") return cycler.items[cycler.position];
  if (name == "pos") return Value::Int(cycler.position);
  if (name == "items") {
    ASSIGN_OR_RETURN(Value items, runtime.NewTuple(cycler.items));
    return items;
  }
  if (name == "next" || name == "reset") {
    const bool is_reset = name == "reset";
    return BoundMethod(
        runtime, object, name,
        [object, is_reset](Runtime&, const Arguments& arguments) -> absl::StatusOr<Value> {
          RETURN_IF_ERROR(Bind("a method of cycler", arguments, {}).status());
          Cycler& cycler = *object.As<Cycler>();
          const Value current = cycler.items[cycler.position];
          cycler.position = is_reset ? 0 : (cycler.position + 1) % cycler.items.size();
          return is_reset ? Value() : current;
        });
  }
  return absl::nullopt;
}

Found FloatAttribute(Runtime& runtime, const Value& object, absl::string_view name) {
  if (name != "is_integer") return absl::nullopt;
  return BoundMethod(
      runtime, object, name,
      [object](Runtime&, const Arguments& arguments) -> absl::StatusOr<Value> {
        RETURN_IF_ERROR(Bind("is_integer", arguments, {}).status());
        const double number = object.AsFloat();
        return Value::Bool(number - number == 0 && number == __builtin_floor(number));
      });
}

// Attributes that every Python object has, all closed to a template.
bool IsInternal(absl::string_view name) {
  static const auto* const names =
      new NameSet{"__class__",  "__delattr__",   "__dir__",         "__doc__",
                  "__eq__",     "__format__",    "__ge__",          "__getattribute__",
                  "__gt__",     "__hash__",      "__init__",        "__init_subclass__",
                  "__le__",     "__lt__",        "__ne__",          "__new__",
                  "__reduce__", "__reduce_ex__", "__repr__",        "__setattr__",
                  "__sizeof__", "__str__",       "__subclasshook__"};
  return names->contains(name);
}

}  // namespace

Found FindAttribute(Runtime& runtime, const Value& object, absl::string_view name) {
  if (object.Is(Kind::kUndefined)) return UndefinedError(object);
  if (object.Is(Kind::kNamespace)) {
    RETURN_IF_ERROR(runtime.Spend(object.As<Namespace>()->attributes.size()));
    const Value* value = object.As<Namespace>()->Find(name);
    return value == nullptr ? absl::nullopt : absl::optional<Value>(*value);
  }
  if (IsInternal(name)) return Unsafe(object, name);
  switch (object.kind()) {
    case Kind::kFloat:
      return FloatAttribute(runtime, object, name);
    case Kind::kString:
      return StringAttribute(runtime, object, name);
    case Kind::kList:
    case Kind::kTuple:
      return SequenceAttribute(runtime, object, name);
    case Kind::kDict:
      return DictAttribute(runtime, object, name);
    case Kind::kLoop:
      return LoopAttribute(runtime, object, name);
    case Kind::kCycler:
      return CyclerAttribute(runtime, object, name);
    case Kind::kFunction:
      if (name == "name") {
        ASSIGN_OR_RETURN(Value function_name, runtime.NewString(object.As<const Function>()->name));
        return function_name;
      }
      return absl::nullopt;
    default:
      return absl::nullopt;
  }
}

}  // namespace grpo::jinja
