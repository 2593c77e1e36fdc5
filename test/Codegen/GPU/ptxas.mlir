// NVIDIA's assembler takes what we write, and no register spills; kernels of
// quantized linears on every chip that they are described for.

// REQUIRES: ptxas

// DEFINE: %{chip} = sm_80
// DEFINE: %{assemble} = %print-gpu-object > %t.%{chip}.ptx && \
// DEFINE:   %ptxas --gpu-name=%{chip} --warn-on-spills --warning-as-error \
// DEFINE:     %t.%{chip}.ptx -o %t.%{chip}.cubin

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
// REDEFINE: %{chip} = sm_100a
// RUN: stamp-opt %S/Inputs/quantized-linear.mlir --stamp-gpu-pipeline='chip=%{chip}' | %{assemble}
