/** What the library warns of, as a line on the error stream like every other message of the commands. */

import { sentenceOf } from "./failures.js";
import { terminalOf } from "./terminal.js";

/** Prints warnings of this package by itself; others are left to Node. */
export function printWarnings(): void {
  const usual = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "EmbedlessWarning") for (const listener of usual) listener.call(process, warning);
    else terminalOf(process.stderr).line(`embedless: note: ${sentenceOf(warning)}`);
  });
}
