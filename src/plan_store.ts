import { minilm } from "./embed/minilm/minilm.js";
import { native } from "./native.js";
import { resolvePlanOptions } from "./options.js";
import { forecast } from "./search/forecast.js";
import { measureMachine } from "./search/machine_speed.js";
import type { PlanOptions, StorePlan } from "./types.js";

/**
 * What a store of so many passages may cost in bytes and will cost in time, measured on this machine now.
 *
 * @throws `INVALID_ARGUMENT`, `EMBEDDER_*`, `NATIVE_LOAD`, `ABORTED`
 */
export async function planStore(options: PlanOptions): Promise<StorePlan> {
  const { embedder: given, signal, ...goal } = resolvePlanOptions(options);
  const embedder = given ?? minilm();
  try {
    const { dims, ...speed } = await measureMachine(native(), embedder, { signal });
    return forecast(goal, speed, dims);
  } finally {
    if (given === undefined) await embedder.close?.();
  }
}
