// The backend itself would take an unknown chip for the oldest one.

// RUN: not stamp-opt %s --stamp-gpu-pipeline=chip=sm_75 2>&1 | FileCheck %s -DCHIP=sm_75
// RUN: not stamp-opt %s --stamp-gpu-pipeline=chip=sm_81 2>&1 | FileCheck %s -DCHIP=sm_81
// RUN: not stamp-opt %s --stamp-gpu-pipeline=chip=gfx90a 2>&1 | FileCheck %s -DCHIP=gfx90a
// RUN: stamp-opt %s --stamp-gpu-pipeline=chip=sm_100a

// CHECK: error: cannot compile for the GPU '[[CHIP]]': expected sm_80 or a newer chip

module {}
