# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""STaMP: sequence transformation and mixed precision.

`stamp.reference` is the NumPy oracle that every compiled path is compared to,
`stamp.testdata` makes the data to compare them on.
"""
