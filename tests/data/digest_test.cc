#include "data/digest.h"

#include <string>

#include <gtest/gtest.h>

#include "data/file.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

// FIPS 180-2, appendix B.1.
constexpr char kDigestOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(DigestTest, GivesTheKnownAnswers) {
  EXPECT_EQ(Sha256Hex("abc"), kDigestOfAbc);
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(DigestTest, IsTheSameForBytesInPiecesAndGoesOnAfterHex) {
  Sha256 digest;
  digest.Update("a");
  EXPECT_EQ(digest.Hex(), Sha256Hex("a"));
  digest.Update("bc");
  EXPECT_EQ(digest.Hex(), kDigestOfAbc);
}

TEST(DigestTest, ReadsAFileOfManyPieces) {
  const ScratchFolder folder;
  const std::string bytes(1'000'000, 'x');
  ASSERT_TRUE(WriteFileAtomically(folder.Path("a"), bytes).ok());
  EXPECT_EQ(*Sha256OfFile(folder.Path("a")), Sha256Hex(bytes));
  EXPECT_TRUE(absl::IsNotFound(Sha256OfFile(folder.Path("none")).status()));
  EXPECT_FALSE(Sha256OfFile(folder.path()).ok());
}

}  // namespace
}  // namespace grpo
