//===- StampAttrs.cpp - Schedules, plans, and all registration -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Groups.h"
#include "stamp/IR/Stamp.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <charconv>

using namespace mlir;
using namespace stamp;

#include "stamp/IR/StampAttrInterfaces.cpp.inc"

//===----------------------------------------------------------------------===//
// The grid of #stamp.haar2d: `8x16`
//===----------------------------------------------------------------------===//

static ParseResult parseGrid(AsmParser &parser, int64_t &height,
                             int64_t &width) {
  SmallVector<int64_t> grid;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseDimensionList(grid, /*allowDynamic=*/false,
                                /*withTrailingX=*/false))
    return failure();
  if (grid.size() != 2)
    return parser.emitError(loc, "expected a grid such as 8x16");
  height = grid[0];
  width = grid[1];
  return success();
}

static void printGrid(AsmPrinter &printer, int64_t height, int64_t width) {
  printer << height << 'x' << width;
}

//===----------------------------------------------------------------------===//
// The features of #stamp.plan: one transform, or `[first, …, last]`
//===----------------------------------------------------------------------===//

static FailureOr<SmallVector<FeatureTransformAttrInterface>>
parseFeatureTransforms(AsmParser &parser) {
  SmallVector<FeatureTransformAttrInterface> transforms;
  auto parseOne = [&] {
    return parser.parseAttribute(transforms.emplace_back());
  };
  if (failed(parser.parseOptionalLSquare())) {
    if (parseOne())
      return failure();
    return transforms;
  }
  if (parser.parseCommaSeparatedList(parseOne) || parser.parseRSquare())
    return failure();
  return transforms;
}

static void
printFeatureTransforms(AsmPrinter &printer,
                       ArrayRef<FeatureTransformAttrInterface> transforms) {
  if (transforms.size() == 1)
    printer << transforms.front();
  else
    printer << '[' << transforms << ']';
}

#define GET_ATTRDEF_CLASSES
#include "stamp/IR/StampAttrs.cpp.inc"

void StampDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "stamp/IR/StampAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// The identity, the basis without a body of its own
//===----------------------------------------------------------------------===//

std::unique_ptr<Basis> IdentityAttr::getBasis() const {
  return std::make_unique<IdentityBasis>();
}

int64_t IdentityAttr::getSkip() const { return 0; }

Value IdentityAttr::emitTokens(TokenBuilder &, Value x, Direction,
                               RowOrder) const {
  return x;
}

bool IdentityAttr::isIdentity() const { return true; }

//===----------------------------------------------------------------------===//
// A basis for long sequences only
//===----------------------------------------------------------------------===//

LogicalResult
MinTokensAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      int64_t tokens, BasisAttrInterface inner) {
  if (tokens < 1)
    return emitError() << "min_tokens must be positive, got " << tokens;
  if (isa<MinTokensAttr>(inner))
    return emitError() << "min_tokens of min_tokens: the larger number says it";
  return success();
}

BasisAttrInterface MinTokensAttr::limit(int64_t tokens,
                                        BasisAttrInterface basis) {
  if (tokens <= 1 || basis.isIdentity() || isa<MinTokensAttr>(basis))
    return basis;
  // Every 1×1 basis but [−1] and the like is the identity.
  float one = 1;
  basis.getBasis()->forward(&one, /*seqLen=*/1, /*features=*/1);
  if (tokens == 2 && one == 1)
    return basis;
  return get(basis.getContext(), tokens, basis);
}

std::pair<BasisAttrInterface, int64_t>
MinTokensAttr::split(BasisAttrInterface basis) {
  if (auto limited = dyn_cast<MinTokensAttr>(basis))
    return {limited.getInner(), limited.getTokens()};
  return {basis, 0};
}

std::unique_ptr<Basis> MinTokensAttr::getBasis() const {
  std::unique_ptr<Basis> basis = getInner().getBasis();
  basis->setMinTokens(getTokens());
  return basis;
}

int64_t MinTokensAttr::getSkip() const { return getInner().getSkip(); }

Value MinTokensAttr::emitTokens(TokenBuilder &tokens, Value x,
                                Direction direction, RowOrder order) const {
  return tokens.ifLengthIsAtLeast(
      getTokens() - getSkip(), x, [&](TokenBuilder &tokens, Value x) {
        return getInner().emitTokens(tokens, x, direction, order);
      });
}

Value MinTokensAttr::emitCoarsePosition(ImplicitLocOpBuilder &b, Value row,
                                        OpFoldResult length) const {
  int64_t least = getTokens() - getSkip();
  if (std::optional<int64_t> known = getConstantIntValue(length))
    return *known < least ? row : getInner().emitCoarsePosition(b, row, length);
  Value isLong =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge, cast<Value>(length),
                            arith::ConstantIndexOp::create(b, least));
  return arith::SelectOp::create(
      b, isLong, getInner().emitCoarsePosition(b, row, length), row);
}

