#include "policy/gguf.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "data/file.h"
#include "tests/data/scratch_folder.h"
#include "tests/policy/gguf_bytes.h"

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<std::unique_ptr<GgufReader>> Read(const std::string& bytes) {
  const std::string path = TestFolder() + "/model.gguf";
  EXPECT_TRUE(WriteFileAtomically(path, bytes).ok());
  return GgufReader::Open(path);
}

StreamedTensor Tensor(const std::string& name, const std::string& dtype, std::vector<int64_t> shape,
                      const std::string& bytes) {
  return {name, dtype, std::move(shape), "", [bytes](ByteSink sink) { return sink(bytes); }};
}

std::string Text(const GgufTensor& tensor) { return {tensor.bytes.data(), tensor.bytes.size()}; }

TEST(GgufTest, ReadsWhatTheReferenceWrites) {
  const auto file = GgufReader::Open(GRPO_SOURCE_DIR "/tests/golden/small.gguf");
  ASSERT_TRUE(file.ok()) << file.status();
  const GgufMetadata& metadata = (*file)->metadata();
  EXPECT_EQ(*metadata.Text("general.architecture"), "small");
  EXPECT_EQ(*metadata.Integer("a.uint8"), 200);
  EXPECT_EQ(*metadata.Integer("a.int8"), -100);
  EXPECT_EQ(*metadata.Integer("a.uint16"), 60000);
  EXPECT_EQ(*metadata.Integer("a.int16"), -30000);
  EXPECT_EQ(*metadata.Integer("a.uint32"), 4000000000);
  EXPECT_EQ(*metadata.Integer("a.int32"), -2000000000);
  EXPECT_EQ(*metadata.Integer("a.uint64"), int64_t{1} << 40);
  EXPECT_EQ(*metadata.Integer("a.int64"), -(int64_t{1} << 40));
  EXPECT_EQ(*metadata.Real("a.float32"), 0.5);
  EXPECT_EQ(*metadata.Real("a.float64"), 0.1);
  EXPECT_TRUE(*metadata.Flag("a.bool"));
  EXPECT_EQ(*metadata.Text("a.text"), "läuft");
  EXPECT_THAT(**metadata.Integers("a.numbers"), ElementsAre(1, -2, 3));
  EXPECT_THAT(**metadata.Reals("a.reals"), ElementsAre(0.25, -1.5));
  EXPECT_THAT(**metadata.Texts("a.texts"), ElementsAre("x", "", "yz"));
  ASSERT_EQ((*file)->tensors().size(), 3u);
  const GgufTensor& matrix = *(*file)->Find("matrix");
  EXPECT_THAT(matrix.shape, ElementsAre(2, 3));
  std::vector<float> values(6);
  ASSERT_TRUE(Dequantize(*matrix.format, matrix.bytes, absl::MakeSpan(values)).ok());
  EXPECT_THAT(values, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_STREQ((*file)->Find("blocks")->format->name, "Q8_0");
  EXPECT_EQ((*file)->Find("blocks")->bytes.size(), 68u);
  EXPECT_EQ((*file)->Find("nothing"), nullptr);
}

TEST(GgufTest, WritesBackWhatItReadsByteForByte) {
  const std::string golden = GRPO_SOURCE_DIR "/tests/golden/small.gguf";
  const auto file = GgufReader::Open(golden);
  ASSERT_TRUE(file.ok()) << file.status();
  std::vector<StreamedTensor> tensors;
  for (const char* const name : {"matrix", "halves", "blocks"}) {  // their order in the file
    const GgufTensor& tensor = *(*file)->Find(name);
    tensors.push_back(Tensor(name, tensor.format->name, tensor.shape, Text(tensor)));
  }
  const std::string path = TestFolder() + "/again.gguf";
  ASSERT_TRUE(WriteGguf(path, (*file)->metadata(), tensors).ok());
  EXPECT_EQ(*ReadFile(path), *ReadFile(golden));
}

TEST(GgufTest, ReadsVersionTwoAndAnAlignmentOfItsOwn) {
  const std::string header =
      GgufStart(1, 1, 2) + U32Key("general.alignment", 8) + TensorInfo("w", {1}, 0, 0);
  std::string padded = header;
  padded.resize((header.size() + 7) / 8 * 8);
  const auto file = Read(padded + "1234");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(Text(*(*file)->Find("w")), "1234");
}

TEST(GgufTest, AFileWithoutTensorsIsFine) {
  const auto file = Read(GgufStart(0, 1) + U32Key("k", 1));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->tensors().empty());
  EXPECT_EQ(*(*file)->metadata().Integer("k"), 1);
}

