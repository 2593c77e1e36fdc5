//===- Passes.td - the steps to a GPU that upstream lacks ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_GPU_PASSES
#define STAMP_CODEGEN_GPU_PASSES

include "mlir/Pass/PassBase.td"

def GPUCheckInput : Pass<"stamp-gpu-check-input", "::mlir::ModuleOp"> {
  let summary = "Refuse what the GPU lowering would get wrong";
  let description = [{
    The GPU lowering owns all memory: it decides where buffers live and when
    they are copied. So it starts from tensors; a memref in the input would be
    memory that it knows nothing about. Calls that return tensors must have been
    inlined, because a function's results live in host memory.

    The chip must be one that the NVPTX backend knows, and sm_80 or newer.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"", "The GPU to compile for">,
  ];
}

def FormGPUKernelsPass : Pass<"stamp-form-gpu-kernels", "::mlir::ModuleOp"> {
  let summary = "Form tensor-core kernels of quantized linears";
  let description = [{
    A quantizer in block order, with the transform in front of it, becomes one
    launch, and each linear of its codes, from the product to the inverse
    transform, another. `stamp-block-order` comes first.

    ```
    %t = stamp.transform #haar along 0 block_order ins(%x : tensor<?x64xf32>) ...
    %q, %s, %z = stamp.quantize ... ins(%t : tensor<?x64xf32>) ...
    %a = linalg.matmul ins(%q, %weight : tensor<?x64xi8>, tensor<64x32xi8>) ...
    %r = stamp.rescale ... ins(%a, %s, %z, ...) ...
    %y = stamp.inverse_transform #haar along 0 block_order ins(%r : tensor<?x32xf32>) ...
    ```
    becomes
    ```
    gpu.launch_func @stamp_kernels::@f_quantize blocks in (...) threads in (%c256, ...)
        args(%x, %codes, %scales, %zero_points, %tokens, %blocks)
    scf.if %tokens_are_few {
      gpu.launch_func @stamp_kernels::@f_product_of_few_tokens blocks in (...) threads in (%c256, ...)
          args(%codes, %scales, %zero_points, %packed_weight, ..., %y, %tokens, %rows, ...)
    } else {
      gpu.launch_func @stamp_kernels::@f_product blocks in (...) threads in (%c128, ...)
          args(%codes, %scales, %zero_points, %packed_weight, ..., %y, %tokens, %tiles)
    }
    ```
    The kernels are written down to `mma.sync` or `wgmma`, `ldmatrix`, `cp.async`;
    docs/GPU.md says how they work. A static number of tokens leaves one product.

    Weights are put into the order in which threads load them, by the compiler,
    or by one more launch if they are not constant. What has no kernel stays as
    it is, with a remark, such as groups of features. Of bases, Haar with blocks
    of up to 64 tokens and WHT with blocks of up to 8 are fused into the
    kernels. The transforms that are left become launches of their own: Haar and
    WHT of any length, DCT and matrices.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"", "The GPU to compile for">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"
  ];
}

def GPUMapLoops : Pass<"stamp-gpu-map-loops", "::mlir::func::FuncOp"> {
  let summary = "Give every output element of a linalg op a GPU thread";
  let description = [{
    Works on buffers. Each linalg op and each copy becomes an `scf.parallel`
    over its parallel dimensions, flattened to one dimension and cut into blocks
    of 256 threads. Reduction dimensions become sequential loops inside a
    thread, in their order, so results do not depend on the mapping and nothing
    races.

    ```
    linalg.matmul ins(%a, %b : memref<?x64xi8>, memref<64x32xi8>)
                  outs(%c : memref<?x32xi32>)
    ```
    becomes
    ```
    %n = arith.muli %rows, %c32
    %blocks = arith.maxsi %n, %c1               // a grid is never empty
    scf.parallel (%block) = (%c0) to (%blocks) step (%c256) {
      %left = affine.min (256, %n - %block)
      scf.parallel (%thread) = (%c0) to (%left) step (%c1) {
        %point = arith.addi %block, %thread
        %j = arith.remui %point, %c32
        %i = arith.divui %point, %c32
        scf.for %k = %c0 to %c64 step %c1 { ... }
      } {mapping = thread x}
    } {mapping = block x}
    ```
    which `convert-parallel-loops-to-gpu` turns into a launch. One dimension
    suffices for every size: grid.x may be 2³¹ − 1, grid.y only 65,535.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
}

def GPUShareMemory : Pass<"stamp-gpu-share-memory", "::mlir::ModuleOp"> {
  let summary = "Keep every buffer where kernels see it";
  let description = [{
    Allocations become device memory, or managed memory (`gpu.alloc
    host_shared`) where host code touches them as well. The arguments of public
    functions are copied there on entry, results are copied back on return.
    Kernels read constants from a copy that the runtime makes once and keeps.
    Launches, copies, allocations and frees go into one stream for each call of a
    function (`stampGpuOpenStream`, `stampGpuCloseStream`), which the host waits
    for (`stampGpuWait`) before it touches managed memory. See docs/GPU.md for the contract with the caller. Runs on functions whose
    buffers already have their deallocations.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::gpu::GPUDialect", "::mlir::memref::MemRefDialect"
  ];
}

def GPUMergeModules : Pass<"stamp-gpu-merge-modules", "::mlir::ModuleOp"> {
  let summary = "Put all kernels into one gpu.module";
  let description = [{
    Outlining gives every kernel a module of its own, which the driver would
    load and compile on its own. One module `@kernels` is one PTX text or one
    cubin for the whole program. Modules that hold more than kernels stay.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def GPULowerMath : Pass<"stamp-gpu-lower-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Lower math ops in kernels without libdevice";
  let description = [{
    Upstream lowers math ops on NVIDIA GPUs to calls of libdevice, a bitcode
    library that only the CUDA toolkit has. Here each becomes what the hardware
    rounds correctly (`math.roundeven` is one `cvt.rni`), else plain arithmetic
    (polynomials in f32, where they are within a few ulp), else an error.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"
  ];
}

def GPUCallRuntime : Pass<"stamp-gpu-call-runtime", "::mlir::ModuleOp"> {
  let summary = "Launch kernels through libstamp_gpu";
  let description = [{
    Runs after `stamp-gpu-pipeline`. Each `gpu.binary` becomes an image, data
    of the program; each launch becomes a call of `stampGpuLaunch`, and
    upstream's `mgpu…` functions become those of
    `stamp/Execution/GPURuntime.h`, which libstamp_gpu has. A `gpu.binary` of
    bitcode and its launches stay as they are.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def GPUEmulate : Pass<"stamp-gpu-emulate", "::mlir::ModuleOp"> {
  let summary = "Compile lowered kernels for the emulated GPU";
  let description = [{
    Takes each `gpu.module` in the NVVM dialect, the same that would become PTX,
    into the host's module: NVVM ops become calls of the emulator's functions,
    every access to memory is checked before it happens, shared variables get
    places in the block's arena, address spaces end. Launches of the kernels
    become calls of `stampGpuLaunch`. Runs after `gpu-to-llvm`.

    ```
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %p = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %v = llvm.load %p : !llvm.ptr<3> -> f32
    nvvm.barrier0
    ```
    becomes
    ```
    %x = llvm.call @stampEmuRegister(%c0) : (i32) -> i32
    %p = llvm.call @stampEmuShared(%offset) : (i32) -> !llvm.ptr
    llvm.call @stampEmuAccess(%p, %c4, %c4, %space3, %read, %site)
    %v = llvm.load %p : !llvm.ptr -> f32
    llvm.call @stampEmuBarrier(%site, %operands, %result, ...)
    ```
    An op that the emulator does not have is an error. docs/Emulator.md says
    what is checked.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // STAMP_CODEGEN_GPU_PASSES
