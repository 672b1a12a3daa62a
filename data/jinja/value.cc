#include "data/jinja/value.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"

namespace grpo::jinja {

Value Value::Missing(std::string problem) {
  return Value(Storage(Undefined{std::make_shared<const std::string>(std::move(problem))}));
}

int64_t Value::AsInt() const {
  return Is(Kind::kBool) ? int64_t{AsBool()} : std::get<int64_t>(storage_);
}

double Value::AsFloat() const {
  return Is(Kind::kFloat) ? std::get<double>(storage_) : static_cast<double>(AsInt());
}

const std::string& Value::UndefinedProblem() const {
  return *std::get<Undefined>(storage_).problem;
}

const Values& Value::Items() const {
  return Is(Kind::kList) ? As<const List>()->items : As<const Tuple>()->items;
}

int Value::depth() const {
  switch (kind()) {
    case Kind::kList:
      return As<const List>()->depth;
    case Kind::kTuple:
      return As<const Tuple>()->depth;
    case Kind::kDict:
      return As<const Dict>()->depth();
    case Kind::kDictView:
      return As<const DictView>()->dict->depth() + 1;
    case Kind::kGenerator:
      return As<Generator>()->depth;
    case Kind::kLoop:
      return As<Loop>()->depth;
    case Kind::kCycler:
      return As<Cycler>()->depth;
    case Kind::kJoiner:
      return As<Joiner>()->separator.depth() + 1;
    case Kind::kFunction:
      return As<const Function>()->depth;
    default:
      return 0;
  }
}

bool Value::SameAs(const Value& other) const {
  if (kind() != other.kind()) return false;
  return std::visit(
      [&other](const auto& mine) {
        using T = std::decay_t<decltype(mine)>;
        if constexpr (std::is_same_v<T, None>) {
          return true;
        } else if constexpr (std::is_same_v<T, Undefined>) {
          return mine.problem == std::get<T>(other.storage_).problem;
        } else {
          return mine == std::get<T>(other.storage_);
        }
      },
      storage_);
}

const Value* Dict::Find(absl::string_view hash_key) const {
  const auto found = index_.find(hash_key);
  return found == index_.end() ? nullptr : &entries_[found->second].value;
}

const Value* Dict::FindString(absl::string_view key) const { return Find(absl::StrCat("s", key)); }

void Dict::Set(std::string hash_key, Value key, Value value) {
  depth_ = std::max({depth_, key.depth() + 1, value.depth() + 1});
  const auto [place, is_new] = index_.try_emplace(std::move(hash_key), entries_.size());
  if (is_new) {
    entries_.push_back({std::move(key), std::move(value)});
  } else {
    entries_[place->second].value = std::move(value);
  }
}

int64_t Range::size() const {
  // In 128 bits: the distance between two integers may need 65.
  const __int128 distance = static_cast<__int128>(stop) - start;
  if (step > 0) return distance <= 0 ? 0 : static_cast<int64_t>((distance - 1) / step + 1);
  return distance >= 0 ? 0
                       : static_cast<int64_t>((-distance - 1) / -static_cast<__int128>(step) + 1);
}

const Value* Namespace::Find(absl::string_view name) const {
  for (const auto& [attribute, value] : attributes) {
    if (attribute == name) return &value;
  }
  return nullptr;
}

void Namespace::Set(absl::string_view name, Value value) {
  for (auto& [attribute, present] : attributes) {
    if (attribute == name) {
      present = std::move(value);
      return;
    }
  }
  attributes.emplace_back(name, std::move(value));
}

absl::Status Loop::LookAhead(size_t count) {
  while (CountAhead() < count && next_in_source < source->size()) {
    const Value& item = (*source)[next_in_source++];
    if (test) {
      ASSIGN_OR_RETURN(const bool passes, test(item));
      if (!passes) continue;
    }
    ahead.push_back(item);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Loop::Advance() {
  RETURN_IF_ERROR(LookAhead(1));
  if (CountAhead() == 0) return false;
  previous = std::move(current);
  current = std::move(ahead[next_ahead++]);
  if (next_ahead == ahead.size()) {
    ahead.clear();
    next_ahead = 0;
  }
  ++index0;
  return true;
}

absl::StatusOr<int64_t> Loop::Length() {
  if (!test) return static_cast<int64_t>(source->size());
  RETURN_IF_ERROR(LookAhead(source->size()));
  return index0 + 1 + static_cast<int64_t>(CountAhead());
}

std::string TypeName(const Value& value) {
  switch (value.kind()) {
    case Kind::kNone:
      return "NoneType";
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kDictView:
      switch (value.As<const DictView>()->what) {
        case DictView::What::kKeys:
          return "dict_keys";
        case DictView::What::kValues:
          return "dict_values";
        case DictView::What::kItems:
          return "dict_items";
      }
      return "dict_items";
    case Kind::kRange:
      return "range";
    case Kind::kGenerator:
      return "generator";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kCycler:
      return "Cycler";
    case Kind::kJoiner:
      return "Joiner";
    case Kind::kFunction:
      return "function";
  }
  return "object";
}

bool Truth(const Value& value) {
  switch (value.kind()) {
    case Kind::kNone:
    case Kind::kUndefined:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.AsInt() != 0;
    case Kind::kFloat:
      return value.AsFloat() != 0;
    case Kind::kString:
      return !value.AsString().empty();
    case Kind::kList:
    case Kind::kTuple:
      return !value.Items().empty();
    case Kind::kDict:
      return !value.As<const Dict>()->entries().empty();
    case Kind::kDictView:
      return !value.As<const DictView>()->dict->entries().empty();
    case Kind::kRange:
      return value.As<const Range>()->size() != 0;
    default:
      return true;
  }
}

}  // namespace grpo::jinja
