#include "code/code_search.h"

#include <algorithm>
#include <cmath>

#include "code/unbiased_scale.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

constexpr int descent_rounds = 2;
/// A scale stands for no more than so many times the squared length within the components: of vectors that lie mostly
/// outside them, what lies inside says little.
constexpr double most_made_up = 4;

}  // namespace

CodeSearch::CodeSearch(const Codebook& codebook)
    : codebook_(codebook),
      loops_(kernel::descent()),
      vectors_(batch * codebook.dims()),
      components_(batch * codebook.components()),
      products_(codebook.subspaces() * centroid_count),
      chosen_(codebook.components()) {}

void CodeSearch::project(std::size_t count) {
  const std::size_t dims = codebook_.dims();
  const float* mean = codebook_.mean();
  for (std::size_t row = 0; row < count; ++row) {
    float* vector = &vectors_[row * dims];
    for (std::size_t i = 0; i < dims; ++i) vector[i] -= mean[i];
  }
  kernel::active().multiply(vectors_.data(), codebook_.rotation(), components_.data(), count, codebook_.components(),
                            dims);
}

Factors CodeSearch::search(std::size_t index, std::uint8_t* code) {
  const std::size_t components = codebook_.components();
  const float* centred = &vectors_[index * codebook_.dims()];
  current_ = &components_[index * components];
  find_nearest(current_, code);
  descend(code);
  gather(code);
  const double xx = dot(current_, current_, components);
  const double xd = dot(current_, chosen_.data(), components);
  const double dd = dot(chosen_.data(), chosen_.data(), components);
  const double length = dot(centred, centred, codebook_.dims());
  outside_ = components < codebook_.dims() ? std::max(0.0, length - xx) : 0.0;
  Factors factors;
  const double squared = codebook_.form() == CodebookForm::halves ? xx : std::min(length, most_made_up * xx);
  factors.scale = unbiased_scale(squared, xd, dd);
  factors.add = static_cast<float>(
      codebook_.metric() == base::Metric::l2 ? length : dot(centred, codebook_.mean(), codebook_.dims()));
  factors.error = error(factors.scale);
  return factors;
}

float CodeSearch::error(float scale) const {
  double sum = outside_;
  for (std::size_t i = 0; i < chosen_.size(); ++i) {
    const double rest = static_cast<double>(current_[i]) - static_cast<double>(scale) * chosen_[i];
    sum += rest * rest;
  }
  return static_cast<float>(std::sqrt(sum));
}

void CodeSearch::find_nearest(const float* x, std::uint8_t* code) {
  for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
    float* products = &products_[j * centroid_count];
    loops_.products(x + codebook_.start(j), codebook_.centroids(j), codebook_.width(j), products);
    code[j] = loops_.nearest(products, codebook_.squared_norms(j));
  }
}

/// Chooses each byte anew, given the others, so that D comes closest to the direction of X.
void CodeSearch::descend(std::uint8_t* code) {
  double xd = 0;
  double dd = 0;
  for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
    xd += products_[j * centroid_count + code[j]];
    dd += codebook_.squared_norms(j)[code[j]];
  }
  for (int round = 0; round < descent_rounds; ++round) {
    for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
      const float* products = &products_[j * centroid_count];
      const float* squared_norms = codebook_.squared_norms(j);
      xd -= products[code[j]];
      dd = std::max(0.0, dd - squared_norms[code[j]]);
      code[j] = loops_.best_angle(static_cast<float>(xd), static_cast<float>(dd), products, squared_norms);
      xd += products[code[j]];
      dd += squared_norms[code[j]];
    }
  }
}

void CodeSearch::gather(const std::uint8_t* code) {
  for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
    const float* column = codebook_.centroids(j) + code[j];
    for (std::size_t i = 0; i < codebook_.width(j); ++i) chosen_[codebook_.start(j) + i] = column[i * centroid_count];
  }
}

}  // namespace embedless::code
