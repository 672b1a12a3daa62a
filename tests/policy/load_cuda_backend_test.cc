#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "policy/cuda/cuda_backend.h"

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LoadCudaBackendTest, SaysWhatIsMissingAndWhatToDo) {
  const auto backend = LoadCudaBackend("libgrpo_nowhere.so");
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(backend.status().message()),
              AllOf(HasSubstr("cannot load libgrpo_nowhere.so"), HasSubstr("use device \"cpu\"")));
}

TEST(LoadCudaBackendTest, RefusesALibraryThatIsNotOurs) {
  const auto backend = LoadCudaBackend("libc.so.6");
  ASSERT_FALSE(backend.ok());
  EXPECT_THAT(std::string(backend.status().message()),
              HasSubstr("libc.so.6 has no function GrpoGetCudaBackend"));
}

}  // namespace
}  // namespace grpo
