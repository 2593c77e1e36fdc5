//===- CPUTarget.cpp - What kernels must know of a CPU ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/CPUTarget.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Host.h"

#include <algorithm>

using namespace stamp;

static DotInstruction detectHost() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  if (features.lookup("avx512vnni") && features.lookup("avx512bw"))
    return DotInstruction::AVX512VNNI;
  if (features.lookup("avxvnni"))
    return DotInstruction::AVXVNNI;
  if (features.lookup("avx2"))
    return DotInstruction::AVX2;
  if (features.lookup("dotprod"))
    return DotInstruction::NeonDotProd;
  return DotInstruction::Generic;
}

std::optional<CPUTarget> CPUTarget::get(llvm::StringRef name) {
  std::optional<DotInstruction> dot =
      llvm::StringSwitch<std::optional<DotInstruction>>(name)
          .Case("generic", DotInstruction::Generic)
          .Case("avx2", DotInstruction::AVX2)
          .Case("avxvnni", DotInstruction::AVXVNNI)
          .Case("avx512vnni", DotInstruction::AVX512VNNI)
          .Case("neon-dotprod", DotInstruction::NeonDotProd)
          .Default(std::nullopt);
  if (name == "host")
    dot = detectHost();
  if (!dot)
    return std::nullopt;
  constexpr int64_t l2Bytes = int64_t{1} << 20;
  switch (*dot) {
  case DotInstruction::AVX512VNNI:
    return CPUTarget{*dot, 16, 32, l2Bytes};
  case DotInstruction::AVX2:
  case DotInstruction::AVXVNNI:
    return CPUTarget{*dot, 8, 16, l2Bytes};
  case DotInstruction::NeonDotProd:
    return CPUTarget{*dot, 4, 32, l2Bytes};
  case DotInstruction::Generic:
    return CPUTarget{*dot, 4, 16, l2Bytes};
  }
}

llvm::StringRef CPUTarget::names() {
  return "host, generic, avx2, avxvnni, avx512vnni, neon-dotprod";
}

RegisterTile CPUTarget::getRegisterTile() const {
  RegisterTile best = {1, 1};
  double bestReuse = 0;
  // Blocks of a Haar basis are powers of two, and so are the rows of a tile.
  for (int64_t rows = 1; rows <= 8; rows *= 2)
    for (int64_t vectors = 1; vectors <= 4; ++vectors) {
      // The weight's vectors, a broadcast row, and what unpacking needs.
      if (rows * vectors + vectors + 2 > registers)
        continue;
      double reuse = double(rows * vectors) / double(rows + vectors);
      if (reuse > bestReuse) {
        bestReuse = reuse;
        best = {rows, vectors};
      }
    }
  return best;
}

int64_t CPUTarget::getRowsPerTask(int64_t features) const {
  auto rows =
      static_cast<uint64_t>(l2Bytes / 2 / std::max<int64_t>(features, 1));
  constexpr int64_t least = 16, most = 256;
  return std::clamp<int64_t>(llvm::bit_floor(rows), least, most);
}
