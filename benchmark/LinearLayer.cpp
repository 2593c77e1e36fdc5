//===- LinearLayer.cpp - what is timed --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LinearLayer.h"

#include <cassert>
#include <cmath>
#include <random>

using namespace stamp::bench;

namespace {

using Random = std::mt19937;

/// xₜ = ρ·xₜ₋₁ + √(1 − ρ²)·noise in every channel, every seventh four times as
/// loud.
std::vector<float> makeActivations(Shape shape, Random &random) {
  constexpr double rho = 0.95;
  const double innovation = std::sqrt(1 - rho * rho);
  std::normal_distribution<double> normal;
  std::vector<double> state(shape.features);
  for (double &s : state)
    s = normal(random);
  std::vector<float> x;
  x.reserve(shape.tokens * shape.features);
  for (int64_t t = 0; t < shape.tokens; ++t)
    for (int64_t k = 0; k < shape.features; ++k) {
      state[k] = rho * state[k] + innovation * normal(random);
      x.push_back(static_cast<float>((k % 7 == 3 ? 4 : 1) * state[k]));
    }
  return x;
}

std::vector<float> makeNormal(int64_t size, double deviation, Random &random) {
  std::normal_distribution<double> normal(0, deviation);
  std::vector<float> values(size);
  for (float &value : values)
    value = static_cast<float>(normal(random));
  return values;
}

std::vector<double> computeExactly(const LinearLayer &layer) {
  auto [tokens, features, channels] = layer.shape;
  std::vector<double> y;
  y.reserve(tokens * channels);
  for (int64_t t = 0; t < tokens; ++t) {
    std::vector<double> row(layer.bias.begin(), layer.bias.end());
    for (int64_t k = 0; k < features; ++k) {
      double x = layer.x[t * features + k];
      const float *weight = &layer.weight[k * channels];
      for (int64_t n = 0; n < channels; ++n)
        row[n] += x * weight[n];
    }
    y.insert(y.end(), row.begin(), row.end());
  }
  return y;
}

} // namespace

std::string Shape::str() const {
  return std::to_string(tokens) + "x" + std::to_string(features) + "x" +
         std::to_string(channels);
}

LinearLayer stamp::bench::makeLinearLayer(Shape shape) {
  // NOLINTNEXTLINE(bugprone-random-generator-seed): the same layer every time.
  Random random(/*seed=*/1);
  LinearLayer layer;
  layer.shape = shape;
  layer.x = makeActivations(shape, random);
  layer.weight = makeNormal(shape.features * shape.channels,
                            1 / std::sqrt(double(shape.features)), random);
  layer.bias = makeNormal(shape.channels, 1, random);
  layer.expected = computeExactly(layer);
  return layer;
}

double stamp::bench::getSqnr(const LinearLayer &layer,
                             llvm::ArrayRef<float> y) {
  assert(y.size() == layer.expected.size() && "not this layer's output");
  double signal = 0, noise = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    double error = y[i] - layer.expected[i];
    signal += layer.expected[i] * layer.expected[i];
    noise += error * error;
  }
  return 10 * std::log10(signal / noise);
}
