#include "data/jinja/runtime.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "data/jinja/number.h"
#include "data/jinja/text.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo::jinja {
namespace {

using nlohmann::ordered_json;

int DepthAround(const Values& items) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  return depth + 1;
}

// Writes repr() of values within values.
class ReprWriter {
 public:
  ReprWriter(Runtime& runtime, std::string* out) : runtime_(runtime), out_(out) {}

  absl::Status Write(const Value& value) {
    // Namespaces may hold themselves, so containers' own depth is no bound.
    if (depth_ > kMaxValueDepth) {
      return absl::InvalidArgumentError("values nested too deep to be printed");
    }
    ++depth_;
    const size_t before = out_->size();
    RETURN_IF_ERROR(WriteKind(value));
    --depth_;
    const bool has_parts = value.depth() > 0 || value.Is(Kind::kNamespace);
    return runtime_.Spend(has_parts ? kUnitsPerStep : kUnitsPerStep + out_->size() - before);
  }

 private:
  absl::Status WriteKind(const Value& value) {
    switch (value.kind()) {
      case Kind::kNone:
        return Append("None");
      case Kind::kUndefined:
        return Append("Undefined");
      case Kind::kBool:
        return Append(value.AsBool() ? "True" : "False");
      case Kind::kInt:
        return Append(absl::StrCat(value.AsInt()));
      case Kind::kFloat:
        return Append(FloatText(value.AsFloat()));
      case Kind::kString:
        // What is not ASCII is looked up, which takes its time.
        RETURN_IF_ERROR(runtime_.SpendProduct(value.AsString().size(), 8));
        return Append(QuotePython(value.AsString()));
      case Kind::kList:
        return WriteItems("[", value.Items(), "]");
      case Kind::kTuple:
        return WriteItems("(", value.Items(), value.Items().size() == 1 ? ",)" : ")");
      case Kind::kDict:
        return WriteDict(*value.As<const Dict>());
      case Kind::kDictView:
        return WriteView(value);
      case Kind::kRange:
        return WriteRange(*value.As<const Range>());
      case Kind::kGenerator:
        return Append("<generator object>");
      case Kind::kNamespace:
        return WriteNamespace(*value.As<Namespace>());
      case Kind::kLoop:
        return WriteLoop(*value.As<Loop>());
      case Kind::kCycler:
        return Append("<Cycler object>");
      case Kind::kJoiner:
        return Append("<Joiner object>");
      case Kind::kFunction:
        return Append(value.As<const Function>()->description);
    }
    return absl::OkStatus();
  }

  absl::Status Append(absl::string_view text) {
    absl::StrAppend(out_, text);
    return absl::OkStatus();
  }

  absl::Status WriteItems(absl::string_view open, const Values& items, absl::string_view close) {
    absl::StrAppend(out_, open);
    absl::string_view separator;
    for (const Value& item : items) {
      absl::StrAppend(out_, separator);
      RETURN_IF_ERROR(Write(item));
      separator = ", ";
    }
    return Append(close);
  }

  absl::Status WriteDict(const Dict& dict) {
    absl::StrAppend(out_, "{");
    absl::string_view separator;
    for (const Dict::Entry& entry : dict.entries()) {
      absl::StrAppend(out_, separator);
      RETURN_IF_ERROR(Write(entry.key));
      absl::StrAppend(out_, ": ");
      RETURN_IF_ERROR(Write(entry.value));
      separator = ", ";
    }
    return Append("}");
  }

  absl::Status WriteView(const Value& view) {
    ASSIGN_OR_RETURN(const auto items, runtime_.Iterate(view));
    return WriteItems(absl::StrCat(TypeName(view), "(["), *items, "])");
  }

  absl::Status WriteRange(const Range& range) {
    const std::string step = range.step == 1 ? "" : absl::StrCat(", ", range.step);
    return Append(absl::StrCat("range(", range.start, ", ", range.stop, step, ")"));
  }

