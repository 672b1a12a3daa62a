// SIGINT and SIGTERM ask a run to stop at the next safe place; a second one stops it at once.
#pragma once

#include <atomic>

namespace grpo {

// Installs the handlers; true once a signal has come.
const std::atomic<bool>& InterruptFlag();

}  // namespace grpo