bool MinTokensAttr::isIdentity() const { return getInner().isIdentity(); }

BasisAttrInterface MinTokensAttr::atLength(int64_t seqLen) const {
  if (seqLen >= getTokens())
    return getInner().atLength(seqLen);
  return IdentityAttr::get(getContext());
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

llvm::hash_code stamp::hash_value(const Segment &segment) {
  return llvm::hash_combine(segment.isFraction(), segment.getRows(),
                            llvm::bit_cast<uint64_t>(segment.getFraction()),
                            segment.bits);
}

/// Parses `64 : 8` or `0.0625 : 8`.
static ParseResult parseSegment(AsmParser &parser,
                                SmallVectorImpl<Segment> &segments) {
  SMLoc loc = parser.getCurrentLocation();
  int64_t rows = 0, bits = 0;
  double fraction = 0;
  OptionalParseResult integer = parser.parseOptionalInteger(rows);
  if (integer.has_value() ? failed(*integer)
                          : failed(parser.parseFloat(fraction)))
    return failure();
  if (parser.parseColon() || parser.parseInteger(bits))
    return failure();
  if (bits < PrecisionSchedule::kMinBits || bits > PrecisionSchedule::kMaxBits)
    return parser.emitError(loc)
           << "bits must be between " << PrecisionSchedule::kMinBits << " and "
           << PrecisionSchedule::kMaxBits << ", got " << bits;
  segments.push_back(integer.has_value() ? Segment::rows(rows, bits)
                                         : Segment::fraction(fraction, bits));
  return success();
}

Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  SmallVector<Segment> segments;
  int64_t restBits = 0;
  SMLoc loc = parser.getCurrentLocation();
  int64_t minTokens = 0;
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Square,
          [&] { return parseSegment(parser, segments); }) ||
      parser.parseComma() || parser.parseInteger(restBits))
    return {};
  if (succeeded(parser.parseOptionalComma()) &&
      (parser.parseKeyword("min_tokens") || parser.parseEqual() ||
       parser.parseInteger(minTokens)))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<ScheduleAttr>(loc, parser.getContext(), segments,
                                         restBits, minTokens);
}

/// The shortest decimal that reads back as the same number, with the point that
/// tells a fraction from a count.
static void printFraction(AsmPrinter &printer, double fraction) {
  char buffer[32];
  char *end = std::to_chars(buffer, std::end(buffer), fraction).ptr;
  StringRef text(buffer, end - buffer);
  auto [mantissa, exponent] = text.split('e');
  printer << mantissa << (mantissa.contains('.') ? "" : ".0");
  if (!exponent.empty())
    printer << 'e' << exponent;
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getSegments(), printer, [&](const Segment &segment) {
    if (segment.isFraction())
      printFraction(printer, segment.getFraction());
    else
      printer << segment.getRows();
    printer << " : " << segment.bits;
  });
  printer << "], " << getRestBits();
  if (getMinTokens())
    printer << ", min_tokens = " << getMinTokens();
  printer << '>';
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<Segment> segments, int64_t restBits,
                                   int64_t minTokens) {
  if (minTokens < 0)
    return emitError() << "min_tokens must not be negative, got " << minTokens;
  auto verifyBits = [&](int64_t bits) -> LogicalResult {
    if (bits >= PrecisionSchedule::kMinBits &&
        bits <= PrecisionSchedule::kMaxBits)
      return success();
    return emitError() << "bits must be between " << PrecisionSchedule::kMinBits
                       << " and " << PrecisionSchedule::kMaxBits << ", got "
                       << bits;
  };
  for (const Segment &segment : segments) {
    if (segment.isFraction() &&
        !(segment.getFraction() > 0 && segment.getFraction() <= 1))
      return emitError() << "a fraction of the sequence must be in (0, 1], got "
                         << segment.getFraction();
    if (segment.getRows() < 0)
      return emitError() << "a number of rows must not be negative, got "
                         << segment.getRows();
    if (failed(verifyBits(segment.bits)))
      return failure();
  }
  return verifyBits(restBits);
}

PrecisionSchedule ScheduleAttr::getSchedule() const {
  return PrecisionSchedule(getSegments().vec(), static_cast<int>(getRestBits()),
                           getMinTokens());
}

ScheduleAttr ScheduleAttr::limit(int64_t tokens) const {
  if (tokens <= 1 || getSegments().empty() || getMinTokens())
    return *this;
  return get(getContext(), getSegments(), getRestBits(), tokens);
}

