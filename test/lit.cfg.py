"""The lit suite: programs from build/bin, FileCheck and not from LLVM."""

import os
import shutil

import lit.formats

config.name = "STaMP"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Embedding", "lib", "unit", "Python", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.stamp_build_dir, "test")

config.environment["PATH"] = os.pathsep.join(
    [
        os.path.join(config.stamp_build_dir, "bin"),
        config.llvm_tools_dir,
        os.environ["PATH"],
    ]
)
config.substitutions.append(("%python", config.python))
config.substitutions.append(
    ("%stamp_plugin", os.path.join(config.stamp_build_dir, "lib", "StampPlugin.so"))
)

# `lit -D roundtrip=1 build/test` lets every stamp-opt first print what it parsed,
# as text and as bytecode, read that back and compare.
if lit_config.params.get("roundtrip"):
    config.name += " (round trips)"
    config.substitutions.append((r"(?<!\S)stamp-opt(?!\S)", "stamp-opt --verify-roundtrip"))

# The CUDA toolkit's assembler and disassembler are optional.
for tool in ("ptxas", "nvdisasm"):
    path = shutil.which(tool) or shutil.which(tool, path="/usr/local/cuda/bin")
    if path:
        config.available_features.add(tool)
        config.substitutions.append(("%" + tool, path))
