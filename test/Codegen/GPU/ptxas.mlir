// NVIDIA's assembler takes what we write, no register spills, and no wgmma waits
// for the one before; kernels of quantized linears on every chip that they are
// described for.

// REQUIRES: ptxas

// DEFINE: %{chip} = sm_80
// DEFINE: %{assemble} = %print-gpu-object > %t.%{chip}.ptx && \
// DEFINE:   %ptxas --gpu-name=%{chip} --warn-on-spills --warning-as-error \
// DEFINE:     %t.%{chip}.ptx -o %t.%{chip}.cubin 2>&1 | FileCheck %s --allow-empty

// CHECK-NOT: Potential Performance Loss

// RUN: stamp-opt %S/Inputs/stamp-linear.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// RUN: stamp-opt %S/linear.mlir --stamp-quantize --stamp-fold --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// RUN: stamp-opt %S/Inputs/quantized-linear.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// RUN: stamp-opt %S/Inputs/transforms.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// REDEFINE: %{chip} = sm_86
// RUN: stamp-opt %S/Inputs/quantized-linear.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// REDEFINE: %{chip} = sm_89
// RUN: stamp-opt %S/Inputs/quantized-linear.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// REDEFINE: %{chip} = sm_90a
// RUN: stamp-opt %S/Inputs/stamp-linear.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// RUN: stamp-opt %S/Inputs/quantized-linear.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// RUN: stamp-opt %S/Inputs/transforms.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// RUN: sed 's/1024/4096/g; s/levels = 3/levels = 6/; s/dense<3>/dense<100>/; s/3072/409600/' %S/Inputs/quantized-linear.mlir \
// RUN:   | stamp-opt --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
// REDEFINE: %{chip} = sm_100a
// RUN: stamp-opt %S/Inputs/quantized-linear.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
