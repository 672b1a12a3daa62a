#include "reward/checker_pool.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <list>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace grpo {
namespace {

constexpr int kMaxStuckThreads = 256;

struct Batch {
  std::vector<CheckerPool::Call> calls;
  std::vector<RewardResult> results;
  size_t next = 0;       // the first call that nobody has taken
  size_t remaining = 0;  // calls without a result
};

struct RunningCall {
  CheckerPool::Call call;
  std::shared_ptr<Batch> batch;
  size_t index = 0;  // in the batch
  int worker = 0;
  absl::Time deadline;
  std::atomic<bool> cancelled{false};
  bool abandoned = false;  // under the state's mutex, as is `place`
  std::list<std::shared_ptr<RunningCall>>::iterator place;
};

RewardResult MakeCall(const CheckerPool::Call& call, const Deadline& deadline) {
  try {
    return call(deadline);
  } catch (const std::exception& exception) {
    return RewardResult::Error(absl::StrCat("exception: ", exception.what()));
  } catch (...) {
    return RewardResult::Error("exception of unknown type");
  }
}

}  // namespace

class CheckerPool::State : public std::enable_shared_from_this<CheckerPool::State> {
 public:
  explicit State(absl::Duration limit)
      : limit_(limit), grace_(std::min(limit / 4 + absl::Milliseconds(20), absl::Seconds(1))) {}

