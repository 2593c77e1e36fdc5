//===- FormGPUKernels.cpp - Quantized linears to GPU kernels -----*- C++
//-*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//     %t = stamp.transform … block_order (%x)       ┐ one launch: X to codes
//     %q, %s, %z = stamp.quantize … (%t)            ┘
//     %a = linalg.matmul (%q, constant weight)      ┐
//     %r = stamp.rescale (%a, %s, %z, …)            │ one launch: codes to Y
//     %y = stamp.inverse_transform … (%r)           ┘
//
// Linears that share their codes share the first launch. A transform that is
// not made of short blocks of tokens stays an op of its own, on either side.
//
// As on a CPU the launches work on buffers while all around them are tensors.
// Kernels are written here down to the instruction, and take plain addresses.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"

#include "../QuantizedLinear.h"
#include "Kernels/CodedRows.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/MathExtras.h"

#include <list>

namespace stamp {
#define GEN_PASS_DEF_FORMGPUKERNELSPASS
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("FormGPUKernels")
        .category("stamp-form-gpu-kernels");

static RankedTensorType getType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

//===----------------------------------------------------------------------===//
// What has a kernel
//===----------------------------------------------------------------------===//

/// The basis whose blocks kernels mix, or null.
static BasisAttrInterface getKernelBasis(BasisAttrInterface order) {
  if (!order || !order.emitsBlocks())
    return nullptr;
  std::optional<int64_t> size = order.getBasis()->fixedBlock();
  // Blocks that are longer than a thread's rows need a way between threads.
  int64_t most = isa<HaarAttr>(order) ? kLargestBlock : 8;
  return size && *size <= most ? order : nullptr;
}

static LogicalResult checkQuantize(QuantizeOp op, TransformOp transform,
                                   StringRef &why) {
  if (failed(matchQuantize(op, why)))
    return failure();
  why = "sequences with lengths of their own have no kernel";
  if (op.getLengths())
    return failure();
  why = "groups of features have no kernel";
  if (op.getGroupSize())
    return failure();
  why = "the activations are not f32";
  Value x = transform ? transform.getInput() : op.getInput();
  if (!getType(x).getElementType().isF32() ||
      !getType(op.getInput()).getElementType().isF32())
    return failure();
  why = "there are no features";
  return failure(getType(x).getShape().back() == 0);
}

static LogicalResult checkLinear(QuantizedLinear &linear, StringRef &why) {
  why = "groups of features have no kernel";
  if (linear.product.group)
    return failure();
  why = "the weight's codes are not constant";
  if (linear.product.weight.tensor)
    return failure();
  why = "each sequence has a spread of its own";
  if (linear.rescale.getSpread() && !isVector(linear.rescale.getSpread()))
    return failure();
  why = "the result is not f32";
  if (!getType(linear.result()).getElementType().isF32() ||
      !getType(linear.rescale.getResult()).getElementType().isF32())
    return failure();
  why = "the bias is not f32";
  if (Value bias = linear.rescale.getBias();
      bias && !getType(bias).getElementType().isF32())
    return failure();
  why = "there are no channels";
  return failure(linear.product.weight.channels == 0);
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

namespace {
/// The kernels of one function: where they are put, and how they are launched.
class Launcher {
public:
  Launcher(ModuleOp module, const GPUTarget &target)
      : target(target), module(module) {}

  using Body = llvm::function_ref<void(GPUKernelBuilder &, ValueRange, Value)>;

  /// Makes a kernel and launches it at `host`'s place, if there are any CTAs.
  /// It takes the memrefs' addresses and then the sizes, all of them i64.
  void launch(GPUKernelBuilder &host, StringRef name, ValueRange buffers,
              ValueRange sizes, ValueRange optionalBuffers, Value gridX,
              int64_t gridY, int64_t threads, int64_t sharedBytes, Body body) {
    assert(sharedBytes <= GPUTarget::staticSharedBytes &&
           sharedBytes <= target.sharedBytes);
    SmallVector<Value> operands;
    auto addressOf = [&](Value buffer) {
      Value address =
          memref::ExtractAlignedPointerAsIndexOp::create(host, buffer);
      operands.push_back(
          arith::IndexCastOp::create(host, host.getI64Type(), address));
    };
    llvm::for_each(buffers, addressOf);
    for (Value size : sizes)
      operands.push_back(
          arith::IndexCastOp::create(host, host.getI64Type(), size));
    llvm::for_each(optionalBuffers, addressOf);

    gpu::GPUFuncOp kernel =
        createKernel(host, name, operands.size(), threads, sharedBytes, body);
    Value one = host.index(1);
    host.branch(host.less(host.index(0), gridX), [&] {
      gpu::LaunchFuncOp::create(host, kernel,
                                gpu::KernelDim3{gridX, host.index(gridY), one},
                                gpu::KernelDim3{host.index(threads), one, one},
                                /*dynamicSharedMemorySize=*/Value(), operands);
    });
  }

  const GPUTarget target;

private:
  gpu::GPUFuncOp createKernel(GPUKernelBuilder &host, StringRef name,
                              size_t numArguments, int64_t threads,
                              int64_t sharedBytes, Body body) {
    MLIRContext *context = module.getContext();
    OpBuilder builder(context);
    if (!kernels) {
      builder.setInsertionPointToEnd(module.getBody());
      kernels =
          gpu::GPUModuleOp::create(builder, module.getLoc(), "stamp_kernels");
      SymbolTable(module).insert(kernels);
      module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                      UnitAttr::get(context));
    }
    SmallVector<Type> inputs(numArguments, builder.getI64Type());
    auto workgroup = gpu::AddressSpaceAttr::get(
        context, gpu::GPUDialect::getWorkgroupAddressSpace());
    auto sharedType = MemRefType::get({sharedBytes}, builder.getI8Type(),
                                      MemRefLayoutAttrInterface(), workgroup);
    builder.setInsertionPointToEnd(kernels.getBody());
    auto kernel = gpu::GPUFuncOp::create(
        builder, host.getLoc(), name,
        FunctionType::get(context, inputs, TypeRange()), TypeRange(sharedType));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                    UnitAttr::get(context));
    kernel.setKnownBlockSize(
        ArrayRef<int32_t>{static_cast<int32_t>(threads), 1, 1});
    kernel.setWorkgroupAttributionAttr(0, LLVM::LLVMDialect::getAlignAttrName(),
                                       builder.getI64IntegerAttr(128));
    SymbolTable(kernels).insert(kernel);

    builder.setInsertionPointToStart(&kernel.getBody().front());
    GPUKernelBuilder b(builder, host.getLoc());
    Value start = memref::ExtractAlignedPointerAsIndexOp::create(
        b, kernel.getWorkgroupAttributions().front());
    Value address = arith::IndexCastOp::create(b, b.getI64Type(), start);
    Value shared = LLVM::IntToPtrOp::create(
        b, b.pointer(GPUKernelBuilder::sharedSpace), address);
    body(b, kernel.getArguments().take_front(numArguments), shared);
    gpu::ReturnOp::create(b);
    return kernel;
  }

  ModuleOp module;
  gpu::GPUModuleOp kernels;
};
} // namespace

