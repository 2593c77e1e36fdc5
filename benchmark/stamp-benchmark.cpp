//===- stamp-benchmark.cpp - time linear layers -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each layer is a suite of Google Benchmark, its contenders the benchmarks. The
// library's own repetitions would mix all rounds; to keep them apart, a round
// is one run of the whole suite: every contender once, in random order.
//
//===----------------------------------------------------------------------===//

#include "Contender.h"
#include "Report.h"

#include "stamp/Register.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/WithColor.h"
#include "llvm/TargetParser/Host.h"

#include <benchmark/benchmark.h>
#include <cmath>
#include <malloc.h>
#include <sched.h>

using namespace stamp::bench;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace cl = llvm::cl;

namespace {

cl::OptionCategory category("stamp-benchmark options");

cl::opt<unsigned> numRounds("rounds", cl::init(21),
                            cl::desc("Rounds that count (default: 21)"),
                            cl::cat(category));
cl::opt<std::string> openBlasPath(
    "openblas", cl::value_desc("library"),
    cl::desc("The OpenBLAS in a NumPy wheel, as one more contender"),
    cl::cat(category));
cl::opt<std::string>
    filter("filter", cl::init("."), cl::value_desc("regex"),
           cl::desc("Time only these: 512x120x360/haar5 is such a name"),
           cl::cat(category));
cl::opt<std::string> jsonPath("json", cl::value_desc("file"),
                              cl::desc("Write the results there, too"),
                              cl::cat(category));

/// Two linears of the demo's model, then two whose weights leave the L2 cache.
constexpr Shape kShapes[] = {
    {512, 120, 360}, {512, 240, 120}, {256, 2048, 2048}, {2048, 1024, 1024}};

/// An answer whose error is half as large as itself is no answer.
constexpr double kMinSqnr = 6;

/// A sample of a round is the median of runs that take about so long together,
/// or of a single run.
constexpr double kSecondsPerSample = 0.01;

Error fail(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// One contender on one layer. Its first sample, which does not count, compiles
/// the layer, checks the answer and finds out how many runs a sample takes.
class Entry {
public:
  Entry(const Contender &contender, const LinearLayer &layer)
      : contender(contender), layer(layer) {}

  void takeSample(benchmark::State &state) {
    for ([[maybe_unused]] auto _ : state) {
      Expected<double> seconds =
          prepared ? prepared->measure(runsPerSample) : prepareAndMeasure();
      if (!seconds) {
        state.SkipWithError(llvm::toString(seconds.takeError()).c_str());
        return;
      }
      state.SetIterationTime(*seconds);
    }
  }

  StringRef getName() const { return contender.name; }

  Measurement getMeasurement(std::vector<double> seconds) const {
    return {layer.shape, contender.name, sqnr, std::move(seconds)};
  }

private:
  Expected<double> prepareAndMeasure() {
    auto layerOrError = contender.prepare(layer);
    if (!layerOrError)
      return layerOrError.takeError();
    prepared = std::move(*layerOrError);
    auto y = prepared->compute();
    if (!y)
      return y.takeError();
    sqnr = getSqnr(layer, *y);
    // Written so that a NaN fails.
    if (!(sqnr >= kMinSqnr))
      return fail("its output is wrong: " + std::to_string(sqnr) + " dB");
    auto seconds = prepared->measure(/*numRuns=*/1);
    if (seconds)
      runsPerSample = std::max(1.0, std::round(kSecondsPerSample / *seconds));
    return seconds;
  }

  const Contender &contender;
  const LinearLayer &layer;
  std::unique_ptr<PreparedLayer> prepared;
  double sqnr = 0;
  unsigned runsPerSample = 1;
};

/// Keeps the times of one round by benchmark.
class RoundReporter final : public benchmark::BenchmarkReporter {
public:
  bool ReportContext(const Context &) override { return true; }

  void ReportRuns(const std::vector<Run> &runs) override {
    for (const Run &run : runs) {
      if (run.error_occurred)
        errors.push_back(run.run_name.function_name + ": " + run.error_message);
      else
        seconds[run.run_name.function_name] = run.real_accumulated_time;
    }
  }

  llvm::StringMap<double> seconds;
  std::vector<std::string> errors;
};

Expected<llvm::StringMap<double>> runRound() {
  RoundReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  if (!reporter.errors.empty())
    return fail(llvm::join(reporter.errors, "\n"));
  return std::move(reporter.seconds);
}

Error runLayer(Shape shape, llvm::ArrayRef<const Contender *> contenders,
               std::vector<Measurement> &measurements) {
  LinearLayer layer = makeLinearLayer(shape);
  std::vector<std::unique_ptr<Entry>> entries;
  for (const Contender *contender : contenders) {
    Entry &entry =
        *entries.emplace_back(std::make_unique<Entry>(*contender, layer));
    benchmark::RegisterBenchmark(
        contender->name.c_str(),
        [&entry](benchmark::State &state) { entry.takeSample(state); })
        ->Iterations(1)
        ->UseManualTime();
  }
  llvm::StringMap<std::vector<double>> seconds;
  for (unsigned round = 0; round <= numRounds; ++round) {
    auto times = runRound();
    if (!times)
      return times.takeError();
    if (round > 0)
      for (const auto &[name, time] : *times)
        seconds[name].push_back(time);
    if (llvm::errs().is_displayed())
      llvm::errs() << '\r' << shape.str() << ": round " << round << " of "
                   << numRounds;
  }
  if (llvm::errs().is_displayed())
    llvm::errs() << '\n';
  benchmark::ClearRegisteredBenchmarks();
  for (const auto &entry : entries)
    measurements.push_back(entry->getMeasurement(seconds[entry->getName()]));
  return Error::success();
}

Error runLayers(llvm::ArrayRef<Contender> contenders,
                std::vector<Measurement> &measurements) {
  llvm::Regex regex(filter);
  std::string message;
  if (!regex.isValid(message))
    return fail("--filter: " + message);
  for (Shape shape : kShapes) {
    std::vector<const Contender *> selected;
    for (const Contender &contender : contenders)
      if (shape.tokens <= contender.maxTokens &&
          regex.match(shape.str() + "/" + contender.name))
        selected.push_back(&contender);
    if (selected.empty())
      continue;
    if (Error error = runLayer(shape, selected, measurements))
      return error;
  }
  if (measurements.empty())
    return fail("--filter leaves nothing to time");
  return Error::success();
}

/// Whether malloc asks the kernel for pages anew depends, by default, on what
/// the process has freed before: a contender's time would depend on the others.
/// So pages that it once got, it keeps.
void keepFreedMemory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

/// Migration from core to core would add noise; the last core has the fewest
/// interrupts.
Expected<int> pinToLastCpu() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
    return fail("cannot tell on which CPUs this process may run");
  int last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &allowed))
    --last;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  if (sched_setaffinity(0, sizeof(one), &one) != 0)
    return fail("cannot stay on CPU " + Twine(last));
  return last;
}

