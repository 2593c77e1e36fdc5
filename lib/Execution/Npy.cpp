//===- Npy.cpp - NumPy's file format for arrays -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A file is the magic string, a version, the length of a header, the header and
// the elements. The header is a Python dictionary:
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//
//===----------------------------------------------------------------------===//

#include "stamp/Execution/Npy.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace stamp {
namespace {

constexpr StringLiteral magic = "\x93NUMPY";

struct ElementFormat {
  ElementKind kind;
  StringLiteral name;
  /// The type as the header spells it, without the byte order.
  StringLiteral code;
  size_t byteSize;
};

constexpr ElementFormat formats[] = {
    {ElementKind::Bool, "bool", "b1", 1},
    {ElementKind::Int8, "int8", "i1", 1},
    {ElementKind::Int16, "int16", "i2", 2},
    {ElementKind::Int32, "int32", "i4", 4},
    {ElementKind::Int64, "int64", "i8", 8},
    {ElementKind::UInt8, "uint8", "u1", 1},
    {ElementKind::UInt16, "uint16", "u2", 2},
    {ElementKind::UInt32, "uint32", "u4", 4},
    {ElementKind::UInt64, "uint64", "u8", 8},
    {ElementKind::Float16, "float16", "f2", 2},
    {ElementKind::Float32, "float32", "f4", 4},
    {ElementKind::Float64, "float64", "f8", 8},
};

const ElementFormat &getFormat(ElementKind kind) {
  return *find_if(formats, [&](const ElementFormat &format) {
    return format.kind == kind;
  });
}

Error fail(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// The product of the sizes times `scale`, if it fits.
std::optional<int64_t> getExtent(ArrayRef<int64_t> shape, int64_t scale) {
  if (is_contained(shape, 0))
    return 0;
  int64_t extent = scale;
  for (int64_t size : shape)
    if (MulOverflow(extent, size, extent))
      return std::nullopt;
  return extent;
}

/// Reads the header's dictionary from left to right.
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  Error parse(NpyArray &array) {
    bool sawType = false, sawOrder = false, sawShape = false;
    if (!consume('{'))
      return fail("corrupt header: expected '{'");
    while (!consume('}')) {
      StringRef key;
      if (!parseString(key) || !consume(':'))
        return fail("corrupt header: expected a quoted key and ':'");
      if (key == "descr") {
        if (Error error = parseType(array.kind))
          return error;
        sawType = true;
      } else if (key == "fortran_order") {
        if (Error error = parseOrder())
          return error;
        sawOrder = true;
      } else if (key == "shape") {
        if (!parseShape(array.shape))
          return fail("corrupt header: expected a tuple of sizes as 'shape'");
        sawShape = true;
      } else {
        return fail("corrupt header: unknown key '" + key + "'");
      }
      if (!consume(',') && !peek('}'))
        return fail("corrupt header: expected ',' or '}'");
    }
    if (!rest.trim().empty())
      return fail("corrupt header: text after '}'");
    if (!sawType || !sawOrder || !sawShape)
      return fail("corrupt header: needs 'descr', 'fortran_order' and 'shape'");
    return Error::success();
  }

private:
  bool peek(char c) {
    rest = rest.ltrim();
    return rest.starts_with(StringRef(&c, 1));
  }

  bool consume(char c) {
    if (!peek(c))
      return false;
    rest = rest.drop_front();
    return true;
  }

  bool parseString(StringRef &result) {
    char quote = peek('"') ? '"' : '\'';
    if (!consume(quote))
      return false;
    size_t end = rest.find(quote);
    if (end == StringRef::npos)
      return false;
    result = rest.take_front(end);
    rest = rest.drop_front(end + 1);
    return true;
  }

  Error parseType(ElementKind &kind) {
    if (peek('['))
      return fail("structured element types are not supported");
    StringRef descr;
    if (!parseString(descr) || descr.empty())
      return fail("corrupt header: expected a string as 'descr'");
    StringRef code = descr.drop_front();
    if (code.starts_with("V"))
      return fail("element type '" + descr +
                  "' is raw bytes (NumPy has no bfloat16): save it as float32");
    const ElementFormat *format = find_if(
        formats, [&](const ElementFormat &f) { return f.code == code; });
    if (format == std::end(formats))
      return fail("element type '" + descr + "' is not supported");
    bool isLittleEndian =
        StringRef("<=").contains(descr.front()) ||
        (format->byteSize == 1 && StringRef("|>").contains(descr.front()));
    if (!isLittleEndian)
      return fail("element type '" + descr + "' is not little-endian");
    kind = format->kind;
    return Error::success();
  }

  Error parseOrder() {
    rest = rest.ltrim();
    if (rest.consume_front("False"))
      return Error::success();
    if (rest.consume_front("True"))
      return fail("the array is in Fortran order: save "
                  "numpy.ascontiguousarray(x) instead");
    return fail("corrupt header: expected True or False as 'fortran_order'");
  }

  bool parseShape(SmallVectorImpl<int64_t> &shape) {
    if (!consume('('))
      return false;
    while (!consume(')')) {
      uint64_t size;
      rest = rest.ltrim();
      if (rest.consumeInteger(10, size) || size > INT64_MAX)
        return false;
      shape.push_back(static_cast<int64_t>(size));
      if (!consume(',') && !peek(')'))
        return false;
    }
    return true;
  }

  StringRef rest;
};

} // namespace

