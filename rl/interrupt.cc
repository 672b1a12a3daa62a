#include "rl/interrupt.h"

#include <csignal>

namespace grpo {
namespace {

std::atomic<bool> interrupted{false};

void OnSignal(int signal_number) {
  if (interrupted.exchange(true)) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
}

}  // namespace

const std::atomic<bool>& InterruptFlag() {
  static const bool installed = [] {
    std::signal(SIGINT, OnSignal);
    std::signal(SIGTERM, OnSignal);
    return true;
  }();
  (void)installed;
  return interrupted;
}

}  // namespace grpo