TEST(GgufTest, AValueOfAnotherTypeIsNamed) {
  GgufMetadata metadata;
  metadata.Set("n", GgufValue::Uint32(3));
  metadata.Set("t", GgufValue::String("x"));
  metadata.Set("l", GgufValue::StringArray({"x"}));
  EXPECT_EQ(metadata.Integer("none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(metadata.Integer("t").status().message()),
              HasSubstr("the key 't' must be a whole number, found string"));
  EXPECT_THAT(std::string(metadata.Text("n").status().message()),
              HasSubstr("must be a text, found uint32"));
  EXPECT_THAT(std::string(metadata.Text("l").status().message()),
              HasSubstr("must be one value, found a list"));
  EXPECT_THAT(std::string(metadata.Texts("t").status().message()),
              HasSubstr("must be a list, found one value"));
  EXPECT_THAT(std::string(metadata.Integers("l").status().message()),
              HasSubstr("found a list of string"));
  EXPECT_THAT(std::string(metadata.Flag("n").status().message()), HasSubstr("true or false"));
  EXPECT_EQ(*metadata.Real("n"), 3.0);
  metadata.Set("n", GgufValue::Bool(true));  // in the same place
  EXPECT_EQ(metadata.entries()[0].first, "n");
  EXPECT_TRUE(*metadata.Flag("n"));
}

TEST(GgufTest, RefusesToWriteTensorsThatContradictThemselves) {
  const std::string folder = TestFolder();
  const StreamedTensor good = Tensor("a", "F32", {1}, "1234");
  const std::pair<StreamedTensor, const char*> cases[] = {
      {good, "stands twice"},
      {Tensor("b", "F33", {1}, "1234"), "GGUF has no type F33"},
      {Tensor("b", "Q8_0", {31}, ""), "rows of 31 elements are no whole blocks of 32"},
      {Tensor("b", "F32", {-1}, ""), "negative or too large"},
      {Tensor("", "F32", {1}, "1234"), "the name is empty"},
      {Tensor("b", "F32", {2}, "1234"), "gave 4 bytes, expected 8"},
  };
  for (const auto& [bad, message] : cases) {
    const absl::Status status = WriteGguf(folder + "/w.gguf", GgufMetadata(), {good, bad});
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }
  EXPECT_TRUE(ListDirectory(folder)->empty());
}

TEST(GgufTest, AnErrorOfATensorLeavesNothingBehind) {
  const std::string folder = TestFolder();
  StreamedTensor failing = Tensor("a", "F32", {1}, "1234");
  failing.write = [](ByteSink sink) {
    EXPECT_TRUE(sink("12").ok());
    return absl::DataLossError("the disk is gone");
  };
  EXPECT_EQ(WriteGguf(folder + "/w.gguf", GgufMetadata(), {failing}).code(),
            absl::StatusCode::kDataLoss);
  EXPECT_TRUE(ListDirectory(folder)->empty());
}

// What stands in a file that must be refused, and a part of the message.
struct Malformed {
  const char* name;
  std::string bytes;
  const char* message;
};

// A file of one tensor and 64 bytes of data.
std::string OneTensor(const std::string& info) {
  return WithData(GgufStart(1, 0) + info, std::string(64, 'x'));
}

std::string OneKey(const std::string& key) { return GgufStart(0, 1) + key; }

std::vector<Malformed> MalformedHeaders() {
  const std::string good = OneTensor(TensorInfo("w", {2}, 0, 0));
  return {
      {"Empty", "", "inside its header: it is cut short"},
      {"CutInTheMagic", "GG", "cut short"},
      {"OtherMagic", "GGML" + good.substr(4), "does not begin with GGUF"},
      {"VersionOne", GgufStart(0, 0, 1), "GGUF version 1 cannot be read"},
      {"VersionFour", GgufStart(0, 0, 4), "GGUF version 4 cannot be read"},
      {"VersionZero", GgufStart(0, 0, 0), "GGUF version 0 cannot be read"},
      {"BigEndian", GgufStart(0, 0, 0x03000000), "big-endian"},
      {"CutInTheCounts", good.substr(0, 12), "cut short"},
      {"CutInTheTensorInfo", good.substr(0, 40), "cut short"},
      {"CutInTheName", good.substr(0, 30), "cut short"},
      {"HugeTensorCount", GgufStart(UINT64_MAX, 0), "cut short"},
      {"HugeKeyCount", GgufStart(0, UINT64_MAX), "cut short"},
      {"HugeKeyLength", OneKey(U64(UINT64_MAX) + "abc"), "a text at byte 32 claims 184467440"},
      {"KeyOverTheBound", OneKey(Str(std::string(65536, 'k')) + U32(4) + U32(1)),
       "claims 65536 bytes where 65535 may stand"},
      {"EmptyKey", OneKey(U32Key("", 1)), "key '': is empty"},
      {"KeyNotUtf8", OneKey(U32Key("\xff", 1)), "not UTF-8"},
      {"DuplicateKeys", GgufStart(0, 2) + U32Key("k", 1) + U32Key("k", 2), "key 'k' stands twice"},
      {"UnknownValueType", OneKey(Str("k") + U32(13) + U32(1)),
       "key 'k': the type 13 is not known"},
      {"NoValue", OneKey(Str("k") + U32(4)), "key 'k': the file ends"},
      {"BoolOfTwo", OneKey(Str("k") + U32(7) + "\x02"), "key 'k': a bool is 2"},
      {"HugeString", OneKey(Str("k") + U32(8) + U64(1ull << 40)), "key 'k': a text at byte"},
      {"HugeArray", OneKey(Str("k") + U32(9) + U32(4) + U64(1ull << 62)),
       "a list claims 4611686018427387904 elements of type uint32 and 0 bytes follow"},
      {"ArrayOfFewerTexts", OneKey(Str("k") + U32(9) + U32(8) + U64(2) + Str("x")),
       "elements of type string"},
      {"ArrayOfArrays", OneKey(Str("k") + U32(9) + U32(9) + U64(1) + U32(4) + U64(0)),
       "a list of lists cannot be read"},
      {"UnknownElementType", OneKey(Str("k") + U32(9) + U32(99) + U64(0)), "the type 99"},
      {"AlignmentOfZero", OneKey(U32Key("general.alignment", 0)), "0 is no power of two"},
      {"AlignmentOfThree", OneKey(U32Key("general.alignment", 3)), "3 is no power of two"},
      {"HugeAlignment", OneKey(U32Key("general.alignment", 1u << 31)), "no power of two"},
      {"AlignmentNoNumber", OneKey(TextKey("general.alignment", "32")), "must be a whole number"},
  };
}

std::vector<Malformed> MalformedTensors() {
  const std::string two = TensorInfo("v", {2}, 0, 0);
  return {
      {"DuplicateTensors", WithData(GgufStart(2, 0) + two + two, std::string(64, 'x')),
       "tensor 'v' stands twice"},
      {"EmptyTensorName", OneTensor(TensorInfo("", {2}, 0, 0)), "the name is empty"},
      {"TensorNameNotUtf8", OneTensor(TensorInfo("\xc3", {2}, 0, 0)), "not UTF-8"},
      {"FiveDimensions", OneTensor(TensorInfo("w", {1, 1, 1, 1, 1}, 0, 0)),
       "tensor 'w': has 5 dimensions, more than 4"},
      {"HugeDimensionCount", OneTensor(Str("w") + U32(0xffffffff) + U32(0)), "4294967295 dim"},
      {"HugeExtent", OneTensor(TensorInfo("w", {UINT64_MAX}, 0, 0)),
       "has the extent 18446744073709551615"},
      {"OverflowingShape", OneTensor(TensorInfo("w", {1ull << 32, 1ull << 32}, 0, 0)),
       "too many elements"},
      {"OverflowWithAnEmptyRow", OneTensor(TensorInfo("w", {0, 1ull << 62, 1ull << 62}, 0, 0)),
       "too many elements"},
      {"UnknownElements", OneTensor(TensorInfo("w", {2}, 5, 0)), "the element type 5 is not known"},
      {"RowsOfHalfABlock", OneTensor(TensorInfo("w", {16, 2}, 8, 0)),
       "rows of 16 elements are no whole blocks of 32"},
      {"ScalarOfBlocks", OneTensor(TensorInfo("w", {}, 8, 0)), "rows of 1 elements"},
      {"OddOffset", OneTensor(TensorInfo("w", {2}, 0, 4)), "its offset 4 is no multiple of 32"},
      {"OffsetOutside", OneTensor(TensorInfo("w", {2}, 0, 96)),
       "tensor 'w': 8 bytes at 96 lie outside the 64 bytes of data"},
      {"HugeOffset", OneTensor(TensorInfo("w", {2}, 0, UINT64_MAX - 31)), "lie outside"},
      {"EndOutside", OneTensor(TensorInfo("w", {9}, 0, 32)), "36 bytes at 32 lie outside"},
      {"CutInTheData", OneTensor(TensorInfo("w", {16}, 0, 0)).substr(0, 120), "may be cut short"},
      {"Overlap",
       WithData(GgufStart(2, 0) + TensorInfo("v", {9}, 0, 0) + TensorInfo("w", {1}, 0, 32),
                std::string(64, 'x')),
       "tensor 'w': starts at byte 32 of the data, which another tensor uses"},
      {"SamePlace",
       WithData(GgufStart(2, 0) + TensorInfo("v", {2}, 0, 0) + TensorInfo("w", {2}, 0, 0),
                std::string(64, 'x')),
       "which another tensor uses"},
  };
}

class MalformedGgufTest : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedGgufTest, IsRefusedByName) {
  const auto file = Read(GetParam().bytes);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(file.status().message()),
              AllOf(HasSubstr("model.gguf: "), HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(Headers, MalformedGgufTest, ::testing::ValuesIn(MalformedHeaders()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Tensors, MalformedGgufTest, ::testing::ValuesIn(MalformedTensors()),
                         [](const auto& info) { return info.param.name; });

TEST(GgufTest, EveryPrefixOfAFileIsRefused) {
  const std::string whole = *ReadFile(GRPO_SOURCE_DIR "/tests/golden/small.gguf");
  const std::string path = TestFolder() + "/cut.gguf";
  for (size_t size = 0; size + 32 < whole.size(); ++size) {
    ASSERT_TRUE(AppendOnlyFile::Open(path).value()->TruncateTo(0).ok());
    ASSERT_TRUE(AppendOnlyFile::Open(path).value()->Append(whole.substr(0, size)).ok());
    EXPECT_FALSE(GgufReader::Open(path).ok()) << size;
  }
}

}  // namespace
}  // namespace grpo
