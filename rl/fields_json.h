// The fields of a configuration struct (data/config_fields.h) as JSON, in their order.
#pragma once

#include <string>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "rl/recipe_reader.h"

namespace grpo {

template <typename Struct>
nlohmann::ordered_json FieldsToJson(Struct value);

template <typename T>
nlohmann::ordered_json FieldToJson(const T& field) {
  if constexpr (IsVector<T>::value) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& item : field) list.push_back(FieldToJson(item));
    return list;
  } else if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string>) {
    return FieldsToJson(field);
  } else {
    return field;
  }
}

class JsonFieldWriter {
 public:
  explicit JsonFieldWriter(nlohmann::ordered_json& json) : json_(json) {}

  template <typename T, typename Constraint>
  void operator()(const char* key, T& field, const Constraint&, const char*) {
    json_[key] = FieldToJson(field);
  }

 private:
  nlohmann::ordered_json& json_;
};

// Takes a copy: visiting fields is not const.
template <typename Struct>
nlohmann::ordered_json FieldsToJson(Struct value) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  JsonFieldWriter writer(json);
  value.VisitFields(writer);
  return json;
}

}  // namespace grpo
