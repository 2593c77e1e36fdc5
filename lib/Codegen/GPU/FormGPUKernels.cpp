//===- FormGPUKernels.cpp - Quantized linears to GPU kernels ----*- C++ -*-===//
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
// not made of short blocks of tokens becomes launches of its own, on either
// side; see Kernels/Transform.h.
//
// As on a CPU the launches work on buffers while all around them are tensors.
// Kernels are written here down to the instruction, and take plain addresses.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"

#include "../QuantizedLinear.h"
#include "Kernels/CodedRows.h"
#include "Kernels/Transform.h"

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
  if (!order)
    return nullptr;
  BasisAttrInterface basis = MinTokensAttr::split(order).first;
  if (!basis.emitsBlocks())
    return nullptr;
  std::optional<int64_t> size = basis.getBasis()->fixedBlock();
  // Blocks that are longer than a thread's rows need a way between threads.
  int64_t most = isa<HaarAttr>(basis) ? kLargestBlock : 8;
  return size && *size <= most ? order : nullptr;
}

static LogicalResult checkQuantize(QuantizeOp op, StringRef &why) {
  if (failed(matchQuantize(op, why)))
    return failure();
  why = "sequences with lengths of their own have no kernel";
  if (op.getLengths())
    return failure();
  why = "groups of features have no kernel";
  if (op.getGroupSize())
    return failure();
  why = "there are no features";
  return failure(getType(op.getInput()).getShape().back() == 0);
}

static LogicalResult checkLinear(QuantizedLinear &linear, StringRef &why) {
  why = "groups of features have no kernel";
  if (linear.product.group)
    return failure();
  why = "each sequence has a spread of its own";
  if (linear.rescale.getSpread() && !isVector(linear.rescale.getSpread()))
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
    assert(sharedBytes <= target.sharedBytes);
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
    // What is more than every kernel has is asked for by the launch.
    Value dynamicBytes;
    if (sharedBytes > GPUTarget::staticSharedBytes)
      dynamicBytes = host.constantI32(sharedBytes + kSharedAlignment);
    Value one = host.index(1);
    host.branch(host.less(host.index(0), gridX), [&] {
      gpu::LaunchFuncOp::create(host, kernel,
                                gpu::KernelDim3{gridX, host.index(gridY), one},
                                gpu::KernelDim3{host.index(threads), one, one},
                                dynamicBytes, operands);
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
    builder.setInsertionPointToEnd(kernels.getBody());
    auto kernel =
        gpu::GPUFuncOp::create(builder, host.getLoc(), name,
                               FunctionType::get(context, inputs, TypeRange()));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                    UnitAttr::get(context));
    kernel.setKnownBlockSize(
        ArrayRef<int32_t>{static_cast<int32_t>(threads), 1, 1});
    SymbolTable(kernels).insert(kernel);

    builder.setInsertionPointToStart(&kernel.getBody().front());
    GPUKernelBuilder b(builder, host.getLoc());
    Value shared = getShared(b, kernel, sharedBytes);
    body(b, kernel.getArguments().take_front(numArguments), shared);
    gpu::ReturnOp::create(b);
    return kernel;
  }

  /// Aligned shared memory: the kernel's own, or what its launch asks for.
  static Value getShared(GPUKernelBuilder &b, gpu::GPUFuncOp kernel,
                         int64_t bytes) {
    bool isDynamic = bytes > GPUTarget::staticSharedBytes;
    auto workgroup = gpu::AddressSpaceAttr::get(
        b.getContext(), gpu::GPUDialect::getWorkgroupAddressSpace());
    auto type =
        MemRefType::get({isDynamic ? ShapedType::kDynamic : bytes},
                        b.getI8Type(), MemRefLayoutAttrInterface(), workgroup);
    Value memory;
    if (isDynamic) {
      memory = gpu::DynamicSharedMemoryOp::create(b, type);
    } else {
      memory = kernel.addWorkgroupAttribution(type, b.getLoc());
      kernel.setWorkgroupAttributionAttr(0,
                                         LLVM::LLVMDialect::getAlignAttrName(),
                                         b.getI64IntegerAttr(kSharedAlignment));
    }
    Value start = memref::ExtractAlignedPointerAsIndexOp::create(b, memory);
    if (isDynamic)
      start = b.mul(b.div(b.add(start, kSharedAlignment - 1), kSharedAlignment),
                    kSharedAlignment);
    Value address = arith::IndexCastOp::create(b, b.getI64Type(), start);
    return LLVM::IntToPtrOp::create(b, b.pointer(GPUKernelBuilder::sharedSpace),
                                    address);
  }

  /// What wgmma's swizzle counts from. Upstream promises 16 bytes for what a
  /// launch asks for, so it asks for as much more.
  static constexpr int64_t kSharedAlignment = 1024;

  ModuleOp module;
  gpu::GPUModuleOp kernels;
};
} // namespace