ScheduleAttr ScheduleAttr::atLength(int64_t seqLen) const {
  if (seqLen >= getMinTokens())
    return get(getContext(), getSegments(), getRestBits());
  return get(getContext(), /*segments=*/{}, getWidths().front());
}

SmallVector<int64_t> ScheduleAttr::getWidths() const {
  auto widths =
      llvm::map_to_vector(getSegments(), [](const Segment &segment) -> int64_t {
        return segment.bits;
      });
  widths.push_back(getRestBits());
  return widths;
}

/// min(S, rows + ⌊fraction·S⌋), or S if that is less than minTokens.
static Value emitEnd(ImplicitLocOpBuilder &b, Value seqLen, int64_t rows,
                     double fraction, int64_t minTokens) {
  Value end = arith::ConstantIndexOp::create(b, rows);
  if (fraction != 0) {
    Type f64 = b.getF64Type(), i64 = b.getI64Type();
    Value wide = arith::SIToFPOp::create(
        b, f64, arith::IndexCastOp::create(b, i64, seqLen));
    Value part = arith::MulFOp::create(
        b, wide, arith::ConstantOp::create(b, b.getF64FloatAttr(fraction)));
    // The product is not negative: the conversion's truncation is the floor.
    Value floor = arith::IndexCastOp::create(
        b, b.getIndexType(), arith::FPToSIOp::create(b, i64, part));
    end = arith::AddIOp::create(b, end, floor);
  }
  end = arith::MinSIOp::create(b, end, seqLen);
  if (minTokens <= 1)
    return end;
  Value least = arith::ConstantIndexOp::create(b, minTokens);
  Value isShort =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, seqLen, least);
  return arith::SelectOp::create(b, isShort, seqLen, end);
}

SmallVector<OpFoldResult> ScheduleAttr::getEnds(OpBuilder &builder,
                                                Location loc,
                                                OpFoldResult seqLen) const {
  SmallVector<OpFoldResult> ends;
  if (std::optional<int64_t> known = getConstantIntValue(seqLen)) {
    for (int64_t end : getSchedule().ends(*known))
      ends.push_back(builder.getIndexAttr(end));
    return ends;
  }
  // No sequence is longer, and no sum of ends can wrap.
  constexpr int64_t kLongest = int64_t{1} << 61;
  int64_t rows = 0;
  double fraction = 0;
  ImplicitLocOpBuilder b(loc, builder);
  for (const Segment &segment : getSegments()) {
    rows = std::min(kLongest, rows + std::min(kLongest, segment.getRows()));
    fraction += segment.getFraction();
    ends.push_back(
        emitEnd(b, cast<Value>(seqLen), rows, fraction, getMinTokens()));
  }
  return ends;
}

//===----------------------------------------------------------------------===//
// Padded batches
//===----------------------------------------------------------------------===//

LogicalResult PaddedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t along, int64_t lengths) {
  if (along < 0 || lengths < 0)
    return emitError() << "along and lengths must not be negative, got "
                       << along << " and " << lengths;
  return success();
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

LogicalResult PlanAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               BasisAttrInterface basis,
                               ArrayRef<FeatureTransformAttrInterface>,
                               ScheduleAttr activations,
                               int64_t activationGroup, int64_t weightBits,
                               int64_t weightGroup) {
  if (weightBits != 4 && weightBits != 8)
    return emitError() << "weight_bits must be 4 or 8, got " << weightBits;
  for (auto [name, group] : {std::pair("activation_group", activationGroup),
                             std::pair("weight_group", weightGroup)})
    if (group < 0 || group > kMaxGroup)
      return emitError() << name << " must be 0 to " << kMaxGroup << ", got "
                         << group;
  if (activationGroup && weightGroup && activationGroup != weightGroup)
    return emitError() << "activation_group and weight_group must be equal "
                          "where both are given, got "
                       << activationGroup << " and " << weightGroup;
  return success();
}

std::optional<std::string> PlanAttr::misfit(int64_t seqLen) const {
  if (std::optional<std::string> reason = getBasis().getBasis()->misfit(seqLen))
    return reason;
  return getActivations().getSchedule().misfit(seqLen);
}

std::optional<std::string> PlanAttr::featuresMisfit(int64_t features) const {
  for (FeatureTransformAttrInterface transform : getFeatures())
    if (std::optional<std::string> reason =
            transform.getFeatureTransform()->misfit(features))
      return reason;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

LogicalResult KVCacheAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  BasisAttrInterface, ScheduleAttr,
                                  int64_t group) {
  if (group < 0 || group > kMaxGroup)
    return emitError() << "group must be 0 to " << kMaxGroup << ", got "
                       << group;
  return success();
}
