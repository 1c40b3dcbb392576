#include "kernel/descent.h"

#if defined(__x86_64__) || defined(_M_X64)

#include "kernel/avx512_lanes.h"
#include "kernel/descent_loops.h"

namespace embedless::kernel {

constinit const DescentTable avx512_descent{"avx512", descent_loops::products<Avx512>, descent_loops::nearest<Avx512>,
                                            descent_loops::best_angle<Avx512>};

}  // namespace embedless::kernel

#endif
