"""Counts what the loops around tensor-core instructions issue.

    nvdisasm -c kernels.cubin | count-instructions.py

For each innermost such loop: its kernel, its instructions by name, and how many
others there are for one tensor-core instruction.
"""

import collections
import re
import sys

LABEL = re.compile(r"\s*(\.L_\w+):")
INSTRUCTION = re.compile(r"\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([\w.]+)(.*?);")
BRANCH = re.compile(r"(\.L_\w+)")

for section in sys.stdin.read().split(".section\t.text.")[1:]:
    names, labels = [], {}
    for line in section.splitlines():
        if label := LABEL.match(line):
            labels[label[1]] = len(names)
        elif instruction := INSTRUCTION.match(line):
            names.append(instruction[1].split(".")[0])
            target = BRANCH.search(instruction[2])
            start = labels.get(target[1]) if target else None
            if names[-1] != "BRA" or start is None:
                continue
            loop = collections.Counter(names[start:])
            tensor = sum(n for name, n in loop.items() if name.endswith("MMA"))
            if tensor:
                others = sum(loop.values()) - tensor
                print(section.split(",")[0], dict(loop.most_common()))
                print(f"others per tensor-core instruction: {others / tensor:.2f}")
