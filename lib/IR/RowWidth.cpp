//===- RowWidth.cpp - What a schedule gives to a row -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/IR/RowWidth.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace stamp;

RowWidth stamp::emitRowWidth(ImplicitLocOpBuilder &b, ScheduleAttr schedule,
                             Value position, ValueRange ends) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        b, b.getF32FloatAttr(static_cast<float>(value)));
  };
  auto widthOf = [&](int64_t bits) {
    return RowWidth{constant((int64_t{1} << bits) - 1),
                    constant(int64_t{1} << (bits - 1))};
  };
  RowWidth width = widthOf(schedule.getRestBits());
  // The first segment that the row is in counts.
  for (auto [end, segment] :
       llvm::reverse(llvm::zip_equal(ends, schedule.getSegments()))) {
    RowWidth own = widthOf(segment.bits);
    Value inside =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, position, end);
    width = {arith::SelectOp::create(b, inside, own.steps, width.steps),
             arith::SelectOp::create(b, inside, own.half, width.half)};
  }
  return width;
}
