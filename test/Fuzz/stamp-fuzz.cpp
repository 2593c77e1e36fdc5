//===- stamp-fuzz.cpp - Mutated files never crash the reader ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads mutations of valid files, as many as asked for and the same for the
// same seed. Each must either be read and verified, or be refused with a
// diagnostic. Whatever else happens to the child process that reads them is a
// failure, and the input is saved.
//
// MLIR's own reader of bytecode trusts its input: files without a stamp op
// crash it, too. So a bytecode file is mutated twice: first only in what our
// code reads, where nothing may fail; then in any byte, where a death without a
// function of ours on the stack is MLIR's and is counted apart.
//
//===----------------------------------------------------------------------===//

#include "BytecodeLayout.h"

#include "stamp/Register.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <cstring>
#include <dlfcn.h>
#include <execinfo.h>
#include <random>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;

static llvm::cl::list<std::string> files(llvm::cl::Positional,
                                         llvm::cl::OneOrMore,
                                         llvm::cl::desc("<valid files>"));
static llvm::cl::opt<uint64_t>
    mutations("mutations", llvm::cl::init(1000),
              llvm::cl::desc("How many mutations of each file to read"));
static llvm::cl::opt<uint64_t> seed("seed", llvm::cl::init(1),
                                    llvm::cl::desc("Seed of all choices"));
static llvm::cl::opt<std::string>
    failures("failures", llvm::cl::init("."),
             llvm::cl::desc("Directory for the inputs that failed"));

/// What one input may take, far above what reading it needs: processor time and
/// address space.
static constexpr unsigned kSeconds = 2;
static constexpr rlim_t kBytes = rlim_t(2) << 30;

//===----------------------------------------------------------------------===//
// Mutation
//===----------------------------------------------------------------------===//

namespace {
/// The same everywhere, unlike the standard's distributions.
class Random {
public:
  Random(uint64_t seed, uint64_t index) {
    std::seed_seq sequence{seed, index};
    engine.seed(sequence);
  }
  /// Precondition: bound > 0.
  size_t below(uint64_t bound) { return engine() % bound; }
  char byte() { return static_cast<char>(below(256)); }

private:
  std::mt19937_64 engine;
};

/// A valid file and the places where it is mutated; anywhere if none are named.
class Specimen {
public:
  explicit Specimen(StringRef bytes, std::vector<size_t> places = {})
      : bytes(bytes), places(std::move(places)) {}

  std::string mutate(uint64_t index) const {
    Random random(seed, index);
    std::string result = bytes.str();
    for (uint64_t times = 1 + random.below(3); times > 0; --times) {
      if (!places.empty())
        overwrite(result, places[random.below(places.size())], random);
      else if (!result.empty())
        mutateAnywhere(result, random);
    }
    return result;
  }

private:
  static void overwrite(std::string &result, size_t place, Random &random) {
    if (random.below(2))
      result[place] ^= 1 << random.below(8);
    else
      result[place] = random.byte();
  }

  static void mutateAnywhere(std::string &result, Random &random) {
    size_t place = random.below(result.size());
    size_t length = 1 + random.below(16);
    switch (random.below(5)) {
    case 0:
      return overwrite(result, place, random);
    case 1:
      return result.resize(place);
    case 2:
      result.erase(place, length);
      return;
    case 3:
      for (; length > 0; --length)
        result.insert(place, 1, random.byte());
      return;
    case 4: { // Put a piece of the file somewhere else, over what is there.
      std::string piece = result.substr(place, length);
      result.replace(random.below(result.size()), piece.size(), piece);
      return;
    }
    }
  }

  StringRef bytes;
  std::vector<size_t> places;
};

//===----------------------------------------------------------------------===//
// Reading, in a child process
//===----------------------------------------------------------------------===//

/// How far the child came; the parent sees it.
struct Progress {
  uint64_t index, read, refused;
  /// The child died in a function of ours.
  bool diedInOurs;
};
} // namespace

static Progress *progress;

/// The first function that is ours or MLIR's, from the one that died outwards.
/// We are linked into this program and MLIR is not.
static void recordWhoDied(int signal) {
  void *frames[32];
  int depth = backtrace(frames, std::size(frames));
  Dl_info program, caller;
  dladdr(reinterpret_cast<void *>(&recordWhoDied), &program);
  for (int i = 1; i < depth; ++i) { // Frame 0 is this function.
    if (!dladdr(frames[i], &caller))
      continue;
    progress->diedInOurs = caller.dli_fbase == program.dli_fbase;
    StringRef file = caller.dli_fname;
    if (progress->diedInOurs || file.contains("libMLIR") ||
        file.contains("libLLVM"))
      break;
  }
  raise(signal); // SA_RESETHAND: this time for good.
}

static void catchDeath() {
  static char stack[1 << 16]; // The ordinary one may be what has run out.
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof(stack);
  sigaltstack(&alternative, nullptr);
  struct sigaction action{};
  action.sa_handler = recordWhoDied;
  action.sa_flags = SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGPROF})
    sigaction(signal, &action, nullptr);
}

/// Takes away what reading does not need, and what it says when it dies.
static void confineChild() {
  rlimit memory{kBytes, kBytes};
  setrlimit(RLIMIT_AS, &memory);
  rlimit noCore{0, 0};
  setrlimit(RLIMIT_CORE, &noCore);
  if (!freopen("/dev/null", "w", stderr))
    abort();
}

