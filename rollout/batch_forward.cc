#include "rollout/batch_forward.h"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

#include "data/check.h"
#include "policy/decoder.h"

namespace grpo {
namespace {

const float* Data(const at::Tensor& tensor) { return tensor.const_data_ptr<float>(); }

// Bytes of packed weights that the caches keep from one batch to the next.
constexpr int64_t kCachedWeights = 8 << 20;

// Rows of queries to attend together: enough for products to be worth their packing.
int StretchRows(const AttentionShape& shape) { return std::max(1, 64 / shape.num_heads); }

// Those of one head or expert, where there are some.
absl::Span<const PackedAdapter> OfOne(const std::vector<PackedAdapter>& adapters, int64_t i) {
  return absl::MakeConstSpan(adapters).subspan(std::min<size_t>(i, adapters.size()), 1);
}

void Scale(int64_t n, double factor, float* x) {
  if (factor == 1) return;
  for (int64_t i = 0; i < n; ++i) x[i] *= static_cast<float>(factor);
}

}  // namespace

BatchForward::BatchForward(const Weights& weights, const PackedWeights& packed, PagedCache& cache,
                           int threads, int max_rows, int max_wanted)
    : weights_(weights),
      config_(weights.config),
      packed_(packed),
      cache_(cache),
      kernels_(ActiveKernels<float>()),
      shape_(CachedAttentionShape(config_)),
      rope_(MakeRopeTables(config_, at::arange(cache.max_tokens()), at::kFloat)),
      num_threads_(threads),
      from_memory_(packed.bytes() > kCachedWeights),
      halves_(config_.architecture().rotary_pairs == Architecture::RotaryPairs::kHalves),
      threads_(threads) {
  int moe_layers = 0, inner = 0;
  for (const LayerWeights& layer : weights.layers) {
    moe_layer_.push_back(moe_layers);
    moe_layers += layer.is_moe();
    if (layer.mlp.down.defined()) inner = std::max<int>(inner, layer.mlp.down.size(1));
  }
  const int64_t n = max_rows, width = config_.hidden_size, heads = config_.num_attention_heads;
  hidden_ = Allocate(n * width);
  x_ = Allocate(n * width);
  block_ = Allocate(n * width);
  q_cached_ = Allocate(n * heads * shape_.key_dim);
  mixed_ = Allocate(n * heads * shape_.value_dim);
  inner_ = Allocate(n * 2 * inner);
  active_ = Allocate(n * inner);
  logits_ = Allocate(int64_t{max_wanted} * config_.vocab_size);
  if (config_.architecture().latent()) {
    q_a_ = Allocate(n * config_.q_lora_rank);
    kv_ = Allocate(n * (config_.kv_lora_rank + config_.qk_rope_head_dim));
    q_ = Allocate(n * heads * (config_.qk_nope_head_dim + config_.qk_rope_head_dim));
    heads_ = Allocate(n * heads * config_.v_head_dim);
  } else {
    q_ = Allocate(n * (heads + 2 * config_.num_key_value_heads) * config_.grouped_head_dim());
  }
  const LoraConfig& lora = weights.adapters.config;
  low_rank_ = Allocate(n * (heads * lora.attention_rank + 3 * lora.attention_rank +
                            2 * lora.mlp_rank + config_.num_experts_per_tok * lora.expert_rank) +
                       int64_t{max_wanted} * lora.head_rank);
  for (Thread& thread : threads_) thread.cached_row.resize(shape_.row_width());
  if (moe_layers == 0) return;
  const int64_t choices = config_.num_experts_per_tok, pairs = n * choices,
                expert_inner = config_.moe_intermediate_size;
  experts_per_row_ = moe_layers * choices;
  chosen_memory_ = at::empty({n * experts_per_row_}, at::kShort);
  chosen_ = chosen_memory_.mutable_data_ptr<int16_t>();
  router_weights_ = Allocate(pairs);
  expert_inner_ = Allocate(pairs * 2 * expert_inner);
  expert_active_ = Allocate(pairs * expert_inner);
  expert_out_ = Allocate(pairs * width);
  for (Thread& thread : threads_) {
    thread.router = std::make_unique<RowRouter>(config_);
    thread.router_logits.resize(config_.n_routed_experts);
    thread.expert_rows.resize(choices);
  }
}

float* BatchForward::Allocate(int64_t count) {
  memory_.push_back(at::empty({count}, at::kFloat));
  AskForHugePages(memory_.back());
  return memory_.back().mutable_data_ptr<float>();
}

void BatchForward::SetBatch(const std::vector<BatchRow>& rows, const std::vector<int32_t>& wanted) {
  rows_ = rows;
  wanted_ = wanted;
  new_pages_ = cache_.TakeNewPages();
  num_rows_ = static_cast<int>(rows.size());
  stretches_.clear();
  stretch_cost_.assign(1, 0);
  const int longest = StretchRows(shape_);
  for (int n = 0; n < num_rows_;) {
    int end = n + 1;
    while (end < num_rows_ && end - n < longest && rows[end].sequence == rows[n].sequence) ++end;
    stretches_.push_back({n, end - n});
    stretch_cost_.push_back(stretch_cost_.back() + (end - n) * (rows[n].position + 32.0));
    n = end;
  }
}

void BatchForward::Finish(int thread, WorkKind kind, TeamBarrier* barrier) {
  Thread& own = threads_[thread];
  const auto mark = [&](WorkKind of) {
    const auto now = std::chrono::steady_clock::now();
    own.seconds[static_cast<int>(of)] += std::chrono::duration<double>(now - own.mark).count();
    own.mark = now;
  };
  mark(kind);
  if (barrier == nullptr) return;
  barrier->Wait();
  mark(WorkKind::kWaiting);
}

void BatchForward::Run(int thread, TeamBarrier& barrier) {
  threads_[thread].mark = std::chrono::steady_clock::now();
  for (int layer = thread; layer < config_.num_hidden_layers; layer += num_threads_) {
    cache_.Clear(new_pages_, layer);
  }
  Embed(thread);
  for (int layer = 0; layer < config_.num_hidden_layers; ++layer) {
    Norm(thread, weights_.layers[layer].input_norm);
    Finish(thread, WorkKind::kRows, &barrier);
    if (config_.architecture().latent()) {
      LatentAttention(thread, layer, barrier);
    } else {
      GroupedAttention(thread, layer, barrier);
    }
    AddAttention(thread, layer);
    Norm(thread, weights_.layers[layer].post_norm);
    if (weights_.layers[layer].is_moe()) Route(thread, layer);
    Finish(thread, WorkKind::kRows, &barrier);
    Mlp(thread, layer, barrier);
    AddMlp(thread, layer);
  }
  Head(thread, barrier);
}

void BatchForward::Embed(int thread) {
  const int64_t width = config_.hidden_size;
  const bool narrow = weights_.embedding.scalar_type() == at::kBFloat16;
  for (int n = Begin(thread); n < End(thread); ++n) {
    float* row = hidden_ + n * width;
    const int64_t at = rows_[n].token * width;
    if (narrow) {
      const auto* from = static_cast<const BFloat16*>(weights_.embedding.const_data_ptr()) + at;
      std::copy_n(from, width, row);
    } else {
      std::copy_n(Data(weights_.embedding) + at, width, row);
    }
    Scale(width, config_.embedding_scale(), row);
  }
}

void BatchForward::Norm(int thread, const at::Tensor& weight) {
  const int begin = Begin(thread), width = config_.hidden_size;
  kernels_.rms_norm(End(thread) - begin, width, hidden_ + int64_t{begin} * width, width,
                    Data(weight), config_.rms_norm_eps, x_ + int64_t{begin} * width, width,
                    nullptr);
}

void BatchForward::AddBias(float* row, const at::Tensor& bias) const {
  if (bias.defined()) kernels_.add(bias.numel(), Data(bias), row);
}

// A block's output into the residual stream.
void BatchForward::AddBlock(int row) {
  const int64_t at = int64_t{row} * config_.hidden_size;
  Scale(config_.hidden_size, config_.residual_scale(), block_ + at);
  kernels_.add(config_.hidden_size, block_ + at, hidden_ + at);
}

// ---- Attention

void BatchForward::LatentAttention(int thread, int layer, TeamBarrier& barrier) {
  const LayerWeights& weights = weights_.layers[layer];
  const PackedLayer& packed = packed_.layers[layer];
  const int64_t width = config_.hidden_size, heads = config_.num_attention_heads;
  const int64_t nope = config_.qk_nope_head_dim, rotary = config_.qk_rope_head_dim,
                value = config_.v_head_dim;
  const int64_t q_row = heads * (nope + rotary), cached_row = heads * shape_.key_dim,
                mixed_row = heads * shape_.value_dim;
  const bool compressed = weights.q_a.defined();

  if (compressed) {
    List(thread, {&packed.q_a, num_rows_, x_, width, q_a_, config_.q_lora_rank},
         packed.q_a_adapters);
  }
  List(thread, {&packed.kv_a, num_rows_, x_, width, kv_, config_.kv_lora_rank + rotary},
       packed.kv_a_adapters);
  Multiply(thread, WorkKind::kProducts, barrier);
  Finish(thread, WorkKind::kProducts, &barrier);

  CacheLatents(thread, layer);
  Finish(thread, WorkKind::kRows, &barrier);

  List(thread,
       {&packed.q, num_rows_, compressed ? q_a_ : x_, compressed ? config_.q_lora_rank : width, q_,
        q_row},
       packed.q_adapters);
  Multiply(thread, WorkKind::kProducts, barrier);
  Finish(thread, WorkKind::kProducts, &barrier);

  for (int64_t h = 0; h < heads; ++h) {
    List(thread,
         {&packed.to_key[h], num_rows_, q_ + h * (nope + rotary), q_row,
          q_cached_ + h * shape_.key_dim, cached_row},
         OfOne(packed.to_key_adapters, h));
  }
  Multiply(thread, WorkKind::kProducts, barrier);
  for (int n = Begin(thread); n < End(thread); ++n) {
    const int64_t angles = rows_[n].position * (rotary / 2);
    kernels_.rope(1, heads, rotary, q_ + n * q_row + nope, q_row, nope + rotary,
                  Data(rope_.cos) + angles, Data(rope_.sin) + angles, halves_, false,
                  q_cached_ + n * cached_row + shape_.value_dim, cached_row, shape_.key_dim);
  }
  Finish(thread, WorkKind::kProducts, &barrier);

  Attend(thread, layer);
  Finish(thread, WorkKind::kAttention, &barrier);

  for (int64_t h = 0; h < heads; ++h) {
    List(thread,
         {&packed.from_value[h], num_rows_, mixed_ + h * shape_.value_dim, mixed_row,
          heads_ + h * value, heads * value},
         OfOne(packed.from_value_adapters, h));
  }
  Multiply(thread, WorkKind::kProducts, barrier);
  Finish(thread, WorkKind::kProducts, &barrier);

  List(thread, {&packed.o, num_rows_, heads_, heads * value, block_, width}, packed.o_adapters);
  Multiply(thread, WorkKind::kProducts, barrier);
  Finish(thread, WorkKind::kProducts, &barrier);
}

// Normalised latents and rotated keys into the cache; compressed queries normalised.
void BatchForward::CacheLatents(int thread, int layer) {
  const LayerWeights& weights = weights_.layers[layer];
  const int latent = config_.kv_lora_rank, rotary = config_.qk_rope_head_dim,
            q_lora = config_.q_lora_rank;
  for (int n = Begin(thread); n < End(thread); ++n) {
    float* kv = kv_ + int64_t{n} * (latent + rotary);
    float* cached = threads_[thread].cached_row.data();
    AddBias(kv, weights.kv_a_bias);
    kernels_.rms_norm(1, latent, kv, latent, Data(weights.kv_a_norm), kLatentNormEps, cached,
                      latent, nullptr);
    const int64_t angles = rows_[n].position * (rotary / 2);
    kernels_.rope(1, 1, rotary, kv + latent, rotary, rotary, Data(rope_.cos) + angles,
                  Data(rope_.sin) + angles, halves_, false, cached + latent, rotary, rotary);
    cache_.Store(layer, rows_[n].sequence, rows_[n].position, cached);
    if (!weights.q_a.defined()) continue;
    float* q_a = q_a_ + int64_t{n} * q_lora;
    AddBias(q_a, weights.q_a_bias);
    kernels_.rms_norm(1, q_lora, q_a, q_lora, Data(weights.q_a_norm), kLatentNormEps, q_a, q_lora,
                      nullptr);
  }
}

void BatchForward::GroupedAttention(int thread, int layer, TeamBarrier& barrier) {
  const PackedLayer& packed = packed_.layers[layer];
  const int64_t width = config_.hidden_size;
  const int64_t mixed_row = int64_t{shape_.num_heads} * shape_.value_dim;
  List(thread, {&packed.qkv, num_rows_, x_, width, q_, packed.qkv.columns()}, packed.qkv_adapters);
  Multiply(thread, WorkKind::kProducts, barrier);
  Finish(thread, WorkKind::kProducts, &barrier);

  RotateAndCache(thread, layer);
  Finish(thread, WorkKind::kRows, &barrier);

  Attend(thread, layer);
  Finish(thread, WorkKind::kAttention, &barrier);

  List(thread, {&packed.o, num_rows_, mixed_, mixed_row, block_, width}, packed.o_adapters);
  Multiply(thread, WorkKind::kProducts, barrier);
  Finish(thread, WorkKind::kProducts, &barrier);
}

// Queries, keys and values of each row: normalised where the architecture says so, rotated, keys
// and values into the cache.
void BatchForward::RotateAndCache(int thread, int layer) {
  const LayerWeights& weights = weights_.layers[layer];
  const int heads = config_.num_attention_heads, cached_heads = config_.num_key_value_heads,
            width = config_.grouped_head_dim();
  const int64_t qkv_row = int64_t{heads + 2 * cached_heads} * width;
  const auto normalise = [&](int count, float* x, const at::Tensor& norm) {
    if (!norm.defined()) return;
    kernels_.rms_norm(count, width, x, width, Data(norm), config_.rms_norm_eps, x, width, nullptr);
  };
  for (int n = Begin(thread); n < End(thread); ++n) {
    float* q = q_ + n * qkv_row;
    float* k = q + int64_t{heads} * width;
    const float* v = k + int64_t{cached_heads} * width;
    AddBias(q, weights.qkv_bias);
    normalise(heads, q, weights.q_norm);
    normalise(cached_heads, k, weights.k_norm);
    const float* cos = Data(rope_.cos) + int64_t{rows_[n].position} * (width / 2);
    const float* sin = Data(rope_.sin) + int64_t{rows_[n].position} * (width / 2);
    kernels_.rope(1, heads, width, q, qkv_row, width, cos, sin, halves_, false,
                  q_cached_ + int64_t{n} * heads * width, int64_t{heads} * width, width);
    float* cached = threads_[thread].cached_row.data();
    kernels_.rope(1, cached_heads, width, k, qkv_row, width, cos, sin, halves_, false, cached,
                  shape_.row_width(), shape_.row_dim);
    for (int c = 0; c < cached_heads; ++c) {
      std::copy_n(v + c * width, width, cached + c * shape_.row_dim + shape_.value_begin);
    }
    cache_.Store(layer, rows_[n].sequence, rows_[n].position, cached);
  }
}

void BatchForward::Attend(int thread, int layer) {
  // Few stretches are shared out by heads, many as they are.
  const int count = static_cast<int>(stretches_.size());
  const bool by_heads = count < 2 * num_threads_;
  const double total = stretch_cost_.back();
  const int heads = shape_.num_heads;
  for (int s = 0; s < count; ++s) {
    const double middle = (stretch_cost_[s] + stretch_cost_[s + 1]) / 2;
    if (!by_heads && static_cast<int>(middle / total * num_threads_) != thread) continue;
    const int head_begin = by_heads ? heads * thread / num_threads_ : 0,
              head_end = by_heads ? heads * (thread + 1) / num_threads_ : heads;
    if (head_begin < head_end) AttendStretch(stretches_[s], layer, head_begin, head_end);
  }
}

void BatchForward::AttendStretch(const Stretch& stretch, int layer, int head_begin, int head_end) {
  const BatchRow& first = rows_[stretch.begin];
  const int64_t head = int64_t{stretch.begin} * shape_.num_heads;
  const float* q = q_cached_ + head * shape_.key_dim;
  float* out = mixed_ + head * shape_.value_dim;
  const int32_t* table = cache_.Table(first.sequence);
  if (cache_.bf16()) {
    ActiveBf16Attention().attend({.shape = shape_,
                                  .q = q,
                                  .num_rows = stretch.rows,
                                  .first_visible = first.position + 1,
                                  .pages = static_cast<const BFloat16*>(cache_.LayerPages(layer)),
                                  .table = table,
                                  .head_begin = head_begin,
                                  .head_end = head_end},
                                 out, nullptr);
  } else {
    kernels_.paged_attention({.shape = shape_,
                              .q = q,
                              .num_rows = stretch.rows,
                              .first_visible = first.position + 1,
                              .pages = static_cast<const float*>(cache_.LayerPages(layer)),
                              .table = table,
                              .page_size = cache_.page_size(),
                              .head_begin = head_begin,
                              .head_end = head_end},
                             out);
  }
}

void BatchForward::AddAttention(int thread, int layer) {
  for (int n = Begin(thread); n < End(thread); ++n) {
    AddBias(block_ + int64_t{n} * config_.hidden_size, weights_.layers[layer].o_bias);
    AddBlock(n);
  }
}

// ---- Dense MLPs and experts

void BatchForward::Route(int thread, int layer) {
  Thread& own = threads_[thread];
  const LayerWeights& weights = weights_.layers[layer];
  const PackedMatrix& router = packed_.layers[layer].router;
  const int begin = Begin(thread), count = End(thread) - begin, width = config_.hidden_size,
            experts = config_.n_routed_experts, choices = config_.num_experts_per_tok;
  own.router_logits.resize(int64_t{count} * experts);
  router.Multiply(count, x_ + int64_t{begin} * width, width, 0, router.panels(),
                  own.router_logits.data(), experts);
  const float* bias = weights.router_bias.defined() ? Data(weights.router_bias) : nullptr;
  for (int n = begin; n < begin + count; ++n) {
    own.router->Route(own.router_logits.data() + int64_t{n - begin} * experts, bias,
                      chosen_ + n * experts_per_row_ + moe_layer_[layer] * choices,
                      router_weights_ + int64_t{n} * choices);
  }
}

// The pairs of a row and one of its experts, ordered by expert, rows ascending within one. Every
// thread works it out for itself: that takes less time than waiting for another.
void BatchForward::OrderByExpert(Thread& own, int layer) const {
  const int choices = config_.num_experts_per_tok, experts = config_.n_routed_experts;
  own.expert_begin.assign(experts + 1, 0);
  const auto chosen = [&](int n) {
    return chosen_ + n * experts_per_row_ + moe_layer_[layer] * choices;
  };
  for (int n = 0; n < num_rows_; ++n) {
    for (int k = 0; k < choices; ++k) ++own.expert_begin[chosen(n)[k] + 1];
  }
  for (int e = 0; e < experts; ++e) own.expert_begin[e + 1] += own.expert_begin[e];
  own.expert_pair.resize(num_rows_ * choices);  // where each pair lies in the order
  own.pair_token.resize(num_rows_ * choices);
  std::vector<int32_t>& next = own.expert_begin;
  for (int n = 0; n < num_rows_; ++n) {
    for (int k = 0; k < choices; ++k) {
      const int place = next[chosen(n)[k]]++;
      own.expert_pair[n * choices + k] = place;
      own.pair_token[place] = n;
    }
  }
  for (int e = experts; e > 0; --e) next[e] = next[e - 1];
  next[0] = 0;
}

void BatchForward::Mlp(int thread, int layer, TeamBarrier& barrier) {
  const LayerWeights& weights = weights_.layers[layer];
  const PackedLayer& packed = packed_.layers[layer];
  Thread& own = threads_[thread];
  const bool moe = weights.is_moe(), shared = weights.mlp.down.defined();
  const int64_t width = config_.hidden_size, inner = shared ? weights.mlp.down.size(1) : 0,
                expert_inner = config_.moe_intermediate_size;
  const WorkKind kind = moe ? WorkKind::kExperts : WorkKind::kProducts;
  if (moe) OrderByExpert(own, layer);
  const auto each_expert = [&](auto add) {
    for (int e = 0; moe && e < config_.n_routed_experts; ++e) {
      const int begin = own.expert_begin[e], count = own.expert_begin[e + 1] - begin;
      if (count > 0) add(e, begin, count);
    }
  };

  if (shared) {
    List(thread, {&packed.gate_up, num_rows_, x_, width, inner_, 2 * inner},
         packed.gate_up_adapters);
  }
  each_expert([&](int e, int begin, int count) {
    List(thread,
         {&packed.expert_gate_up[e], count, x_, width, expert_inner_ + begin * 2 * expert_inner,
          2 * expert_inner, own.pair_token.data() + begin},
         OfOne(packed.expert_gate_up_adapters, e));
  });
  Multiply(thread, kind, barrier);
  Finish(thread, kind, &barrier);

  const int begin = Begin(thread), count = End(thread) - begin;
  if (shared) kernels_.swiglu(count, inner, inner_ + begin * 2 * inner, active_ + begin * inner);
  if (moe) {
    const int64_t pair = int64_t{begin} * config_.num_experts_per_tok,
                  pairs = int64_t{count} * config_.num_experts_per_tok;
    kernels_.swiglu(pairs, expert_inner, expert_inner_ + pair * 2 * expert_inner,
                    expert_active_ + pair * expert_inner);
  }
  Finish(thread, WorkKind::kRows, &barrier);

  if (shared) {
    List(thread, {&packed.down, num_rows_, active_, inner, block_, width}, packed.down_adapters);
  }
  each_expert([&](int e, int begin, int count) {
    List(thread,
         {&packed.expert_down[e], count, expert_active_ + begin * expert_inner, expert_inner,
          expert_out_ + begin * width, width},
         OfOne(packed.expert_down_adapters, e));
  });
  Multiply(thread, kind, barrier);
  Finish(thread, kind, &barrier);
}

void BatchForward::AddMlp(int thread, int layer) {
  const LayerWeights& weights = weights_.layers[layer];
  Thread& own = threads_[thread];
  const int choices = config_.num_experts_per_tok;
  const int64_t width = config_.hidden_size;
  for (int n = Begin(thread); n < End(thread); ++n) {
    if (weights.is_moe()) {
      for (int k = 0; k < choices; ++k) {
        own.expert_rows[k] = expert_out_ + own.expert_pair[n * choices + k] * width;
      }
      float* sum = x_ + n * width;  // no longer needed
      kernels_.weighted_sum(choices, width, own.expert_rows.data(),
                            router_weights_ + int64_t{n} * choices, sum);
      // Addition commutes: these are the bits of the sum plus the shared experts' output.
      if (weights.mlp.down.defined()) {
        kernels_.add(width, sum, block_ + n * width);
      } else {
        std::copy_n(sum, width, block_ + n * width);
      }
    }
    AddBlock(n);
  }
}

// ---- Vocabulary

void BatchForward::Head(int thread, TeamBarrier& barrier) {
  const int wanted = static_cast<int>(wanted_.size()), width = config_.hidden_size;
  Finish(thread, WorkKind::kRows, &barrier);
  for (int i = thread; i < wanted; i += num_threads_) {
    float* row = x_ + int64_t{i} * width;
    kernels_.rms_norm(1, width, hidden_ + int64_t{wanted_[i]} * width, width,
                      Data(weights_.final_norm), config_.rms_norm_eps, row, width, nullptr);
    Scale(width, config_.logit_scale(), row);
  }
  Finish(thread, WorkKind::kRows, &barrier);
  List(thread, {&packed_.head, wanted, x_, width, logits_, config_.vocab_size},
       packed_.head_adapters);
  Multiply(thread, WorkKind::kHead, barrier);
  Finish(thread, WorkKind::kHead, &barrier);
}

// ---- Products

// Lists a product, and what adapters of its matrix add to it.
void BatchForward::List(int thread, const Product& product,
                        absl::Span<const PackedAdapter> adapters) {
  Thread& own = threads_[thread];
  own.products.push_back(product);
  for (const PackedAdapter& adapter : adapters) {
    const int64_t rank = adapter.a.columns();
    float* const inner = low_rank_ + own.low_rank_used;
    own.low_rank_used += product.rows * rank;
    own.products.push_back({&adapter.a, product.rows, product.x, product.x_row, inner, rank,
                            product.picked, adapter.scale});
    own.adapted.push_back({&adapter.b, product.rows, inner, rank, product.y + adapter.first_column,
                           product.y_row, nullptr, 1,
                           /*accumulate=*/true});
  }
}

// This thread's share of the products listed, which are then done.
void BatchForward::Multiply(int thread, WorkKind kind, TeamBarrier& barrier) {
  Thread& own = threads_[thread];
  MultiplyShares(thread, own.products);
  if (!own.adapted.empty()) {
    Finish(thread, kind, &barrier);
    MultiplyShares(thread, own.adapted);
  }
  own.products.clear();
  own.adapted.clear();
  own.low_rank_used = 0;
}

// This thread's share of products: the columns of all of them in a row, cut where costs are equal.
void BatchForward::ShareOut(int thread, const std::vector<Product>& products) {
  Thread& own = threads_[thread];
  constexpr double kRead = 16;  // rows that take as long as reading a weight does
  const auto panel_cost = [&](const Product& product) {
    return product.matrix->rows() * (product.rows + kRead);
  };
  double total = 0;
  for (const Product& product : products) {
    total += product.matrix->panels() * panel_cost(product);
  }
  const double begin = total * thread / num_threads_, end = total * (thread + 1) / num_threads_;
  double at = 0;
  own.shares.clear();
  for (const Product& product : products) {
    const double cost = panel_cost(product);
    const int panels = product.matrix->panels();
    const auto border = [&](double where) {
      return std::clamp(static_cast<int>((where - at) / cost + 0.5), 0, panels);
    };
    const int first = thread == 0 ? 0 : border(begin),
              last = thread + 1 == num_threads_ ? panels : border(end);
    at += panels * cost;
    if (first < last) own.shares.push_back({&product, first, last});
  }
}

void BatchForward::MultiplyShares(int thread, const std::vector<Product>& products) {
  Thread& own = threads_[thread];
  ShareOut(thread, products);
  for (size_t s = 0; s < own.shares.size(); ++s) {
    const auto& [product, first, last] = own.shares[s];
    const void* next = nullptr;
    if (from_memory_ && s + 1 < own.shares.size()) {
      next = own.shares[s + 1].product->matrix->Panel(own.shares[s + 1].first);
    }
    const float* x = product->x;
    int64_t x_row = product->x_row;
    if (product->picked != nullptr) {
      const int64_t width = product->matrix->rows();
      own.picked.resize(std::max<size_t>(own.picked.size(), product->rows * width));
      for (int r = 0; r < product->rows; ++r) {
        std::copy_n(x + product->picked[r] * x_row, width, own.picked.data() + r * width);
      }
      x = own.picked.data();
      x_row = width;
    }
    product->matrix->Multiply(product->rows, x, x_row, first, last, product->y, product->y_row,
                              next, product->accumulate);
    if (product->scale == 1) continue;
    const int64_t width = product->matrix->panel_width(), begin = first * width,
                  end = std::min(product->matrix->columns(), last * width);
    for (int r = 0; r < product->rows; ++r) {
      Scale(end - begin, product->scale, product->y + r * product->y_row + begin);
    }
  }
}

}  // namespace grpo
