#include "reward/plugins/score_worker.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <poll.h>

#include "data/status_macros.h"

namespace grpo {
namespace {

// One being answered, one waiting in the pipe.
constexpr size_t kMaxFlights = 2;
// For a process that has closed its standard output to end by itself.
constexpr absl::Duration kEndPatience = absl::Seconds(2);
// For a process to end by itself when the reward is closed.
constexpr absl::Duration kClosePatience = absl::Milliseconds(500);

}  // namespace

size_t ScoreWorker::Flight::NumItems() const {
  size_t num_items = 0;
  for (const auto& unit : units) num_items += unit->items.size();
  return num_items;
}

ScoreWorker::ScoreWorker(std::string host_path, std::vector<std::string> argv,
                         const ProcessLimits& limits, ScoreQueue* queue)
    : host_path_(std::move(host_path)),
      argv_(std::move(argv)),
      limits_(limits),
      queue_(queue),
      max_batch_(limits.max_batch),
      first_hello_(absl::UnknownError("not started")),
      thread_([this] { Run(); }) {}

ScoreWorker::~ScoreWorker() { thread_.join(); }

absl::StatusOr<PluginHello> ScoreWorker::FirstHello() {
  started_.WaitForNotification();
  return first_hello_;
}

void ScoreWorker::Run() {
  first_hello_ = StartChild();
  const bool usable = first_hello_.ok();
  started_.Notify();
  if (!usable) return;
  queue_->SetIdle();
  while (!queue_->closed()) {
    if (flights_.empty() || (may_take_ && flights_.size() < kMaxFlights)) TakeUnits();
    if (child_ == nullptr) {
      WaitForWork();
    } else {
      HandleEvent();
    }
  }
  for (const Flight& flight : flights_) {
    for (const auto& unit : flight.units) unit->Fail("the reward is being closed");
  }
  if (child_ != nullptr) child_->Stop(kClosePatience);
}

absl::StatusOr<PluginHello> ScoreWorker::StartChild() {
  ASSIGN_OR_RETURN(std::unique_ptr<ChildProcess> child, ChildProcess::Start(host_path_, argv_));
  ASSIGN_OR_RETURN(PluginHello hello, AwaitHello(*child));
  if (hello.max_batch > 0) {
    max_batch_ = std::min<size_t>(limits_.max_batch, hello.max_batch);
  }
  child_ = std::move(child);
  return hello;
}

absl::StatusOr<PluginHello> ScoreWorker::AwaitHello(ChildProcess& child) const {
  child.WriteLine(EncodeHello());
  std::string line;
  switch (child.Wait(absl::Now() + absl::Seconds(limits_.start_seconds), queue_->close_descriptor(),
                     &line)) {
    case ChildProcess::Event::kLine: {
      absl::StatusOr<PluginHello> hello = ParseHello(line);
      if (hello.ok()) return hello;
      return absl::FailedPreconditionError(Ending(child, hello.status().message(), kEndPatience));
    }
    case ChildProcess::Event::kTimeout:
      return absl::DeadlineExceededError(
          Ending(child, absl::StrCat("did not answer hello within ", limits_.start_seconds, " s"),
                 absl::ZeroDuration()));
    case ChildProcess::Event::kFlood:
      return absl::FailedPreconditionError(
          Ending(child, "flooded its output before it answered hello", absl::ZeroDuration()));
    case ChildProcess::Event::kWake:
      return absl::CancelledError("the reward is being closed");
    case ChildProcess::Event::kClosed:
      break;
  }
  return absl::FailedPreconditionError(
      Ending(child, "closed its output before it answered hello", kEndPatience));
}

// `what` happened, how the process ended and what it said last.
std::string ScoreWorker::Ending(ChildProcess& child, absl::string_view what,
                                absl::Duration patience) const {
  const std::string end = child.Stop(patience);
  std::string text = absl::StrCat("the reward's process: ", what, "; it ", end);
  if (const std::string words = child.LastStderr(); !words.empty()) {
    absl::StrAppend(&text, "; its last words: ", words);
  }
  return text;
}

void ScoreWorker::WaitForWork() {
  pollfd polled = {queue_->work_descriptor(), POLLIN, 0};
  poll(&polled, 1, -1);
}

void ScoreWorker::TakeUnits() {
  const bool busy = !flights_.empty();
  std::vector<std::shared_ptr<ScoreUnit>> units = queue_->Take(max_batch_, busy);
  if (units.empty()) {
    may_take_ = !busy;
    return;
  }
  if (child_ == nullptr) {
    if (const absl::Status status = StartChild().status(); !status.ok()) {
      for (const auto& unit : units) unit->Fail(std::string(status.message()));
      queue_->SetIdle();
      return;
    }
  }
  StartFlight(std::move(units));
}

void ScoreWorker::StartFlight(std::vector<std::shared_ptr<ScoreUnit>> units) {
  Flight flight;
  flight.id = next_id_++;
  flight.due = absl::Now() + absl::Seconds(limits_.batch_seconds);
  flight.units = std::move(units);
  std::vector<std::string> items;
  for (const auto& unit : flight.units) {
    items.insert(items.end(), unit->items.begin(), unit->items.end());
  }
  may_take_ = !flight.units[0]->alone;
  child_->WriteLine(EncodeScore(flight.id, items));
  flights_.push_back(std::move(flight));
}

void ScoreWorker::HandleEvent() {
  const bool may_take = flights_.empty() || (may_take_ && flights_.size() < kMaxFlights);
  std::string line;
  switch (child_->Wait(flights_.empty() ? absl::InfiniteFuture() : flights_.front().due,
                       may_take ? queue_->work_descriptor() : queue_->close_descriptor(), &line)) {
    case ChildProcess::Event::kLine:
      HandleAnswer(line);
      break;
    case ChildProcess::Event::kWake:
      break;
    case ChildProcess::Event::kTimeout:
      BreakDown(absl::StrCat("no answer within ", limits_.batch_seconds, " s"), Failure::kFault,
                absl::ZeroDuration());
      break;
    case ChildProcess::Event::kClosed:
      BreakDown("closed its output with the request in hand", Failure::kDeath, kEndPatience);
      break;
    case ChildProcess::Event::kFlood:
      BreakDown(absl::StrCat("flooded its output: a line of more than ",
                             ChildProcess::kMaxLineBytes >> 20, " MiB or more than ",
                             ChildProcess::kMaxStderrBytes >> 20,
                             " MiB of standard error for one request"),
                Failure::kFault, absl::ZeroDuration());
      break;
  }
}

void ScoreWorker::HandleAnswer(const std::string& line) {
  absl::StatusOr<PluginAnswer> answer = ParsePluginAnswer(line);
  if (!answer.ok()) {
    BreakDown(absl::StrCat(answer.status().message(), " (standard output carries the protocol ",
                           "alone; print to standard error)"),
              Failure::kFault, absl::ZeroDuration());
    return;
  }
  for (size_t i = 0; i < flights_.size(); ++i) {
    if (flights_[i].id == answer->id) {
      Land(i, *std::move(answer));
      return;
    }
  }
  BreakDown(absl::StrCat("answered request ", answer->id, ", which is not under way"),
            Failure::kFault, absl::ZeroDuration());
}

void ScoreWorker::Land(size_t flight, PluginAnswer answer) {
  const Flight landed = flights_[flight];
  const size_t num_items = landed.NumItems();
  if (answer.error.empty() && answer.results.size() != num_items) {
    answer.error =
        absl::StrCat("gave ", answer.results.size(), " results for ", num_items, " completions");
  }
  RemoveFlight(flight);
  if (!answer.error.empty()) {
    FailFlight(landed, answer.error, Failure::kFault);
    return;
  }
  auto next = std::make_move_iterator(answer.results.begin());
  for (const auto& unit : landed.units) {
    unit->Finish({next, next + unit->items.size()});
    next += unit->items.size();
  }
}

// The next one's time counts from here: the process may have begun it only now.
void ScoreWorker::RemoveFlight(size_t flight) {
  flights_.erase(flights_.begin() + flight);
  may_take_ = true;
  if (flights_.empty()) {
    queue_->SetIdle();
  } else if (flight == 0) {
    flights_.front().due = absl::Now() + absl::Seconds(limits_.batch_seconds);
  }
}

void ScoreWorker::FailFlight(const Flight& flight, const std::string& reason, Failure failure) {
  std::vector<std::shared_ptr<ScoreUnit>> again;
  for (const auto& unit : flight.units) {
    if (failure == Failure::kDeath) ++unit->deaths;
    if (flight.units.size() > 1 || (failure == Failure::kDeath && unit->deaths == 1)) {
      unit->alone = true;
      again.push_back(unit);
    } else {
      unit->Fail(reason);
    }
  }
  queue_->PutBack(again);
}

void ScoreWorker::BreakDown(absl::string_view what, Failure failure, absl::Duration patience) {
  const std::string reason = Ending(*child_, what, patience);
  child_ = nullptr;
  if (flights_.empty()) return;
  const std::deque<Flight> flights = std::move(flights_);
  flights_.clear();
  may_take_ = true;
  for (size_t i = flights.size() - 1; i > 0; --i) queue_->PutBack(flights[i].units);
  FailFlight(flights[0], reason, failure);
  queue_->SetIdle();
}

}  // namespace grpo