  absl::Status WriteNamespace(const Namespace& attributes) {
    absl::StrAppend(out_, "<Namespace {");
    absl::string_view separator;
    for (const auto& [name, value] : attributes.attributes) {
      absl::StrAppend(out_, separator, QuotePython(name), ": ");
      RETURN_IF_ERROR(Write(value));
      separator = ", ";
    }
    return Append("}>");
  }

  absl::Status WriteLoop(Loop& loop) {
    ASSIGN_OR_RETURN(const int64_t length, loop.Length());
    return Append(absl::StrCat("<LoopContext ", loop.index0 + 1, "/", length, ">"));
  }

  Runtime& runtime_;
  std::string* out_;
  int depth_ = 0;
};

absl::Status AppendHashKey(Runtime& runtime, const Value& key, std::string* hash) {
  RETURN_IF_ERROR(runtime.Spend(kUnitsPerStep));
  switch (key.kind()) {
    case Kind::kNone:
      absl::StrAppend(hash, "n");
      return absl::OkStatus();
    case Kind::kUndefined:
      absl::StrAppend(hash, "u");
      return absl::OkStatus();
    case Kind::kBool:
    case Kind::kInt:
      absl::StrAppend(hash, "i", key.AsInt());
      return absl::OkStatus();
    case Kind::kFloat:
      if (const auto whole = Truncate(key.AsFloat());
          whole.ok() && static_cast<double>(*whole) == key.AsFloat()) {
        absl::StrAppend(hash, "i", *whole);
      } else {
        absl::StrAppend(hash, "f", FloatText(key.AsFloat()));
      }
      return absl::OkStatus();
    case Kind::kString:
      absl::StrAppend(hash, "s", key.AsString());
      return runtime.Spend(key.AsString().size());
    case Kind::kTuple:
      absl::StrAppend(hash, "t");
      for (const Value& item : key.Items()) {
        std::string part;
        RETURN_IF_ERROR(AppendHashKey(runtime, item, &part));
        absl::StrAppend(hash, part.size(), ":", part);
      }
      return runtime.Spend(hash->size());
    case Kind::kRange: {
      const Range& range = *key.As<const Range>();
      absl::StrAppend(hash, "r", range.start, ",", range.stop, ",", range.step);
      return absl::OkStatus();
    }
    default:
      return absl::InvalidArgumentError(absl::StrCat("unhashable type: '", TypeName(key), "'"));
  }
}

}  // namespace

Runtime::~Runtime() {
  for (const auto& attributes : namespaces_) attributes->attributes.clear();
}

absl::Status Runtime::Exhausted() const {
  return absl::ResourceExhaustedError(
      absl::StrCat("the template takes more work than is allowed (", limits_.work, " units)"));
}

absl::Status Runtime::SpendProduct(int64_t count, int64_t size) {
  int64_t product = 0;
  if (__builtin_mul_overflow(count, size, &product)) return Exhausted();
  return Spend(product);
}

absl::Status Runtime::CheckDepth(int depth) const {
  if (depth <= kMaxValueDepth) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("values nested more than ", kMaxValueDepth, " deep"));
}

absl::StatusOr<Value> Runtime::NewString(std::string text) {
  RETURN_IF_ERROR(Spend(text.size()));
  return Value::Of(std::make_shared<const std::string>(std::move(text)));
}

absl::StatusOr<Value> Runtime::NewList(Values items) {
  RETURN_IF_ERROR(SpendProduct(items.size(), kUnitsPerItem));
  const int depth = DepthAround(items);
  RETURN_IF_ERROR(CheckDepth(depth));
  return Value::Of(std::make_shared<const List>(List{std::move(items), depth}));
}

absl::StatusOr<Value> Runtime::NewTuple(Values items) {
  RETURN_IF_ERROR(SpendProduct(items.size(), kUnitsPerItem));
  const int depth = DepthAround(items);
  RETURN_IF_ERROR(CheckDepth(depth));
  return Value::Of(std::make_shared<const Tuple>(Tuple{std::move(items), depth}));
}

