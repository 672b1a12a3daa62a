#include "rollout/scheduler.h"

#include <algorithm>

#include "data/check.h"
#include "rollout/ngram_draft.h"

namespace grpo {

int MaxDraftRows(const SchedulerLimits& limits) {
  if (limits.draft_tokens == 0) return 0;
  return std::max(kMaxDrafting * limits.draft_tokens, limits.max_sequences);
}

int Scheduler::Known(const Sequence& sequence) {
  const size_t prompt = sequence.group->prompt_tokens.size();
  return static_cast<int>(prompt + (sequence.rollout ? sequence.rollout->tokens.size() : 0));
}

int32_t Scheduler::Token(const Sequence& sequence, int position) {
  const std::vector<int32_t>& prompt = sequence.group->prompt_tokens;
  const int completion = position - static_cast<int>(prompt.size());
  return completion < 0 ? prompt[position] : sequence.rollout->tokens[completion];
}

void Scheduler::Add(RolloutGroup* group) {
  GRPO_CHECK(!group->rollouts.empty());
  waiting_.push_back({group, nullptr, arrivals_});
  unfinished_[group] = static_cast<int>(group->rollouts.size());
  // Its completions follow the prompt.
  arrivals_ += 1 + static_cast<int64_t>(group->rollouts.size());
}

void Scheduler::Remove(const RolloutGroup* group) {
  const auto of_group = [&](const Sequence& sequence) { return sequence.group == group; };
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), of_group), waiting_.end());
  for (const Sequence& sequence : running_) {
    if (of_group(sequence)) cache_.Release(sequence.cached);
  }
  running_.erase(std::remove_if(running_.begin(), running_.end(), of_group), running_.end());
  unfinished_.erase(group);
}

bool Scheduler::Plan() {
  rows_.clear();
  row_sequence_.clear();
  wanted_.clear();
  draws_.clear();
  decoding_ = 0;
  prompt_tokens_left_ = limits_.max_prompt_tokens;
  draft_rows_left_ = MaxDraftRows(limits_);
  few_run_ = Running() <= kMaxDrafting;
  running_.reserve(running_.size() + waiting_.size());  // rows point into it
  for (size_t place = 0; place < running_.size(); ++place) Feed(place);
  Admit();
  GRPO_CHECK(!rows_.empty() || (running_.empty() && waiting_.empty()));
  counts_.forwards += !rows_.empty();
  return !rows_.empty();
}

// Feeds what is known of a sequence and not yet in the cache, as far as the budgets go.
void Scheduler::Feed(size_t place) {
  const int fed = Fed(running_[place]), missing = Known(running_[place]) - fed;
  const bool decodes = missing == 1 && running_[place].rollout != nullptr;
  int count = decodes ? 1 : std::min(missing, prompt_tokens_left_);
  for (int i = 0; i < count; ++i) {
    const int32_t token = Token(running_[place], fed + i);
    if (!Extend(place, token)) {
      count = i;
      break;
    }
    rows_.push_back({token, running_[place].cached, fed + i});
    row_sequence_.push_back(&running_[place]);
  }
  if (decodes) {
    decoding_ += count;
    counts_.decode_tokens += count;
  } else {
    prompt_tokens_left_ -= count;
    (running_[place].rollout ? counts_.recomputed_tokens : counts_.prefill_tokens) += count;
  }
  cache_.Share(running_[place].cached);
  if (count < missing) return;
  Want(running_[place]);
  if (decodes && limits_.draft_tokens > 0) FeedDraft(running_[place]);
}

