//===- RegisterWgmma.cpp - wgmma with A in registers ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RegisterWgmma.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace stamp;

static constexpr size_t kWordsOfA = 4;

/// The text. Operands are numbered so: the new sums, A, the descriptor.
static std::string getText(size_t numSums) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto list = [&](size_t first, size_t count) {
    stream << '{';
    for (size_t i = first; i < first + count; ++i)
      stream << (i == first ? "$" : ", $") << i;
    stream << '}';
  };
  stream << "{\n.reg .pred adds;\nsetp.ne.b32 adds, 1, 0;\n"
         << "wgmma.mma_async.sync.aligned.m64n" << 2 * numSums
         << "k32.s32.s8.s8 ";
  list(0, numSums);
  stream << ", ";
  list(numSums, kWordsOfA);
  stream << ", $" << numSums + kWordsOfA << ", adds;\n}";
  return text;
}

/// The old sums are in the registers of the new ones.
static std::string getConstraints(size_t numSums) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (size_t i = 0; i < numSums; ++i)
    stream << "=r,";
  stream << "r,r,r,r,l";
  for (size_t i = 0; i < numSums; ++i)
    stream << ',' << i;
  return text;
}

LLVM::InlineAsmOp stamp::createRegisterWgmma(OpBuilder &builder, Location loc,
                                             ValueRange a, Value descriptor,
                                             ValueRange sums) {
  SmallVector<Value> operands(a);
  operands.push_back(descriptor);
  llvm::append_range(operands, sums);
  Type result = LLVM::LLVMStructType::getLiteral(
      builder.getContext(), llvm::to_vector(sums.getTypes()));
  return LLVM::InlineAsmOp::create(
      builder, loc, result, operands, getText(sums.size()),
      getConstraints(sums.size()), /*has_side_effects=*/true,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(builder.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
}

std::optional<RegisterWgmma>
stamp::matchRegisterWgmma(LLVM::InlineAsmOp inlineAsm) {
  ValueRange operands = inlineAsm.getOperands();
  if (operands.size() <= kWordsOfA + 1)
    return std::nullopt;
  ValueRange sums = operands.drop_front(kWordsOfA + 1);
  if (inlineAsm.getAsmString() != getText(sums.size()) ||
      inlineAsm.getConstraints() != getConstraints(sums.size()))
    return std::nullopt;
  return RegisterWgmma{operands.take_front(kWordsOfA), operands[kWordsOfA],
                       sums};
}
