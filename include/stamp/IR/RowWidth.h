//===- RowWidth.h - What a schedule gives to a row -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_ROWWIDTH_H
#define STAMP_IR_ROWWIDTH_H

#include "stamp/IR/Stamp.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace stamp {

/// What the width of a row decides, in f32: how many steps its range has, and
/// what is taken off its codes to make them signed.
struct RowWidth {
  mlir::Value steps; ///< 2^b − 1
  mlir::Value half;  ///< 2^(b−1)
};

/// The width of the row at `position`, coarse first, where the segments of
/// `schedule` end at `ends`.
RowWidth emitRowWidth(mlir::ImplicitLocOpBuilder &builder,
                      ScheduleAttr schedule, mlir::Value position,
                      mlir::ValueRange ends);

} // namespace stamp

#endif // STAMP_IR_ROWWIDTH_H