absl::StatusOr<Value> Runtime::NewGenerator(Values items) {
  RETURN_IF_ERROR(SpendProduct(items.size(), kUnitsPerItem));
  const int depth = DepthAround(items);
  RETURN_IF_ERROR(CheckDepth(depth));
  return Value::Of(std::make_shared<Generator>(Generator{std::move(items), 0, depth}));
}

absl::StatusOr<Value> Runtime::NewDict(Dict dict) {
  RETURN_IF_ERROR(SpendProduct(dict.entries().size(), 4 * kUnitsPerItem));
  RETURN_IF_ERROR(CheckDepth(dict.depth()));
  return Value::Of(std::make_shared<const Dict>(std::move(dict)));
}

absl::StatusOr<Value> Runtime::NewNamespace(Namespace attributes) {
  RETURN_IF_ERROR(SpendProduct(attributes.attributes.size() + 4, 4 * kUnitsPerItem));
  namespaces_.push_back(std::make_shared<Namespace>(std::move(attributes)));
  return Value::Of(namespaces_.back());
}

absl::StatusOr<Value> Runtime::NewCycler(Values items) {
  RETURN_IF_ERROR(SpendProduct(items.size(), kUnitsPerItem));
  const int depth = DepthAround(items);
  RETURN_IF_ERROR(CheckDepth(depth));
  return Value::Of(std::make_shared<Cycler>(Cycler{std::move(items), 0, depth}));
}

absl::StatusOr<Value> Runtime::NewFunction(std::string name, std::string description,
                                           Function::Body body, int depth) {
  RETURN_IF_ERROR(Spend(8 * kUnitsPerItem));
  RETURN_IF_ERROR(CheckDepth(depth));
  return Value::Of(std::make_shared<const Function>(
      Function{std::move(name), std::move(description), std::move(body), depth}));
}

absl::StatusOr<Value> Runtime::FromJson(const ordered_json& json) { return FromJson(json, 0); }

absl::StatusOr<Value> Runtime::FromJson(const ordered_json& json, int depth) {
  RETURN_IF_ERROR(CheckDepth(depth));
  switch (json.type()) {
    case ordered_json::value_t::boolean:
      return Value::Bool(json.get<bool>());
    case ordered_json::value_t::number_integer:
      return Value::Int(json.get<int64_t>());
    case ordered_json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
        return absl::OutOfRangeError(
            absl::StrCat("the integer ", json.get<uint64_t>(), " needs more than 64 bits"));
      }
      return Value::Int(json.get<int64_t>());
    case ordered_json::value_t::number_float:
      return Value::Float(json.get<double>());
    case ordered_json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      if (!IsUtf8(text)) return absl::InvalidArgumentError("a text that is not UTF-8");
      return NewString(text);
    }
    case ordered_json::value_t::array: {
      Values items;
      for (const ordered_json& item : json) {
        ASSIGN_OR_RETURN(items.emplace_back(), FromJson(item, depth + 1));
      }
      return NewList(std::move(items));
    }
    case ordered_json::value_t::object: {
      Dict dict;
      for (const auto& [name, member] : json.items()) {
        if (!IsUtf8(name)) return absl::InvalidArgumentError("a key that is not UTF-8");
        ASSIGN_OR_RETURN(Value key, NewString(name));
        ASSIGN_OR_RETURN(Value value, FromJson(member, depth + 1));
        dict.Set(absl::StrCat("s", name), std::move(key), std::move(value));
      }
      return NewDict(std::move(dict));
    }
    default:
      return Value();
  }
}

