//===- BytecodeLayout.cpp - A dialect's bytes in a file --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BytecodeLayout.h"

#include "mlir/Bytecode/Encoding.h"
#include "llvm/ADT/bit.h"

#include <array>
#include <cassert>

using namespace mlir;
using llvm::StringRef;

namespace {
/// A part of the file, and how far it has been read.
struct Cursor {
  StringRef file;
  size_t place, end;

  uint8_t byte() {
    assert(place < end && "a valid file was expected");
    return file[place++];
  }

  /// The zeros below the lowest one say how many bytes follow the first.
  uint64_t varInt() {
    uint64_t value = byte();
    unsigned more = value ? llvm::countr_zero(value) : 8;
    uint64_t rest = 0;
    for (unsigned i = 0; i < more; ++i)
      rest |= static_cast<uint64_t>(byte()) << (8 * i);
    return more == 8 ? rest : (value | rest << 8) >> (more + 1);
  }

  Cursor take(size_t length) {
    Cursor part{file, place, place + length};
    place += length;
    assert(place <= end && "a valid file was expected");
    return part;
  }

  /// A section's contents; its kind in `id`.
  Cursor section(unsigned &id) {
    uint8_t idAndAlignment = byte();
    id = idAndAlignment & 0x7F;
    uint64_t length = varInt();
    if (idAndAlignment & 0x80)
      place = llvm::alignTo(place, varInt());
    return take(length);
  }
};
} // namespace

static std::vector<StringRef> readStrings(Cursor strings) {
  std::vector<StringRef> result(strings.varInt());
  size_t end = strings.end; // Sizes are listed from the last string on.
  for (auto string = result.rbegin(); string != result.rend(); ++string) {
    size_t size = strings.varInt();
    end -= size;
    *string = strings.file.substr(end, size - 1);
  }
  return result;
}

std::vector<size_t> placesReadByDialect(StringRef file, StringRef dialect) {
  std::vector<size_t> places;
  auto add = [&](Cursor part) {
    for (; part.place < part.end; ++part.place)
      places.push_back(part.place);
  };

  Cursor rest{file, 4, file.size()}; // Past the magic number.
  rest.varInt();                     // The version of bytecode itself.
  rest.place = file.find('\0', rest.place) + 1; // The producer's name.
  std::array<Cursor, bytecode::Section::kNumSections> sections{};
  while (rest.place < rest.end) {
    unsigned id;
    Cursor contents = rest.section(id);
    sections[id] = contents;
  }

  std::vector<StringRef> strings =
      readStrings(sections[bytecode::Section::kString]);
  Cursor &dialects = sections[bytecode::Section::kDialect];
  uint64_t numDialects = dialects.varInt(), ours = numDialects;
  for (uint64_t i = 0; i < numDialects; ++i) {
    uint64_t nameAndFlag = dialects.varInt();
    bool isOurs = strings[nameAndFlag >> 1] == dialect;
    if (isOurs)
      ours = i;
    if (nameAndFlag & 1) {
      unsigned id;
      Cursor version = dialects.section(id);
      if (isOurs)
        add(version);
    }
  }

  // Attributes, then types, in groups of a dialect: (dialect, count, sizes).
  Cursor &offsets = sections[bytecode::Section::kAttrTypeOffset];
  Cursor &entries = sections[bytecode::Section::kAttrType];
  uint64_t attributes = offsets.varInt();
  offsets.varInt();
  while (attributes > 0) {
    bool isOurs = offsets.varInt() == ours;
    uint64_t count = offsets.varInt();
    attributes -= count;
    for (; count > 0; --count) {
      Cursor entry = entries.take(offsets.varInt() >> 1);
      if (isOurs)
        add(entry);
    }
  }

  Cursor &properties = sections[bytecode::Section::kProperties];
  for (uint64_t count = properties.varInt(); count > 0; --count)
    add(properties.take(properties.varInt()));
  return places;
}
