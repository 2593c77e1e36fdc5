//===- Validate.cpp - does a pass keep what a program computes? -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/Execution/Validate.h"
#include "stamp/Execution/Jit.h"
#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>

using namespace mlir;
using llvm::APFloat;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::inconvertibleErrorCode;
using llvm::Twine;

namespace stamp {
namespace {

//===----------------------------------------------------------------------===//
// Elements of any kind
//===----------------------------------------------------------------------===//

struct Half {
  uint16_t bits = 0;

  Half() = default;
  explicit Half(long double value) {
    APFloat half(static_cast<double>(value));
    bool losesInfo;
    half.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &losesInfo);
    bits = static_cast<uint16_t>(half.bitcastToAPInt().getZExtValue());
  }
  explicit operator long double() const {
    return APFloat(APFloat::IEEEhalf(), APInt(16, bits)).convertToDouble();
  }
};

/// Calls `fn` with a zero of the type that elements of this kind have.
template <typename Fn> auto dispatch(ElementKind kind, Fn fn) {
  switch (kind) {
  case ElementKind::Bool:
    return fn(bool());
  case ElementKind::Int8:
    return fn(int8_t());
  case ElementKind::Int16:
    return fn(int16_t());
  case ElementKind::Int32:
    return fn(int32_t());
  case ElementKind::Int64:
    return fn(int64_t());
  case ElementKind::UInt8:
    return fn(uint8_t());
  case ElementKind::UInt16:
    return fn(uint16_t());
  case ElementKind::UInt32:
    return fn(uint32_t());
  case ElementKind::UInt64:
    return fn(uint64_t());
  case ElementKind::Float16:
    return fn(Half());
  case ElementKind::Float32:
    return fn(float());
  case ElementKind::Float64:
    return fn(double());
  }
  llvm_unreachable("unknown kind of element");
}

/// In a type that holds 64-bit integers and all floats exactly.
std::vector<long double> readElements(const NpyArray &array) {
  std::vector<long double> values;
  dispatch(array.kind, [&](auto element) {
    for (int64_t i = 0, e = array.getNumElements(); i < e; ++i) {
      memcpy(&element, array.bytes.data() + i * sizeof(element),
             sizeof(element));
      values.push_back(static_cast<long double>(element));
    }
  });
  return values;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// Each feature is an AR(1) process along the rows, xₜ = ρ·xₜ₋₁ + √(1 − ρ²)·ε.
/// The last dimension is the features; rows are counted over all others, so
/// that whichever is the sequence is correlated. Every seventh feature of a
/// float matrix is loud; a vector is a bias or scales, and integers are
/// multiplied by scales: louder, they would only drown the rest in the result's
/// magnitude.
class InputGenerator {
public:
  explicit InputGenerator(unsigned seed) : random(seed) {}

  NpyArray make(ElementKind kind, ArrayRef<int64_t> shape) {
    NpyArray array;
    array.kind = kind;
    array.shape.assign(shape.begin(), shape.end());
    int64_t numElements = 1;
    for (int64_t size : shape)
      numElements *= size;
    array.bytes.resize(numElements * getByteSize(kind));

    int64_t features = shape.empty() ? 1 : shape.back();
    std::vector<double> state(features);
    for (double &x : state)
      x = normal(random);
    dispatch(kind, [&](auto element) {
      using Element = decltype(element);
      for (int64_t i = 0; i < numElements; ++i) {
        int64_t feature = i % features;
        double &x = state[feature];
        if (i >= features)
          x = rho * x + std::sqrt(1 - rho * rho) * normal(random);
        bool isLoud = shape.size() > 1 && feature % 7 == 3;
        element = convert<Element>(x, isLoud ? 20 : 1);
        memcpy(array.bytes.data() + i * sizeof(element), &element,
               sizeof(element));
      }
    });
    return array;
  }

private:
  template <typename Element>
  static Element convert(double x, double loudness) {
    if constexpr (std::is_same_v<Element, bool>)
      return x > 0;
    else if constexpr (!std::is_integral_v<Element>)
      return static_cast<Element>(loudness * (x + 0.3));
    // 64-bit integers are lengths and indices: small ones are inside a table.
    else if constexpr (sizeof(Element) == 8)
      return static_cast<Element>(std::min(std::round(std::abs(3 * x)), 4.0));
    else
      return static_cast<Element>(std::clamp<double>(
          std::round(10 * x), std::numeric_limits<Element>::min(),
          std::numeric_limits<Element>::max()));
  }

  static constexpr double rho = 0.95;
  std::mt19937 random;
  std::normal_distribution<double> normal;
};

using Arrays = std::vector<NpyArray>;

/// Arguments whose dynamic sizes are `sizes`, in the order of the signature.
Arrays makeInputs(FunctionType type, ArrayRef<int64_t> sizes, unsigned seed) {
  InputGenerator generator(seed);
  Arrays inputs;
  for (Type input : type.getInputs()) {
    auto tensor = cast<RankedTensorType>(input);
    SmallVector<int64_t> shape(tensor.getShape());
    for (int64_t &size : shape)
      if (ShapedType::isDynamic(size)) {
        size = sizes.front();
        sizes = sizes.drop_front();
      }
    inputs.push_back(
        generator.make(*getElementKind(tensor.getElementType()), shape));
  }
  return inputs;
}

struct Trial {
  Arrays inputs;
  Arrays results;
};

/// Calls a function with all its dynamic sizes equal to `size`. If its checks
/// refuse that, tries the other combinations of `size` and the static sizes
/// that it mentions, the later dimensions staying at `size` the longest.
Expected<Trial> findInputs(const Program &program, StringRef name,
                           FunctionType type, int64_t size,
                           const std::set<int64_t> &staticSizes,
                           unsigned seed) {
  constexpr unsigned maxTrials = 256;
  SmallVector<int64_t> candidates = {size};
  for (int64_t other : staticSizes)
    if (other != size)
      candidates.push_back(other);
  size_t numDynamic = 0;
  for (Type input : type.getInputs())
    numDynamic += cast<RankedTensorType>(input).getNumDynamicDims();

  std::optional<Error> refusal;
  SmallVector<unsigned> choice(numDynamic, 0);
  for (unsigned trial = 0; trial < maxTrials; ++trial) {
    SmallVector<int64_t> sizes;
    for (unsigned index : choice)
      sizes.push_back(candidates[index]);
    Arrays inputs = makeInputs(type, sizes, seed);
    Expected<Arrays> results = program.call(name, inputs);
    if (results) {
      if (refusal)
        llvm::consumeError(std::move(*refusal));
      return Trial{std::move(inputs), std::move(*results)};
    }
    if (refusal)
      llvm::consumeError(results.takeError());
    else
      refusal = results.takeError();
    // Counts up, in base candidates.size().
    auto *digit = llvm::find_if(choice, [&](unsigned &index) {
      index = (index + 1) % candidates.size();
      return index != 0;
    });
    if (digit == choice.end())
      break;
  }
  return std::move(*refusal);
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

/// Infinite if only one of the two is a number.
long double getDifference(long double a, long double b) {
  if (a == b || (std::isnan(a) && std::isnan(b)))
    return 0;
  long double difference = std::abs(a - b);
  return std::isnan(difference) ? INFINITY : difference;
}

/// Adds what one call returned to what is known of a result.
void compare(const NpyArray &before, const NpyArray &after,
             ResultReport &report) {
  auto record = [&](double difference, const Twine &place) {
    if (difference <= report.largestDifference)
      return;
    report.largestDifference = difference;
    report.place = place.str();
  };
  if (before.shape != after.shape) {
    record(INFINITY, describe(before) + " that became " + describe(after));
    return;
  }
  std::vector<long double> expected = readElements(before);
  std::vector<long double> actual = readElements(after);
  long double scale = 1;
  if (report.isFloat) {
    scale = 0;
    for (long double value : expected)
      if (std::isfinite(value))
        scale = std::max(scale, std::abs(value));
  }
  report.numElements += expected.size();
  for (size_t i = 0; i < expected.size(); ++i) {
    report.numNaNs += std::isnan(expected[i]);
    long double difference = getDifference(expected[i], actual[i]);
    if (difference == 0)
      continue;
    ++report.numDifferent;
    std::string index;
    llvm::raw_string_ostream os(index);
    llvm::interleaveComma(before.getIndex(i), os);
    record(static_cast<double>(difference / scale),
           "[" + index + "] of " + describe(before));
  }
}

void judge(ResultReport &report, const ValidationOptions &options) {
  report.agrees = report.largestDifference <= report.allowed;
  if (!report.isFloat && report.numDifferent > 0)
    report.agrees &=
        report.numDifferent < options.quantizedPositions * report.numElements;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Whether a call of `function` may come to a stamp.quantize.
bool quantizes(func::FuncOp function,
               llvm::SmallPtrSetImpl<Operation *> &visited) {
  if (!visited.insert(function).second)
    return false;
  WalkResult result = function.walk([&](Operation *op) {
    auto call = dyn_cast<CallOpInterface>(op);
    auto callee =
        call ? dyn_cast_or_null<func::FuncOp>(call.resolveCallable()) : nullptr;
    return isa<QuantizeOp>(op) || (callee && quantizes(callee, visited))
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  return result.wasInterrupted();
}

bool quantizes(func::FuncOp function) {
  llvm::SmallPtrSet<Operation *, 4> visited;
  return quantizes(function, visited);
}

std::set<int64_t> getStaticSizes(func::FuncOp function) {
  std::set<int64_t> sizes;
  auto addSizes = [&](TypeRange types) {
    for (Type type : types)
      if (auto shaped = dyn_cast<ShapedType>(type); shaped && shaped.hasRank())
        for (int64_t size : shaped.getShape())
          if (!ShapedType::isDynamic(size))
            sizes.insert(size);
  };
  addSizes(function.getArgumentTypes());
  function.walk([&](Operation *op) { addSizes(op->getResultTypes()); });
  return sizes;
}

/// What is known of a function before its module is lowered.
struct Candidate {
  FunctionReport report;
  FunctionType type;
  std::set<int64_t> staticSizes;
  bool quantizes = false;
};

Candidate examine(func::FuncOp function, ModuleOp after) {
  Candidate candidate;
  FunctionReport &report = candidate.report;
  report.name = function.getName().str();
  auto conclude = [&](FunctionReport::Outcome outcome, std::string reason) {
    report.outcome = outcome;
    report.reason = std::move(reason);
    return candidate;
  };
  auto module = function->getParentOfType<ModuleOp>();
  Expected<FunctionType> type = getCallableType(module, report.name);
  if (!type)
    return conclude(FunctionReport::NotRun,
                    "not run: " + llvm::toString(type.takeError()));
  if (type->getNumResults() == 0)
    return conclude(FunctionReport::NotRun, "not run: it has no results");
  Expected<FunctionType> typeAfter = getCallableType(after, report.name);
  if (!typeAfter)
    return conclude(FunctionReport::Differs,
                    "afterwards " + llvm::toString(typeAfter.takeError()));
  if (*type != *typeAfter) {
    std::string text;
    llvm::raw_string_ostream(text)
        << "its type was " << *type << " and is " << *typeAfter;
    return conclude(FunctionReport::Differs, text);
  }
  candidate.type = *type;
  candidate.staticSizes = getStaticSizes(function);
  candidate.quantizes =
      quantizes(function) ||
      quantizes(after.lookupSymbol<func::FuncOp>(report.name));
  return candidate;
}

void run(Candidate &candidate, const Program &before, const Program &after,
         const ValidationOptions &options) {
  FunctionReport &report = candidate.report;
  FunctionType type = candidate.type;
  for (Type result : type.getResults()) {
    ResultReport &added = report.results.emplace_back();
    Type element = getElementTypeOrSelf(result);
    added.isFloat = isa<FloatType>(element);
    if (!added.isFloat)
      added.allowed = candidate.quantizes ? 1 : 0;
    else
      added.allowed =
          candidate.quantizes ? options.quantizedTolerance : options.tolerance;
    if (element.isF16())
      added.allowed = std::max(added.allowed, std::ldexp(1.0, -10));
  }
  bool hasRun = false;
  for (auto [call, size] : llvm::enumerate(options.sizes)) {
    Expected<Trial> trial =
        findInputs(before, report.name, type, size, candidate.staticSizes,
                   options.seed + static_cast<unsigned>(call));
    if (!trial) {
      report.reason = "not run with sizes of " + std::to_string(size) + ": " +
                      llvm::toString(trial.takeError());
      continue;
    }
    hasRun = true;
    Expected<Arrays> results = after.call(report.name, trial->inputs);
    if (!results) {
      report.outcome = FunctionReport::Differs;
      report.reason = "afterwards " + llvm::toString(results.takeError());
      report.results.clear();
      return;
    }
    for (auto [expected, actual, result] :
         llvm::zip_equal(trial->results, *results, report.results))
      compare(expected, actual, result);
  }
  if (!hasRun) {
    report.outcome = FunctionReport::NotRun;
    return;
  }
  for (ResultReport &result : report.results) {
    judge(result, options);
    if (!result.agrees)
      report.outcome = FunctionReport::Differs;
  }
}

} // namespace

Expected<std::vector<FunctionReport>>
validate(ModuleOp before, ModuleOp after, const ValidationOptions &options) {
  assert(!options.sizes.empty() && "nothing to run");
  std::vector<Candidate> candidates;
  for (auto function : before.getOps<func::FuncOp>())
    candidates.push_back(examine(function, after));

  // What counts is the program that the passes wrote, not how fast it runs.
  CompileOptions compileOptions;
  compileOptions.optLevel = 0;
  auto compile = [&](StringRef when, ModuleOp module) -> Expected<Program> {
    Expected<Program> program = Program::compile(module, compileOptions);
    if (!program)
      return createStringError(inconvertibleErrorCode(),
                               when + llvm::toString(program.takeError()));
    return program;
  };
  Expected<Program> programBefore = compile("the module before: ", before);
  if (!programBefore)
    return programBefore.takeError();
  Expected<Program> programAfter = compile("the module afterwards: ", after);
  if (!programAfter)
    return programAfter.takeError();

  std::vector<FunctionReport> reports;
  for (Candidate &candidate : candidates) {
    if (candidate.report.outcome == FunctionReport::Agrees)
      run(candidate, *programBefore, *programAfter, options);
    reports.push_back(std::move(candidate.report));
  }
  return reports;
}

} // namespace stamp
