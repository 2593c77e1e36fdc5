//===- RuntimeCalls.cpp - host code that calls GPURuntime.h ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RuntimeCalls.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

void stamp::renameUpstreamFunctions(ModuleOp host) {
  SymbolTable symbols(host);
  for (auto function :
       llvm::make_early_inc_range(host.getOps<LLVM::LLVMFuncOp>())) {
    StringRef name = function.getName();
    // A failure would mean a use that cannot be found; there is none below a
    // module.
    if (function.isExternal() && name.consume_front("mgpu"))
      (void)symbols.rename(function, ("stampGpu" + name).str());
  }
}

LLVM::GlobalOp stamp::makeBytes(OpBuilder &builder, Location loc,
                                const Twine &name, StringRef bytes) {
  std::string data = bytes.str() + '\0';
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), data.size());
  return LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                                LLVM::Linkage::Internal, name.str(),
                                builder.getStringAttr(data), /*alignment=*/16);
}

static Value makeNumber(OpBuilder &builder, Location loc, unsigned width,
                        uint64_t value) {
  Type type = builder.getIntegerType(width);
  return LLVM::ConstantOp::create(builder, loc, type,
                                  builder.getIntegerAttr(type, value));
}

LLVM::GlobalOp stamp::makeImage(OpBuilder &builder, Location loc,
                                const Twine &symbol, LLVM::Linkage linkage,
                                uint32_t kind, StringRef name, StringRef chip,
                                StringRef data, uint64_t size) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  auto type = LLVM::LLVMStructType::getLiteral(
      builder.getContext(),
      {i32, i32, pointer, pointer, pointer, i64, pointer});
  auto image =
      LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/false, linkage,
                             symbol.str(), Attribute(), /*alignment=*/8);
  OpBuilder inside(builder.getContext());
  inside.createBlock(&image.getInitializerRegion());
  Value value = LLVM::ZeroOp::create(inside, loc, type);
  auto insert = [&](Value field, int64_t at) {
    value = LLVM::InsertValueOp::create(inside, loc, value, field, at);
  };
  insert(makeNumber(inside, loc, 32, kind), 0);
  for (auto [i, global] : llvm::enumerate(ArrayRef{name, chip, data}))
    insert(LLVM::AddressOfOp::create(inside, loc, pointer, global), 2 + i);
  insert(makeNumber(inside, loc, 64, size), 5);
  LLVM::ReturnOp::create(inside, loc, value);
  return image;
}

LogicalResult stamp::callLaunch(gpu::LaunchFuncOp launch, StringRef image,
                                StringRef name) {
  Value stream = launch.getAsyncObject();
  if (!stream)
    return launch.emitOpError("has no stream: stamp-gpu-share-memory gives it "
                              "that of the function");
  OpBuilder builder(launch);
  Location loc = launch.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  // The driver wants the address of each argument. They stay in place for all
  // launches, also of those in a loop.
  auto function = launch->getParentOfType<LLVM::LLVMFuncOp>();
  OpBuilder entry = OpBuilder::atBlockBegin(&function.front());
  Value one = makeNumber(entry, loc, 64, 1);
  size_t count = launch.getNumKernelOperands();
  Value parameters = LLVM::AllocaOp::create(
      entry, loc, pointer,
      LLVM::LLVMArrayType::get(pointer, std::max<size_t>(count, 1)), one);
  for (auto [i, operand] : llvm::enumerate(launch.getKernelOperands())) {
    Value slot =
        LLVM::AllocaOp::create(entry, loc, pointer, operand.getType(), one);
    LLVM::StoreOp::create(builder, loc, operand, slot);
    Value place =
        LLVM::GEPOp::create(builder, loc, pointer, pointer, parameters,
                            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
    LLVM::StoreOp::create(builder, loc, slot, place);
  }

  SmallVector<Value> arguments = {
      LLVM::AddressOfOp::create(builder, loc, pointer, image),
      LLVM::AddressOfOp::create(builder, loc, pointer, name)};
  for (Value size :
       {launch.getGridSizeX(), launch.getGridSizeY(), launch.getGridSizeZ(),
        launch.getBlockSizeX(), launch.getBlockSizeY(), launch.getBlockSizeZ(),
        launch.getClusterSizeX(), launch.getClusterSizeY(),
        launch.getClusterSizeZ()}) {
    if (!size)
      size = makeNumber(builder, loc, 64, 1);
    else if (size.getType() != i64)
      size = LLVM::ZExtOp::create(builder, loc, i64, size);
    arguments.push_back(size);
  }
  Value shared = launch.getDynamicSharedMemorySize();
  arguments.append({shared ? shared : makeNumber(builder, loc, 32, 0), stream,
                    parameters, makeNumber(builder, loc, 64, count)});
  auto host = function->getParentOfType<ModuleOp>();
  SmallVector<Type> types = {pointer, pointer};
  types.append(9, i64);
  types.append({i32, pointer, pointer, i64});
  FailureOr<LLVM::LLVMFuncOp> callee =
      LLVM::lookupOrCreateFn(builder, host, "stampGpuLaunch", types,
                             LLVM::LLVMVoidType::get(builder.getContext()));
  if (failed(callee))
    return failure();
  LLVM::CallOp::create(builder, loc, *callee, arguments);
  launch.erase();
  return success();
}