absl::StatusOr<std::shared_ptr<const Values>> Runtime::Iterate(const Value& value) {
  Values items;
  switch (value.kind()) {
    case Kind::kUndefined:
      break;
    case Kind::kString:
      RETURN_IF_ERROR(SpendProduct(value.AsString().size(), kUnitsPerItem));
      for (const absl::string_view character : Characters(value.AsString())) {
        ASSIGN_OR_RETURN(items.emplace_back(), NewString(std::string(character)));
      }
      break;
    case Kind::kList:
      RETURN_IF_ERROR(SpendProduct(value.Items().size(), 1));
      return std::shared_ptr<const Values>(value.As<const List>(), &value.Items());
    case Kind::kTuple:
      RETURN_IF_ERROR(SpendProduct(value.Items().size(), 1));
      return std::shared_ptr<const Values>(value.As<const Tuple>(), &value.Items());
    case Kind::kDict:
      RETURN_IF_ERROR(SpendProduct(value.As<const Dict>()->entries().size(), kUnitsPerItem));
      for (const Dict::Entry& entry : value.As<const Dict>()->entries()) items.push_back(entry.key);
      break;
    case Kind::kDictView: {
      const DictView& view = *value.As<const DictView>();
      RETURN_IF_ERROR(SpendProduct(view.dict->entries().size(), kUnitsPerItem));
      for (const auto& [key, member] : view.dict->entries()) {
        if (view.what == DictView::What::kItems) {
          ASSIGN_OR_RETURN(items.emplace_back(), NewTuple({key, member}));
        } else {
          items.push_back(view.what == DictView::What::kKeys ? key : member);
        }
      }
      break;
    }
    case Kind::kRange: {
      const Range& range = *value.As<const Range>();
      const int64_t size = range.size();
      RETURN_IF_ERROR(SpendProduct(size, kUnitsPerItem));
      for (int64_t i = 0; i < size; ++i) items.push_back(Value::Int(range.at(i)));
      break;
    }
    case Kind::kGenerator: {
      Generator& generator = *value.As<Generator>();
      items.assign(generator.items.begin() + generator.next, generator.items.end());
      generator.next = generator.items.size();
      break;
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("'", TypeName(value), "' object is not iterable"));
  }
  return std::make_shared<const Values>(std::move(items));
}

absl::StatusOr<int64_t> Runtime::Length(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      RETURN_IF_ERROR(Spend(value.AsString().size()));
      return CountCharacters(value.AsString());
    case Kind::kList:
    case Kind::kTuple:
      return value.Items().size();
    case Kind::kDict:
      return value.As<const Dict>()->entries().size();
    case Kind::kDictView:
      return value.As<const DictView>()->dict->entries().size();
    case Kind::kRange:
      return value.As<const Range>()->size();
    case Kind::kLoop:
      return value.As<Loop>()->Length();
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("object of type '", TypeName(value), "' has no length"));
  }
}

absl::StatusOr<Value> Runtime::Call(const Value& function, const Arguments& arguments) {
  RETURN_IF_ERROR(Spend(kUnitsPerStep));
  switch (function.kind()) {
    case Kind::kUndefined:
      return UndefinedError(function);
    case Kind::kFunction:
      return function.As<const Function>()->body(*this, arguments);
    case Kind::kJoiner: {
      if (!arguments.positional.empty() || !arguments.named.empty()) {
        return absl::InvalidArgumentError("a joiner takes no arguments");
      }
      Joiner& joiner = *function.As<Joiner>();
      if (joiner.used) return joiner.separator;
      joiner.used = true;
      return NewString("");
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("'", TypeName(function), "' object is not callable"));
  }
}

absl::StatusOr<std::string> HashKey(Runtime& runtime, const Value& key) {
  std::string hash;
  RETURN_IF_ERROR(AppendHashKey(runtime, key, &hash));
  return hash;
}

absl::StatusOr<std::string> ToText(Runtime& runtime, const Value& value) {
  if (value.Is(Kind::kUndefined)) return "";
  if (value.Is(Kind::kString)) {
    RETURN_IF_ERROR(runtime.Spend(value.AsString().size()));
    return value.AsString();
  }
  return ToRepr(runtime, value);
}

absl::StatusOr<std::string> ToRepr(Runtime& runtime, const Value& value) {
  std::string text;
  RETURN_IF_ERROR(ReprWriter(runtime, &text).Write(value));
  return text;
}

absl::Status UndefinedError(const Value& value) {
  return absl::InvalidArgumentError(value.UndefinedProblem());
}

}  // namespace grpo::jinja