// Tokens that may come next, each of which the logits before it will judge. The last token of a
// completion is never fed.
void Scheduler::FeedDraft(Sequence& sequence) {
  const Rollout& rollout = *sequence.rollout;
  const int left = limits_.max_new_tokens - static_cast<int>(rollout.tokens.size()) - 1;
  Draw& draw = draws_[sequence.first_draw];
  draw.draft = NgramDraft(sequence.group->prompt_tokens, rollout.tokens,
                          std::min(limits_.draft_tokens, left));
  sequence.guess = draw.draft.empty() ? -1 : draw.draft[0];
  // Pages are for those that run: a guess must not make one of them wait.
  const bool room = cache_.free_pages() > static_cast<int>(running_.size());
  const int trusted = few_run_ ? limits_.draft_tokens : room ? sequence.right_guesses : 0;
  const size_t most = std::min({static_cast<int>(draw.draft.size()), trusted, draft_rows_left_});
  size_t count = 0;
  for (; count < most; ++count) {
    const int position = Fed(sequence);
    if (!cache_.Extend(sequence.cached, draw.draft[count])) break;
    rows_.push_back({draw.draft[count], sequence.cached, position});
    row_sequence_.push_back(&sequence);
    wanted_.push_back(static_cast<int32_t>(rows_.size()) - 1);
  }
  draw.draft.resize(count);
  draft_rows_left_ -= static_cast<int>(count);
  counts_.drafted_tokens += count;
}

// A guess that was not fed is judged by the token that came.
void Scheduler::JudgeGuesses(Sequence& sequence, int drafted, int accepted) {
  const bool right = drafted > 0
                         ? accepted == drafted
                         : sequence.guess >= 0 && sequence.rollout->tokens.back() == sequence.guess;
  sequence.right_guesses = right ? sequence.right_guesses + std::max(drafted, 1) : 0;
}

// Completions that run, or will when their prompt has been fed.
int Scheduler::Running() const {
  int running = 0;
  for (const Sequence& sequence : running_) {
    running += sequence.rollout ? 1 : static_cast<int>(sequence.group->rollouts.size());
  }
  return running;
}

// Room for a token; takes it from those that came later when there is none.
bool Scheduler::Extend(size_t place, int32_t token) {
  while (!cache_.Extend(running_[place].cached, token)) {
    if (place + 1 == running_.size()) return false;
    Preempt();
  }
  return true;
}

// The last comer gives its pages back and waits.
void Scheduler::Preempt() {
  cache_.Release(running_.back().cached);
  Wait(running_.back());
  running_.pop_back();
  ++counts_.preemptions;
}

void Scheduler::Wait(const Sequence& sequence) {
  const auto later = std::find_if(waiting_.begin(), waiting_.end(), [&](const Sequence& other) {
    return other.order > sequence.order;
  });
  waiting_.insert(later, {sequence.group, sequence.rollout, sequence.order});
}

void Scheduler::Want(Sequence& sequence) {
  const int logits = static_cast<int>(wanted_.size());
  wanted_.push_back(static_cast<int32_t>(rows_.size()) - 1);
  sequence.first_draw = static_cast<int>(draws_.size());
  if (sequence.rollout != nullptr) {
    draws_.push_back({sequence.group, sequence.rollout, logits, {}});
    return;
  }
  for (Rollout& rollout : sequence.group->rollouts) {
    draws_.push_back({sequence.group, &rollout, logits, {}});
  }
}

// Lets waiting sequences join while budgets last, in their order. A sequence that has lost its
// pages or could not join its group's prompt comes back here.
void Scheduler::Admit() {
  while (!waiting_.empty() && prompt_tokens_left_ > 0) {
    const Sequence& next = waiting_.front();
    const int completions = next.rollout ? 1 : static_cast<int>(next.group->rollouts.size());
    if (!running_.empty() && Running() + completions > limits_.max_sequences) return;
    // What it needs now, and a page for each that is under way already, so that it does not lose
    // its pages at once.
    const int pages = cache_.PagesFor(Known(next) + 1) + static_cast<int>(running_.size());
    if (!running_.empty() && pages > cache_.free_pages()) return;
    running_.push_back(next);
    waiting_.pop_front();
    Sequence& sequence = running_.back();
    sequence.cached = cache_.NewSequence();
    std::vector<int32_t> tokens = sequence.group->prompt_tokens;
    if (sequence.rollout != nullptr) {
      tokens.insert(tokens.end(), sequence.rollout->tokens.begin(), sequence.rollout->tokens.end());
    }
    counts_.shared_tokens += cache_.Adopt(sequence.cached, tokens);
    Feed(running_.size() - 1);
  }
}

