#include "kernel/descent.h"

#if defined(__x86_64__) || defined(_M_X64)

#include "kernel/avx2_lanes.h"
#include "kernel/descent_loops.h"

namespace embedless::kernel {

constinit const DescentTable avx2_descent{"avx2", descent_loops::products<Avx2>, descent_loops::nearest<Avx2>,
                                          descent_loops::best_angle<Avx2>};

}  // namespace embedless::kernel

#endif