static Value alloc(GPUKernelBuilder &b, ArrayRef<int64_t> shape, Type type,
                   ValueRange sizes) {
  return memref::AllocOp::create(b, MemRefType::get(shape, type), sizes,
                                 b.getI64IntegerAttr(64));
}

/// One of two ways: at once if it is known which one.
static void either(GPUKernelBuilder &b, Value condition,
                   llvm::function_ref<void()> then,
                   llvm::function_ref<void()> otherwise) {
  if (std::optional<int64_t> known = getConstantIntValue(condition))
    return *known ? then() : otherwise();
  b.branch(condition, then, otherwise);
}

static Value size(GPUKernelBuilder &b, Value memory, int64_t dimension) {
  return b.createOrFold<memref::DimOp>(memory, dimension);
}

/// A name that tells whose kernel it is.
static std::string nameKernel(Operation *op, StringRef what) {
  auto function = op->getParentOfType<func::FuncOp>();
  return ((function ? function.getName() : "stamp") + "_" + what).str();
}

/// Which product multiplies the rows, and where it finds them.
static void layOutRows(const GPUTarget &target, GPUKernelBuilder &b,
                       ArrayRef<QuantizedLinear> linears, CodedRows &rows) {
  const FewTokensTile &few = target.fewTokensTile;
  const TokenBlocks &blocks = rows.blocks;
  auto ceilDiv = [&](Value value, int64_t divisor) {
    return b.createOrFold<arith::CeilDivUIOp>(value, b.index(divisor));
  };
  // A block that is longer than a tile of few tokens must end in its first.
  int64_t limit =
      blocks.size > few.rows ? std::min(few.limit, few.rows) : few.limit;
  rows.areFew = b.atMost(rows.seqLen, b.index(limit));
  // No rows, not even such that mean nothing, without a token.
  Value end = b.add(rows.seqLen, blocks.shift);
  if (blocks.shift > 0)
    end = b.select(b.less(b.index(0), rows.seqLen), end, b.index(0));
  int64_t rowsOfCTA = getRowsOfCTA(blocks);
  rows.tiles = ceilDiv(end, target.productTile.rows);
  rows.rowsOfSequence =
      b.select(rows.areFew, b.mul(ceilDiv(end, rowsOfCTA), rowsOfCTA),
               b.mul(rows.tiles, target.productTile.rows));

  FewTokensRows &layout = rows.layout;
  layout.isBatch = getConstantIntValue(rows.batch) != 1;
  layout.firstTile = blocks.shift / few.rows;
  rows.tilesOfSequence = b.sub(ceilDiv(end, few.rows), layout.firstTile);
  rows.fewTiles = b.mul(rows.batch, rows.tilesOfSequence);
  if (layout.isBatch)
    rows.fewTiles = b.select(b.equal(rows.seqLen, b.index(1)),
                             ceilDiv(rows.batch, few.rows), rows.fewTiles);
  for (const QuantizedLinear &linear : linears) {
    FewTokensSplit split = splitFewTokens(target, rows.paddedFeatures,
                                          linear.product.weight.channels);
    if (split.splits > 1)
      layout.counters += split.groups;
  }
  if (layout.counters > 0 && getConstantIntValue(rows.areFew) != 0)
    rows.counters =
        alloc(b, {ShapedType::kDynamic}, b.getI32Type(),
              b.select(rows.areFew, b.mul(rows.fewTiles, layout.counters),
                       b.index(0)));
}

