//===- CPUTarget.cpp - What kernels must know of a CPU ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/CPUTarget.h"

#include "Dot/InstructionSet.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Host.h"

#include <algorithm>
#include <unistd.h>

using namespace stamp;

/// The best first.
static const InstructionSet *const instructionSets[] = {
    &avx512vnni, &avxvnni, &avx2, &neonI8mm, &neonDotProd, &generic};

static const InstructionSet *getHostInstructions() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  // The last one needs no feature.
  return *llvm::find_if(instructionSets, [&](const InstructionSet *set) {
    return llvm::all_of(set->features, [&](llvm::StringRef feature) {
      return features.lookup(feature);
    });
  });
}

/// What most cores have at least.
static constexpr int64_t usualL2Bytes = int64_t{1} << 20;

static int64_t getHostL2Bytes() {
#ifdef _SC_LEVEL2_CACHE_SIZE
  // 0 or −1 where the system does not know.
  if (int64_t bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0)
    return bytes;
#endif
  return usualL2Bytes;
}

llvm::Expected<CPUTarget> CPUTarget::get(llvm::StringRef name) {
  auto withCache = [](const InstructionSet *set, int64_t l2Bytes) {
    return CPUTarget{set, set->lanes, set->registers, l2Bytes};
  };
  if (name == "host")
    return withCache(getHostInstructions(), getHostL2Bytes());
  std::string known = "host";
  for (const InstructionSet *set : instructionSets) {
    if (set->name == name)
      return withCache(set, usualL2Bytes);
    known += (", " + set->name).str();
  }
  return llvm::createStringError("unknown cpu '" + name + "'; known are " +
                                 known);
}

mlir::FailureOr<CPUTarget> CPUTarget::get(llvm::StringRef name,
                                          mlir::Location loc) {
  llvm::Expected<CPUTarget> target = get(name);
  if (target)
    return *target;
  return mlir::emitError(loc) << llvm::toString(target.takeError());
}

std::vector<std::string> CPUTarget::getFeatures() const {
  std::vector<std::string> features;
  for (llvm::StringRef feature : instructions->features)
    features.push_back(("+" + feature).str());
  return features;
}

bool CPUTarget::hasUnsignedWeights() const {
  return instructions->hasUnsignedCodes;
}

bool CPUTarget::takesWholeBytes() const {
  return instructions->takesWholeBytes;
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