static Value alloc(GPUKernelBuilder &b, ArrayRef<int64_t> shape, Type type,
                   ValueRange sizes) {
  return memref::AllocOp::create(b, MemRefType::get(shape, type), sizes,
                                 b.getI64IntegerAttr(64));
}

static Value size(GPUKernelBuilder &b, Value memory, int64_t dimension) {
  return b.createOrFold<memref::DimOp>(memory, dimension);
}

/// A name that tells whose kernel it is.
static std::string nameKernel(Operation *op, StringRef what) {
  auto function = op->getParentOfType<func::FuncOp>();
  return ((function ? function.getName() : "stamp") + "_" + what).str();
}

static CodedRows launchQuantize(Launcher &launcher, GPUKernelBuilder &b,
                                QuantizeOp op, TransformOp transform,
                                BasisAttrInterface blocks) {
  const GPUTarget &target = launcher.target;
  const ProductTile &tile = target.productTile;
  Value x = toBatch(b, transform ? transform.getInput() : op.getInput());
  CodedRows rows = {TokenBlocks(blocks), 0, 0, {}, {}, {}, {}, {}, {}};
  rows.features = cast<MemRefType>(x.getType()).getDimSize(2);
  rows.paddedFeatures =
      static_cast<int64_t>(llvm::alignTo(rows.features, tile.depth));
  rows.batch = size(b, x, 0);
  rows.seqLen = size(b, x, 1);
  Value rowsOfSequence = b.add(rows.seqLen, rows.blocks.shift);
  rows.tiles =
      b.createOrFold<arith::CeilDivUIOp>(rowsOfSequence, b.index(tile.rows));
  // No rows, not even such that mean nothing, without a token.
  if (rows.blocks.shift > 0)
    rows.tiles =
        b.select(b.less(b.index(0), rows.seqLen), rows.tiles, b.index(0));
  constexpr int64_t dynamic = ShapedType::kDynamic;
  Value numRows = b.mul(rows.tiles, tile.rows);
  rows.codes = alloc(b, {dynamic, dynamic, rows.paddedFeatures}, b.getI8Type(),
                     {rows.batch, numRows});
  rows.scales =
      alloc(b, {dynamic, dynamic}, b.getF32Type(), {rows.batch, numRows});
  rows.zeroPoints =
      alloc(b, {dynamic, dynamic}, b.getI32Type(), {rows.batch, numRows});

  QuantizeKernel kernel = {op.getSchedule(),
                           op.getBlockBasisAttr(),
                           transform ? blocks : BasisAttrInterface(),
                           rows.blocks,
                           rows.features,
                           rows.paddedFeatures};
  int64_t rowsOfCTA = getRowsOfCTA(rows.blocks);
  Value ctas = b.mul(b.mul(rows.batch, rows.tiles), tile.rows / rowsOfCTA);
  launcher.launch(b, nameKernel(op, "quantize"),
                  {x, rows.codes, rows.scales, rows.zeroPoints},
                  {rows.seqLen, rows.tiles}, {}, ctas, /*gridY=*/1,
                  target.quantizeThreads,
                  getQuantizeSharedBytes(target, rows.blocks),
                  [&](GPUKernelBuilder &b, ValueRange arguments, Value shared) {
                    emitQuantizeKernel(b, target, kernel, arguments, shared);
                  });
  return rows;
}

