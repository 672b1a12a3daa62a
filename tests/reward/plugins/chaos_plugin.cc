// A plugin that does what the completion says, to try the program's patience with it. Built several
// times: with GRPO_CHAOS_WRONG_ABI, GRPO_CHAOS_NO_TABLE, … it is one that cannot even be loaded.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "reward/plugin.h"

namespace {

std::string Text(const grpo_text& text) { return std::string(text.data, text.size); }

[[noreturn]] void Hang() {
  while (true) pause();
}

// By the signal, also where a sanitizer would catch it.
void Crash() {
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
}

void StartDaemon(const std::string& pid_file) {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) _exit(0);
  FILE* file = fopen(pid_file.c_str(), "w");
  fprintf(file, "%d\n", getpid());
  fclose(file);
  Hang();
}

void PrintGigabyte() {
  const std::string line(1 << 20, 'x');
  for (int i = 0; i < 1024; ++i) puts(line.c_str());
}

// What ends the process or the call.
void Misbehave(const std::string& command) {
  if (command == "crash") Crash();
  if (command == "abort") abort();
  if (command == "exit") _exit(3);
  if (command == "hang") Hang();
  if (command == "throw") throw std::runtime_error("no such word");
  if (command == "throw 7") throw 7;
  if (command == "gigabyte") PrintGigabyte();
  if (command == "print") puts("printed by the plugin");
  if (command.rfind("daemon ", 0) == 0) StartDaemon(command.substr(7));
}

const grpo_part kPart = {"part", 0.25};
const grpo_part kNotANumber = {"part", std::numeric_limits<double>::quiet_NaN()};

void Fill(const std::string& command, const grpo_item& item, uint32_t num_items,
          grpo_result* result) {
  result->status = GRPO_SCORED;
  result->score = 1;
  if (command.rfind("score ", 0) == 0) result->score = std::atof(command.c_str() + 6);
  if (command == "items") result->score = num_items;
  if (command == "sample") result->score = static_cast<double>(item.sample_id);
  if (command == "nan") result->score = std::nan("");
  if (command == "infinity") result->score = std::numeric_limits<double>::infinity();
  if (command == "status 7") result->status = 7;
  if (command == "unset") result->status = 0;
  if (command == "invalid") result->status = GRPO_INVALID;
  if (command == "error") result->status = GRPO_ERROR;
  if (command == "parts at null") result->num_parts = 3;
  if (command == "part" || command == "nan part") {
    result->parts = command == "part" ? &kPart : &kNotANumber;
    result->num_parts = 1;
  }
  if (command == "reason") result->reason = item.ground_truth;
  if (command == "metadata") result->reason = item.metadata_json;
  if (command == "completion \xef\xbf\xbd") result->reason = item.completion;
}

void* Create(grpo_text config_json, char* error, size_t error_size) {
  const std::string config = Text(config_json);
  if (config.find("throw") != std::string::npos) throw std::runtime_error("thrown by create");
  if (config.find("refuse") == std::string::npos) return error;  // any address will do
  std::strncpy(error, "refuse: not known", error_size - 1);
  return nullptr;
}

int32_t Score(void*, const grpo_call* call, const grpo_item* const* items, uint32_t num_items,
              grpo_result* const* results) {
  for (uint32_t i = 0; i < num_items; ++i) {
    const std::string command = Text(items[i]->completion);
    Misbehave(command);
    if (command == "return 5") return 5;
    while (command == "wait" && call->cancelled(call->context) == 0) usleep(1000);
    Fill(command, *items[i], num_items, results[i]);
  }
  return 0;
}

void Destroy(void*) {}

#if defined(GRPO_CHAOS_WRONG_ABI)
constexpr uint32_t kAbi = 4711;
#else
constexpr uint32_t kAbi = GRPO_PLUGIN_ABI;
#endif
#if defined(GRPO_CHAOS_SMALL_TABLE)
constexpr uint32_t kSize = 16;
#else
constexpr uint32_t kSize = sizeof(grpo_plugin);
#endif
#if defined(GRPO_CHAOS_GROUP)
constexpr uint32_t kFlags = GRPO_GROUP, kMaxBatch = 4;
#else
constexpr uint32_t kFlags = 0, kMaxBatch = 0;
#endif

[[maybe_unused]] const grpo_plugin kPlugin = {kAbi,      kSize,  "chaos", "1",     kFlags,
                                              kMaxBatch, Create, Score,   nullptr, Destroy};

}  // namespace

#if defined(GRPO_CHAOS_NO_SYMBOL)
extern "C" int something_else() { return 1; }
#elif defined(GRPO_CHAOS_NO_TABLE)
extern "C" const grpo_plugin* grpo_plugin_get(void) { return nullptr; }
#elif defined(GRPO_CHAOS_THROWS_AT_LOAD)
extern "C" const grpo_plugin* grpo_plugin_get(void) { throw std::runtime_error("at load"); }
#else
extern "C" const grpo_plugin* grpo_plugin_get(void) { return &kPlugin; }
#endif
