//===- Constants.cpp - Constants made at compile time ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Constants.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace stamp;

ArrayRef<char> stamp::getRawBytes(Attribute constant) {
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(constant))
    return dense.getRawData();
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(constant))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

TypedAttr stamp::makeConstant(RankedTensorType type, StringRef name,
                              AsmResourceBlob elements) {
  ArrayRef<char> bytes = elements.getData();
  if (bytes.size() <= kInlineBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);

  // Resources of one name are numbered by trying, which takes quadratic time
  // for the weights of a model, in an order that threads would decide.
  uint64_t hash = llvm::xxh3_64bits(StringRef(bytes.data(), bytes.size()));
  std::string key = llvm::formatv("{0}_{1:x-}", name, hash);
  MLIRContext *context = type.getContext();
  auto &manager = DenseResourceElementsHandle::getManagerInterface(context)
                      .getBlobManager();
  if (DialectResourceBlobManager::BlobEntry *entry = manager.lookup(key))
    if (entry->getBlob() && entry->getBlob()->getData() == bytes)
      return DenseResourceElementsAttr::get(
          type, DenseResourceElementsHandle(
                    entry, context->getLoadedDialect<BuiltinDialect>()));
  return DenseResourceElementsAttr::get(type, key, std::move(elements));
}
