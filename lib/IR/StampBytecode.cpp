//===- StampBytecode.cpp - Attributes in bytecode --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An attribute is written as its code in `Encodings`, then its fields in the
// order they are listed there. Ops need nothing here: ODS writes their
// properties, each an attribute, sorted by name.
//
// How to evolve it, so that what was written stays readable:
//  * A new attribute takes the next unused code: one line of `Encodings`. A
//    field of a new type is one more specialization of `FieldType`.
//  * A new parameter is a new field at the end. An older file lacks it: reading
//    one (`reader.getDialectVersion<StampDialect>()`), leave it at its default.
//  * Codes are never given out twice, and fields never reordered or removed.
//  * An operand that is optional and the last one needs nothing. An op with a
//    new property takes over its reading (`useCustomPropertiesEncoding` in
//    ODS): older files do not have it.
//  * Each of these raises `kVersion`, once per release, and adds a golden file
//    to test/IR/Bytecode; the older ones are kept and read for good.
//
// A file is input like any other, so everything is read through `getChecked`:
// what the textual parser refuses, the reader refuses with the same words.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Bytecode/BytecodeImplementation.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace stamp;

namespace {

/// The version of what is written: raised when an older reader could not read
/// it. Version 1 is the first; files without a version hold attributes as text.
constexpr uint64_t kVersion = 1;

struct StampVersion : DialectVersion {
  explicit StampVersion(uint64_t number) : number(number) {}
  uint64_t number;
};

//===----------------------------------------------------------------------===//
// The types of fields
//===----------------------------------------------------------------------===//

/// How a parameter of type T is written and read. `Storage` is what it is read
/// into. A failure to read has been reported when it is returned.
template <typename T, typename = void> struct FieldType;

template <> struct FieldType<int64_t> {
  using Storage = int64_t;
  static void write(DialectBytecodeWriter &writer, int64_t value) {
    writer.writeSignedVarInt(value);
  }
  static LogicalResult read(DialectBytecodeReader &reader, int64_t &value) {
    return reader.readSignedVarInt(value);
  }
};

template <typename T>
struct FieldType<T, std::enable_if_t<std::is_base_of_v<Attribute, T>>> {
  using Storage = T;
  static void write(DialectBytecodeWriter &writer, T attribute) {
    writer.writeAttribute(attribute);
  }
  static LogicalResult read(DialectBytecodeReader &reader, T &attribute) {
    return reader.readAttribute(attribute);
  }
};

/// Attributes are counted.
template <typename T>
struct FieldType<ArrayRef<T>,
                 std::enable_if_t<std::is_base_of_v<Attribute, T>>> {
  using Storage = SmallVector<T>;

  static void write(DialectBytecodeWriter &writer, ArrayRef<T> attributes) {
    writer.writeAttributes(attributes);
  }

  // Not `readAttributes`, which allocates what the file says before it has seen
  // it.
  static LogicalResult read(DialectBytecodeReader &reader,
                            Storage &attributes) {
    uint64_t count;
    if (failed(reader.readVarInt(count)))
      return failure();
    for (; count > 0; --count)
      if (failed(reader.readAttribute(attributes.emplace_back())))
        return failure();
    return success();
  }
};

/// Segments are counted, and each is a byte with its width, a byte that tells a
/// fraction from a count, and the one or the other.
template <> struct FieldType<ArrayRef<Segment>> {
  using Storage = SmallVector<Segment>;

  static void write(DialectBytecodeWriter &writer, ArrayRef<Segment> segments) {
    writer.writeList(segments, [&](const Segment &segment) {
      writer.writeAPIntWithKnownWidth(APInt(8, segment.bits));
      writer.writeOwnedBool(segment.isFraction());
      if (segment.isFraction())
        writer.writeAPFloatWithKnownSemantics(APFloat(segment.getFraction()));
      else
        writer.writeSignedVarInt(segment.getRows());
    });
  }

  // Not `readList`, which allocates what the file says before it has seen it.
  static LogicalResult read(DialectBytecodeReader &reader, Storage &segments) {
    uint64_t count;
    if (failed(reader.readVarInt(count)))
      return failure();
    for (; count > 0; --count) {
      FailureOr<Segment> segment = readSegment(reader);
      if (failed(segment))
        return failure();
      segments.push_back(*segment);
    }
    return success();
  }

private:
  static FailureOr<Segment> readSegment(DialectBytecodeReader &reader) {
    FailureOr<APInt> bits = reader.readAPIntWithKnownWidth(8);
    bool isFraction;
    if (failed(bits) || failed(reader.readBool(isFraction)))
      return failure();
    int width = static_cast<int>(bits->getZExtValue());
    if (isFraction) {
      FailureOr<APFloat> part =
          reader.readAPFloatWithKnownSemantics(APFloat::IEEEdouble());
      if (failed(part))
        return failure();
      return Segment::fraction(part->convertToDouble(), width);
    }
    int64_t rows;
    if (failed(reader.readSignedVarInt(rows)))
      return failure();
    return Segment::rows(rows, width);
  }
};

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

/// The parameter that `getter`, a member of the attribute's class, returns.
template <auto getter> struct Field;

template <typename AttrT, typename T, T (AttrT::*getter)() const>
struct Field<getter> {
  using Type = T;
  using Storage = typename FieldType<T>::Storage;
  static void write(DialectBytecodeWriter &writer, AttrT attribute) {
    FieldType<T>::write(writer, (attribute.*getter)());
  }
  static LogicalResult read(DialectBytecodeReader &reader, Storage &value) {
    return FieldType<T>::read(reader, value);
  }
};

/// A parameter that may be null. A byte says whether it is there. (Upstream's
/// readOptionalAttribute follows an attribute that refers to itself until the
/// stack ends.)
template <auto getter> struct OptionalField {
  using Type = typename Field<getter>::Type;
  using Storage = typename Field<getter>::Storage;
  template <typename AttrT>
  static void write(DialectBytecodeWriter &writer, AttrT attribute) {
    bool isPresent = static_cast<bool>((attribute.*getter)());
    writer.writeOwnedBool(isPresent);
    if (isPresent)
      Field<getter>::write(writer, attribute);
  }
  static LogicalResult read(DialectBytecodeReader &reader, Storage &value) {
    bool isPresent;
    if (failed(reader.readBool(isPresent)))
      return failure();
    return isPresent ? Field<getter>::read(reader, value) : success();
  }
};

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// No attribute holds another of its kind, so one that is met while it is being
/// read can only be a cycle, which upstream's reader would follow for good.
template <uint64_t attributeCode, typename AttrT, typename... Fields>
struct Encoding {
  using Attr = AttrT;
  static constexpr uint64_t code = attributeCode;