StringRef getName(ElementKind kind) { return getFormat(kind).name; }
size_t getByteSize(ElementKind kind) { return getFormat(kind).byteSize; }

int64_t NpyArray::getNumElements() const {
  return static_cast<int64_t>(bytes.size() / getByteSize(kind));
}

SmallVector<int64_t> NpyArray::getIndex(int64_t position) const {
  SmallVector<int64_t> index(shape.size());
  for (size_t d = index.size(); d-- > 0; position /= shape[d])
    index[d] = position % shape[d];
  return index;
}

std::string describe(const NpyArray &array) {
  std::string text;
  raw_string_ostream os(text);
  os << getName(array.kind) << '[';
  interleaveComma(array.shape, os);
  os << ']';
  return text;
}

std::optional<SmallVector<int64_t>> findNonFinite(const NpyArray &array) {
  const fltSemantics *semantics = nullptr;
  switch (array.kind) {
  case ElementKind::Float16:
    semantics = &APFloat::IEEEhalf();
    break;
  case ElementKind::Float32:
    semantics = &APFloat::IEEEsingle();
    break;
  case ElementKind::Float64:
    semantics = &APFloat::IEEEdouble();
    break;
  default:
    return std::nullopt;
  }
  // An element is a NaN or an infinity when all bits of its exponent are set.
  size_t byteSize = getByteSize(array.kind);
  uint64_t infinity =
      APFloat::getInf(*semantics).bitcastToAPInt().getZExtValue();
  for (int64_t i = 0, e = array.getNumElements(); i < e; ++i) {
    uint64_t bits = 0;
    memcpy(&bits, array.bytes.data() + i * byteSize, byteSize);
    if ((bits & infinity) != infinity)
      continue;
    return array.getIndex(i);
  }
  return std::nullopt;
}

Expected<NpyArray> parseNpy(StringRef contents) {
  StringRef rest = contents;
  if (!rest.consume_front(magic))
    return fail("not a .npy file: it does not begin with \\x93NUMPY");
  if (rest.size() < 2)
    return fail("truncated before the format version");
  unsigned version = static_cast<uint8_t>(rest[0]);
  if (version < 1 || version > 3)
    return fail("unknown format version " + Twine(version));
  rest = rest.drop_front(2);

  size_t lengthBytes = version == 1 ? 2 : 4;
  if (rest.size() < lengthBytes)
    return fail("truncated before the header");
  size_t headerLength = version == 1 ? support::endian::read16le(rest.data())
                                     : support::endian::read32le(rest.data());
  rest = rest.drop_front(lengthBytes);
  if (rest.size() < headerLength)
    return fail("truncated in the header: " + Twine(headerLength) +
                " bytes announced, " + Twine(rest.size()) + " found");

  NpyArray array;
  if (Error error = HeaderParser(rest.take_front(headerLength)).parse(array))
    return std::move(error);
  rest = rest.drop_front(headerLength);

  std::optional<int64_t> expected =
      getExtent(array.shape, getByteSize(array.kind));
  if (!expected)
    return fail("the size of " + describe(array) + " overflows 64 bits");
  if (rest.size() < static_cast<uint64_t>(*expected))
    return fail("truncated data: " + describe(array) + " needs " +
                Twine(*expected) + " bytes, " + Twine(rest.size()) + " found");
  if (rest.size() > static_cast<uint64_t>(*expected))
    return fail("excess data: " + describe(array) + " needs " +
                Twine(*expected) + " bytes, " + Twine(rest.size()) + " found");
  if (array.kind == ElementKind::Bool &&
      any_of(rest, [](char c) { return static_cast<uint8_t>(c) > 1; }))
    return fail("a bool is neither 0 nor 1");
  array.bytes.assign(rest.begin(), rest.end());
  return array;
}

Expected<NpyArray> readNpy(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (std::error_code code = buffer.getError())
    return fail("cannot read '" + path + "': " + code.message());
  Expected<NpyArray> array = parseNpy((*buffer)->getBuffer());
  if (!array)
    return fail("cannot read '" + path + "': " + toString(array.takeError()));
  return array;
}

Error writeNpy(StringRef path, const NpyArray &array) {
  std::string header;
  raw_string_ostream headerStream(header);
  headerStream << "{'descr': '" << (getByteSize(array.kind) == 1 ? '|' : '<')
               << getFormat(array.kind).code
               << "', 'fortran_order': False, 'shape': (";
  // A tuple of one element keeps its comma.
  for (int64_t size : array.shape)
    headerStream << size << ", ";
  headerStream << "), }";
  // The elements begin at a multiple of 64 bytes, as NumPy's own do.
  size_t prefix = magic.size() + 2 + 2;
  header.append(offsetToAlignment(prefix + header.size() + 1, Align(64)), ' ');
  header.push_back('\n');

  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return fail("cannot write '" + path + "': " + code.message());
  char length[2];
  support::endian::write16le(length, static_cast<uint16_t>(header.size()));
  os << magic << '\x01' << '\x00' << StringRef(length, 2) << header;
  os.write(array.bytes.data(), array.bytes.size());
  os.close();
  if (os.has_error()) {
    code = os.error();
    os.clear_error();
    return fail("cannot write '" + path + "': " + code.message());
  }
  return Error::success();
}

} // namespace stamp