static CodedRows launchQuantize(Launcher &launcher, GPUKernelBuilder &b,
                                QuantizeOp op, TransformOp transform,
                                BasisAttrInterface blocks,
                                ArrayRef<QuantizedLinear> linears) {
  const GPUTarget &target = launcher.target;
  Value x = toBatch(b, transform ? transform.getInput() : op.getInput());
  CodedRows rows{TokenBlocks(blocks)};
  rows.features = cast<MemRefType>(x.getType()).getDimSize(2);
  rows.paddedFeatures = static_cast<int64_t>(
      llvm::alignTo(rows.features, target.productTile.depth));
  rows.batch = size(b, x, 0);
  rows.seqLen = size(b, x, 1);
  layOutRows(target, b, linears, rows);
  constexpr int64_t dynamic = ShapedType::kDynamic;
  Value sizes[] = {rows.batch, rows.rowsOfSequence};
  rows.codes =
      alloc(b, {dynamic, dynamic, rows.paddedFeatures}, b.getI8Type(), sizes);
  rows.scales = alloc(b, {dynamic, dynamic}, b.getF32Type(), sizes);
  rows.zeroPoints = alloc(b, {dynamic, dynamic}, b.getI32Type(), sizes);

  QuantizeKernel kernel = {op.getSchedule(),
                           op.getBlockBasisAttr(),
                           transform ? MinTokensAttr::split(blocks).first
                                     : BasisAttrInterface(),
                           rows.blocks,
                           rows.features,
                           rows.paddedFeatures,
                           cast<MemRefType>(x.getType()).getElementType(),
                           getType(op.getInput()).getElementType()};
  Value ctas = b.div(rows.rowsOfSequence, getRowsOfCTA(rows.blocks));
  SmallVector<Value> arguments = {rows.seqLen, ctas};
  SmallVector<Value> counters;
  if (rows.counters) {
    arguments.push_back(size(b, rows.counters, 0));
    counters.push_back(rows.counters);
  }
  launcher.launch(b, nameKernel(op, "quantize"),
                  {x, rows.codes, rows.scales, rows.zeroPoints}, arguments,
                  counters, b.mul(rows.batch, ctas), /*gridY=*/1,
                  target.quantizeThreads,
                  getQuantizeSharedBytes(target, rows.blocks),
                  [&](GPUKernelBuilder &b, ValueRange arguments, Value shared) {
                    emitQuantizeKernel(b, target, kernel, arguments, shared);
                  });
  return rows;
}

/// The packed weight, which a kernel makes of codes that are no constant.
static Value launchPack(Launcher &launcher, GPUKernelBuilder &b,
                        const WeightCodes &weight, RescaleOp rescale,
                        int64_t bits) {
  const GPUTarget &target = launcher.target;
  int64_t words = getPackedWords(target.productTile, weight, bits);
  Value packed = alloc(b, {words * 4}, b.getI8Type(), {});
  constexpr int64_t threads = 256;
  launcher.launch(
      b, nameKernel(rescale, "pack"), {toBuffer(b, weight.tensor), packed}, {},
      {}, b.index(llvm::divideCeil(words, threads)), /*gridY=*/1, threads,
      /*sharedBytes=*/16,
      [&](GPUKernelBuilder &b, ValueRange arguments, Value) {
        emitPackKernel(b, target, weight, bits, threads, arguments);
      });
  return packed;
}

namespace {
/// What both products take, at run time and now.
struct Product {
  ProductKernel kernel;
  SmallVector<Value> buffers;
  SmallVector<Value> optional; ///< bias and spread, as far as there are any
};
} // namespace

static void launchProduct(Launcher &launcher, GPUKernelBuilder &b,
                          StringRef name, const Product &product,
                          const CodedRows &rows) {
  const GPUTarget &target = launcher.target;
  const ProductTile &tile = target.productTile;
  launcher.launch(
      b, name, product.buffers, {rows.seqLen, rows.tiles}, product.optional,
      b.mul(rows.batch, rows.tiles),
      llvm::divideCeil(product.kernel.channels, tile.columns), tile.threads(),
      getProductSharedBytes(target, product.kernel.weightBits),
      [&](GPUKernelBuilder &b, ValueRange arguments, Value shared) {
        emitProductKernel(b, target, product.kernel, arguments, shared);
      });
}

