#include "rollout/generation.h"

#include <algorithm>

#include "absl/time/clock.h"
#include <c10/core/GradMode.h>

#include "data/random.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

}  // namespace

absl::StatusOr<std::unique_ptr<Generation>> Generation::Create(
    const Weights& weights, const PackedWeights& packed, std::shared_ptr<const Tokenizer> tokenizer,
    std::vector<int32_t> end_tokens, const GenerationOptions& options) {
  RETURN_IF_ERROR(CheckVocabulary(options.sampling, weights.config.vocab_size));
  ASSIGN_OR_RETURN(ThinkingBudget thinking, ThinkingBudget::Create(options.sampling, *tokenizer));
  return std::unique_ptr<Generation>(new Generation(
      weights, packed, std::move(tokenizer), std::move(end_tokens), options, std::move(thinking)));
}

Generation::Generation(const Weights& weights, const PackedWeights& packed,
                       std::shared_ptr<const Tokenizer> tokenizer, std::vector<int32_t> end_tokens,
                       const GenerationOptions& options, ThinkingBudget thinking)
    : options_(options),
      tokenizer_(std::move(tokenizer)),
      end_tokens_(std::move(end_tokens)),
      stop_strings_(options.sampling.stop_strings),
      thinking_(std::move(thinking)),
      cache_(weights.config, options.cache),
      scheduler_(cache_, options.scheduler),
      forward_(weights, packed, cache_, options.threads,
               options.scheduler.max_sequences + options.scheduler.max_prompt_tokens +
                   MaxDraftRows(options.scheduler),
               options.scheduler.max_sequences + MaxDraftRows(options.scheduler)),
      barrier_(options.threads) {
  for (int t = 0; t < options.threads; ++t) {
    threads_.push_back(std::make_unique<ThreadState>(
        ThreadState{TokenSampler(options.sampling, weights.config.vocab_size)}));
  }
}

int64_t Generation::Submit(RolloutGroup group) {
  auto job = std::make_unique<Job>();
  job->group = std::move(group);
  job->progress.resize(job->group.rollouts.size());
  const std::lock_guard<std::mutex> lock(mutex_);
  job->number = submitted_++;
  arrivals_.push_back(std::move(job));
  news_.notify_one();
  return submitted_ - 1;
}

void Generation::Cancel(int64_t number) {
  const std::lock_guard<std::mutex> lock(mutex_);
  cancelled_.push_back(number);
}

void Generation::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  news_.notify_one();
}

void Generation::Abandon() {
  const std::lock_guard<std::mutex> lock(mutex_);
  abandoned_ = true;
  news_.notify_one();
}

absl::StatusOr<absl::optional<Generation::Finished>> Generation::Next() {
  std::unique_lock<std::mutex> lock(mutex_);
  finishes_.wait(lock, [this] { return done_ || !finished_.empty(); });
  if (finished_.empty()) {
    RETURN_IF_ERROR(run_status_);
    return absl::optional<Finished>();
  }
  Finished finished = std::move(finished_.front());
  finished_.pop_front();
  return absl::make_optional(std::move(finished));
}

absl::Status Generation::Run() {
  const absl::Status status = RunThreads(options_.threads, [this](int thread) {
    const c10::NoGradGuard no_grad;
    HoldProcessor(thread, options_.threads);
    try {
      while (Step(thread)) {
      }
    } catch (...) {
      barrier_.Break();
      throw;
    }
    return absl::OkStatus();
  });
  const std::lock_guard<std::mutex> lock(mutex_);
  done_ = true;
  run_status_ = status;
  finishes_.notify_all();
  return status;
}

// Tokens for the sequences that decode; false when nothing is left to do.
bool Generation::Step(int thread) {
  if (thread == 0) Plan();
  barrier_.Wait();
  if (!more_) return false;
  forward_.Run(thread, barrier_);
  if (thread == 0) CountForward();
  const absl::Time start = absl::Now();
  std::vector<Scheduler::Draw>& draws = scheduler_.draws();
  for (size_t i = thread; i < draws.size(); i += options_.threads) Draw(thread, draws[i]);
  threads_[thread]->sampling_seconds += SecondsSince(start);
  barrier_.Wait();
  if (thread == 0) Advance();
  return true;
}

void Generation::Plan() {
  const absl::Time start = absl::Now();
  more_ = TakeArrivals(/*idle=*/false) && scheduler_.Plan();
  // Nothing to feed: waits for groups, or for the word that none will come.
  while (!more_ && TakeArrivals(/*idle=*/true)) more_ = scheduler_.Plan();
  if (more_) forward_.SetBatch(scheduler_.rows(), scheduler_.wanted());
  step_start_ = absl::Now();
  planning_seconds_ += absl::ToDoubleSeconds(step_start_ - start);
}

// Takes in what has come and what has been given up. False when the end has come: everything given
// up or, for a team that is idle, no more to wait for.
bool Generation::TakeArrivals(bool idle) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (idle) news_.wait(lock, [this] { return !arrivals_.empty() || closed_ || abandoned_; });
  if (abandoned_ ||
      (options_.cancelled != nullptr && options_.cancelled->load(std::memory_order_relaxed))) {
    return false;
  }
  if (idle && arrivals_.empty()) return false;
  for (std::unique_ptr<Job>& job : arrivals_) {
    scheduler_.Add(&job->group);
    jobs_.emplace(&job->group, std::move(job));
  }
  arrivals_.clear();
  for (const int64_t number : cancelled_) {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& entry) {
      return entry.second->number == number;
    });
    if (found == jobs_.end()) continue;
    scheduler_.Remove(found->first);
    jobs_.erase(found);
  }
  cancelled_.clear();
  return true;
}

