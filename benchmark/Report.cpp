//===- Report.cpp - what the rounds say -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A machine's speed drifts from round to round, and all contenders with it. So
// two of them are compared by the ratio of their times within each round, and
// the ratios by their median.
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "Contender.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <cmath>
#include <optional>

using namespace stamp::bench;
using llvm::ArrayRef;
using llvm::StringRef;

namespace {

/// What the ratios of the table and of the JSON file refer to.
constexpr llvm::StringLiteral kBaselines[] = {kFloat, kOpenBlas, kStampOff};

/// Every benchmark here is single-threaded.
constexpr int kThreads = 1;

struct Estimate {
  double median;
  double low;
  double high;
};

/// The median and its 95 % interval, from the ranks alone: as many values lie
/// below the true median as a fair coin shows heads, whatever the distribution.
Estimate estimateMedian(std::vector<double> values) {
  size_t n = values.size();
  assert(n >= kMinRounds && "too few values for an interval");
  llvm::sort(values);
  // The chance of at most `rank` heads; each end of the interval may miss 2.5
  // %.
  double chance = std::pow(0.5, n), cumulative = chance;
  size_t rank = 0;
  for (;; ++rank) {
    chance *= double(n - rank) / double(rank + 1);
    cumulative += chance;
    if (cumulative > 0.025)
      break;
  }
  double median = (values[(n - 1) / 2] + values[n / 2]) / 2;
  return {median, values[rank], values[n - 1 - rank]};
}

double getMedianSeconds(const Measurement &measurement) {
  return estimateMedian(measurement.seconds).median;
}

double getGops(const Measurement &measurement) {
  return measurement.shape.getOps() / getMedianSeconds(measurement) / 1e9;
}

/// The time of `measurement` over that of `baseline`; none if that one did not
/// take part or is `measurement` itself.
std::optional<Estimate> getRatio(const Measurement &measurement,
                                 StringRef baseline,
                                 ArrayRef<Measurement> layer) {
  const auto *base = llvm::find_if(
      layer, [&](const Measurement &m) { return m.contender == baseline; });
  if (base == layer.end() || base->contender == measurement.contender)
    return std::nullopt;
  std::vector<double> ratios;
  for (auto [own, other] : llvm::zip_equal(measurement.seconds, base->seconds))
    ratios.push_back(own / other);
  return estimateMedian(std::move(ratios));
}

/// Calls `fn` with the measurements of each layer, which are neighbours.
template <typename Fn>
void forEachLayer(ArrayRef<Measurement> measurements, Fn fn) {
  while (!measurements.empty()) {
    std::string shape = measurements.front().shape.str();
    ArrayRef<Measurement> layer = measurements.take_while(
        [&](const Measurement &m) { return m.shape.str() == shape; });
    fn(layer);
    measurements = measurements.drop_front(layer.size());
  }
}

} // namespace

void stamp::bench::printMachine(llvm::raw_ostream &os, const Machine &machine) {
  os << llvm::formatv("{0}, {1}: {2}\none thread on CPU {3}; load average at "
                      "the start {4:f2}\n",
                      machine.model, machine.architecture,
                      llvm::join(machine.features, " "), machine.pinnedTo,
                      machine.loadAverage);
}

void stamp::bench::printTables(llvm::raw_ostream &os,
                               ArrayRef<Measurement> measurements) {
  forEachLayer(measurements, [&](ArrayRef<Measurement> layer) {
    os << llvm::formatv("\n{0,-14}{1,11}{2,9}{3,9}", layer.front().shape.str(),
                        "median ms", "GOP/s", "SQNR dB");
    for (StringRef baseline : kBaselines)
      os << llvm::formatv("{0,25}", ("time / " + baseline).str());
    os << '\n';
    for (const Measurement &m : layer) {
      os << llvm::formatv("{0,-14}{1,11:f3}{2,9:f1}{3,9:f1}", m.contender,
                          getMedianSeconds(m) * 1e3, getGops(m), m.sqnr);
      for (StringRef baseline : kBaselines) {
        std::string text = "-";
        if (auto ratio = getRatio(m, baseline, layer))
          text = llvm::formatv("{0:f3} [{1:f3}, {2:f3}]", ratio->median,
                               ratio->low, ratio->high);
        os << llvm::formatv("{0,25}", text);
      }
      os << '\n';
    }
  });
}

void stamp::bench::writeJson(llvm::raw_ostream &os, const Machine &machine,
                             ArrayRef<Measurement> measurements) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  auto writeRow = [&](const Measurement &m, ArrayRef<Measurement> layer) {
    json.attribute("shape", m.shape.str());
    json.attribute("threads", kThreads);
    json.attribute("contender", m.contender);
    json.attribute("median_ms", getMedianSeconds(m) * 1e3);
    json.attribute("gops", getGops(m));
    json.attribute("sqnr_db", m.sqnr);
    json.attribute("rounds", m.seconds.size());
    for (StringRef baseline : kBaselines)
      if (auto ratio = getRatio(m, baseline, layer)) {
        std::string key = ("ratio_to_" + baseline).str();
        json.attribute(key, ratio->median);
        json.attributeArray(key + "_interval", [&] {
          json.value(ratio->low);
          json.value(ratio->high);
        });
      }
  };
  json.object([&] {
    json.attributeObject("machine", [&] {
      json.attribute("model", machine.model);
      json.attribute("architecture", machine.architecture);
      json.attributeArray("features", [&] {
        for (const std::string &feature : machine.features)
          json.value(feature);
      });
      json.attribute("load_average", machine.loadAverage);
    });
    json.attributeArray("rows", [&] {
      forEachLayer(measurements, [&](ArrayRef<Measurement> layer) {
        for (const Measurement &m : layer)
          json.object([&] { writeRow(m, layer); });
      });
    });
  });
  os << '\n';
}
