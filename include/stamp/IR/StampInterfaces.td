//===- StampInterfaces.td - What a transform can do ------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_STAMPINTERFACES_TD
#define STAMP_IR_STAMPINTERFACES_TD

include "mlir/IR/OpBase.td"

def Stamp_BasisAttrInterface : AttrInterface<"BasisAttrInterface"> {
  let cppNamespace = "::stamp";
  let description = [{
    A basis is one mathematical object with several readings: its mathematics
    (evaluation, dense matrix, L·1, mixing block, cost) through `getBasis`, and
    its fast form as IR through `emitTokens`. A new basis is one class that
    derives from `stamp::Basis` and one attribute that implements this
    interface, in whatever dialect.
  }];
  let methods = [
    InterfaceMethod<"The mathematics of this basis.",
      "::std::unique_ptr<::stamp::Basis>", "getBasis">,
    InterfaceMethod<"The number of leading tokens that are left out.",
      "int64_t", "getSkip">,
    InterfaceMethod<[{
        Emits L·x, or L⁻¹·x, of an f32 tensor along the token dimension of
        `tokens`. The skipped tokens are already taken away, and the order of
        float operations is the one of docs/Semantics.md. Where the coefficients
        stand is `order`, which a basis may ignore that leaves
        `emitCoarsePosition` as it is.
      }],
      "::mlir::Value", "emitTokens",
      (ins "::stamp::TokenBuilder &":$tokens, "::mlir::Value":$x,
           "::stamp::Direction":$direction, "::stamp::RowOrder":$order)>,
    InterfaceMethod<[{
        Emits `Basis::coarsePositions` for one row: which coefficient, coarse
        first, block order keeps at `row` of `length` tokens, the skipped ones
        not counted. All are of type index. A length that turns out to be 0 at
        run time must not trap, whatever comes of it. Unless overridden, block
        order is coarse first.
      }],
      "::mlir::Value", "emitCoarsePosition",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::Value":$row,
           "::mlir::OpFoldResult":$length),
      /*methodBody=*/"", /*defaultImplementation=*/"return row;">,
    InterfaceMethod<[{
        Whether `emitBlock` emits anything: the basis has a fixed block then.
      }],
      "bool", "emitsBlocks", (ins),
      /*methodBody=*/"", /*defaultImplementation=*/"return false;">,
    InterfaceMethod<[{
        Emits L, or L⁻¹, in block order on the tokens of one block, each an f32
        vector (or scalar): a kernel's registers. There are as many rows as
        `Basis::fixedBlock` says. Only the first `count` are tokens, the others
        stay as they are; all are if it is null. The order of float operations is
        that of `emitTokens`.
      }],
      "void", "emitBlock",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder,
           "::mlir::MutableArrayRef<::mlir::Value>":$rows,
           "::mlir::Value":$count, "::stamp::Direction":$direction),
      /*methodBody=*/"", /*defaultImplementation=*/[{
        llvm_unreachable("this basis emits no blocks");
      }]>,
    InterfaceMethod<[{
        Whether L = I at every length, so that a transform is nothing to do.
      }],
      "bool", "isIdentity", (ins),
      /*methodBody=*/"", /*defaultImplementation=*/"return false;">,
    InterfaceMethod<[{
        A basis that is this one, bit for bit, in sequences of `seqLen` tokens,
        skipped ones included: a simpler one where the length decides something.
      }],
      "::stamp::BasisAttrInterface", "atLength", (ins "int64_t":$seqLen),
      /*methodBody=*/"", /*defaultImplementation=*/"return $_attr;">
  ];
}

def Stamp_FeatureTransformAttrInterface
    : AttrInterface<"FeatureTransformAttrInterface"> {
  let cppNamespace = "::stamp";
  let description = [{
    R, an invertible matrix along the features, as BasisAttrInterface is one
    along the sequence: its mathematics through `getFeatureTransform`, and its
    fast form as IR through `emitFeatures`.
  }];
  let methods = [
    InterfaceMethod<"The mathematics of this transform.",
      "::std::unique_ptr<::stamp::FeatureTransform>", "getFeatureTransform">,
    InterfaceMethod<[{
        Emits x·R on the right side, or R·x on the left (forward), and the same
        with R⁻¹ (inverse), of an f32 tensor along the dimension of `features`.
        The order of float operations is the one of docs/Semantics.md.
      }],
      "::mlir::Value", "emitFeatures",
      (ins "::stamp::TokenBuilder &":$features, "::mlir::Value":$x,
           "::stamp::Side":$side, "::stamp::Direction":$direction)>
  ];
}

#endif // STAMP_IR_STAMPINTERFACES_TD
