// NVIDIA's assembler takes what we write, for the oldest chip and for Hopper.

// REQUIRES: ptxas
// RUN: stamp-opt %S/Inputs/stamp-linear.mlir --stamp-gpu-pipeline='chip=sm_80' \
// RUN:   | %print-gpu-object > %t.80.ptx
// RUN: %ptxas --gpu-name=sm_80 --warning-as-error %t.80.ptx -o %t.80.cubin
// RUN: stamp-opt %S/Inputs/stamp-linear.mlir --stamp-gpu-pipeline='chip=sm_90a' \
// RUN:   | %print-gpu-object > %t.90a.ptx
// RUN: %ptxas --gpu-name=sm_90a --warning-as-error %t.90a.ptx -o %t.90a.cubin