void Scheduler::RecordExperts(const BatchForward& forward) {
  const int width = cache_.experts_per_token();
  if (width == 0) return;
  for (size_t n = 0; n < rows_.size(); ++n) {
    const BatchRow& row = rows_[n];
    std::copy_n(forward.Experts(static_cast<int>(n)), width,
                cache_.Experts(row.sequence, row.position));
    const Sequence& sequence = *row_sequence_[n];
    // A draft's tokens that did not come are no part of the completion; its last one is not fed.
    if (sequence.rollout != nullptr && row.position + 1 >= Known(sequence)) continue;
    const int prompt = static_cast<int>(sequence.group->prompt_tokens.size());
    const auto record = [&](std::vector<int16_t>& experts, int first, int end) {
      // Tokens found in the cache come with the record of who fed them.
      for (int at = first + static_cast<int>(experts.size()) / width; at < end; ++at) {
        const int16_t* chosen = cache_.Experts(row.sequence, at);
        experts.insert(experts.end(), chosen, chosen + width);
      }
    };
    record(sequence.group->prompt_experts, 0, std::min(row.position + 1, prompt));
    if (row.position >= prompt) record(sequence.rollout->experts, prompt, row.position + 1);
  }
}

std::vector<RolloutGroup*> Scheduler::Advance() {
  std::vector<RolloutGroup*> finished;
  std::vector<Sequence> before = std::move(running_);
  running_.clear();
  for (const Sequence& sequence : before) {
    if (sequence.first_draw < 0) {
      running_.push_back(sequence);
    } else if (sequence.rollout == nullptr) {
      Join(sequence);
      for (size_t i = 0; i < sequence.group->rollouts.size(); ++i) {
        if (!draws_[sequence.first_draw + i].goes_on) Ended(sequence.group, finished);
      }
    } else if (draws_[sequence.first_draw].goes_on) {
      const Draw& draw = draws_[sequence.first_draw];
      const int fed = Fed(sequence), kept = std::min(fed, Known(sequence) - 1);
      const int drafted = static_cast<int>(draw.draft.size()), accepted = drafted - (fed - kept);
      counts_.accepted_tokens += accepted;
      cache_.Truncate(sequence.cached, kept);
      running_.push_back(sequence);
      running_.back().first_draw = -1;
      JudgeGuesses(running_.back(), drafted, accepted);
    } else {
      cache_.Release(sequence.cached);
      Ended(sequence.group, finished);
    }
  }
  std::sort(running_.begin(), running_.end(),
            [](const Sequence& a, const Sequence& b) { return a.order < b.order; });
  return finished;
}

void Scheduler::Ended(RolloutGroup* group, std::vector<RolloutGroup*>& finished) {
  const auto found = unfinished_.find(group);
  if (--found->second > 0) return;
  unfinished_.erase(found);
  finished.push_back(group);
}

// The completions of a prompt that has been fed, each with a first token, take its place.
void Scheduler::Join(const Sequence& prompt) {
  int64_t order = prompt.order;
  for (size_t i = 0; i < prompt.group->rollouts.size(); ++i) {
    Sequence sequence{prompt.group, &prompt.group->rollouts[i], ++order};
    if (!draws_[prompt.first_draw + i].goes_on) continue;
    const bool room = static_cast<int>(running_.size()) < limits_.max_sequences;
    if (room) sequence.cached = cache_.Fork(prompt.cached);
    if (sequence.cached >= 0) {
      running_.push_back(sequence);
    } else {
      Wait(sequence);
    }
  }
  cache_.Release(prompt.cached);
}

}  // namespace grpo