static void launchLinear(RewriterBase &rewriter, Launcher &launcher,
                         QuantizedLinear linear, const CodedRows &rows) {
  RescaleOp rescale = linear.rescale;
  // Bias and spread may come later than the codes.
  rewriter.setInsertionPoint(linear.inverse ? linear.inverse.getOperation()
                                            : rescale.getOperation());
  GPUKernelBuilder b(rewriter, rescale.getLoc());
  const GPUTarget &target = launcher.target;
  const ProductTile &tile = target.productTile;
  const WeightCodes &codes = linear.product.weight;
  // Sixteen times the sums must be 32 bits too.
  int64_t bits = codes.features < (int64_t{1} << 17) ? getWeightBits(codes) : 8;
  ProductKernel kernel = {rows.blocks,
                          rows.paddedFeatures,
                          codes.channels,
                          bits,
                          bool(rescale.getBias()),
                          bool(rescale.getBias() && rescale.getSpread()),
                          linear.inverse ? linear.inverse.getBasis()
                                         : BasisAttrInterface()};
  Value weight = toBuffer(b, createPackedWeight(b, tile, codes, bits));
  Value result = linear.result();
  Value y =
      alloc(b, {ShapedType::kDynamic, ShapedType::kDynamic, codes.channels},
            b.getF32Type(), {rows.batch, rows.seqLen});
  SmallVector<Value> buffers = {rows.codes,
                                rows.scales,
                                rows.zeroPoints,
                                weight,
                                toBuffer(b, rescale.getColumnScales()),
                                toBuffer(b, rescale.getColumnSums()),
                                y};
  SmallVector<Value> optional;
  if (kernel.hasBias)
    optional.push_back(toBuffer(b, rescale.getBias()));
  if (kernel.hasSpread)
    optional.push_back(toBuffer(b, rescale.getSpread()));
  launcher.launch(b, nameKernel(rescale, "product"), buffers,
                  {rows.seqLen, rows.tiles}, optional,
                  b.mul(rows.batch, rows.tiles),
                  llvm::divideCeil(codes.channels, tile.columns),
                  tile.threads(), getProductSharedBytes(target, bits),
                  [&](GPUKernelBuilder &b, ValueRange arguments, Value shared) {
                    emitProductKernel(b, target, kernel, arguments, shared);
                  });
  Value init = linear.inverse ? linear.inverse.getInit() : rescale.getInit();
  Value done = fromBatch(b, y, init);
  if (done.getType() != result.getType())
    done = tensor::CastOp::create(b, result.getType(), done);
  rewriter.replaceAllUsesWith(result, done);
  if (linear.inverse)
    rewriter.eraseOp(linear.inverse);
  rewriter.eraseOp(rescale);
  rewriter.eraseOp(linear.contraction);
}

