#include "stamp/Codegen/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
using namespace mlir;
namespace stamp {
#define GEN_PASS_DEF_VECTORIZEPASS
#include "stamp/Codegen/Passes.h.inc"
}
namespace {
struct Vectorize final : stamp::impl::VectorizePassBase<Vectorize> {
  void runOnOperation() override {}
};
}
