//===- Report.h - what the rounds say ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_BENCHMARK_REPORT_H
#define STAMP_BENCHMARK_REPORT_H

#include "LinearLayer.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

namespace stamp::bench {

/// Fewer rounds do not determine a 95 % interval.
constexpr unsigned kMinRounds = 6;

/// One contender on one layer.
struct Measurement {
  Shape shape;
  std::string contender;
  /// Of its output, in dB.
  double sqnr;
  /// One time for each round. All contenders of a layer have the same rounds.
  std::vector<double> seconds;
};

/// What the numbers depend on besides the contenders.
struct Machine {
  std::string model;
  std::string architecture;
  /// Those of its features that decide how fast a matmul can be.
  std::vector<std::string> features;
  int pinnedTo;
  /// Before the benchmark began.
  double loadAverage;
};

void printMachine(llvm::raw_ostream &os, const Machine &machine);

/// One table for each layer.
void printTables(llvm::raw_ostream &os,
                 llvm::ArrayRef<Measurement> measurements);

void writeJson(llvm::raw_ostream &os, const Machine &machine,
               llvm::ArrayRef<Measurement> measurements);

} // namespace stamp::bench

#endif // STAMP_BENCHMARK_REPORT_H
