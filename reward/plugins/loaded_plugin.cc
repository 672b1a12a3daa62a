#include "reward/plugins/loaded_plugin.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "data/json.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

constexpr uint32_t kMaxParts = 256;
constexpr size_t kMaxReasonBytes = 2000;
constexpr size_t kMaxNameBytes = 200;

// Calls into the plugin; an exception becomes a message.
template <typename Function>
absl::Status AtTheBorder(const char* function, Function&& call) {
  try {
    call();
    return absl::OkStatus();
  } catch (const std::exception& exception) {
    return absl::InternalError(
        absl::StrCat(function, "() threw: ", QuoteForMessage(exception.what(), kMaxReasonBytes)));
  } catch (...) {
    return absl::InternalError(absl::StrCat(function, "() threw an exception of unknown type"));
  }
}

grpo_text Text(const std::string& text) { return {text.data(), text.size()}; }

std::string ReadText(const grpo_text& text) {
  if (text.data == nullptr) return "";
  return ReplaceInvalidUtf8({text.data, std::min(text.size, kMaxReasonBytes)});
}

std::string ReadName(const char* name) {
  return name == nullptr ? "" : ReplaceInvalidUtf8({name, strnlen(name, kMaxNameBytes)});
}

grpo_item ToCItem(const PluginItem& item) {
  grpo_item out = {};
  out.size = sizeof(out);
  out.finish = item.finish == FinishReason::kStop ? GRPO_FINISH_STOP : GRPO_FINISH_LENGTH;
  out.sample_id = item.sample_id;
  out.group_id = item.group_id;
  out.prompt = Text(item.prompt);
  out.completion = Text(item.completion);
  out.ground_truth = Text(item.ground_truth);
  out.metadata_json = Text(item.metadata_json);
  out.name = Text(item.name);
  out.family = Text(item.family);
  out.num_tokens = item.num_tokens;
  out.max_tokens = item.max_tokens;
  return out;
}

RewardResult FromCResult(const grpo_result& in) {
  RewardResult result;
  result.reason = ReadText(in.reason);
  switch (in.status) {
    case GRPO_SCORED:
      break;
    case GRPO_INVALID:
      result.state = RewardState::kInvalid;
      break;
    case GRPO_ERROR:
      result.state = RewardState::kError;
      break;
    case 0:
      return RewardResult::Error("the plugin left the result's status unset");
    default:
      return RewardResult::Error(
          absl::StrCat("status: expected GRPO_SCORED (1), GRPO_INVALID (2) or GRPO_ERROR (3), ",
                       "found ", in.status));
  }
  if (result.state == RewardState::kScored && !std::isfinite(in.score)) {
    return RewardResult::Error(absl::StrCat("score: expected a finite number, found ", in.score));
  }
  if (result.state == RewardState::kScored) result.score = in.score;
  if (in.num_parts > kMaxParts || (in.num_parts > 0 && in.parts == nullptr)) {
    return RewardResult::Error(absl::StrCat("parts: expected a list of at most ", kMaxParts,
                                            ", found ", in.num_parts,
                                            in.parts == nullptr ? " at NULL" : ""));
  }
  for (uint32_t i = 0; i < in.num_parts; ++i) {
    if (!std::isfinite(in.parts[i].value)) {
      return RewardResult::Error(absl::StrCat("parts: expected finite numbers, found ",
                                              in.parts[i].value, " for \"",
                                              ReadName(in.parts[i].name), "\""));
    }
    result.parts.emplace_back(ReadName(in.parts[i].name), in.parts[i].value);
  }
  return result;
}

int32_t IsCancelled(const void* deadline) {
  return static_cast<const Deadline*>(deadline)->Passed() ? 1 : 0;
}

absl::StatusOr<const grpo_plugin*> OpenLibrary(const std::string& path) {
  // With a slash, so that the library paths of the system are not searched.
  const std::string file = path.find('/') == std::string::npos ? absl::StrCat("./", path) : path;
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot load the plugin ", path, ": ", dlerror(),
        "; it must be a shared library for this machine, with all that it needs to be found"));
  }
  using Get = const grpo_plugin* (*)();
  const Get get = reinterpret_cast<Get>(dlsym(library, "grpo_plugin_get"));
  if (get == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " does not export grpo_plugin_get and so is no reward plugin; include ",
                     "reward/plugin.h and define the function (extern \"C\" in C++)"));
  }
  const grpo_plugin* plugin = nullptr;
  RETURN_IF_ERROR(AtTheBorder("grpo_plugin_get", [&] { plugin = get(); }));
  if (plugin == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": grpo_plugin_get() returned NULL, expected the plugin's table"));
  }
  return plugin;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadedPlugin>> LoadedPlugin::Load(const std::string& path,
                                                                 const std::string& config_json) {
  ASSIGN_OR_RETURN(const grpo_plugin* table, OpenLibrary(path));
  std::unique_ptr<LoadedPlugin> plugin(new LoadedPlugin(table));
  RETURN_IF_ERROR(plugin->CheckTable(path));
  RETURN_IF_ERROR(plugin->Create(path, config_json.empty() ? "{}" : config_json));
  return plugin;
}

