// The suites that the program brings: recipes/suites/*.toml, as texts.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace grpo {

// Name and text of each, by name.
const std::vector<std::pair<std::string, std::string>>& ShippedSuites();

}  // namespace grpo
