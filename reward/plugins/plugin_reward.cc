#include "reward/plugins/plugin_reward.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "reward/plugins/loaded_plugin.h"
#include "reward/plugins/messages.h"
#include "reward/plugins/process_reward.h"

namespace grpo {
namespace {

// A library in this very process.
class InProcessPlugin : public GroupReward {
 public:
  explicit InProcessPlugin(std::unique_ptr<LoadedPlugin> plugin) : plugin_(std::move(plugin)) {}

  absl::string_view name() const override { return plugin_->hello().name; }
  bool NeedsWholeGroup() const override { return plugin_->hello().group; }

  std::vector<RewardResult> ScoreGroup(const std::vector<RewardRequest>& requests,
                                       const Deadline& deadline) const override {
    std::vector<PluginItem> items;
    for (size_t i = 0; i < requests.size(); ++i) {
      absl::StatusOr<PluginItem> item = MakePluginItem(requests[i], i);
      if (!item.ok()) {
        return {requests.size(), RewardResult::Invalid(std::string(item.status().message()))};
      }
      items.push_back(*std::move(item));
    }
    return ScoreInBatches(items, deadline);
  }

 private:
  std::vector<RewardResult> ScoreInBatches(const std::vector<PluginItem>& items,
                                           const Deadline& deadline) const {
    const size_t max_batch = plugin_->hello().max_batch;
    if (max_batch == 0 || items.size() <= max_batch) return plugin_->Score(items, deadline);
    if (plugin_->hello().group) {
      return {items.size(), RewardResult::Error(absl::StrCat(
                                "a group of ", items.size(),
                                " completions, expected at most max_batch = ", max_batch,
                                ", since it may not be divided"))};
    }
    std::vector<RewardResult> results;
    for (size_t begin = 0; begin < items.size(); begin += max_batch) {
      const size_t end = std::min(begin + max_batch, items.size());
      for (RewardResult& result :
           plugin_->Score({items.begin() + begin, items.begin() + end}, deadline)) {
        results.push_back(std::move(result));
      }
    }
    return results;
  }

  const std::unique_ptr<LoadedPlugin> plugin_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GroupReward>> NewPluginReward(const std::string& path,
                                                             const PluginOptions& options) {
  if (path.empty()) {
    return absl::InvalidArgumentError(
        "reward plugin: no path; give the library's, such as plugin:build/libmy_reward.so");
  }
  if (options.mode == "process") return NewHostedPlugin(path, options);
  if (options.mode != "in_process") {
    return absl::InvalidArgumentError(absl::StrCat("reward plugin ", path,
                                                   ": mode: expected \"process\" or ",
                                                   "\"in_process\", found \"", options.mode, "\""));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlugin> plugin, LoadedPlugin::Load(path, options.config));
  return std::make_unique<InProcessPlugin>(std::move(plugin));
}

}  // namespace grpo