void Generation::CountForward() {
  const double seconds = SecondsSince(step_start_);
  const double decoding = scheduler_.decoding(), rows = scheduler_.rows().size();
  times_.prefill_seconds += seconds * (rows - decoding) / rows;
  times_.decode_seconds += seconds * decoding / rows;
  if (decoding > 0) times_.decode_step_seconds.push_back(seconds);
  forwarded_ = absl::Now();
}

void Generation::Advance() {
  times_.sampling_seconds += SecondsSince(forwarded_);
  const absl::Time start = absl::Now();
  scheduler_.RecordExperts(forward_);
  for (RolloutGroup* group : scheduler_.Advance()) {
    const auto found = jobs_.find(group);
    Finished finished{found->second->number, std::move(*group)};
    jobs_.erase(found);
    for (Rollout& rollout : finished.group.rollouts) {
      rollout.text = tokenizer_->Decode(rollout.tokens, /*skip_special=*/true);
      times_.completion_tokens += rollout.tokens.size();
      times_.prompt_tokens_asked += finished.group.prompt_tokens.size();
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    finished_.push_back(std::move(finished));
    finishes_.notify_one();
  }
  planning_seconds_ += SecondsSince(start);
}

// The next tokens of a completion: one, and another as long as the draft was right.
void Generation::Draw(int thread, Scheduler::Draw& draw) {
  for (size_t i = 0;; ++i) {
    draw.goes_on = DrawToken(thread, draw, draw.logits + static_cast<int>(i));
    if (!draw.goes_on || i == draw.draft.size()) return;
    if (draw.rollout->tokens.back() != draw.draft[i]) return;
  }
}

// Appends a token to a completion; false when it has ended with it.
bool Generation::DrawToken(int thread, const Scheduler::Draw& draw, int logits) {
  Rollout& rollout = *draw.rollout;
  Progress& progress = ProgressOf(draw);
  TokenSampler& sampler = threads_[thread]->sampler;
  const auto forced = thinking_.ForcedToken(progress.thinking);
  if (forced.has_value()) {
    Record(rollout, sampler.Force(forward_.Logits(logits), *forced), /*forced=*/true);
  } else {
    const uint32_t position = rollout.tokens.size();
    const double uniform =
        SamplingUniform(options_.seed, rollout.prompt_id, rollout.sample_index, position);
    Record(
        rollout,
        sampler.Draw(forward_.Logits(logits), uniform, {draw.group->prompt_tokens, rollout.tokens}),
        /*forced=*/false);
  }
  const int32_t token = rollout.tokens.back();
  bool ends = std::find(end_tokens_.begin(), end_tokens_.end(), token) != end_tokens_.end();
  if (!stop_strings_.empty() || thinking_.on()) {
    const absl::string_view bytes = tokenizer_->TokenBytes(token);
    ends |= stop_strings_.Push(bytes, progress.stop);
    thinking_.Add(bytes, progress.thinking);
  }
  const bool stops = ends && !options_.ignore_ends;
  rollout.finish = stops ? FinishReason::kStop : FinishReason::kLength;
  return !stops && static_cast<int>(rollout.tokens.size()) < options_.sampling.max_new_tokens;
}

void Generation::Record(Rollout& rollout, const SampledToken& token, bool forced) const {
  if (forced && rollout.forced.empty()) rollout.forced.assign(rollout.tokens.size(), 0);
  if (forced || !rollout.forced.empty()) rollout.forced.push_back(forced);
  rollout.tokens.push_back(token.token);
  rollout.logprobs.push_back(token.logprob);
  if (threads_[0]->sampler.truncates()) {
    rollout.log_kept_mass.push_back(forced ? 0 : token.log_kept_mass);
  }
}

Generation::Progress& Generation::ProgressOf(const Scheduler::Draw& draw) {
  return jobs_.find(draw.group)->second->progress[draw.rollout - draw.group->rollouts.data()];
}

void Generation::AddTo(RolloutStats& stats) const {
  const RolloutStats& counts = scheduler_.counts();
  stats.forwards += counts.forwards;
  stats.prefill_tokens += counts.prefill_tokens;
  stats.decode_tokens += counts.decode_tokens;
  stats.recomputed_tokens += counts.recomputed_tokens;
  stats.shared_tokens += counts.shared_tokens;
  stats.drafted_tokens += counts.drafted_tokens;
  stats.accepted_tokens += counts.accepted_tokens;
  stats.preemptions += counts.preemptions;
  stats.completion_tokens += times_.completion_tokens;
  stats.prompt_tokens_asked += times_.prompt_tokens_asked;
  stats.prefill_seconds += times_.prefill_seconds;
  stats.decode_seconds += times_.decode_seconds;
  stats.sampling_seconds += times_.sampling_seconds;
  stats.decode_step_seconds.insert(stats.decode_step_seconds.end(),
                                   times_.decode_step_seconds.begin(),
                                   times_.decode_step_seconds.end());
  for (int t = 0; t < options_.threads; ++t) {
    for (int kind = 0; kind < kNumWorkKinds; ++kind) {
      stats.work_seconds[kind] += forward_.seconds(t)[kind];
    }
    stats.work_seconds[static_cast<int>(WorkKind::kSampling)] += threads_[t]->sampling_seconds;
  }
  stats.work_seconds[static_cast<int>(WorkKind::kPlanning)] += planning_seconds_;
  stats.peak_cache_bytes += cache_.peak_pages() * cache_.page_bytes();
}

}  // namespace grpo
