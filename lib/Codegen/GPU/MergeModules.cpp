//===- MergeModules.cpp - all kernels in one gpu.module -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A gpu.module is what the driver loads: one for the program, not one for every
// kernel.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace stamp {
#define GEN_PASS_DEF_GPUMERGEMODULES
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;

/// Kernels refer to no other symbol of their module, so they can move freely.
static bool hasOnlyKernels(gpu::GPUModuleOp module) {
  return llvm::all_of(module.getOps(), [](Operation &op) {
    auto function = dyn_cast<gpu::GPUFuncOp>(op);
    return function && function.isKernel();
  });
}

namespace {
struct GPUMergeModules final
    : stamp::impl::GPUMergeModulesBase<GPUMergeModules> {
  void runOnOperation() override {
    auto modules = llvm::filter_to_vector(
        getOperation().getOps<gpu::GPUModuleOp>(), hasOnlyKernels);
    if (modules.empty())
      return;

    OpBuilder builder(modules.front());
    auto merged =
        gpu::GPUModuleOp::create(builder, modules.front().getLoc(), "kernels");
    SymbolTable(getOperation()).insert(merged);
    SymbolTable kernels(merged);

    // Moving renames a kernel whose name is taken.
    DenseMap<SymbolRefAttr, SymbolRefAttr> moved;
    for (gpu::GPUModuleOp module : modules) {
      for (auto kernel :
           llvm::make_early_inc_range(module.getOps<gpu::GPUFuncOp>())) {
        auto from = nameOf(module, kernel);
        kernel->remove();
        kernels.insert(kernel);
        moved[from] = nameOf(merged, kernel);
      }
      module.erase();
    }
    getOperation().walk([&](gpu::LaunchFuncOp launch) {
      if (SymbolRefAttr kernel = moved.lookup(launch.getKernel()))
        launch.setKernelAttr(kernel);
    });
  }

private:
  static SymbolRefAttr nameOf(gpu::GPUModuleOp module, gpu::GPUFuncOp kernel) {
    return SymbolRefAttr::get(module.getNameAttr(),
                              FlatSymbolRefAttr::get(kernel.getNameAttr()));
  }
};
} // namespace
