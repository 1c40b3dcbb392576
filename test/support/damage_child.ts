/** A process that asks damaged stores all there is to ask, one after another; see `ChildPool`. */
import { interrogate } from "../reliability/campaigns/answers.js";
import type { DamageRequest } from "../reliability/campaigns/damage.js";

process.on("message", async ({ path, kind, ids, readOnly }: DamageRequest) => {
  process.send!(await interrogate(path, kind, ids, readOnly));
});
// Nobody is left to answer to.
process.on("disconnect", () => process.exit(0));
