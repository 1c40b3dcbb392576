import { join } from "node:path";
import { seeded } from "../../support/seeded.js";
import { Episode } from "../model/episode.js";
import { drawTraits } from "../model/traits.js";
import { type Campaign, inScratchFolder, runTrials } from "./campaign.js";

/** Random operations on stores of any combination of options, compared with a plain model in memory. */
export const model: Campaign = async (options) => {
  return await runTrials(options, async (n) => {
    const seed = options.seed * 100_000 + n;
    return await inScratchFolder(async (folder) => {
      try {
        await new Episode(seed, drawTraits(seeded(seed)), join(folder, "store.db")).run();
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    });
  });
};
