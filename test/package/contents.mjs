// `node test/package/contents.mjs [--write]`: lists what the packed package holds, folder by folder, beside what it held
// when `contents.json` was written. Ends with 1 for a file that users have no use for and for growth that nobody has
// explained; `--write` takes the sizes of today, for a change that is meant to add to them.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dryPack } from "./projects.mjs";

const stored = new URL("contents.json", import.meta.url);
/** A folder may grow by this factor, and by this many bytes whatever its size, before somebody has to look. */
const GROWTH = 1.1;
const SPARE_BYTES = 20_000;

/** Files that a package must not hold, and why. */
const UNWANTED = [
  [/^(build|test|examples|node_modules|\.ci|coverage)\//, "is not for users"],
  [/^dist\/(test|examples)\//, "is not for users"],
  [/^(src|integrations)\/.*\.(ts|mjs)$/, "is a source, and dist/ has what runs"],
  [/\.[cm]?[jt]s\.map$/, "is a source map, and its source is not packed"],
  [/\.(tsbuildinfo|tgz|db|log)$/, "is left over from a build or a run"],
];

/** Names of folders, two levels deep, with the number and bytes of their files; files of the root by themselves. */
export function folders(files) {
  const sums = {};
  for (const { path, size } of files) {
    const parts = path.split("/").slice(0, -1);
    const name = parts.length === 0 ? path : parts.slice(0, 2).join("/");
    sums[name] ??= { files: 0, bytes: 0 };
    sums[name].files++;
    sums[name].bytes += size;
  }
  return Object.fromEntries(Object.entries(sums).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What is wrong with the files of a package, one sentence each. */
export function contentProblems(files, before) {
  const unwanted = files.flatMap(({ path }) =>
    UNWANTED.filter(([pattern]) => pattern.test(path)).map(([, why]) => `${path} ${why}`),
  );
  const grown = Object.entries(folders(files)).flatMap(([name, { bytes }]) => {
    const known = before[name]?.bytes;
    if (known === undefined) return [`${name} is new: ${kilobytes(bytes)}`];
    const most = GROWTH * known + SPARE_BYTES;
    return bytes > most ? [`${name} grew from ${kilobytes(known)} to ${kilobytes(bytes)}`] : [];
  });
  return [...unwanted, ...grown];
}

/** A line a folder: files, size, and the size that is stored. */
export function listing(files, before) {
  return Object.entries(folders(files)).map(([name, { files: count, bytes }]) => {
    const known = before[name] === undefined ? "new" : kilobytes(before[name].bytes);
    return `${name.padEnd(24)}${String(count).padStart(5)} files ${kilobytes(bytes).padStart(10)}   stored ${known}`;
  });
}

export function storedContents() {
  return JSON.parse(readFileSync(stored, "utf8"));
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files } = dryPack();
  if (process.argv.includes("--write")) writeFileSync(stored, `${JSON.stringify(folders(files), undefined, 2)}\n`);
  const before = storedContents();
  for (const line of listing(files, before)) console.log(line);
  const problems = contentProblems(files, before);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
