# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Libraries that stamp-compile writes, called from C.

On CPUs they compute what stamp-run computes, bit by bit. On GPUs the driver is
test/lib/FakeCUDA, which runs nothing and writes down what it is asked for: which
kernel, on how many threads, with which arguments, and what is copied when.
"""

import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest

from conftest import BIN

CALLER = pathlib.Path(__file__).with_name("call_library.c")
FAKE_DRIVER = BIN.parent / "lib" / "StampFakeCUDA.so"

MATMUL = """
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {{
  %w = arith.constant dense<{weight}> : tensor<8x4xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>)
    outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}}
"""


def correlated(rng, *shape):
    return np.cumsum(rng.standard_normal(shape), axis=0).astype(np.float32)


def matmul(rng):
    weight = rng.standard_normal((8, 4)).astype(np.float32)
    return MATMUL.format(weight=weight.tolist())


@pytest.fixture(scope="session")
def caller(tmp_path_factory):
    path = tmp_path_factory.mktemp("caller") / "call_library"
    clang = shutil.which("clang-22") or shutil.which("cc")
    subprocess.run([clang, "-O1", CALLER, "-o", path, "-ldl"], check=True)
    return path


@pytest.fixture
def compile_library(tmp_path):
    """compile_library(module, *options) -> the completed process, library.so."""

    def compile_library(module, *options, output=None, environment=None):
        (tmp_path / "module.mlir").write_text(module)
        library = output or tmp_path / "library.so"
        command = [BIN / "stamp-compile", tmp_path / "module.mlir", "-o", library]
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, env=environment
        )
        return done, library

    return compile_library


@pytest.fixture
def call(tmp_path, caller):
    """call(library, x, columns, **environment) -> (y, log, standard error)."""

    def call(library, x, columns, function="main", **environment):
        x.tofile(tmp_path / "x")
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        (tmp_path / "y").unlink(missing_ok=True)
        done = subprocess.run(
            [caller, library, function, tmp_path / "x", tmp_path / "y"]
            + [str(size) for size in x.shape],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "STAMP_CUDA_DRIVER": str(FAKE_DRIVER),
                "FAKE_CUDA_LOG": str(log),
                **environment,
            },
        )
        assert done.returncode in (0, 1), done.stderr
        y = None
        if done.returncode == 0:
            y = np.fromfile(tmp_path / "y", np.float32).reshape(-1, columns)
        return y, log.read_text() if log.exists() else "", done.stderr

    return call


def succeed(compiled):
    done, library = compiled
    assert done.returncode == 0, done.stderr
    return library


@pytest.mark.parametrize("cpu", ["portable", "generic", "host"])
@pytest.mark.parametrize("quantized", [False, True])
def test_a_library_has_the_bits_of_stamp_run(
    run, optimize, compile_library, call, cpu, quantized
):
    rng = np.random.default_rng(3)
    module = matmul(rng)
    if quantized:
        module = optimize(
            module,
            "--stamp-select=basis={#stamp.haar<levels=3>} min-k=1 min-n=1 min-macs=1",
            "--stamp-quantize",
            "--stamp-fold",
        )
        assert "stamp.quantize" in module
    library = succeed(compile_library(module, f"--cpu={cpu}"))
    for tokens in (0, 1, 13, 64):
        x = correlated(rng, tokens, 8)
        y, _, _ = call(library, x, 4)
        [[expected]] = run(module, [("main", [x], 1)], f"--cpu={cpu}")
        assert y.shape == expected.shape
        assert y.tobytes() == expected.tobytes()


def test_wrong_sizes_are_an_error(compile_library, call):
    library = succeed(compile_library(matmul(np.random.default_rng(0))))
    y, _, error = call(library, np.zeros((3, 9), np.float32), 4)
    assert y is None
    assert (
        "argument 0 of 'main' has 9 elements along dimension 1, and 8 expected" in error
    )


def test_a_failed_check_ends_the_call_and_not_the_process(compile_library, call):
    module = """
    func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = tensor.dim %x, %c0 : tensor<?x8xf32>
      %m = arith.addi %n, %c1 : index
      %e = tensor.empty(%m) : tensor<?x8xf32>
      %y = linalg.exp ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
        -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    """
    library = succeed(compile_library(module))
    y, _, error = call(library, np.zeros((3, 8), np.float32), 8, CALLS="3")
    assert y is None
    assert error.count("error: ") == 3


def test_the_header_is_c_and_only_the_entries_are_visible(compile_library, tmp_path):
    header = tmp_path / "model.h"
    module = """
    func.func @f(%x: tensor<2x?xf16>, %n: tensor<i1>) -> (tensor<?xi8>, tensor<i64>) {
      %c = arith.constant dense<3> : tensor<i64>
      %c1 = arith.constant 1 : index
      %d = tensor.dim %x, %c1 : tensor<2x?xf16>
      %e = tensor.empty(%d) : tensor<?xi8>
      %b = tensor.extract %n[] : tensor<i1>
      %v = arith.extui %b : i1 to i8
      %y = linalg.fill ins(%v : i8) outs(%e : tensor<?xi8>) -> tensor<?xi8>
      return %y, %c : tensor<?xi8>, tensor<i64>
    }
    func.func @g() { return }
    """
    library = succeed(
        compile_library(module, f"--header={header}", "--prefix=tiny", "-O1")
    )
    program = tmp_path / "program.c"
    program.write_text(
        """
        #include "model.h"
        #include <stdio.h>
        #include <stdlib.h>
        int main(void) {
          uint16_t x[6] = {0};
          const int64_t sizes[2] = {2, 3};
          uint8_t b = 1;
          int8_t *y; int64_t *c, count, none;
          if (tiny_f(x, sizes, &b, NULL, &y, &count, &c, &none) || tiny_g())
            return 1;
          printf("%d %d %d %d %d", (int)count, y[0], y[1], y[2], (int)*c);
          free(y); free(c);
          if (!tiny_f(x, NULL, &b, NULL, &y, &count, &c, &none))
            return 1;
          printf(" %s", tiny_error());
          return 0;
        }
        """
    )
    subprocess.run(
        ["clang-22", "-std=c99", "-Wall", "-Werror", program, library, "-o"]
        + [tmp_path / "program"],
        check=True,
    )
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True)
    assert done.stdout == "3 1 1 1 3 argument 0 of 'f' has a null pointer for sizes"
    symbols = subprocess.run(
        ["/usr/lib/llvm-22/bin/llvm-nm", "-D", "--defined-only", library],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.findall(r" [A-Z] (\S+)", symbols) == ["tiny_error", "tiny_f", "tiny_g"]


# Bad input


@pytest.mark.parametrize(
    "options, error",
    [
        (["--gpu=sm_12"], "cannot compile for the GPU 'sm_12'"),
        (["--gpu=gfx90a"], "cannot compile for the GPU 'gfx90a'"),
        (["--gpu=sm_90a", "--gpu-format=elf"], "there is no GPU format 'elf'"),
        (["--gpu-format=isa"], "--gpu-features and --gpu-format need --gpu"),
        (["--cpu=sse9"], "sse9"),
        (["--entry=nobody"], "there is no function 'nobody'"),
        (["--prefix=1x"], "'1x' cannot start a name in C"),
        (["--linker=no-such-linker"], "the linker 'no-such-linker' is not found"),
        (["--linker=false"], "cannot link the library"),
        (["--runtime-dir=/nowhere"], "'/nowhere/libstamp_program.a' is not there"),
        (["-O7"], "there is no optimization level 7"),
        (["--header=/nowhere/model.h"], "cannot write '/nowhere/model.h'"),
    ],
)
def test_bad_options(compile_library, options, error):
    done, library = compile_library(matmul(np.random.default_rng(0)), *options)
    assert done.returncode == 1
    assert error in done.stderr
    assert not library.exists()


@pytest.mark.parametrize(
    "module, error",
    [
        ("", "the module has no public function with a body"),
        ("func.func private @f()", "the module has no public function with a body"),
        (
            "func.func @f(%x: tensor<*xf32>) { return }",
            "argument 0 of 'f' has type 'tensor<*xf32>': only ranked tensors",
        ),
        (
            "func.func @f(%x: tensor<4xi4>) { return }",
            "argument 0 of 'f' has type 'tensor<4xi4>': C has no such element type",
        ),
        (
            "func.func @f() -> f32 { %c = arith.constant 1.0 : f32\n return %c : f32 }",
            "result 0 of 'f' has type 'f32': only ranked tensors",
        ),
        ('func.func @"a.b"() { return }', "'a.b' has a name that C does not take"),
        ("func.func @f(", "is not a valid module"),
    ],
)
def test_bad_modules(compile_library, module, error):
    done, library = compile_library(module)
    assert done.returncode == 1
    assert error in done.stderr
    assert not library.exists()


def test_no_linker_and_no_place_to_write(compile_library, tmp_path):
    module = matmul(np.random.default_rng(0))
    done, _ = compile_library(module, environment={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "none of clang-22, clang, cc and gcc is on PATH" in done.stderr
    done, _ = compile_library(module, output="/nowhere/library.so")
    assert done.returncode == 1
    assert "cannot write '/nowhere/library.so'" in done.stderr


def test_binary_formats_need_the_assembler(compile_library, tmp_path):
    environment = {"PATH": os.pathsep.join(["/nowhere"]), "CUDA_ROOT": str(tmp_path)}
    done, _ = compile_library(
        matmul(np.random.default_rng(0)),
        "--gpu=sm_90a",
        "--gpu-format=fatbin",
        f"--linker={shutil.which('clang-22')}",
        environment=environment,
    )
    assert done.returncode == 1
    assert "needs ptxas, which is neither on PATH nor below CUDA_ROOT" in done.stderr


# GPUs


@pytest.fixture
def gpu_library(compile_library):
    return succeed(
        compile_library(
            matmul(np.random.default_rng(5)), "--gpu=sm_80", "--gpu-format=isa"
        )
    )


def test_what_the_driver_is_asked_for(gpu_library, call):
    x = correlated(np.random.default_rng(1), 300, 8)
    y, log, error = call(gpu_library, x, 4)
    assert y is not None, error
    lines = log.splitlines()
    # 300·4 results on blocks of 256 threads.
    launches = [line for line in lines if line.startswith("launch")]
    assert [line.split(" shared")[0] for line in launches] == [
        "launch main_kernel grid 5 1 1 block 256 1 1",
        "launch main_kernel_0 grid 5 1 1 block 256 1 1",
    ]
    assert lines.count("load PTX") == 1
    [weight] = re.findall(r"allocate block (\d+): 128 bytes, for long", log)
    assert f"copy 128 bytes from host to block {weight}" in lines
    [input_] = re.findall(r"copy 9600 bytes from host to block (\d+)", log)
    [output] = re.findall(r"copy 4800 bytes from block (\d+) to host", log)
    # What a kernel gets is on the device, and it gets nothing of the host's.
    last = log[log.index("launch main_kernel_0") :]
    pointers = re.findall(r"^  \d+: block (\d+)$", last, re.MULTILINE)
    assert set(pointers) == {weight, input_, output}
    # All is freed but the weight, which goes when the library does.
    allocated = re.findall(r"allocate block (\d+)", log)
    freed = re.findall(r"free block (\d+)", log)
    assert sorted(allocated) == sorted(freed)
    assert lines[-2:] == [f"free block {weight}", "unload"]
    assert "managed" not in log


@pytest.mark.parametrize("pools", ["0", "1"])
def test_a_call_waits_once_before_it_returns(gpu_library, call, pools):
    x = correlated(np.random.default_rng(1), 16, 8)
    y, log, error = call(gpu_library, x, 4, CALLS="2", FAKE_CUDA_POOLS=pools)
    assert y is not None, error
    first, second = log.split("wait for stream 0\n")[:2]
    # One stream for both calls; the constant has a wait of its own.
    assert first.startswith("make stream 0\n") and log.count("stream") == 3
    assert first.count("wait") == 1 and "wait" not in second
    # All is in the stream: a pool's memory is freed there, other memory cannot be.
    kinds = [
        line.split()[0] for line in second.splitlines() if not line.startswith("  ")
    ]
    work = ["allocate", "copy", "allocate", "launch", "launch", "copy"]
    assert kinds == (["free"] * 2 + work if pools == "0" else work + ["free"] * 2)


def test_results_are_there_when_a_call_returns(gpu_library, call):
    # What is put into a stream, the fake driver does when somebody waits.
    x = correlated(np.random.default_rng(1), 16, 8)
    y, _, error = call(gpu_library, x, 4, FAKE_CUDA_FILL="63")
    assert y is not None, error
    np.testing.assert_array_equal(y.view(np.uint32), 0x3F3F3F3F)


def test_weights_are_copied_once(gpu_library, call):
    x = correlated(np.random.default_rng(1), 16, 8)
    y, log, _ = call(gpu_library, x, 4, CALLS="5")
    assert y is not None
    assert log.count("copy 128 bytes") == 1
    assert log.count("copy 512 bytes") == 5
    assert log.count("load PTX") == 1


@pytest.mark.parametrize("pools", ["0", "1"])
def test_device_memory_comes_from_a_pool_where_there_is_one(gpu_library, call, pools):
    x = correlated(np.random.default_rng(1), 16, 8)
    y, log, _ = call(gpu_library, x, 4, FAKE_CUDA_POOLS=pools)
    assert y is not None
    assert ("from the pool" in log) == (pools == "1")


@pytest.mark.parametrize(
    "environment, error",
    [
        ({"STAMP_CUDA_DRIVER": "/nowhere/libcuda.so"}, "there is no CUDA driver: "),
        (
            {"STAMP_CUDA_DRIVER": "libm.so.6"},
            "the CUDA driver 'libm.so.6' is too old: it has no cuInit",
        ),
        ({"FAKE_CUDA_DEVICES": "0"}, "the CUDA driver finds no device"),
        (
            {"FAKE_CUDA_FAIL": "cuInit:100"},
            "the CUDA driver does not start: CUDA_ERROR_NO_DEVICE (100): "
            "no CUDA-capable device is detected",
        ),
        ({"FAKE_CUDA_FAIL": "cuInit:999"}, "an error that the driver does not know"),
        (
            {"STAMP_CUDA_DEVICE": "3"},
            "there is no CUDA device 3: the driver finds 1",
        ),
        ({"STAMP_CUDA_DEVICE": "x"}, "STAMP_CUDA_DEVICE is 'x', not a device's number"),
        (
            {"FAKE_CUDA_FAIL": "cuDevicePrimaryCtxRetain:2"},
            "cannot make a context on the CUDA device: CUDA_ERROR_OUT_OF_MEMORY",
        ),
        (
            {"FAKE_CUDA_CHIP": "75"},
            "kernels 'kernels', compiled for sm_80, cannot be loaded on Fake Device 0 "
            "(sm_75, driver for CUDA 12.8), which has another instruction set: compile "
            "for its chip: CUDA_ERROR_NO_BINARY_FOR_GPU (209)",
        ),
        (
            {"FAKE_CUDA_VERSION": "10020"},
            "whose driver is older than the PTX: compile with an older PTX version in "
            "`features`, or to machine code, or update the driver: "
            "CUDA_ERROR_UNSUPPORTED_PTX_VERSION (222)",
        ),
        (
            {"FAKE_CUDA_MEMORY": "600"},
            "cannot allocate 128 bytes of device memory (Fake Device 0 has 0 MiB, of "
            "which 0 are free): CUDA_ERROR_OUT_OF_MEMORY (2): out of memory",
        ),
        (
            {"FAKE_CUDA_FAIL": "cuModuleGetFunction:500"},
            "there is no kernel 'main_kernel' in 'kernels': CUDA_ERROR_NOT_FOUND (500)",
        ),
        (
            {"FAKE_CUDA_KERNEL_THREADS": "128"},
            "kernel 'main_kernel' is launched with 256 threads a block, and its "
            "registers leave room for 128 on Fake Device 0",
        ),
        (
            {"FAKE_CUDA_KERNEL_SHARED": "300000"},
            "kernel 'main_kernel' needs 300000 bytes of shared memory a block, and Fake "
            "Device 0 has 232448",
        ),
        (
            {"FAKE_CUDA_FAIL": "cuLaunchKernel:701"},
            "cannot launch kernel 'main_kernel' on Fake Device 0: "
            "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)",
        ),
        (
            {"FAKE_CUDA_FAIL": "cuMemcpyAsync:1:3"},
            "cannot copy between host and device: CUDA_ERROR_INVALID_VALUE (1)",
        ),
    ],
)
def test_errors_name_their_cause(gpu_library, call, environment, error):
    x = correlated(np.random.default_rng(1), 16, 8)
    y, _, message = call(gpu_library, x, 4, **environment)
    assert y is None
    assert error in message


@pytest.mark.parametrize(
    "failure", ["cuLaunchKernel:719", "cuLaunchKernel:719:2", "cuMemcpyAsync:1:3"]
)
def test_a_failed_call_leaves_no_device_memory(gpu_library, call, failure):
    x = correlated(np.random.default_rng(1), 16, 8)
    y, log, _ = call(gpu_library, x, 4, CALLS="3", FAKE_CUDA_FAIL=failure)
    assert y is None
    assert sorted(re.findall(r"allocate block (\d+)", log)) == sorted(
        re.findall(r"free block (\d+)", log)
    )


def test_a_kernel_that_fails_is_an_error_of_the_call(gpu_library, call):
    x = correlated(np.random.default_rng(1), 16, 8)
    y, log, error = call(
        gpu_library, x, 4, CALLS="2", FAKE_CUDA_FAIL="cuStreamSynchronize:700:2"
    )
    assert y is None
    assert (
        "a kernel or a copy failed on Fake Device 0; the last kernel launched was "
        "'main_kernel_0' (with CUDA_LAUNCH_BLOCKING=1 the one that fails is named): "
        "CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered"
        in error
    )
    # The second call has the stream of the first, which failed.
    assert log.count("make stream") == 1


# The number of rows comes from a tensor that a kernel has computed. In the loop the
# host reads what each round's kernel has written.
HOST_READS = """
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %f = linalg.floor ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
    -> tensor<?x8xf32>
  %v = tensor.extract %f[%c0, %c0] : tensor<?x8xf32>
  %i = arith.fptoui %v : f32 to i64
  %n = arith.index_cast %i : i64 to index
  %r = tensor.empty(%n) : tensor<?x8xf32>
  %s = tensor.extract_slice %x[0, 0] [%n, 8] [1, 1]
    : tensor<?x8xf32> to tensor<?x8xf32>
  %y = linalg.exp ins(%s : tensor<?x8xf32>) outs(%r : tensor<?x8xf32>)
    -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

