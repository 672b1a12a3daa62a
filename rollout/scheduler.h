// Decides which tokens the coming forward feeds: continuous batching with prompts in chunks, under
// a budget of tokens a forward and of pages in the cache. No tensors here, and no threads.
//
// Of two sequences the one that came first goes first. One that needs a page when none is left
// takes the pages of the last comers, which later resume from the tokens they have; so the first
// one always goes on, and with it all of them.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "data/rollout.h"
#include "rollout/batch_forward.h"
#include "rollout/paged_cache.h"
#include "rollout/rollout_stats.h"

namespace grpo {

struct SchedulerLimits {
  int max_sequences = 256;      // completions at a time
  int max_prompt_tokens = 512;  // of prompts in one forward
  int max_new_tokens = 0;       // of a completion
  // Most tokens guessed ahead of a completion in a forward (rollout/ngram_draft.h); 0: none. While
  // no more than kMaxDrafting completions run, rows cost little and every guess is fed. With more,
  // a completion is guessed as far ahead as its last guesses were right one after the other.
  int draft_tokens = 0;
};

inline constexpr int kMaxDrafting = 8;

// Most guessed tokens in one forward.
int MaxDraftRows(const SchedulerLimits& limits);

class Scheduler {
 public:
  // A completion whose next token the coming forward's logits decide: and as long as a token turns
  // out to be the next of the draft, the token after it, from the logits after.
  struct Draw {
    const RolloutGroup* group;
    Rollout* rollout;
    int logits;                  // number among those of the batch
    std::vector<int32_t> draft;  // tokens fed behind the last known one
    bool goes_on = false;        // set by who draws
  };

  Scheduler(PagedCache& cache, const SchedulerLimits& limits) : cache_(cache), limits_(limits) {}

  // Samples this group's rollouts, whose prompt tokens are there. It must stay where it is until it
  // is finished or removed.
  void Add(RolloutGroup* group);
  // Gives a group up. Between Advance and Plan.
  void Remove(const RolloutGroup* group);

  // Chooses the rows of the coming forward; false when there is nothing to feed.
  bool Plan();
  const std::vector<BatchRow>& rows() const { return rows_; }
  const std::vector<int32_t>& wanted() const { return wanted_; }
  std::vector<Draw>& draws() { return draws_; }

  // After the forward and the draws, with the experts chosen for each row.
  void RecordExperts(const BatchForward& forward);
  // Then: completions that ended leave, those of prompts now fed join. Returns the groups of which
  // no completion is left.
  std::vector<RolloutGroup*> Advance();

  // Counts of tokens, forwards and preemptions so far.
  const RolloutStats& counts() const { return counts_; }
  // Rows of the planned batch that continue completions, each by a token.
  int decoding() const { return decoding_; }

 private:
  struct Sequence {
    RolloutGroup* group;
    Rollout* rollout;       // null: the prompt alone, to be shared by its group
    int64_t order;          // of arrival
    int cached = -1;        // the cache's number
    int first_draw = -1;    // in draws_, when the forward completes what is known
    int32_t guess = -1;     // the next token, whether it is fed or not; -1: none
    int right_guesses = 0;  // in a row, up to now
  };

  static int Known(const Sequence& sequence);
  static int32_t Token(const Sequence& sequence, int position);
  int Fed(const Sequence& sequence) const { return cache_.length(sequence.cached); }

  void Admit();
  void Feed(size_t place);
  void FeedDraft(Sequence& sequence);
  static void JudgeGuesses(Sequence& sequence, int drafted, int accepted);
  int Running() const;
  bool Extend(size_t place, int32_t token);
  void Preempt();
  void Want(Sequence& sequence);
  void Join(const Sequence& prompt);
  void Ended(RolloutGroup* group, std::vector<RolloutGroup*>& finished);
  void Wait(const Sequence& sequence);

  PagedCache& cache_;
  const SchedulerLimits limits_;
  absl::flat_hash_map<const RolloutGroup*, int> unfinished_;  // completions of each group
  std::deque<Sequence> waiting_;                              // by order
  std::vector<Sequence> running_;                             // by order
  std::vector<BatchRow> rows_;
  std::vector<Sequence*> row_sequence_;  // of each row
  std::vector<int32_t> wanted_;
  std::vector<Draw> draws_;
  int prompt_tokens_left_ = 0;  // of this forward's budget
  int draft_rows_left_ = 0;     // likewise
  bool few_run_ = false;        // at most kMaxDrafting completions
  int decoding_ = 0;
  int64_t arrivals_ = 0;
  RolloutStats counts_;
};

}  // namespace grpo
