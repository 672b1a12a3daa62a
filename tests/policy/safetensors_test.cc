#include "policy/safetensors.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "data/file.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A file with this header text and these bytes of data.
std::string FileWith(absl::string_view header, absl::string_view data) {
  std::string bytes;
  for (size_t rest = header.size(), i = 0; i < 8; ++i, rest >>= 8)
    bytes.push_back(static_cast<char>(rest & 0xff));
  return absl::StrCat(bytes, header, data);
}

TensorBytes Tensor(const std::string& name, const std::string& dtype, std::vector<int64_t> shape,
                   absl::string_view bytes) {
  return {name, dtype, std::move(shape), absl::Span<const char>(bytes.data(), bytes.size())};
}

absl::string_view Text(const TensorBytes& tensor) {
  return {tensor.bytes.data(), tensor.bytes.size()};
}

TEST(SafetensorsTest, ReadsBackWhatItWrites) {
  const std::string path = TestFolder() + "/model.safetensors";
  ASSERT_TRUE(
      WriteSafetensors(path,
                       {Tensor("b", "F32", {2, 1}, "12345678"), Tensor("a", "BF16", {3}, "abcdef"),
                        Tensor("scalar", "I64", {}, "ABCDEFGH"), Tensor("none", "F32", {0, 7}, "")})
          .ok());
  const auto reader = SafetensorsReader::Open(path);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_EQ((*reader)->tensors().size(), 4u);
  EXPECT_EQ((*reader)->tensors()[0].name, "a");
  EXPECT_EQ((*reader)->tensors()[1].name, "b");
  const TensorBytes* const b = (*reader)->Find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->dtype, "F32");
  EXPECT_EQ(b->shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(Text(*b), "12345678");
  EXPECT_EQ(Text(*(*reader)->Find("a")), "abcdef");
  EXPECT_TRUE((*reader)->Find("scalar")->shape.empty());
  EXPECT_EQ((*reader)->Find("none")->bytes.size(), 0u);
  EXPECT_EQ((*reader)->Find("c"), nullptr);
}

TEST(SafetensorsTest, WritesTheSameBytesForTheSameTensorsInAnyOrder) {
  const std::string folder = TestFolder();
  const TensorBytes a = Tensor("a", "U8", {3}, "abc");
  const TensorBytes b = Tensor("b", "F32", {1}, "1234");
  ASSERT_TRUE(WriteSafetensors(folder + "/1", {a, b}).ok());
  ASSERT_TRUE(WriteSafetensors(folder + "/2", {b, a}).ok());
  EXPECT_EQ(*ReadFile(folder + "/1"), *ReadFile(folder + "/2"));
}

TEST(SafetensorsTest, AlignsEveryTensorToItsElements) {
  const std::string path = TestFolder() + "/model.safetensors";
  ASSERT_TRUE(
      WriteSafetensors(path, {Tensor("a", "U8", {3}, "abc"), Tensor("b", "BF16", {1}, "12"),
                              Tensor("c", "F32", {1}, "1234"), Tensor("d", "F64", {1}, "12345678")})
          .ok());
  const auto reader = SafetensorsReader::Open(path);
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (const TensorBytes& tensor : (*reader)->tensors()) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes.data()) % ElementSize(tensor.dtype), 0u)
        << tensor.name;
  }
}

TEST(SafetensorsTest, SaysThatTheTensorsArePyTorchs) {
  const std::string path = TestFolder() + "/model.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, {Tensor("a", "U8", {1}, "x")}).ok());
  EXPECT_THAT(*ReadFile(path),
              HasSubstr(R"({"__metadata__":{"format":"pt"},)"
                        R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})"));
}

TEST(SafetensorsTest, ReplacesAnOlderFileAndLeavesNothingElseBehind) {
  const std::string folder = TestFolder();
  ASSERT_TRUE(WriteSafetensors(folder + "/w", {Tensor("a", "U8", {1}, "x")}).ok());
  ASSERT_TRUE(WriteSafetensors(folder + "/w", {Tensor("a", "U8", {1}, "y")}).ok());
  EXPECT_EQ(Text(*(*SafetensorsReader::Open(folder + "/w"))->Find("a")), "y");
  EXPECT_THAT(*ListDirectory(folder), ::testing::ElementsAre("w"));
}

