// Rewards in processes of their own. See plugin_reward.h for what users call.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "reward/group_reward.h"
#include "reward/plugins/plugin_reward.h"

namespace grpo {

// A library in helper processes that load it: NewPluginReward in mode "process".
absl::StatusOr<std::unique_ptr<GroupReward>> NewHostedPlugin(const std::string& path,
                                                             const PluginOptions& options);

}  // namespace grpo
