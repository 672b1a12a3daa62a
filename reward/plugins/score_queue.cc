#include "reward/plugins/score_queue.h"

#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "data/check.h"

namespace grpo {
namespace {

constexpr const char* kClosed = "the reward is being closed";

int NewEvent() {
  const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  GRPO_CHECK(descriptor >= 0);
  return descriptor;
}

void Raise(int descriptor) { eventfd_write(descriptor, 1); }

void Clear(int descriptor) {
  eventfd_t count;
  eventfd_read(descriptor, &count);
}

}  // namespace

ScoreQueue::ScoreQueue() : work_descriptor_(NewEvent()), close_descriptor_(NewEvent()) {}

ScoreQueue::~ScoreQueue() {
  close(work_descriptor_);
  close(close_descriptor_);
}

void ScoreQueue::Push(const std::vector<std::shared_ptr<ScoreUnit>>& units) {
  Add(units, /*in_front=*/false);
}

void ScoreQueue::PutBack(const std::vector<std::shared_ptr<ScoreUnit>>& units) {
  Add(units, /*in_front=*/true);
}

void ScoreQueue::Add(const std::vector<std::shared_ptr<ScoreUnit>>& units, bool in_front) {
  absl::MutexLock lock(&mutex_);
  if (closed_) {
    for (const auto& unit : units) unit->Fail(kClosed);
    return;
  }
  units_.insert(in_front ? units_.begin() : units_.end(), units.begin(), units.end());
  Raise(work_descriptor_);
}

std::vector<std::shared_ptr<ScoreUnit>> ScoreQueue::Take(size_t max_items, bool busy) {
  absl::MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<ScoreUnit>> taken;
  if (closed_ || (busy && idle_workers_ > 0)) return taken;
  size_t num_items = 0;
  while (!units_.empty()) {
    const ScoreUnit& next = *units_.front();
    const bool fits = taken.empty() || num_items + next.items.size() <= max_items;
    const bool company = busy || !taken.empty();
    if (!next.abandoned && (!fits || (next.alone && company))) break;
    if (!next.abandoned) {
      num_items += next.items.size();
      taken.push_back(units_.front());
    }
    units_.pop_front();
    if (!taken.empty() && taken.back()->alone) break;
  }
  if (units_.empty()) Clear(work_descriptor_);
  if (!taken.empty() && !busy) --idle_workers_;
  return taken;
}

void ScoreQueue::SetIdle() {
  absl::MutexLock lock(&mutex_);
  ++idle_workers_;
}

void ScoreQueue::Close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  for (const auto& unit : units_) unit->Fail(kClosed);
  units_.clear();
  Raise(work_descriptor_);
  Raise(close_descriptor_);
}

bool ScoreQueue::closed() const {
  absl::MutexLock lock(&mutex_);
  return closed_;
}

}  // namespace grpo
