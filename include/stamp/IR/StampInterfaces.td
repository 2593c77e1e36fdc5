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
    its fast form as IR through `emitTokens`. A new basis is one class in
    `Basis/` and one attribute that implements this interface.
  }];
  let methods = [
    InterfaceMethod<"The mathematics of this basis.",
      "::std::unique_ptr<::stamp::Basis>", "getBasis">,
    InterfaceMethod<"The number of leading tokens that are left out.",
      "int64_t", "getSkip">,
    InterfaceMethod<[{
        Emits L·x, or L⁻¹·x, of an f32 tensor along the token dimension of
        `tokens`. The skipped tokens are already taken away, and the order of
        float operations is the one of docs/Semantics.md.
      }],
      "::mlir::Value", "emitTokens",
      (ins "::stamp::TokenBuilder &":$tokens, "::mlir::Value":$x,
           "::stamp::Direction":$direction)>
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