TEST(SafetensorsTest, RefusesToWriteTensorsThatContradictThemselves) {
  const std::string folder = TestFolder();
  const TensorBytes good = Tensor("a", "U8", {1}, "x");
  for (const TensorBytes& bad :
       {Tensor("a", "U8", {1}, "x"), Tensor("b", "F32", {1}, "x"), Tensor("b", "F33", {1}, "x"),
        Tensor("b", "U8", {-1}, "x"), Tensor("", "U8", {1}, "x"),
        Tensor("__metadata__", "U8", {1}, "x")}) {
    const absl::Status status = WriteSafetensors(folder + "/w", {good, bad});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.name << " " << bad.dtype;
  }
  EXPECT_TRUE(ListDirectory(folder)->empty());
}

TEST(SafetensorsTest, NamesTheFolderThatItCannotWriteTo) {
  const std::string path = TestFolder() + "/nowhere/w";
  EXPECT_THAT(std::string(WriteSafetensors(path, {}).message()), HasSubstr("/nowhere/w"));
}

// What stands in a file that must be refused, and a part of the message.
struct Malformed {
  const char* name;
  std::string bytes;
  const char* message;
};

std::string OneTensor(absl::string_view fields, absl::string_view data) {
  return FileWith(absl::StrCat(R"({"w":{)", fields, "}}"), data);
}

std::vector<Malformed> MalformedFiles() {
  const std::string good =
      OneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])", "12345678");
  return {
      {"Empty", "", "shorter than the 8 bytes"},
      {"CutInTheLength", good.substr(0, 5), "shorter than the 8 bytes"},
      {"CutInTheHeader", good.substr(0, 20), "cut short"},
      {"CutInTheData", good.substr(0, good.size() - 1),
       "tensor 'w': 'data_offsets' [0,8] lie outside"},
      {"HugeLength", std::string(8, '\xff') + "{}", "its header claims 18446744073709551615 bytes"},
      {"LengthOverTheBound", std::string("\x00\xe1\xf5\x05\x01\x00\x00\x00", 8) + "{}",
       "header claims"},
      {"BadJson", FileWith(R"({"w": )", ""), "not usable as JSON"},
      {"JsonWithMoreBehindIt", FileWith("{} {}", ""), "not usable as JSON"},
      {"HeaderNoObject", FileWith("[1, 2]", ""), "expected a JSON object, found a list"},
      {"HeaderNotUtf8", FileWith("{\"\xff\": 1}", ""), "not usable as JSON"},
      {"DeepNesting", FileWith(std::string(100000, '['), ""), "levels of nesting"},
      {"DuplicateNames",
       FileWith(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                "x"),
       "the key \"w\" stands twice"},
      {"EntryNoObject", FileWith(R"({"w": 3})", ""),
       "tensor 'w': expected an object, found the number 3"},
      {"NoDtype", OneTensor(R"("shape":[1],"data_offsets":[0,1])", "x"), "'dtype' is missing"},
      {"NoShape", OneTensor(R"("dtype":"U8","data_offsets":[0,1])", "x"), "'shape' is missing"},
      {"NoOffsets", OneTensor(R"("dtype":"U8","shape":[1])", "x"), "'data_offsets' is missing"},
      {"MoreFields", OneTensor(R"("dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1)", "x"),
       "may be given"},
      {"UnknownDtype", OneTensor(R"("dtype":"F12","shape":[1],"data_offsets":[0,1])", "x"),
       "unknown dtype 'F12'"},
      {"DtypeNoString", OneTensor(R"("dtype":32,"shape":[1],"data_offsets":[0,1])", "x"),
       "must be a string"},
      {"NegativeShape", OneTensor(R"("dtype":"U8","shape":[-1],"data_offsets":[0,1])", "x"),
       "found -1"},
      {"FractionalShape", OneTensor(R"("dtype":"U8","shape":[1.0],"data_offsets":[0,1])", "x"),
       "found 1.0"},
      {"ShapeNoList", OneTensor(R"("dtype":"U8","shape":1,"data_offsets":[0,1])", "x"),
       "'shape' must be a list"},
      {"HugeShape",
       OneTensor(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,1])", "x"),
       "too many elements"},
      {"HugeExtent",
       OneTensor(R"("dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1])", "x"),
       "found 18446744073709551615"},
      {"WrongSize", OneTensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])", "12345678"),
       "F32 [3] takes 12 bytes, found 8"},
      {"BackwardOffsets", OneTensor(R"("dtype":"U8","shape":[1],"data_offsets":[1,0])", "x"),
       "[1,0] lie outside"},
      {"NegativeOffsets", OneTensor(R"("dtype":"U8","shape":[1],"data_offsets":[-1,0])", "x"),
       "two whole numbers"},
      {"ThreeOffsets", OneTensor(R"("dtype":"U8","shape":[1],"data_offsets":[0,1,1])", "x"),
       "two whole numbers"},
      {"BytesBehindTheLastTensor",
       OneTensor(R"("dtype":"U8","shape":[1],"data_offsets":[0,1])", "xyz"),
       "the last 2 bytes belong to no tensor"},
      {"HoleBeforeTheFirstTensor",
       OneTensor(R"("dtype":"U8","shape":[1],"data_offsets":[1,2])", "xy"),
       "leaves a hole: expected 0"},
      {"Overlap",
       FileWith(R"({"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                R"("w":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                "xyz"),
       "tensor 'w' starts at byte 1 of the data, which another tensor uses: expected 2"},
  };
}