  static void write(DialectBytecodeWriter &writer, AttrT attribute) {
    writer.writeVarInt(code);
    (Fields::write(writer, attribute), ...);
  }

  static Attribute read(DialectBytecodeReader &reader) {
    static thread_local bool isBeingRead = false;
    if (isBeingRead) {
      reader.emitError() << "#stamp." << AttrT::getMnemonic()
                         << " inside of another";
      return {};
    }
    llvm::SaveAndRestore nested(isBeingRead, true);
    std::tuple<typename Fields::Storage...> values;
    auto readFields = [&](auto &...value) {
      return success((succeeded(Fields::read(reader, value)) && ...));
    };
    if (failed(std::apply(readFields, values)))
      return {};
    auto emitError = [&] { return reader.emitError(); };
    return std::apply(
        [&](auto &...value) -> Attribute {
          return AttrT::getChecked(emitError, reader.getContext(),
                                   typename Fields::Type(value)...);
        },
        values);
  }
};

template <typename... Encodings> struct EncodingList {
  template <typename... Attrs> static constexpr bool holdsAllOf() {
    return (holds<Attrs>() && ...);
  }

  static LogicalResult write(DialectBytecodeWriter &writer,
                             Attribute attribute) {
    return success((writeIf<Encodings>(writer, attribute) || ...));
  }

  static Attribute read(DialectBytecodeReader &reader) {
    uint64_t code;
    if (failed(reader.readVarInt(code)))
      return {};
    Attribute result;
    bool isKnown = ((code == Encodings::code &&
                     ((result = Encodings::read(reader)), true)) ||
                    ...);
    if (!isKnown)
      reader.emitError() << "unknown stamp attribute code " << code;
    return result;
  }

private:
  template <typename AttrT> static constexpr bool holds() {
    return (std::is_same_v<AttrT, typename Encodings::Attr> || ...);
  }

  template <typename EncodingT>
  static bool writeIf(DialectBytecodeWriter &writer, Attribute attribute) {
    auto known = dyn_cast<typename EncodingT::Attr>(attribute);
    if (known)
      EncodingT::write(writer, known);
    return static_cast<bool>(known);
  }
};

using Encodings = EncodingList<
    Encoding<0, IdentityAttr>,
    Encoding<1, HaarAttr, Field<&HaarAttr::getLevels>,
             Field<&HaarAttr::getSkip>>,
    Encoding<2, Haar2DAttr, Field<&Haar2DAttr::getLevels>,
             Field<&Haar2DAttr::getHeight>, Field<&Haar2DAttr::getWidth>,
             Field<&Haar2DAttr::getSkip>>,
    Encoding<3, DCTAttr, Field<&DCTAttr::getSkip>>,
    Encoding<4, WHTAttr, Field<&WHTAttr::getBlock>, Field<&WHTAttr::getSkip>>,
    Encoding<5, MatrixAttr, Field<&MatrixAttr::getMatrix>,
             OptionalField<&MatrixAttr::getInverse>,
             Field<&MatrixAttr::getSkip>>,
    Encoding<6, ScheduleAttr, Field<&ScheduleAttr::getSegments>,
             Field<&ScheduleAttr::getRestBits>,
             Field<&ScheduleAttr::getMinTokens>>,
    Encoding<7, PlanAttr, Field<&PlanAttr::getBasis>,
             Field<&PlanAttr::getFeatures>, Field<&PlanAttr::getActivations>,
             Field<&PlanAttr::getActivationGroup>,
             Field<&PlanAttr::getWeightBits>, Field<&PlanAttr::getWeightGroup>>,
    Encoding<8, HadamardAttr, Field<&HadamardAttr::getOrder>>,
    Encoding<9, ScaleAttr, Field<&ScaleAttr::getFactors>>,
    Encoding<10, KVCacheAttr, Field<&KVCacheAttr::getBasis>,
             Field<&KVCacheAttr::getSchedule>, Field<&KVCacheAttr::getGroup>>,
    Encoding<11, MinTokensAttr, Field<&MinTokensAttr::getTokens>,
             Field<&MinTokensAttr::getInner>>,
    Encoding<12, PaddedAttr, Field<&PaddedAttr::getAlong>,
             Field<&PaddedAttr::getLengths>>>;

// Without an encoding, it would be written as text, of no version.
static_assert(Encodings::holdsAllOf<
#define GET_ATTRDEF_LIST
#include "stamp/IR/StampAttrs.cpp.inc"
                  >(),
              "an attribute has no encoding");

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

struct StampBytecodeInterface final : BytecodeDialectInterface {
  explicit StampBytecodeInterface(Dialect *dialect)
      : BytecodeDialectInterface(dialect) {}

  LogicalResult writeAttribute(Attribute attribute,
                               DialectBytecodeWriter &writer) const override {
    return Encodings::write(writer, attribute);
  }

  Attribute readAttribute(DialectBytecodeReader &reader) const override {
    return Encodings::read(reader);
  }

  void writeVersion(DialectBytecodeWriter &writer) const override {
    writer.writeVarInt(kVersion);
  }

  std::unique_ptr<DialectVersion>
  readVersion(DialectBytecodeReader &reader) const override {
    uint64_t number;
    if (failed(reader.readVarInt(number)))
      return nullptr;
    if (number <= kVersion)
      return std::make_unique<StampVersion>(number);
    reader.emitError() << "the file holds version " << number
                       << " of the stamp dialect, this program reads up to "
                          "version "
                       << kVersion;
    return nullptr;
  }
};

} // namespace

void StampDialect::registerBytecode() {
  addInterfaces<StampBytecodeInterface>();
}
