//===- Slant.h - A basis from outside --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dialect of somebody else, with a basis that StaMP has never heard of: it
// includes public headers alone.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TEST_LIB_SLANT_SLANT_H
#define STAMP_TEST_LIB_SLANT_SLANT_H

#include "stamp/IR/Stamp.h"

#include "SlantDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "SlantAttrs.h.inc"

#endif // STAMP_TEST_LIB_SLANT_SLANT_H