// Looks at nothing but the first field before the version is known to be ours.
absl::Status LoadedPlugin::CheckTable(const std::string& path) {
  if (plugin_->abi != GRPO_PLUGIN_ABI) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " was built for version ", plugin_->abi,
                     " of the plugin interface, this program speaks version ", GRPO_PLUGIN_ABI,
                     "; build it again with this program's reward/plugin.h"));
  }
  constexpr size_t kNeeded = offsetof(grpo_plugin, destroy) + sizeof(plugin_->destroy);
  if (plugin_->size < kNeeded) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": the plugin's table: expected a size of at least ", kNeeded,
                     " bytes, found ", plugin_->size, "; set it to sizeof(grpo_plugin)"));
  }
  if (plugin_->create == nullptr || plugin_->score == nullptr || plugin_->destroy == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": the plugin's table lacks create, score or destroy"));
  }
  hello_.name = ReadName(plugin_->name);
  if (hello_.name.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": the plugin's table has no name"));
  }
  hello_.version = ReadName(plugin_->version);
  hello_.group = (plugin_->flags & GRPO_GROUP) != 0;
  hello_.max_batch = static_cast<int>(std::min<uint32_t>(plugin_->max_batch, 1000000));
  return absl::OkStatus();
}

absl::Status LoadedPlugin::Create(const std::string& path, const std::string& config_json) {
  ASSIGN_OR_RETURN(const nlohmann::json config,
                   ParseJson(config_json, {absl::StrCat("configuration of ", path)}));
  if (!config.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "configuration of ", path, ": expected a JSON object, found ", JsonKind(config)));
  }
  std::array<char, 1024> message = {};
  absl::Status status = AtTheBorder("create", [&] {
    instance_ = plugin_->create(Text(config_json), message.data(), message.size());
  });
  if (status.ok() && instance_ == nullptr) {
    const std::string said = ReplaceInvalidUtf8({message.data(), strnlen(message.data(), 1024)});
    status = absl::InvalidArgumentError(said.empty() ? "create() gave NULL and no message" : said);
  }
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, " (", hello_.name, " ", hello_.version,
                                                  "): ", status.message()));
}

LoadedPlugin::~LoadedPlugin() {
  if (instance_ != nullptr)
    AtTheBorder("destroy", [&] { plugin_->destroy(instance_); }).IgnoreError();
}

std::vector<RewardResult> LoadedPlugin::Score(const std::vector<PluginItem>& items,
                                              const Deadline& deadline) const {
  if (!TakeTurn(deadline)) {
    return std::vector<RewardResult>(
        items.size(), RewardResult::Error("earlier calls took the time; the plugin is not "
                                          "thread-safe, so calls wait for each other"));
  }
  std::vector<RewardResult> results = ScoreInTurn(items, deadline);
  EndTurn();
  return results;
}

bool LoadedPlugin::TakeTurn(const Deadline& deadline) const {
  if ((plugin_->flags & GRPO_THREAD_SAFE) != 0) return true;
  absl::MutexLock lock(&mutex_);
  const auto is_free = [](bool* busy) { return !*busy; };
  while (!mutex_.AwaitWithTimeout(absl::Condition(+is_free, &busy_), absl::Milliseconds(20))) {
    if (deadline.Passed()) return false;
  }
  busy_ = true;
  return true;
}

void LoadedPlugin::EndTurn() const {
  absl::MutexLock lock(&mutex_);
  busy_ = false;
}

std::vector<RewardResult> LoadedPlugin::ScoreInTurn(const std::vector<PluginItem>& items,
                                                    const Deadline& deadline) const {
  std::vector<RewardResult> results;
  const absl::Status status = Call(items, deadline, &results);
  if (status.ok()) return results;
  results.assign(items.size(), RewardResult::Error(std::string(status.message())));
  if (items.size() == 1 || hello_.group) return results;
  for (size_t i = 0; i < items.size() && !deadline.Passed(); ++i) {
    std::vector<RewardResult> one;
    const absl::Status alone = Call({items[i]}, deadline, &one);
    results[i] = alone.ok() ? one[0] : RewardResult::Error(std::string(alone.message()));
  }
  return results;
}

absl::Status LoadedPlugin::Call(const std::vector<PluginItem>& items, const Deadline& deadline,
                                std::vector<RewardResult>* results) const {
  const uint32_t num_items = static_cast<uint32_t>(items.size());
  std::vector<grpo_item> in;
  for (const PluginItem& item : items) in.push_back(ToCItem(item));
  std::vector<grpo_result> out(num_items, grpo_result{});
  std::vector<const grpo_item*> in_pointers;
  std::vector<grpo_result*> out_pointers;
  for (uint32_t i = 0; i < num_items; ++i) {
    out[i].size = sizeof(out[i]);
    in_pointers.push_back(&in[i]);
    out_pointers.push_back(&out[i]);
  }
  const grpo_call call = {sizeof(grpo_call), &deadline, IsCancelled};
  int32_t returned = 0;
  absl::Status status = AtTheBorder("score", [&] {
    returned = plugin_->score(instance_, &call, in_pointers.data(), num_items, out_pointers.data());
  });
  if (status.ok() && returned != 0) {
    status = absl::InternalError(absl::StrCat("score() returned ", returned));
  }
  if (status.ok()) {
    results->clear();
    for (const grpo_result& result : out) results->push_back(FromCResult(result));
  }
  if (plugin_->free_results != nullptr) {
    status.Update(AtTheBorder(
        "free_results", [&] { plugin_->free_results(instance_, out_pointers.data(), num_items); }));
  }
  return status;
}

}  // namespace grpo
