//===- NpyTest.cpp - NumPy's file format ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/Execution/Npy.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace llvm;
using namespace stamp;

namespace {

std::string makeFile(StringRef header, StringRef data, char version = 1) {
  std::string file("\x93NUMPY");
  file += {version, '\0'};
  size_t length = header.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i, length >>= 8)
    file.push_back(static_cast<char>(length & 0xff));
  return file + header.str() + data.str();
}

std::string makeHeader(StringRef descr, StringRef shape) {
  return ("{'descr': '" + descr +
          "', 'fortran_order': False, 'shape': " + shape + ", }\n")
      .str();
}

/// The message with which `file` is refused; empty if it is accepted.
std::string getRefusal(StringRef file) {
  Expected<NpyArray> array = parseNpy(file);
  return array ? "" : toString(array.takeError());
}

TEST(Npy, ReadsEveryHeaderVersion) {
  for (char version : {1, 2, 3}) {
    Expected<NpyArray> array =
        parseNpy(makeFile(makeHeader("<i2", "(2, 1)"), "\1\2\3\4", version));
    ASSERT_TRUE(bool(array));
    EXPECT_EQ(array->kind, ElementKind::Int16);
    EXPECT_EQ(array->shape, SmallVector<int64_t>({2, 1}));
    EXPECT_EQ(array->bytes, std::vector<char>({1, 2, 3, 4}));
    EXPECT_EQ(array->getNumElements(), 2);
  }
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  Expected<NpyArray> scalar = parseNpy(makeFile(makeHeader("|i1", "()"), "\7"));
  ASSERT_TRUE(bool(scalar));
  EXPECT_TRUE(scalar->shape.empty());
  Expected<NpyArray> none = parseNpy(makeFile(makeHeader("<f8", "(3, 0)"), ""));
  ASSERT_TRUE(bool(none));
  EXPECT_EQ(none->getNumElements(), 0);
}

TEST(Npy, AcceptsAnyOrderOfKeysAndQuotes) {
  EXPECT_EQ(
      getRefusal(makeFile(
          R"({ "shape":(1,),"fortran_order" : False,"descr":"=u1"})", "x")),
      "");
}

TEST(Npy, RefusesEveryTruncation) {
  std::string file = makeFile(makeHeader("<f4", "(2,)"), "12345678");
  EXPECT_EQ(getRefusal(file), "");
  for (size_t length = 0; length < file.size(); ++length)
    EXPECT_NE(getRefusal(StringRef(file).take_front(length)), "") << length;
  EXPECT_EQ(getRefusal(file + "9"),
            "excess data: float32[2] needs 8 bytes, 9 found");
}

TEST(Npy, SurvivesEveryDamagedByte) {
  std::string file = makeFile(makeHeader("<f4", "(2,)"), "12345678");
  for (size_t i = 0; i < file.size(); ++i)
    for (int byte = 0; byte < 256; ++byte) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(byte);
      if (Expected<NpyArray> array = parseNpy(damaged))
        EXPECT_LE(array->bytes.size(), 8u);
      else
        consumeError(array.takeError());
    }
}

TEST(Npy, SaysWhatIsWrong) {
  EXPECT_EQ(getRefusal("PK\3\4"),
            "not a .npy file: it does not begin with \\x93NUMPY");
  EXPECT_EQ(getRefusal(makeFile("", "", 4)), "unknown format version 4");
  EXPECT_EQ(getRefusal(makeFile(makeHeader(">f4", "(1,)"), "1234")),
            "element type '>f4' is not little-endian");
  EXPECT_EQ(getRefusal(makeFile(makeHeader("<c8", "(1,)"), "12345678")),
            "element type '<c8' is not supported");
  EXPECT_EQ(getRefusal(makeFile(makeHeader("<V2", "(1,)"), "12")),
            "element type '<V2' is raw bytes (NumPy has no bfloat16): save it "
            "as float32");
  EXPECT_EQ(
      getRefusal(makeFile(
          "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}",
          "1234")),
      "structured element types are not supported");
  EXPECT_EQ(getRefusal(makeFile("{'descr': '<f4', 'fortran_order': True, "
                                "'shape': (1, 1)}",
                                "1234")),
            "the array is in Fortran order: save numpy.ascontiguousarray(x) "
            "instead");
  EXPECT_EQ(getRefusal(makeFile("{'descr': '<f4', 'shape': ()}", "1234")),
            "corrupt header: needs 'descr', 'fortran_order' and 'shape'");
  EXPECT_EQ(getRefusal(makeFile(makeHeader("<f4", "(-1,)"), "1234")),
            "corrupt header: expected a tuple of sizes as 'shape'");
  EXPECT_EQ(getRefusal(makeFile(makeHeader("|b1", "(2,)"), "\1\2")),
            "a bool is neither 0 nor 1");
}

TEST(Npy, RefusesSizesThatOverflow) {
  EXPECT_EQ(getRefusal(makeFile(makeHeader("<f4", "(4294967296, 4294967296)"),
                                "1234")),
            "the size of float32[4294967296, 4294967296] overflows 64 bits");
  EXPECT_EQ(
      getRefusal(makeFile(makeHeader("<f4", "(9223372036854775807,)"), "1234")),
      "the size of float32[9223372036854775807] overflows 64 bits");
  EXPECT_EQ(getRefusal(
                makeFile(makeHeader("<f4", "(99999999999999999999,)"), "1234")),
            "corrupt header: expected a tuple of sizes as 'shape'");
}

TEST(Npy, WritesWhatItReads) {
  SmallString<128> path;
  ASSERT_FALSE(sys::fs::createTemporaryFile("array", "npy", path));
  for (SmallVector<int64_t> shape :
       {SmallVector<int64_t>{}, {3}, {2, 5}, {4, 0, 7}}) {
    NpyArray array;
    array.kind = ElementKind::UInt32;
    array.shape = shape;
    size_t size = 4;
    for (int64_t extent : shape)
      size *= extent;
    for (size_t i = 0; i < size; ++i)
      array.bytes.push_back(static_cast<char>(31 * i + 7));
    ASSERT_FALSE(bool(writeNpy(path, array)));
    Expected<NpyArray> read = readNpy(path);
    ASSERT_TRUE(bool(read)) << toString(read.takeError());
    EXPECT_EQ(read->kind, array.kind);
    EXPECT_EQ(read->shape, array.shape);
    EXPECT_EQ(read->bytes, array.bytes);
  }
  sys::fs::remove(path);
  EXPECT_EQ(toString(readNpy(path).takeError()),
            ("cannot read '" + path + "': No such file or directory").str());
}

TEST(Npy, FindsTheFirstNonFiniteElement) {
  NpyArray array;
  array.shape = {2, 3};
  float values[] = {0.0f, 3.4e38f, -1e-45f, 1.0f, INFINITY, NAN};
  array.bytes.assign(reinterpret_cast<char *>(values),
                     reinterpret_cast<char *>(values + 6));
  EXPECT_EQ(findNonFinite(array), SmallVector<int64_t>({1, 1}));
  values[4] = 2.0f;
  array.bytes.assign(reinterpret_cast<char *>(values),
                     reinterpret_cast<char *>(values + 6));
  EXPECT_EQ(findNonFinite(array), SmallVector<int64_t>({1, 2}));
  array.kind = ElementKind::Int32;
  EXPECT_EQ(findNonFinite(array), std::nullopt);
}

} // namespace
