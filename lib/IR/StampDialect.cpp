//===- StampDialect.cpp - The stamp dialect --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace stamp;

#include "stamp/IR/StampDialect.cpp.inc"

namespace {
/// No op of ours depends on the function that it stands in.
struct StampInlinerInterface final : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool,
                       IRMapping &) const override {
    return true;
  }
};
} // namespace

void StampDialect::initialize() {
  registerAttributes();
  registerBytecode();
  addOperations<
#define GET_OP_LIST
#include "stamp/IR/StampOps.cpp.inc"
      >();
  addInterfaces<StampInlinerInterface>();
  attachTilingInterfaces();
  attachBufferizationInterfaces();
  attachValueBoundsInterfaces();
}

Operation *StampDialect::materializeConstant(OpBuilder &builder,
                                             Attribute value, Type type,
                                             Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

LogicalResult StampDialect::verifyOperationAttribute(Operation *op,
                                                     NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == kAppendAttrName || name == kScoresAttrName ||
      name == kMixAttrName) {
    if (!isa<KVCacheAttr>(attribute.getValue()))
      return op->emitOpError()
             << "expects '" << name << "' to be a #stamp.kv_cache";
    if (!isa<FunctionOpInterface>(op))
      return op->emitOpError()
             << "cannot carry '" << name << "': it is not a function";
    return success();
  }
  if (name != kPlanAttrName)
    return op->emitOpError() << "has an unknown attribute '" << name << "'";
  if (!isa<PlanAttr>(attribute.getValue()))
    return op->emitOpError()
           << "expects '" << kPlanAttrName << "' to be a #stamp.plan";
  if (!isa<linalg::LinalgOp>(op))
    return op->emitOpError()
           << "cannot carry '" << kPlanAttrName << "': it is not a linalg op";
  return success();
}

/// Checks that an argument can be a weight.
static LogicalResult verifyWeight(function_ref<InFlightDiagnostic()> emitError,
                                  Type type) {
  if (isa<RankedTensorType, MemRefType>(type) &&
      isa<Float32Type, Float16Type, BFloat16Type>(getElementTypeOrSelf(type)))
    return success();
  return emitError() << "cannot carry '" << StampDialect::kWeightAttrName
                     << "': it is not a ranked tensor of f32, f16 or bf16";
}

/// Checks that an argument can hold what its `stamp.padded` says it holds.
static LogicalResult verifyPadded(function_ref<InFlightDiagnostic()> emitError,
                                  PaddedAttr padded, ArrayRef<Type> arguments,
                                  unsigned argIndex) {
  auto tokens = dyn_cast<ShapedType>(arguments[argIndex]);
  if (!tokens || !tokens.hasRank() || !isa<FloatType>(tokens.getElementType()))
    return emitError() << "needs a ranked tensor of floats, got "
                       << arguments[argIndex];
  int64_t along = padded.getAlong(), from = padded.getLengths();
  if (along >= tokens.getRank())
    return emitError() << "names dimension " << along << " of " << tokens;
  if (from >= static_cast<int64_t>(arguments.size()))
    return emitError() << "names argument " << from << " of "
                       << arguments.size();
  auto lengths = dyn_cast<ShapedType>(arguments[from]);
  if (!lengths || !lengths.hasRank() ||
      !(lengths.getElementType().isIndex() ||
        lengths.getElementType().isSignlessInteger(32) ||
        lengths.getElementType().isSignlessInteger(64)))
    return emitError() << "needs lengths in a ranked tensor of index, i32 or "
                          "i64, got "
                       << arguments[from];
  int64_t leading = lengths.getRank();
  if (leading > along ||
      failed(verifyCompatibleShape(lengths.getShape(),
                                   tokens.getShape().take_front(leading))))
    return emitError() << "needs lengths over the first dimensions of "
                       << tokens << ", in front of " << along << ", got "
                       << lengths;
  return success();
}

/// On its way to machine code a function keeps its arguments' attributes while
/// tensors become buffers and those pointers and sizes, so that llvm.func is
/// not held to what a user may write.
LogicalResult StampDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                     unsigned argIndex,
                                                     NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == kWeightAttrName) {
    auto refuse = [&] {
      return op->emitOpError() << "argument #" << argIndex << " ";
    };
    if (!isa<UnitAttr>(attribute.getValue()))
      return refuse() << "expects '" << name << "' to be a unit attribute";
    auto function = dyn_cast<func::FuncOp>(op);
    return function
               ? verifyWeight(refuse, function.getArgumentTypes()[argIndex])
               : success();
  }
  auto emitError = [&] {
    return op->emitOpError()
           << "argument " << argIndex << ": '" << name << "' ";
  };
  if (name != kPaddedAttrName)
    return emitError() << "is an unknown attribute";
  auto padded = dyn_cast<PaddedAttr>(attribute.getValue());
  if (!padded)
    return emitError() << "expects a #stamp.padded";
  if (op->getName().getDialectNamespace() == "llvm")
    return success();
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return emitError() << "is for arguments of functions";
  return verifyPadded(emitError, padded, function.getArgumentTypes(), argIndex);
}

LogicalResult StampDialect::verifyRegionResultAttribute(
    Operation *op, unsigned, unsigned resultIndex, NamedAttribute attribute) {
  return op->emitOpError() << "result " << resultIndex << ": '"
                           << attribute.getName().getValue()
                           << "' is not for results";
}
