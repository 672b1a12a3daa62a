// Needs a GPU, and skips with the reason where there is none.

#include "policy/cuda/cuda_backend.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cuda_runtime.h>

#include "data/random.h"

namespace grpo {
namespace {

using ::testing::HasSubstr;

// Values in the device's memory for as long as it lives.
template <typename T>
class OnDevice {
 public:
  explicit OnDevice(const std::vector<T>& values) : size_(values.size()) {
    EXPECT_EQ(cudaMalloc(&data_, size_ * sizeof(T)), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice),
              cudaSuccess);
  }
  ~OnDevice() { cudaFree(data_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  T* get() const { return static_cast<T*>(data_); }
  std::vector<T> Copy() const {
    std::vector<T> values(size_);
    EXPECT_EQ(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return values;
  }

 private:
  void* data_ = nullptr;
  const size_t size_;
};

uint16_t ToBFloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float FromBFloat16(uint16_t value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

// Queries of four rows over three sequences whose pages lie scattered; the last row sees nothing.
struct Problem {
  std::vector<float> q, pages;
  std::vector<int32_t> block_tables = {5, 0, 3, 1, -1, -1, 4, 2, -1};
  std::vector<int32_t> sequence_of = {0, 1, 2, 0};
  std::vector<int32_t> num_visible = {40, 1, 17, 0};
  CudaPagedAttentionArgs args;

  Problem() {
    args.num_rows = 4;
    args.num_heads = 3;
    args.row_dim = 44;
    args.latent_dim = 36;
    args.page_size = 16;
    args.max_pages = 3;
    args.scale = 0.3f;
    RandomStream random(7, 0);
    q.resize(args.num_rows * args.num_heads * args.row_dim);
    pages.resize(6 * args.page_size * args.row_dim);
    // Numbers that bfloat16 holds exactly, so that both precisions see the same problem.
    for (float& value : q) value = FromBFloat16(ToBFloat16(static_cast<float>(random.Normal())));
    for (float& value : pages)
      value = FromBFloat16(ToBFloat16(static_cast<float>(random.Normal())));
  }

  const float* Row(int sequence, int position) const {
    const int page = block_tables[sequence * args.max_pages + position / args.page_size];
    return &pages[(static_cast<size_t>(page) * args.page_size + position % args.page_size) *
                  args.row_dim];
  }

  // The definition, in double.
  std::vector<float> Expected() const {
    std::vector<float> out;
    for (int n = 0; n < args.num_rows * args.num_heads; ++n) {
      const int row = n / args.num_heads;
      double sum = 0;
      std::vector<double> latent(args.latent_dim);
      for (int p = 0; p < num_visible[row]; ++p) {
        const float* const cached = Row(sequence_of[row], p);
        double score = 0;
        for (int i = 0; i < args.row_dim; ++i) score += double{q[n * args.row_dim + i]} * cached[i];
        const double weight = std::exp(args.scale * score);
        sum += weight;
        for (int i = 0; i < args.latent_dim; ++i) latent[i] += weight * cached[i];
      }
      for (double value : latent) out.push_back(sum > 0 ? static_cast<float>(value / sum) : 0.0f);
    }
    return out;
  }
};

class CudaBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto backend = LoadCudaBackend();
    if (!backend.ok()) GTEST_SKIP() << backend.status();
    backend_ = *backend;
    const auto count = backend_->DeviceCount();
    if (!count.ok() || *count == 0) GTEST_SKIP() << "no GPU: " << count.status();
  }

  // The kernel's output for a problem whose numbers have been converted to T.
  template <typename T>
  std::vector<T> Run(const Problem& problem, const std::vector<T>& q, const std::vector<T>& pages) {
    const OnDevice<T> device_q(q), device_pages(pages);
    const OnDevice<int32_t> tables(problem.block_tables), sequences(problem.sequence_of),
        visible(problem.num_visible);
    const OnDevice<T> out(
        std::vector<T>(problem.args.num_rows * problem.args.num_heads * problem.args.latent_dim));
    CudaPagedAttentionArgs args = problem.args;
    args.element = sizeof(T) == 4 ? CudaElement::kFloat32 : CudaElement::kBFloat16;
    args.q = device_q.get();
    args.pages = device_pages.get();
    args.block_tables = tables.get();
    args.sequence_of = sequences.get();
    args.num_visible = visible.get();
    const absl::Status status = backend_->PagedLatentAttention(args, out.get(), nullptr);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return out.Copy();
  }

  const CudaBackend* backend_ = nullptr;
};

TEST_F(CudaBackendTest, AttendsOverPagesAsTheDefinitionSays) {
  const Problem problem;
  const std::vector<float> out = Run(problem, problem.q, problem.pages);
  const std::vector<float> expected = problem.Expected();
  ASSERT_EQ(out.size(), expected.size());
  for (size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], expected[i], 1e-5) << i;
}

TEST_F(CudaBackendTest, AttendsInBFloat16WithSumsInFp32) {
  const Problem problem;
  std::vector<uint16_t> q, pages;
  for (float value : problem.q) q.push_back(ToBFloat16(value));
  for (float value : problem.pages) pages.push_back(ToBFloat16(value));
  const std::vector<uint16_t> out = Run(problem, q, pages);
  const std::vector<float> expected = problem.Expected();
  for (size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(FromBFloat16(out[i]), expected[i], 1e-2) << i;
}

TEST_F(CudaBackendTest, RefusesSizesThatDoNotFitTogether) {
  CudaPagedAttentionArgs args = Problem().args;
  args.latent_dim = args.row_dim + 1;
  EXPECT_EQ(backend_->PagedLatentAttention(args, nullptr, nullptr).code(),
            absl::StatusCode::kInvalidArgument);
  args.latent_dim = args.row_dim = 1 << 16;
  EXPECT_THAT(std::string(backend_->PagedLatentAttention(args, nullptr, nullptr).message()),
              HasSubstr("shared memory"));
}

TEST_F(CudaBackendTest, AGroupOfOneSumsToItself) {
  const auto id = backend_->NewGroupId();
  ASSERT_TRUE(id.ok()) << id.status();
  const auto group = backend_->JoinGroup(*id, /*rank=*/0, /*num_ranks=*/1, /*device=*/0);
  ASSERT_TRUE(group.ok()) << group.status();
  const std::vector<float> values = {1, 2, 3};
  const OnDevice<float> buffer(values);
  ASSERT_TRUE((*group)->AllReduceSum(buffer.get(), values.size(), nullptr).ok());
  ASSERT_TRUE((*group)->Wait(nullptr).ok());
  EXPECT_EQ(buffer.Copy(), values);
}

TEST_F(CudaBackendTest, NamesTheRankThatCannotJoin) {
  const auto group = backend_->JoinGroup("short", /*rank=*/2, /*num_ranks=*/4, /*device=*/0);
  EXPECT_THAT(std::string(group.status().message()),
              HasSubstr("rank 2 of 4: join the group on GPU 0"));
}

}  // namespace
}  // namespace grpo