static void rewriteQuantize(RewriterBase &rewriter, Launcher &launcher,
                            QuantizeOp quantize) {
  StringRef why;
  BasisAttrInterface blocks = getKernelBasis(quantize.getBlockBasisAttr());
  TransformOp transform = matchTransform(quantize.getInput(), quantize, blocks);
  if (failed(checkQuantize(quantize, transform, why))) {
    remark::missed(quantize.getLoc(), kRemark)
        << remark::reason("no kernel quantizes these activations: {0}", why);
    return;
  }
  SmallVector<linalg::LinalgOp> contractions;
  findContractions(quantize.getCodes(), contractions);
  SmallVector<QuantizedLinear> linears;
  std::list<SmallVector<char>> storage;
  for (linalg::LinalgOp op : contractions) {
    FailureOr<QuantizedLinear> linear =
        matchLinear(op, quantize, blocks, storage.emplace_back(), why);
    if (succeeded(linear) && succeeded(checkLinear(*linear, why)))
      linears.push_back(*linear);
    else
      remark::missed(op.getLoc(), kRemark)
          << remark::reason("no kernel multiplies these codes: {0}", why);
  }
  if (linears.empty())
    return;
  if (!transform && quantize.getInput().getDefiningOp<TransformOp>())
    remark::missed(quantize.getLoc(), kRemark)
        << remark::reason("the transform is not made in the quantizer's "
                          "kernel: it is not of short blocks of tokens");

  rewriter.setInsertionPoint(quantize);
  GPUKernelBuilder b(rewriter, quantize.getLoc());
  CodedRows rows = launchQuantize(launcher, b, quantize, transform, blocks);
  for (QuantizedLinear &linear : linears)
    launchLinear(rewriter, launcher, linear, rows);
}

namespace {
/// What upstream does not say: a launch reads and writes memory, and does not
/// allocate any. Without that no launch may stand between tensors.
struct LaunchEffects final
    : MemoryEffectOpInterface::ExternalModel<LaunchEffects, gpu::LaunchFuncOp> {
  void
  getEffects(Operation *,
             SmallVectorImpl<MemoryEffects::EffectInstance> &effects) const {
    effects.emplace_back(MemoryEffects::Read::get());
    effects.emplace_back(MemoryEffects::Write::get());
  }
};

struct FormGPUKernels final
    : public stamp::impl::FormGPUKernelsPassBase<FormGPUKernels> {
  using FormGPUKernelsPassBase::FormGPUKernelsPassBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    FormGPUKernelsPassBase::getDependentDialects(registry);
    registry.addExtension(+[](MLIRContext *context, gpu::GPUDialect *) {
      gpu::LaunchFuncOp::attachInterface<LaunchEffects>(*context);
    });
  }

  void runOnOperation() override {
    std::optional<GPUTarget> target = GPUTarget::get(chip);
    if (!target) {
      emitError(getOperation()->getLoc())
          << "no kernels for the GPU '" << chip << "'; known are "
          << GPUTarget::names();
      return signalPassFailure();
    }
    SmallVector<QuantizeOp> quantizers;
    getOperation()->walk([&](QuantizeOp op) { quantizers.push_back(op); });
    IRRewriter rewriter(&getContext());
    Launcher launcher(getOperation(), *target);
    for (QuantizeOp op : quantizers)
      rewriteQuantize(rewriter, launcher, op);
  }
};
} // namespace
