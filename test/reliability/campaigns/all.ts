import type { Campaign } from "./campaign.js";
import { damageCampaign, everyByte } from "./damage.js";
import { environment } from "./environment.js";
import { fullDisk, fullFiles } from "./full_disk.js";
import { kill } from "./kill.js";
import { model } from "./model.js";
import { openClose } from "./open_close.js";

/** A campaign with the numbers of its short and its long form. */
export interface NamedCampaign {
  /** As figures name it. */
  test: string;
  about: string;
  run: Campaign;
  seed: number;
  /** Trials of the short form; 0: only the long form has it. */
  short: number;
  /** Trials of the long form. */
  full: number;
}

/** Every campaign, the longest last. Each has a seed of its own, so that figures can be had again. */
export const CAMPAIGNS: readonly NamedCampaign[] = [
  {
    test: "environment",
    about: "read-only, no rights, odd names and places, links, files that change while open",
    run: environment,
    seed: 1,
    short: 1,
    full: 1,
  },
  {
    test: "disk full",
    about: "from no space to enough, every operation",
    run: fullDisk,
    seed: 1,
    short: 75,
    full: 1_000,
  },
  { test: "file size limit", about: "the same by a limit on files", run: fullFiles, seed: 1, short: 40, full: 500 },
  {
    test: "kill -9",
    about: "at random moments of add, delete, compact and backup",
    run: kill,
    seed: 20_260_401,
    short: 300,
    full: 5_000,
  },
  {
    test: "open and close",
    about: "files, threads, handles and memory that stay behind",
    run: openClose,
    seed: 1,
    short: 400,
    full: 10_000,
  },
  {
    test: "random operations",
    about: "on stores of any combination of options, through handles and processes, against a plain model",
    run: model,
    seed: 1,
    short: 150,
    full: 3_000,
  },
  {
    test: "truncation",
    about: "stores cut at any length",
    run: damageCampaign("truncation"),
    seed: 4,
    short: 500,
    full: 5_000,
  },
  {
    test: "damaged pages",
    about: "pages swapped, zeroed, spliced in from another store, junk appended",
    run: damageCampaign("pages"),
    seed: 3,
    short: 500,
    full: 5_000,
  },
  {
    test: "damaged bytes",
    about: "one byte xor 0xff",
    run: damageCampaign("bytes"),
    seed: 1,
    short: 2_500,
    full: 5_000,
  },
  { test: "damaged bits", about: "one bit flipped", run: damageCampaign("bits"), seed: 2, short: 2_500, full: 20_000 },
  { test: "every byte", about: "every byte of three stores xor 0xff", run: everyByte, seed: 0, short: 0, full: 1 },
];

/** The campaign of that name. */
export function campaignOf(test: string): NamedCampaign {
  const found = CAMPAIGNS.find((campaign) => campaign.test === test);
  if (found === undefined) throw new Error(`There is no campaign "${test}".`);
  return found;
}
