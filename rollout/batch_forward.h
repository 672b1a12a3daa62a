// The decoder over a batch of tokens of many sequences, for rollouts: the bits of DecoderHidden
// (policy/decoder.h) and of the head, without autograd, in buffers of its own, over a paged cache,
// by a team of threads that shares out rows or columns of every part.
//
// Letters: N rows of the batch, W rows that want logits; otherwise those of policy/decoder.h.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

#include "policy/packed_weights.h"
#include "policy/rope.h"
#include "policy/router.h"
#include "policy/threads.h"
#include "rollout/paged_cache.h"
#include "rollout/rollout_stats.h"

namespace grpo {

// A token to feed, and its place in a sequence of the cache, which has room for it.
struct BatchRow {
  int32_t token;
  int32_t sequence;
  int32_t position;
};

class BatchForward {
 public:
  // For batches of up to max_rows rows, max_wanted of which want logits.
  BatchForward(const Weights& weights, const PackedWeights& packed, PagedCache& cache, int threads,
               int max_rows, int max_wanted);

  // The coming batch. Rows of one sequence stand together, in the order of their positions;
  // `wanted` ascending. By one thread.
  void SetBatch(const std::vector<BatchRow>& rows, const std::vector<int32_t>& wanted);

  // By every thread of the team with its number; the results are there when all have returned.
  void Run(int thread, TeamBarrier& barrier);

  // [V] of the i-th row that wants them.
  const float* Logits(int i) const { return logits_ + int64_t{i} * config_.vocab_size; }
  // [M, K] of a row.
  const int16_t* Experts(int row) const { return chosen_ + row * experts_per_row_; }

  // Seconds of a thread by the kind of work.
  const WorkSeconds& seconds(int thread) const { return threads_[thread].seconds; }

 private:
  // The columns of one product of all its rows with one matrix.
  struct Product {
    const PackedMatrix* matrix;
    int rows;
    const float* x;
    int64_t x_row;
    float* y;
    int64_t y_row;
    const int32_t* picked = nullptr;  // rows of x to take; null: the first ones
    float scale = 1;                  // of the result
    bool accumulate = false;          // added to y
  };
  // Of a product, a thread's panels.
  struct Share {
    const Product* product;
    int first, last;
  };
  // Queries that follow one another in a sequence.
  struct Stretch {
    int begin;
    int rows;
  };
  // What a thread keeps for itself.
  struct alignas(64) Thread {
    std::vector<Product> products;
    std::vector<Product> adapted;  // of what products of the adapters' first factors gave
    int64_t low_rank_used = 0;
    std::vector<Share> shares;
    std::vector<float> picked;  // rows of a product
    std::vector<const float*> expert_rows;
    std::vector<int32_t> expert_begin, expert_pair, pair_token;
    std::vector<float> router_logits;
    std::vector<float> cached_row;
    std::unique_ptr<RowRouter> router;
    WorkSeconds seconds;
    std::chrono::steady_clock::time_point mark;
  };

  float* Allocate(int64_t count);
  void Finish(int thread, WorkKind kind, TeamBarrier* barrier);

  int Begin(int thread) const {
    return static_cast<int>(int64_t{num_rows_} * thread / num_threads_);
  }
  int End(int thread) const { return Begin(thread + 1); }

  void Embed(int thread);
  void LatentAttention(int thread, int layer, TeamBarrier& barrier);
  void GroupedAttention(int thread, int layer, TeamBarrier& barrier);
  void CacheLatents(int thread, int layer);
  void RotateAndCache(int thread, int layer);
  void Attend(int thread, int layer);
  void AttendStretch(const Stretch& stretch, int layer, int head_begin, int head_end);
  void AddAttention(int thread, int layer);
  void Norm(int thread, const at::Tensor& weight);
  void Route(int thread, int layer);
  void OrderByExpert(Thread& own, int layer) const;
  void Mlp(int thread, int layer, TeamBarrier& barrier);
  void AddMlp(int thread, int layer);
  void Head(int thread, TeamBarrier& barrier);
  void AddBias(float* row, const at::Tensor& bias) const;
  void AddBlock(int row);
  void List(int thread, const Product& product, absl::Span<const PackedAdapter> adapters);
  void Multiply(int thread, WorkKind kind, TeamBarrier& barrier);
  void ShareOut(int thread, const std::vector<Product>& products);
  void MultiplyShares(int thread, const std::vector<Product>& products);

  const Weights& weights_;
  const PolicyConfig& config_;
  const PackedWeights& packed_;
  PagedCache& cache_;
  const Kernels<float>& kernels_;
  const AttentionShape shape_;
  const RopeTables rope_;  // of all positions
  const int num_threads_;
  const bool from_memory_;  // the weights are read from there, for each batch
  const bool halves_;       // which entries rope turns together
  int64_t experts_per_row_ = 0;

  std::vector<BatchRow> rows_;
  std::vector<int32_t> wanted_;
  std::vector<Stretch> stretches_;
  std::vector<double> stretch_cost_;  // before each
  std::vector<int> new_pages_;        // to be cleared before the batch's rows come into them
  int num_rows_ = 0;
  std::vector<Thread> threads_;

  std::vector<at::Tensor> memory_;
  float* hidden_;          // [N, D]
  float* x_;               // [N, D] normalised
  float* block_;           // [N, D] a block's output
  float* q_a_;             // [N, q_lora]
  float* kv_;              // [N, L + R]
  float* q_;               // [N, H (nope + R)], or [N, (H + 2 C) d]
  float* q_cached_;        // [N, H, key_dim]
  float* mixed_;           // [N, H, value_dim]
  float* heads_;           // [N, H v]
  float* inner_;           // [N, 2I] of the dense MLP or the shared experts
  float* active_;          // [N, I]
  float* expert_inner_;    // [N K, 2I]
  float* expert_active_;   // [N K, I]
  float* expert_out_;      // [N K, D]
  float* router_weights_;  // [N, K]
  float* low_rank_;        // rows between the two factors of adapters
  float* logits_;          // [W, V]
  int16_t* chosen_;        // [N, M, K]
  at::Tensor chosen_memory_;
  std::vector<int> moe_layer_;  // of each layer
};

}  // namespace grpo
