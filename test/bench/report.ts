import { cpus } from "node:os";

/** One line of a table, or with `--json` one object. Columns in the order of the keys. */
export type Row = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where a benchmark writes its figures: aligned tables to read, or one JSON object a line to parse. */
export class Report {
  readonly #json: boolean;
  readonly #write: (line: string) => void;

  constructor(json: boolean, write: (line: string) => void = (line) => process.stdout.write(`${line}\n`)) {
    this.#json = json;
    this.#write = write;
  }

  /**
   * Figures of one kind.
   *
   * @param bench Name of the kind; the key `bench` of each JSON object.
   * @param rows Figures with, in `beside`, columns that only the table shows.
   */
  figures(bench: string, rows: readonly { readonly record: Row; readonly beside?: Row }[]): void {
    if (this.#json) {
      for (const { record } of rows) this.#write(JSON.stringify({ bench, ...record }));
      return;
    }
    this.#write(`\n${bench}`);
    for (const line of table(rows.map(({ record, beside }) => ({ ...record, ...beside })))) this.#write(line);
  }

  /** Figures for the reader only; left out of JSON. */
  aside(title: string, rows: readonly Row[]): void {
    if (!this.#json)
      this.figures(
        title,
        rows.map((record) => ({ record })),
      );
  }

  /** A sentence for the reader; left out of JSON. */
  note(sentence: string): void {
    if (!this.#json) this.#write(sentence);
  }

  /** Says whether a stated target was reached. */
  target(what: string, met: boolean): void {
    this.note(`  ${met ? "reached" : "MISSED "}  ${what}`);
  }

  /** What was measured on, since no figure means anything without it. */
  machine(activeInstructionSet: string): void {
    const all = cpus();
    const date = new Date().toISOString().slice(0, 10);
    const model = all[0]?.model.trim() ?? "unknown processor";
    this.note(`${model}, ${all.length} cores, ${activeInstructionSet}, Node ${process.version}, ${date}`);
  }
}

/** Rows as lines of equal width: numbers to the right, words to the left. */
export function table(rows: readonly Row[]): string[] {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => keys.map((key) => show(row[key])));
  const widths = keys.map((key, i) => Math.max(key.length, ...cells.map((line) => line[i]!.length)));
  const numeric = keys.map((key) => rows.every((row) => typeof row[key] !== "string"));
  const line = (words: readonly string[]) =>
    `  ${words.map((word, i) => (numeric[i] ? word.padStart(widths[i]!) : word.padEnd(widths[i]!))).join("  ")}`.trimEnd();
  return [line(keys), ...cells.map(line)];
}

function show(value: Row[string]): string {
  if (typeof value === "number" && Math.abs(value) >= 10_000) return Math.round(value).toLocaleString("en");
  return value === undefined ? "-" : String(value);
}

/** `value` with at most `digits` places behind the point. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The value below which the given share (0 to 1) of `values` lies; the arithmetic between neighbours is linear. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
