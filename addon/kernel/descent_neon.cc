#include "kernel/descent.h"

#if defined(__aarch64__) || defined(_M_ARM64)

#include "kernel/descent_loops.h"
#include "kernel/neon_lanes.h"

namespace embedless::kernel {

constinit const DescentTable neon_descent{"neon", descent_loops::products<Neon>, descent_loops::nearest<Neon>,
                                          descent_loops::best_angle<Neon>};

}  // namespace embedless::kernel

#endif
