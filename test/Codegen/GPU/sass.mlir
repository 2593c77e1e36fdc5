// Tensor cores are what bounds the main loop of a product: less than two other
// instructions are issued for each of theirs.

// REQUIRES: ptxas, nvdisasm
// RUN: stamp-opt %S/Inputs/quantized-linear.mlir --stamp-gpu-pipeline='chip=sm_80' \
// RUN:   | %print-gpu-object > %t.ptx
// RUN: %ptxas --gpu-name=sm_80 %t.ptx -o %t.cubin
// RUN: %nvdisasm -c %t.cubin | %python %S/count-instructions.py | FileCheck %s

// CHECK: linear_product {{{.*}}'IMMA': 64
// CHECK: others per tensor-core instruction: {{[01]\.[0-9]+$}}

// With few tokens memory is, and others may be more.

// CHECK: linear_product_of_few_tokens {{{.*}}'IMMA': 8
// CHECK: others per tensor-core instruction: {{[0-9]\.[0-9]+$}}