std::string getCpuModel() {
  auto info = llvm::MemoryBuffer::getFileAsStream("/proc/cpuinfo");
  if (info)
    for (StringRef line : llvm::split((*info)->getBuffer(), '\n'))
      if (line.starts_with("model name"))
        return line.split(':').second.trim().str();
  return "unknown CPU";
}

Expected<Machine> pinAndDescribeMachine() {
  Machine machine;
  machine.model = getCpuModel();
  machine.architecture = llvm::sys::getHostCPUName().str();
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  for (StringRef feature :
       {"avx2", "fma", "avx512f", "avx512vnni", "avxvnni", "avxvnniint8",
        "avx512bf16", "amx-int8", "dotprod", "i8mm", "sve"})
    if (features.lookup(feature))
      machine.features.push_back(feature.str());
  if (getloadavg(&machine.loadAverage, 1) != 1)
    return fail("cannot read the load average");
  Expected<int> cpu = pinToLastCpu();
  if (!cpu)
    return cpu.takeError();
  machine.pinnedTo = *cpu;
  return machine;
}

Error writeJsonFile(const Machine &machine,
                    llvm::ArrayRef<Measurement> measurements) {
  StringRef folder = llvm::sys::path::parent_path(jsonPath);
  if (!folder.empty())
    if (std::error_code error = llvm::sys::fs::create_directories(folder))
      return llvm::createFileError(folder, error);
  std::error_code error;
  llvm::raw_fd_ostream file(jsonPath, error);
  if (error)
    return llvm::createFileError(jsonPath, error);
  writeJson(file, machine, measurements);
  return Error::success();
}

Error runMain() {
  if (numRounds < kMinRounds)
    return fail("an interval needs at least " + Twine(kMinRounds) + " rounds");
  Expected<Machine> machine = pinAndDescribeMachine();
  if (!machine)
    return machine.takeError();
  keepFreedMemory();
  printMachine(llvm::outs(), *machine);
  llvm::outs().flush();

  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  stamp::registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  std::vector<Contender> contenders = makeStampContenders(context);
  if (!openBlasPath.empty()) {
    auto openBlas = makeOpenBlasContender(openBlasPath);
    if (!openBlas)
      return openBlas.takeError();
    contenders.push_back(std::move(*openBlas));
  }

  std::vector<Measurement> measurements;
  if (Error error = runLayers(contenders, measurements))
    return error;
  printTables(llvm::outs(), measurements);
  if (!jsonPath.empty())
    return writeJsonFile(*machine, measurements);
  return Error::success();
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv,
                              "times linear layers, with and without STaMP\n");
  char shuffle[] = "--benchmark_enable_random_interleaving=true";
  char *arguments[] = {argv[0], shuffle, nullptr};
  int numArguments = 2;
  benchmark::Initialize(&numArguments, arguments);
  if (Error error = runMain()) {
    llvm::WithColor::error(llvm::errs(), "stamp-benchmark")
        << llvm::toString(std::move(error)) << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