  void Start(int threads) ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<RewardResult> Run(std::vector<Call> calls) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Work(int worker) ABSL_LOCKS_EXCLUDED(mutex_);
  void Watch() ABSL_LOCKS_EXCLUDED(mutex_);
  std::shared_ptr<RunningCall> Take(int worker) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Report(RunningCall& running, RewardResult result) ABSL_LOCKS_EXCLUDED(mutex_);
  void StartWorker(int worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Abandon(std::shared_ptr<RunningCall> running) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailQueue(absl::string_view reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Store(Batch& batch, size_t index, RewardResult result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  RewardResult Overrun() const {
    return RewardResult::Error(absl::StrCat("not done within ", absl::FormatDuration(limit_)));
  }

  const absl::Duration limit_, grace_;
  absl::Mutex mutex_;
  absl::CondVar work_, watch_, done_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int batches_ ABSL_GUARDED_BY(mutex_) = 0;  // Run()s under way
  int live_workers_ ABSL_GUARDED_BY(mutex_) = 0;
  int stuck_threads_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::shared_ptr<Batch>> queue_ ABSL_GUARDED_BY(mutex_);         // with calls to take
  std::list<std::shared_ptr<RunningCall>> running_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::vector<std::thread> workers_ ABSL_GUARDED_BY(mutex_);
  std::thread watchdog_;
};

void CheckerPool::State::Start(int threads) {
  absl::MutexLock lock(&mutex_);
  workers_.resize(threads);
  for (int worker = 0; worker < threads; ++worker) StartWorker(worker);
  watchdog_ = std::thread([state = shared_from_this()] { state->Watch(); });
}

// Where the system gives no thread, the pool goes on with those that it has.
void CheckerPool::State::StartWorker(int worker) {
  try {
    workers_[worker] = std::thread([state = shared_from_this(), worker] { state->Work(worker); });
    ++live_workers_;
  } catch (const std::system_error&) {
    if (live_workers_ == 0) FailQueue("the system gives no thread to run checkers in");
  }
}

void CheckerPool::State::Stop() {
  std::vector<std::thread> workers;
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    work_.SignalAll();
    watch_.SignalAll();
    workers.swap(workers_);
  }
  for (std::thread& worker : workers) {
    if (worker.joinable()) worker.join();
  }
  watchdog_.join();
}

std::vector<RewardResult> CheckerPool::State::Run(std::vector<Call> calls) {
  if (calls.empty()) return {};
  auto batch = std::make_shared<Batch>();
  batch->remaining = calls.size();
  batch->results.resize(calls.size());
  batch->calls = std::move(calls);
  absl::MutexLock lock(&mutex_);
  ++batches_;
  queue_.push_back(batch);
  if (live_workers_ == 0) FailQueue("the system gives no thread to run checkers in");
  work_.SignalAll();
  watch_.SignalAll();
  while (batch->remaining > 0) done_.Wait(&mutex_);
  --batches_;
  return std::move(batch->results);
}

void CheckerPool::State::Work(int worker) {
  while (const std::shared_ptr<RunningCall> running = Take(worker)) {
    RewardResult result = MakeCall(running->call, Deadline(running->deadline, &running->cancelled));
    running->call = nullptr;
    if (!Report(*running, std::move(result))) return;
  }
}

// The next call; nullptr when the pool is closed.
std::shared_ptr<RunningCall> CheckerPool::State::Take(int worker) {
  absl::MutexLock lock(&mutex_);
  while (!closed_) {
    if (queue_.empty()) {
      work_.Wait(&mutex_);
      continue;
    }
    if (stuck_threads_ >= kMaxStuckThreads) {
      FailQueue(absl::StrCat(stuck_threads_, " earlier calls hang; none is made any more"));
      continue;
    }
    auto running = std::make_shared<RunningCall>();
    running->batch = queue_.front();
    running->index = running->batch->next++;
    running->call = std::move(running->batch->calls[running->index]);
    running->worker = worker;
    running->deadline = absl::Now() + limit_;
    running->place = running_.insert(running_.end(), running);
    if (running->batch->next == running->batch->calls.size()) queue_.pop_front();
    return running;
  }
  return nullptr;
}

// Returns whether the worker is still one of the pool's.
bool CheckerPool::State::Report(RunningCall& running, RewardResult result) {
  absl::MutexLock lock(&mutex_);
  if (running.abandoned) {
    --stuck_threads_;
    return false;
  }
  running_.erase(running.place);
  const bool late = absl::Now() > running.deadline;
  Store(*running.batch, running.index, late ? Overrun() : std::move(result));
  return true;
}

void CheckerPool::State::Store(Batch& batch, size_t index, RewardResult result) {
  batch.results[index] = std::move(result);
  if (--batch.remaining == 0) done_.SignalAll();
}

void CheckerPool::State::FailQueue(absl::string_view reason) {
  for (const std::shared_ptr<Batch>& batch : queue_) {
    while (batch->next < batch->calls.size()) {
      Store(*batch, batch->next++, RewardResult::Error(std::string(reason)));
    }
  }
  queue_.clear();
}

// A call that starts while this waits has `limit_` before it is due, so it needs no signal of its
// own.
void CheckerPool::State::Watch() {
  absl::MutexLock lock(&mutex_);
  while (!closed_) {
    if (batches_ == 0) {
      watch_.Wait(&mutex_);
    } else if (running_.empty()) {
      watch_.WaitWithTimeout(&mutex_, limit_);
    } else if (const absl::Time due = running_.front()->deadline + grace_; absl::Now() < due) {
      watch_.WaitWithDeadline(&mutex_, due);
    } else {
      Abandon(running_.front());
    }
  }
}

void CheckerPool::State::Abandon(std::shared_ptr<RunningCall> running) {
  running->cancelled = true;
  running->abandoned = true;
  running_.erase(running->place);
  ++stuck_threads_;
  --live_workers_;
  workers_[running->worker].detach();
  Store(*running->batch, running->index, Overrun());
  StartWorker(running->worker);
}

CheckerPool::CheckerPool(int threads, absl::Duration deadline)
    : state_(std::make_shared<State>(deadline)) {
  state_->Start(std::max(threads, 1));
}

CheckerPool::~CheckerPool() { state_->Stop(); }

std::vector<RewardResult> CheckerPool::Run(std::vector<Call> calls) {
  return state_->Run(std::move(calls));
}

}  // namespace grpo