class MalformedSafetensorsTest : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedSafetensorsTest, IsRefusedByName) {
  const std::string path = TestFolder() + "/bad.safetensors";
  ASSERT_TRUE(WriteFileAtomically(path, GetParam().bytes).ok());
  const auto reader = SafetensorsReader::Open(path);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(reader.status().message()),
              AllOf(HasSubstr(path), HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(Files, MalformedSafetensorsTest, ::testing::ValuesIn(MalformedFiles()),
                         [](const auto& info) { return info.param.name; });

// A folder of two shards whose index is `index`.
std::string Sharded(absl::string_view index) {
  const std::string folder = TestFolder();
  EXPECT_TRUE(WriteSafetensors(folder + "/1.safetensors", {Tensor("a", "U8", {1}, "x")}).ok());
  EXPECT_TRUE(WriteSafetensors(folder + "/2.safetensors", {Tensor("b", "U8", {1}, "y")}).ok());
  EXPECT_TRUE(WriteFileAtomically(folder + "/model.safetensors.index.json", index).ok());
  return folder;
}

TEST(SafetensorsShardsTest, AreReadAsOne) {
  const auto reader = SafetensorsReader::Open(Sharded(
      R"({"metadata":{"total_size":2},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})"));
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_EQ((*reader)->tensors().size(), 2u);
  EXPECT_EQ(Text(*(*reader)->Find("a")), "x");
  EXPECT_EQ(Text(*(*reader)->Find("b")), "y");
}

TEST(SafetensorsShardsTest, AreRefusedWhereTheIndexIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "not usable as JSON"},
      {"{}", "'weight_map' must be an object"},
      {R"({"weight_map":{}})", "'weight_map' must be an object"},
      {R"({"weight_map":{"a":1}})", "tensor 'a': expected a .safetensors file"},
      {R"({"weight_map":{"a":"../1.safetensors"}})", "of the same folder"},
      {R"({"weight_map":{"a":"3.safetensors"}})", "3.safetensors"},
      {R"({"weight_map":{"a":"1.safetensors","c":"1.safetensors"}})",
       "tensor 'c' should lie in 1.safetensors"},
      {R"({"weight_map":{"a":"1.safetensors","c":"2.safetensors"}})",
       "tensor 'b' lies in 2.safetensors"},
      {R"({"weight_map":{"a":"2.safetensors","b":"2.safetensors"}})",
       "tensor 'a' should lie in 2.safetensors"},
  };
  for (const auto& [index, message] : cases) {
    const auto reader = SafetensorsReader::Open(Sharded(index));
    ASSERT_FALSE(reader.ok()) << index;
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr(message)) << index;
  }
}

TEST(SafetensorsShardsTest, AFolderWithoutWeightsSaysWhatItLacks) {
  EXPECT_THAT(std::string(SafetensorsReader::Open(TestFolder()).status().message()),
              HasSubstr("holds neither model.safetensors.index.json nor model.safetensors"));
}

}  // namespace
}  // namespace grpo
