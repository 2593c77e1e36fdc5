"""Prints the kernels that a module carries as a `gpu.binary`.

    stamp-opt --stamp-gpu-pipeline model.mlir | print-gpu-object.py > model.ptx

The printed module holds each object as one escaped string; this undoes the
escapes. Binary objects come out as they are.
"""

import re
import sys

OBJECT = re.compile(
    rb'#gpu\.object<#nvvm\.target<[^>]*>,[^"]*"((?:[^"\\]|\\.)*)">')
ESCAPE = re.compile(rb'\\(?:([0-9A-Fa-f]{2})|(.))')


def unescape(match):
    code, character = match.groups()
    return bytes([int(code, 16)]) if code else character


objects = OBJECT.findall(sys.stdin.buffer.read())
if not objects:
    sys.exit("print-gpu-object: no #gpu.object in the input")
for text in objects:
    sys.stdout.buffer.write(ESCAPE.sub(unescape, text))
