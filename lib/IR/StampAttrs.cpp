//===- StampAttrs.cpp - Schedules, plans, and all registration -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

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
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Square,
          [&] { return parseSegment(parser, segments); }) ||
      parser.parseComma() || parser.parseInteger(restBits) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<ScheduleAttr>(loc, parser.getContext(), segments,
                                         restBits);
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
  printer << "], " << getRestBits() << '>';
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<Segment> segments,
                                   int64_t restBits) {
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
  return PrecisionSchedule(getSegments().vec(),
                           static_cast<int>(getRestBits()));
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

LogicalResult PlanAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               BasisAttrInterface basis,
                               ScheduleAttr activations, int64_t weightBits) {
  if (weightBits != 4 && weightBits != 8)
    return emitError() << "weight_bits must be 4 or 8, got " << weightBits;
  return success();
}

std::optional<std::string> PlanAttr::misfit(int64_t seqLen) const {
  if (std::optional<std::string> reason = getBasis().getBasis()->misfit(seqLen))
    return reason;
  return getActivations().getSchedule().misfit(seqLen);
}
