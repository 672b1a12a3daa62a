// One block computes one head of one query row. It walks the visible positions in tiles of 32: each
// warp takes the scores of some of them, then every thread carries its columns of the latent sum
// forward, with the running maximum and sum of an online softmax (Milakov and Gimelshein, arXiv
// 1805.02867). The order of every sum depends on the row's own position alone, so a row's result is
// the same bits in any batch.

#include <climits>

#include "absl/strings/str_cat.h"
#include <cuda_bf16.h>

#include "policy/cuda/cuda_status.h"
#include "policy/cuda/paged_latent_attention.h"

namespace grpo {
namespace {

constexpr int kThreads = 256;
constexpr int kWarpSize = 32;
constexpr int kTile = 32;  // positions at a time
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr size_t kSharedBytes = 48 * 1024;  // what any GPU gives a block without asking

__device__ inline float Load(const float* p) { return *p; }
__device__ inline float Load(const __nv_bfloat16* p) { return __bfloat162float(*p); }
__device__ inline void Store(float value, float* p) { *p = value; }
__device__ inline void Store(float value, __nv_bfloat16* p) { *p = __float2bfloat16(value); }

// The cached row of a position of the block's sequence.
template <typename T>
__device__ const T* CachedRow(const CudaPagedAttentionArgs& args, const int32_t* block_table,
                              int position) {
  const int64_t page = block_table[position / args.page_size];
  return static_cast<const T*>(args.pages) +
         (page * args.page_size + position % args.page_size) * args.row_dim;
}

// The product of a cached row with the query, in every lane of the warp.
template <typename T>
__device__ float WarpDot(const float* query, const T* row, int row_dim) {
  float sum = 0;
  for (int i = threadIdx.x % kWarpSize; i < row_dim; i += kWarpSize)
    sum = fmaf(query[i], Load(row + i), sum);
  for (int offset = kWarpSize / 2; offset > 0; offset /= 2)
    sum += __shfl_xor_sync(kAllLanes, sum, offset);
  return sum;
}

// Scores of the tile's positions into `scores`; -inf beyond the last visible one.
template <typename T>
__device__ void ScoreTile(const CudaPagedAttentionArgs& args, const int32_t* block_table, int begin,
                          int visible, const float* query, float* scores) {
  for (int t = threadIdx.x / kWarpSize; t < kTile; t += kThreads / kWarpSize) {
    float score = -INFINITY;
    if (begin + t < visible) {
      score = args.scale * WarpDot(query, CachedRow<T>(args, block_table, begin + t), args.row_dim);
    }
    if (threadIdx.x % kWarpSize == 0) scores[t] = score;
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    PagedLatentAttentionKernel(const CudaPagedAttentionArgs args, T* out) {
  extern __shared__ float shared[];
  float* const query = shared;                     // [row_dim]
  float* const latent = query + args.row_dim;      // [L], the sum so far
  float* const scores = latent + args.latent_dim;  // [kTile], then their weights
  const int64_t row_and_head = blockIdx.x;
  const int row = static_cast<int>(row_and_head / args.num_heads);
  const int visible = args.num_visible[row];
  const int32_t* const block_table =
      args.block_tables + static_cast<int64_t>(args.sequence_of[row]) * args.max_pages;
  const T* const q = static_cast<const T*>(args.q) + row_and_head * args.row_dim;
  for (int i = threadIdx.x; i < args.row_dim; i += kThreads) query[i] = Load(q + i);
  for (int i = threadIdx.x; i < args.latent_dim; i += kThreads) latent[i] = 0;

  float maximum = -INFINITY;
  float sum = 0;
  for (int begin = 0; begin < visible; begin += kTile) {
    __syncthreads();
    ScoreTile<T>(args, block_table, begin, visible, query, scores);
    __syncthreads();
    float new_maximum = maximum;
    for (int t = 0; t < kTile; ++t) new_maximum = fmaxf(new_maximum, scores[t]);
    __syncthreads();
    if (threadIdx.x < kTile) scores[threadIdx.x] = expf(scores[threadIdx.x] - new_maximum);
    __syncthreads();
    const float shrink = expf(maximum - new_maximum);
    sum *= shrink;
    for (int t = 0; t < kTile; ++t) sum += scores[t];
    const int count = min(kTile, visible - begin);
    for (int i = threadIdx.x; i < args.latent_dim; i += kThreads) {
      float value = latent[i] * shrink;
      for (int t = 0; t < count; ++t) {
        value = fmaf(scores[t], Load(CachedRow<T>(args, block_table, begin + t) + i), value);
      }
      latent[i] = value;
    }
    maximum = new_maximum;
  }
  // Each thread reads back the columns that it wrote itself.
  const float inverse = sum > 0 ? 1 / sum : 0;
  for (int i = threadIdx.x; i < args.latent_dim; i += kThreads) {
    Store(latent[i] * inverse, out + row_and_head * args.latent_dim + i);
  }
}

size_t SharedBytes(const CudaPagedAttentionArgs& args) {
  return sizeof(float) * (static_cast<size_t>(args.row_dim) + args.latent_dim + kTile);
}

absl::Status CheckSizes(const CudaPagedAttentionArgs& args) {
  if (args.num_rows < 0 || args.num_heads < 1 || args.latent_dim < 1 ||
      args.row_dim < args.latent_dim || args.page_size < 1 || args.max_pages < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "paged latent attention: sizes do not fit together: num_rows ", args.num_rows,
        ", num_heads ", args.num_heads, ", row_dim ", args.row_dim, ", latent_dim ",
        args.latent_dim, ", page_size ", args.page_size, ", max_pages ", args.max_pages));
  }
  if (static_cast<int64_t>(args.num_rows) * args.num_heads > INT_MAX) {
    return absl::InvalidArgumentError(absl::StrCat("paged latent attention: ", args.num_rows,
                                                   " rows of ", args.num_heads,
                                                   " heads are too many for one launch"));
  }
  if (SharedBytes(args) > kSharedBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "paged latent attention: row_dim ", args.row_dim, " and latent_dim ", args.latent_dim,
        " need ", SharedBytes(args), " bytes of shared memory, and a block has ", kSharedBytes));
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status Launch(const CudaPagedAttentionArgs& args, void* out, cudaStream_t stream) {
  const unsigned blocks = static_cast<unsigned>(args.num_rows) * args.num_heads;
  PagedLatentAttentionKernel<T>
      <<<blocks, kThreads, SharedBytes(args), stream>>>(args, static_cast<T*>(out));
  return CudaStatus(cudaGetLastError(), "paged latent attention: launch");
}

}  // namespace

absl::Status PagedLatentAttention(const CudaPagedAttentionArgs& args, void* out,
                                  cudaStream_t stream) {
  const absl::Status sizes = CheckSizes(args);
  if (!sizes.ok() || args.num_rows == 0) return sizes;
  return args.element == CudaElement::kFloat32 ? Launch<float>(args, out, stream)
                                               : Launch<__nv_bfloat16>(args, out, stream);
}

}  // namespace grpo
