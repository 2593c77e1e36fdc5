//===- Slant.td - A basis from outside -------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SLANT_TD
#define SLANT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "stamp/IR/StampInterfaces.td"

def Slant_Dialect : Dialect {
  let name = "slant";
  let cppNamespace = "::slant";
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::stamp::StampDialect"];
}

def Slant_SlantAttr
    : AttrDef<Slant_Dialect, "Slant",
              [DeclareAttrInterfaceMethods<Stamp_BasisAttrInterface,
                                           ["emitCoarsePosition"]>]> {
  let mnemonic = "slant";
  let summary = "The slant transform in blocks";
  let description = [{
    In each block of `block` tokens (a power of two, 2 or more) the orthonormal
    slant matrix of Pratt, Chen and Welch (1974), whose first rows are a constant
    and a straight line; rows by sequency, sequency first across blocks. A ragged
    tail stays as it is, at the end.

    Example: `#slant.slant<block = 8>`
  }];
  let parameters = (ins "int64_t":$block,
                        DefaultValuedParameter<"int64_t", "0">:$skip);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // SLANT_TD
