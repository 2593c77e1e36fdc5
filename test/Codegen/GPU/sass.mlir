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

// A wgmma of 64 x 128 x 32 takes 64 clocks of all four tensor cores: eight warps
// may issue 32 instructions each in that time.

// RUN: sed 's/1024/4096/g' %S/Inputs/quantized-linear.mlir \
// RUN:   | stamp-opt --stamp-gpu-pipeline='chip=sm_90a' | %print-gpu-object > %t.90a.ptx
// RUN: %ptxas --gpu-name=sm_90a %t.90a.ptx -o %t.90a.cubin
// RUN: %nvdisasm -c %t.90a.cubin | %python %S/count-instructions.py | FileCheck %s --check-prefix=WGMMA

// WGMMA: linear_product {{{.*}}'IGMMA': 8
// WGMMA: others per tensor-core instruction: {{1[0-9]\.[0-9]+$}}
