// What the kernels' sources share: vectors of the instruction set that a source is compiled for,
// GRPO_ISA naming its namespace and GRPO_VECTOR_BYTES its register width. Everything here is local
// to its source, for code of one instruction set must not stand in for another's.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <immintrin.h>

namespace grpo {
namespace GRPO_ISA {
namespace {

template <typename T>
struct VectorOf {
  static constexpr int kLanes = GRPO_VECTOR_BYTES / sizeof(T);
  typedef T Type __attribute__((vector_size(GRPO_VECTOR_BYTES)));
};

// Loads and stores without assuming alignment.
template <typename T>
typename VectorOf<T>::Type Load(const T* p) {
  typename VectorOf<T>::Type v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <typename T>
void Store(T* p, typename VectorOf<T>::Type v) {
  std::memcpy(p, &v, sizeof(v));
}

// The first `count` lanes, zeros beyond them; and only those.
#if GRPO_VECTOR_BYTES == 64
[[gnu::always_inline]] inline __m512 LoadPart(const float* p, int count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
}
[[gnu::always_inline]] inline __m512d LoadPart(const double* p, int count) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), p);
}
[[gnu::always_inline]] inline void StorePart(float* p, __m512 v, int count) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
}
[[gnu::always_inline]] inline void StorePart(double* p, __m512d v, int count) {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1), v);
}
#else
template <typename T>
typename VectorOf<T>::Type LoadPart(const T* p, int count) {
  typename VectorOf<T>::Type v = {};
  std::memcpy(&v, p, count * sizeof(T));
  return v;
}
template <typename T>
void StorePart(T* p, typename VectorOf<T>::Type v, int count) {
  std::memcpy(p, &v, count * sizeof(T));
}
#endif

// sum + a * b, rounded once where the instruction set can. Compilers choose by themselves which of
// `sum += a * b` they fuse, and not alike in two functions that must give one result.
#if GRPO_VECTOR_BYTES == 64
inline __m512 MultiplyAdd(__m512 a, __m512 b, __m512 sum) { return _mm512_fmadd_ps(a, b, sum); }
inline __m512d MultiplyAdd(__m512d a, __m512d b, __m512d sum) { return _mm512_fmadd_pd(a, b, sum); }
inline __m512 Broadcast(float value) { return _mm512_set1_ps(value); }
inline __m512d Broadcast(double value) { return _mm512_set1_pd(value); }
#elif GRPO_VECTOR_BYTES == 32
inline __m256 MultiplyAdd(__m256 a, __m256 b, __m256 sum) { return _mm256_fmadd_ps(a, b, sum); }
inline __m256d MultiplyAdd(__m256d a, __m256d b, __m256d sum) { return _mm256_fmadd_pd(a, b, sum); }
inline __m256 Broadcast(float value) { return _mm256_set1_ps(value); }
inline __m256d Broadcast(double value) { return _mm256_set1_pd(value); }
#else
inline __m128 MultiplyAdd(__m128 a, __m128 b, __m128 sum) { return sum + a * b; }
inline __m128d MultiplyAdd(__m128d a, __m128d b, __m128d sum) { return sum + a * b; }
inline __m128 Broadcast(float value) { return _mm_set1_ps(value); }
inline __m128d Broadcast(double value) { return _mm_set1_pd(value); }
#endif
template <typename T>
[[gnu::always_inline]] inline typename VectorOf<T>::Type MultiplyAdd(
    T a, typename VectorOf<T>::Type b, typename VectorOf<T>::Type sum) {
  return MultiplyAdd(Broadcast(a), b, sum);
}

// Memory for packed operands, kept by each thread between calls: one buffer for each use.
template <typename T, typename Use = T>
T* Scratch(size_t count) {
  struct Buffer {
    T* data = nullptr;
    size_t capacity = 0;
    ~Buffer() { std::free(data); }
  };
  thread_local Buffer buffer;
  if (buffer.capacity < count) {
    std::free(buffer.data);
    const size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
    buffer.data = static_cast<T*>(std::aligned_alloc(64, bytes));
    buffer.capacity = count;
  }
  return buffer.data;
}

// The two halves of one step of a transposition: blocks of kWidth lanes change places.
template <int kWidth, typename Vector, int... kLane>
[[gnu::always_inline]] inline void SwapBlocks(Vector& a, Vector& b,
                                              std::integer_sequence<int, kLane...>) {
  constexpr int kLanes = sizeof...(kLane);
  const Vector low =
      __builtin_shufflevector(a, b, ((kLane & kWidth) == 0 ? kLane : kLanes + kLane - kWidth)...);
  b = __builtin_shufflevector(a, b, ((kLane & kWidth) == 0 ? kLane + kWidth : kLanes + kLane)...);
  a = low;
}

// Transposes a square of as many rows as a vector has lanes.
template <int kWidth, typename Vector, size_t kLanes>
[[gnu::always_inline]] inline void SwapAllBlocks(Vector (&rows)[kLanes]) {
#pragma GCC unroll 16
  for (size_t i = 0; i < kLanes; ++i) {
    if ((i & kWidth) == 0) {
      SwapBlocks<kWidth>(rows[i], rows[i + kWidth], std::make_integer_sequence<int, kLanes>());
    }
  }
  if constexpr (2 * kWidth < kLanes) SwapAllBlocks<2 * kWidth>(rows);
}

}  // namespace
}  // namespace GRPO_ISA
}  // namespace grpo
