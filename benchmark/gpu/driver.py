# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The CUDA driver through ctypes: a device, its memory, kernels, events."""

from __future__ import annotations

import ctypes
import os

_MAJOR, _MINOR, _MAX_DYNAMIC_SHARED = 75, 76, 8
_NON_BLOCKING = 1


class CUDAError(Exception):
    pass


class Device:
    """The first device, or the one that STAMP_CUDA_DEVICE numbers; in the context
    that torch uses too."""

    def __init__(self):
        path = os.environ.get("STAMP_CUDA_DRIVER") or "libcuda.so.1"
        try:
            self.library = ctypes.CDLL(path)
        except OSError as error:
            raise CUDAError(f"there is no CUDA driver: {error}") from None
        self.call("cuInit", 0)
        count = ctypes.c_int()
        self.call("cuDeviceGetCount", ctypes.byref(count))
        ordinal = int(os.environ.get("STAMP_CUDA_DEVICE") or 0)
        if count.value == 0:
            raise CUDAError("no device: the CUDA driver finds none")
        if not 0 <= ordinal < count.value:
            raise CUDAError(f"no device {ordinal}: the CUDA driver finds {count.value}")
        device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(device), ordinal)
        name = ctypes.create_string_buffer(128)
        self.call("cuDeviceGetName", name, len(name), device)
        version = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(version))
        self.device, self.ordinal = device, ordinal
        self.name = name.value.decode()
        self.driver_version = f"{version.value // 1000}.{version.value % 1000 // 10}"
        self.capability = (self.attribute(_MAJOR), self.attribute(_MINOR))
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxPushCurrent_v2", context)
        # As libstamp_gpu makes it.
        self.stream = ctypes.c_void_p()
        self.call("cuStreamCreate", ctypes.byref(self.stream), _NON_BLOCKING)

    def call(self, name: str, *arguments) -> None:
        code = getattr(self.library, name)(*arguments)
        if code == 0:
            return
        texts = []
        for function in "cuGetErrorName", "cuGetErrorString":
            text = ctypes.c_char_p()
            getattr(self.library, function)(code, ctypes.byref(text))
            texts.append(text.value.decode() if text.value else "unknown")
        raise CUDAError(f"{name}: {texts[0]} ({code}): {texts[1]}")

    def attribute(self, number: int) -> int:
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, self.device)
        return value.value

    def allocate(self, size: int) -> ctypes.c_uint64:
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size))
        return pointer

    def free(self, pointer: ctypes.c_uint64) -> None:
        self.call("cuMemFree_v2", pointer)

    def upload(self, pointer: ctypes.c_uint64, data: bytes) -> None:
        self.call("cuMemcpyHtoD_v2", pointer, data, ctypes.c_size_t(len(data)))

    def download(self, pointer: ctypes.c_uint64, size: int) -> bytes:
        data = ctypes.create_string_buffer(size)
        self.call("cuMemcpyDtoH_v2", data, pointer, ctypes.c_size_t(size))
        return data.raw

    def copy(self, to: ctypes.c_uint64, source: ctypes.c_uint64, size: int) -> None:
        """In the order of the stream that kernels run in."""
        self.call("cuMemcpyAsync", to, source, ctypes.c_size_t(size), self.stream)

    def load(self, image: bytes) -> ctypes.c_void_p:
        module = ctypes.c_void_p()
        # A driver reads PTX to its zero.
        buffer = ctypes.create_string_buffer(image, len(image) + 1)
        self.call(
            "cuModuleLoadDataEx", ctypes.byref(module), buffer, 0, None, None
        )
        return module

    def unload(self, module: ctypes.c_void_p) -> None:
        self.call("cuModuleUnload", module)

    def wait(self) -> None:
        self.call("cuCtxSynchronize")

    def measure(self, runs: int, function) -> list[float]:
        """Milliseconds of each of `runs` calls of `function`, by CUDA's events."""
        events = []
        for _ in range(2 * runs):
            event = ctypes.c_void_p()
            self.call("cuEventCreate", ctypes.byref(event), 0)
            events.append(event)
        for i in range(runs):
            self.call("cuEventRecord", events[2 * i], self.stream)
            function()
            self.call("cuEventRecord", events[2 * i + 1], self.stream)
        self.wait()
        times = []
        for i in range(runs):
            time = ctypes.c_float()
            self.call(
                "cuEventElapsedTime", ctypes.byref(time), *events[2 * i : 2 * i + 2]
            )
            times.append(time.value)
        for event in events:
            self.call("cuEventDestroy_v2", event)
        return times


class Kernel:
    """A launch that is ready to be repeated."""

    def __init__(self, device: Device, module, launch: dict, buffers: dict):
        self.device = device
        self.name = launch["kernel"]
        self.function = ctypes.c_void_p()
        device.call(
            "cuModuleGetFunction",
            ctypes.byref(self.function),
            module,
            self.name.encode(),
        )
        if launch["shared"]:
            device.call(
                "cuFuncSetAttribute",
                self.function,
                _MAX_DYNAMIC_SHARED,
                launch["shared"],
            )
        self.values = [_make_argument(each, buffers) for each in launch["arguments"]]
        self.parameters = (ctypes.c_void_p * max(1, len(self.values)))(
            *(ctypes.addressof(value) for value in self.values)
        )
        self.shape = [*launch["grid"], *launch["block"], launch["shared"]]

    def launch(self) -> None:
        self.device.call(
            "cuLaunchKernel",
            self.function,
            *self.shape,
            self.device.stream,
            self.parameters,
            None,
        )


def _make_argument(argument: dict, buffers: dict):
    if "buffer" in argument:
        return ctypes.c_uint64(
            buffers[argument["buffer"]].value + argument["offset"]
        )
    data = argument["value"].to_bytes(8, "little")[: argument["bytes"]]
    return ctypes.create_string_buffer(data, argument["bytes"])