/// The next linear has the counters behind this one's.
static void launchFewTokens(Launcher &launcher, GPUKernelBuilder &b,
                            StringRef name, Product product, CodedRows &rows) {
  const GPUTarget &target = launcher.target;
  FewTokensSplit split =
      splitFewTokens(target, rows.paddedFeatures, product.kernel.channels);
  if (split.splits > 1) {
    product.optional.push_back(
        alloc(b, {ShapedType::kDynamic}, b.getI32Type(),
              b.mul(rows.fewTiles, split.sumsOfTile(target))));
    product.optional.push_back(rows.counters);
  }
  launcher.launch(
      b, name, product.buffers,
      {rows.seqLen, rows.rowsOfSequence, rows.tilesOfSequence, rows.batch},
      product.optional, rows.fewTiles, split.groups * split.splits,
      target.fewTokensTile.threads(),
      getFewTokensSharedBytes(target, product.kernel.weightBits),
      [&](GPUKernelBuilder &b, ValueRange arguments, Value shared) {
        emitFewTokensKernel(b, target, product.kernel, rows.layout, arguments,
                            shared);
      });
  if (split.splits > 1)
    rows.layout.firstCounter += split.groups;
}

static void launchLinear(RewriterBase &rewriter, Launcher &launcher,
                         QuantizedLinear linear, CodedRows &rows) {
  RescaleOp rescale = linear.rescale;
  // Bias and spread may come later than the codes.
  rewriter.setInsertionPoint(linear.inverse ? linear.inverse.getOperation()
                                            : rescale.getOperation());
  GPUKernelBuilder b(rewriter, rescale.getLoc());
  const GPUTarget &target = launcher.target;
  const WeightCodes &codes = linear.product.weight;
  // Sixteen times the sums must be 32 bits too.
  int64_t bits = codes.features < (int64_t{1} << 17) ? getWeightBits(codes) : 8;
  Value result = linear.result();
  Product product = {
      {rows.blocks, rows.paddedFeatures, codes.channels, bits,
       bool(rescale.getBias()), bool(rescale.getBias() && rescale.getSpread()),
       linear.inverse ? MinTokensAttr::split(linear.inverse.getBasis()).first
                      : BasisAttrInterface(),
       /*bias=*/Type(), getType(rescale.getResult()).getElementType(),
       getType(result).getElementType()},
      {},
      {}};
  if (product.kernel.hasBias)
    product.kernel.bias = getType(rescale.getBias()).getElementType();
  Value weight = codes.tensor
                     ? launchPack(launcher, b, codes, rescale, bits)
                     : toBuffer(b, createPackedWeight(b, target, codes, bits));
  Value y =
      alloc(b, {ShapedType::kDynamic, ShapedType::kDynamic, codes.channels},
            product.kernel.result, {rows.batch, rows.seqLen});
  product.buffers = {rows.codes,
                     rows.scales,
                     rows.zeroPoints,
                     weight,
                     toBuffer(b, rescale.getColumnScales()),
                     toBuffer(b, rescale.getColumnSums()),
                     y};
  if (product.kernel.hasBias)
    product.optional.push_back(toBuffer(b, rescale.getBias()));
  if (product.kernel.hasSpread)
    product.optional.push_back(toBuffer(b, rescale.getSpread()));
  either(
      b, rows.areFew,
      [&] {
        launchFewTokens(launcher, b,
                        nameKernel(rescale, "product_of_few_tokens"), product,
                        rows);
      },
      [&] {
        launchProduct(launcher, b, nameKernel(rescale, "product"), product,
                      rows);
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
  if (failed(checkQuantize(quantize, why))) {
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

  rewriter.setInsertionPoint(quantize);
  GPUKernelBuilder b(rewriter, quantize.getLoc());
  CodedRows rows =
      launchQuantize(launcher, b, quantize, transform, blocks, linears);
  for (QuantizedLinear &linear : linears)
    launchLinear(rewriter, launcher, linear, rows);
  // What the launches have replaced shall not be launched as well.
  if (quantize->use_empty())
    rewriter.eraseOp(quantize);
  if (transform && transform->use_empty())
    rewriter.eraseOp(transform);
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
    formTransforms(rewriter, getOperation(),
                   [&](GPUKernelBuilder &host, StringRef name,
                       ValueRange buffers, ValueRange sizes, Value grid,
                       int64_t threads, int64_t sharedBytes,
                       Launcher::Body body) {
                     launcher.launch(host, name, buffers, sizes, {}, grid,
                                     /*gridY=*/1, threads, sharedBytes, body);
                   });
  }
};
} // namespace
