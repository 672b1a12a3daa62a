// A plugin of reward/plugin.h, loaded into this process: the border behind which nothing of it can
// be trusted but its memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "reward/plugin.h"
#include "reward/plugins/messages.h"
#include "reward/reward.h"

namespace grpo {

class LoadedPlugin {
 public:
  // Loads the library and makes an instance. The error says what is wrong with the file, which
  // function or field is missing, which versions of the interface do not fit, or what the plugin
  // said of its configuration (a JSON object; "" is "{}").
  static absl::StatusOr<std::unique_ptr<LoadedPlugin>> Load(const std::string& path,
                                                            const std::string& config_json);
  // Destroys the instance. The library stays loaded: its threads and destructors may still need it.
  ~LoadedPlugin();
  LoadedPlugin(const LoadedPlugin&) = delete;
  LoadedPlugin& operator=(const LoadedPlugin&) = delete;

  const PluginHello& hello() const { return hello_; }

  // One result for each item. An exception, a status or a score that means nothing become errors.
  // A batch that fails is tried again item by item, so that only the one at fault is an error,
  // unless the plugin compares the items of a group. May be called from many threads; the calls
  // wait for each other, while `deadline` lasts, where the plugin is not thread-safe.
  std::vector<RewardResult> Score(const std::vector<PluginItem>& items,
                                  const Deadline& deadline) const;

 private:
  explicit LoadedPlugin(const grpo_plugin* plugin) : plugin_(plugin) {}
  absl::Status CheckTable(const std::string& path);
  absl::Status Create(const std::string& path, const std::string& config_json);
  bool TakeTurn(const Deadline& deadline) const ABSL_LOCKS_EXCLUDED(mutex_);
  void EndTurn() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<RewardResult> ScoreInTurn(const std::vector<PluginItem>& items,
                                        const Deadline& deadline) const;
  absl::Status Call(const std::vector<PluginItem>& items, const Deadline& deadline,
                    std::vector<RewardResult>* results) const;

  const grpo_plugin* const plugin_;
  void* instance_ = nullptr;
  PluginHello hello_;
  mutable absl::Mutex mutex_;
  mutable bool busy_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace grpo
