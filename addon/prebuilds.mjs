// Where the addons that are packed come to lie: prebuilds/<platform>-<arch>, with -musl behind it on Alpine and its like.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const prebuilds = fileURLToPath(new URL("../prebuilds/", import.meta.url));

/** This system's folder, as src/native/prebuilt.ts names it, which is not compiled yet when the addon is. */
export function ownFolder() {
  const musl = process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;
  return `${process.platform}-${process.arch}${musl ? "-musl" : ""}`;
}

/** Replaces the file as a whole: a process that has the old one mapped would crash if its bytes changed. */
export function ship(built, folder) {
  const shipped = join(prebuilds, folder, "embedless.node");
  if (existsSync(shipped) && readFileSync(shipped).equals(readFileSync(built))) return;
  mkdirSync(dirname(shipped), { recursive: true });
  copyFileSync(built, `${shipped}.new`);
  renameSync(`${shipped}.new`, shipped);
}
