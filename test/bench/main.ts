import { parseArgs } from "node:util";
import { native } from "../../src/native/native.js";
import { defaultDataFolder } from "../support/data.js";
import { type Bench, type BenchContext, runBench } from "./bench.js";
import { calibrate } from "./calibrate.js";
import { codebook } from "./codebook.js";
import { CODE_NAMES } from "./coded_data.js";
import { codes } from "./codes.js";
import { dims } from "./dims.js";
import { embed } from "./embed.js";
import { eventLoop } from "./event_loop.js";
import { filter } from "./filter.js";
import { frontier } from "./frontier.js";
import { graph } from "./graph.js";
import { growth } from "./growth.js";
import { ladder } from "./ladder.js";
import { misses } from "./misses.js";
import { promise } from "./promise.js";
import { query } from "./query.js";
import { reliability } from "./reliability.js";
import { Report } from "./report.js";
import { retrieval } from "./retrieval.js";
import { scan } from "./scan.js";
import { size } from "./size.js";
import { store } from "./store.js";
import { train } from "./train.js";
import { walks } from "./walks.js";

const BENCHES: readonly Bench[] = [
  codes,
  train,
  dims,
  scan,
  size,
  eventLoop,
  filter,
  graph,
  embed,
  store,
  query,
  retrieval,
  frontier,
  ladder,
  walks,
  growth,
  codebook,
  calibrate,
  promise,
  misses,
  reliability,
];

function help(): string {
  const width = Math.max(...BENCHES.map((bench) => bench.name.length));
  const list = BENCHES.map((bench) => `  ${bench.name.padEnd(width)}  ${bench.about}`);
  return [
    "npm run bench -- <name...> [--json] [--full] [--codes <names>] [--data <folder>]",
    "",
    ...list,
    "",
    "  --json           one JSON object a line instead of tables",
    "  --full           also what takes gigabytes or many minutes",
    "  --codes <names>  codes to measure, with commas between them, such as 48,lvq8; default: all",
    "  --data <folder>  real passages with their vectors; default ../shared/data beside the package",
    "  --help           this",
    "",
  ].join("\n");
}

interface Arguments extends Omit<BenchContext, "report"> {
  names: string[];
  json: boolean;
  help: boolean;
}

/** What the command line asks for, or one sentence of what is wrong with it. */
function readArguments(): Arguments | string {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean" },
        full: { type: "boolean" },
        codes: { type: "string" },
        data: { type: "string" },
        help: { type: "boolean" },
      },
    });
    const unknown = positionals.find((name) => !BENCHES.some((bench) => bench.name === name));
    if (unknown !== undefined) {
      return `There is no benchmark "${unknown}"; there are ${BENCHES.map((bench) => bench.name).join(", ")}.`;
    }
    const codes = values.codes?.split(",").map((name) => name.trim());
    const strange = codes?.find((name) => !CODE_NAMES.includes(name));
    if (strange !== undefined) return `There is no code "${strange}"; there are ${CODE_NAMES.join(", ")}.`;
    if (positionals.length === 0 && !values.help) return "Expected the name of a benchmark; --help lists them.";
    return {
      names: positionals,
      json: values.json ?? false,
      full: values.full ?? false,
      codes,
      data: values.data ?? defaultDataFolder(),
      help: values.help ?? false,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main(): Promise<void> {
  const wanted = readArguments();
  if (typeof wanted === "string") {
    process.stderr.write(`${wanted}\n`);
    process.exitCode = 2;
    return;
  }
  if (wanted.help) {
    process.stdout.write(help());
    return;
  }
  const report = new Report(wanted.json);
  report.machine(native().activeInstructionSet());
  for (const name of wanted.names) {
    await runBench(BENCHES.find((bench) => bench.name === name)!, { ...wanted, report });
  }
}

await main();