func.func @loop(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%t = %x) -> tensor<?x8xf32> {
    %v = tensor.extract %t[%c0, %i] : tensor<?x8xf32>
    %e = tensor.empty(%n) : tensor<?x8xf32>
    %f = linalg.fill ins(%v : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %a = linalg.add ins(%f, %t : tensor<?x8xf32>, tensor<?x8xf32>)
      outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %a : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}
"""


@pytest.mark.parametrize(
    "function, rows, order", [("main", 3, "lwlw"), ("loop", 4, "lwllwllwll")]
)
def test_the_host_waits_for_the_memory_that_it_touches(
    compile_library, call, function, rows, order
):
    # The fake driver ends a host that touches managed memory before it waits, and
    # its kernels write 3.02.
    library = succeed(compile_library(HOST_READS, "--gpu=sm_80", "--gpu-format=isa"))
    x = np.ones((4, 8), np.float32)
    y, log, error = call(library, x, 8, function=function, FAKE_CUDA_FILL="64")
    assert y is not None, error
    assert y.shape == (rows, 8)
    assert "managed" in log
    # Launches and waits; behind the loop are upstream's deallocations.
    assert "".join(re.findall(r"^[lw](?=aunch|ait)", log, re.M)).startswith(order)


@pytest.mark.skipif(
    not (shutil.which("ptxas") and shutil.which("fatbinary")),
    reason="ptxas and fatbinary are not installed",
)
@pytest.mark.parametrize("gpu_format", ["binary", "fatbin"])
def test_machine_code_is_loaded_as_such(compile_library, call, gpu_format):
    library = succeed(
        compile_library(
            matmul(np.random.default_rng(5)),
            "--gpu=sm_90a",
            f"--gpu-format={gpu_format}",
        )
    )
    y, log, error = call(library, correlated(np.random.default_rng(1), 16, 8), 4)
    assert y is not None, error
    assert "load binary" in log
    assert "launch main_kernel_0 grid 1 1 1 block 256 1 1" in log
