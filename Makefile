# The front door.  Each target first installs what it lacks: Debian packages from
# cmake/debian-packages.txt, Python packages from python/requirements.txt.  How
# things are built is CMake's to say.

.DEFAULT_GOAL := help
.PHONY: help build demo bench gpu-artefacts check check-quick sweep fuzz docs format tidy clean packages

JOBS ?= $(shell nproc)
MUTATIONS ?= 10000
SEED ?= 1
PROGRAMS ?= 50
BENCH ?=
PYTHON := .venv/bin/python
LIT := /usr/lib/llvm-22/bin/lit -sv -j $(JOBS) build/test
CTEST := ctest --test-dir build -j $(JOBS) --output-on-failure --no-tests=error
PYTEST := $(PYTHON) -m pytest -q -n $(JOBS) test/Python

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

build: build/build.ninja ## Compile everything into build/, programs into build/bin/
	cmake --build --preset default --parallel $(JOBS)

demo: build .venv/installed ## Compile a real model with and without STaMP and compare
	$(PYTHON) examples/svtr/demo.py --build build

bench: build .venv/installed .venv-peers/installed ## Time linear layers by STaMP and by other libraries
	.venv-peers/bin/python benchmark/cpu/bench.py --build build $(BENCH)
	$(PYTHON) benchmark/compile_time/compile_time.py --json build/benchmark/compile_time.json

gpu-artefacts: build .venv/installed ## Write build/benchmark/gpu: all that a benchmark on a GPU needs
	$(PYTHON) benchmark/gpu/record.py --build build

# A failing runner does not keep the next ones from running.  The second lit lets
# stamp-opt print and reread its input; left out are tests of other programs, and
# kernels that would only be compiled again.
check: build .venv/installed ## Run all tests: lit, the unit tests, Python
	@failed=; \
	$(LIT) || failed="$$failed lit"; \
	$(LIT) -D roundtrip=1 --filter-out 'Tools/|Codegen/GPU/' || failed="$$failed roundtrip"; \
	$(CTEST) || failed="$$failed ctest"; \
	$(PYTEST) || failed="$$failed pytest"; \
	test -z "$$failed" || { echo "Failed:$$failed"; exit 1; }

check-quick: build ## Run the tests that take seconds: unit tests, lit without Execution/
	$(CTEST) --exclude-regex '^Embedding'
	$(LIT) --filter-out Execution/

# A program is compared at ten lengths on every instruction set of this machine,
# and on those that qemu-user emulates: 50 make 500 configurations for each.
sweep: build .venv/installed ## Compare PROGRAMS random kernels on all CPUs, bit by bit
	STAMP_KERNEL_PROGRAMS=$(PROGRAMS) $(PYTHON) -m pytest -q -n $(JOBS) \
	  test/Python/test_kernels.py test/Python/test_instruction_sets.py

fuzz: build ## Read mutated bytecode and text; keep what failed in build/fuzz/
	build/bin/stamp-fuzz --mutations=$(MUTATIONS) --seed=$(SEED) \
	  --failures=build/fuzz test/IR/Bytecode/*.mlir.bc test/IR/Bytecode/*.mlir

docs: build/build.ninja ## Write docs/reference from the dialect and passes
	cmake --build --preset default --target stamp-doc

format: packages ## Format the C and C++ sources
	git ls-files -z '*.h' '*.cpp' '*.c' | xargs -0 -r clang-format-22 -i

tidy: build ## Check the C++ sources with clang-tidy
	git ls-files -z 'lib/*.cpp' 'tools/*.cpp' 'benchmark/*.cpp' | \
	  xargs -0 -r -n 1 -P $(JOBS) clang-tidy-22 -p build --quiet --warnings-as-errors='*'

clean: ## Remove build/; packages, .venv and .venv-peers stay
	rm -rf build

build/build.ninja: CMakePresets.json | packages
	cmake --preset default

# The .pth file lets this Python import `stamp` from the source tree.
.venv/installed: python/requirements.txt | packages
	/usr/bin/python3 -m venv --clear .venv
	$(PYTHON) -m pip install --quiet --no-deps --requirement python/requirements.txt
	echo '$(CURDIR)/python' > "$$($(PYTHON) -c \
	  'import sysconfig; print(sysconfig.get_path("purelib"))')/stamp.pth"
	touch $@

# Sees what .venv has, and has the libraries that we are compared with.
.venv-peers/installed: benchmark/cpu/requirements.txt .venv/installed
	/usr/bin/python3 -m venv --clear .venv-peers
	echo '$(CURDIR)'/.venv/lib/python3*/site-packages > "$$(.venv-peers/bin/python -c \
	  'import sysconfig; print(sysconfig.get_path("purelib"))')/stamp-venv.pth"
	benchmark/cpu/install-peers .venv-peers
	touch $@

packages:
	@cmake/install-debian-packages