namespace {
/// Whose faults are failures.
enum class Blame { Everyone, OursOnly };

/// How a child ends that has survived its input.
enum Exit { kDone, kRefusedInSilence, kNotReadBack };
} // namespace

static std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

static bool readsBack(const DialectRegistry &registry, ModuleOp module) {
  std::string text = print(module);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto again = parseSourceString<ModuleOp>(text, ParserConfig(&context));
  return again && print(*again) == text;
}

/// Reads from the current mutation up to `end`, or to the first fault.
[[noreturn]] static void readMutations(const DialectRegistry &registry,
                                       const Specimen &specimen, Blame blame,
                                       uint64_t end) {
  confineChild();
  catchDeath();
  for (; progress->index < end; ++progress->index) {
    itimerval limit{{0, 0}, {kSeconds, 0}};
    setitimer(ITIMER_PROF, &limit, nullptr);
    std::string bytes = specimen.mutate(progress->index);
    MLIRContext context(registry, MLIRContext::Threading::DISABLED);
    bool reported = false;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      reported |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
    });
    auto module = parseSourceString<ModuleOp>(bytes, ParserConfig(&context));
    if (!module && !reported)
      _exit(kRefusedInSilence);
    if (module && blame == Blame::Everyone && !readsBack(registry, *module))
      _exit(kNotReadBack);
    ++(module ? progress->read : progress->refused);
  }
  _exit(kDone);
}

//===----------------------------------------------------------------------===//
// Counting, in the parent
//===----------------------------------------------------------------------===//

static std::string describe(int status) {
  if (WIFEXITED(status))
    return WEXITSTATUS(status) == kNotReadBack
               ? "read, but what it prints as reads differently"
               : "refused without a diagnostic";
  if (WTERMSIG(status) == SIGPROF)
    return "no end in " + std::to_string(kSeconds) + " s";
  return strsignal(WTERMSIG(status));
}

static void save(const Twine &name, StringRef bytes, int status) {
  SmallString<128> path(failures);
  llvm::sys::fs::create_directories(path);
  llvm::sys::path::append(path, name);
  std::error_code error;
  llvm::raw_fd_ostream(path, error) << bytes;
  llvm::errs() << describe(status) << ": " << path << "\n";
}

/// Returns whether no mutation failed.
static bool fuzz(const DialectRegistry &registry, StringRef name,
                 StringRef where, const Specimen &specimen, Blame blame) {
  *progress = {};
  uint64_t failed = 0, diedInUpstream = 0;
  bool isAlone = false;
  while (progress->index < mutations) {
    progress->diedInOurs = false;
    pid_t child = fork();
    if (child == 0)
      readMutations(registry, specimen, blame,
                    isAlone ? progress->index + 1 : mutations.getValue());
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0) {
      llvm::errs() << "cannot fork: " << strerror(errno) << "\n";
      return false;
    }
    bool wasAlone = std::exchange(isAlone, false);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kDone)
      continue;
    if (blame == Blame::OursOnly) {
      // An earlier input may have corrupted MLIR's memory: once more, alone.
      isAlone = progress->diedInOurs && !wasAlone;
      if (isAlone)
        continue;
    }
    if (blame == Blame::OursOnly && !progress->diedInOurs) {
      ++diedInUpstream;
    } else {
      ++failed;
      save("seed" + Twine(seed) + "-" + Twine(progress->index) + "-" + name,
           specimen.mutate(progress->index), status);
    }
    ++progress->index;
  }
  llvm::outs() << name << ", " << where << ": " << mutations << " mutations, "
               << progress->read << " read, " << progress->refused
               << " refused, " << failed << " failed";
  if (blame == Blame::OursOnly)
    llvm::outs() << ", " << diedInUpstream << " ended in MLIR's own reader";
  llvm::outs() << "\n";
  return failed == 0;
}

static bool fuzzFile(const DialectRegistry &registry, StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    llvm::errs() << path << ": " << buffer.getError().message() << "\n";
    return false;
  }
  StringRef name = llvm::sys::path::filename(path);
  StringRef bytes = (*buffer)->getBuffer();
  if (!isBytecode(**buffer))
    return fuzz(registry, name, "any byte", Specimen(bytes), Blame::Everyone);

  StringRef dialect = stamp::StampDialect::getDialectNamespace();
  std::vector<size_t> places = placesReadByDialect(bytes, dialect);
  bool passed =
      places.empty() || fuzz(registry, name, "our bytes",
                             Specimen(bytes, places), Blame::Everyone);
  return fuzz(registry, name, "any byte", Specimen(bytes), Blame::OursOnly) &&
         passed;
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(
      argc, argv, "Reads mutations of valid files with the stamp dialect\n");
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  stamp::registerDialects(registry);
  stamp::registerExtensions(registry);

  progress = static_cast<Progress *>(mmap(nullptr, sizeof(Progress),
                                          PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (progress == MAP_FAILED) {
    llvm::errs() << "no shared memory: " << strerror(errno) << "\n";
    return 1;
  }
  void *frame;
  backtrace(&frame, 1); // Loads what it needs while there is memory.

  bool passed = true;
  for (StringRef path : files)
    passed &= fuzzFile(registry, path);
  return passed ? 0 : 1;
}
