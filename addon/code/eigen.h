#pragma once

#include <cstddef>
#include <vector>

#include "base/stop.h"

namespace embedless::code {

/// Eigenvalues, falling, and their orthonormal eigenvectors, one a row.
struct Eigen {
  std::vector<double> values;
  std::vector<double> vectors;  // [order][order]
};

/// All eigenpairs of a real symmetric matrix [order][order]: Householder reduction to tridiagonal form, then implicit
/// QL (Bowdler, Martin, Reinsch, Wilkinson: "The QR and QL algorithms for symmetric matrices", 1968).
/// @throws Error INVALID_ARGUMENT if the iteration does not converge, which finite input does not cause; Stopped.
Eigen symmetric_eigen(std::vector<double> matrix, std::size_t order, const base::StopFlag* stop = nullptr);

}  // namespace embedless::code
