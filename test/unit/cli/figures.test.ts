import { expect, it } from "vitest";
import { bytes, bytesFrom, count, counted, duration, milliseconds, ratio } from "../../../src/cli/figures.js";

it("writes numbers for people", () => {
  expect([count(0), count(1536), count(1234567)]).toEqual(["0", "1,536", "1,234,567"]);
  expect([counted(0, "file"), counted(1, "file"), counted(2000, "file")]).toEqual(["0 files", "1 file", "2,000 files"]);
});

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [999_949, "999.9 kB"],
  [999_960, "1.0 MB"],
  [3_000_000, "3.0 MB"],
  [5e15, "5000.0 TB"],
])("%d bytes are %s", (value, text) => expect(bytes(value)).toBe(text));

it.each([
  [0.4, "0 s"],
  [59.4, "59 s"],
  [59.6, "1 min 0 s"],
  [125, "2 min 5 s"],
  [3600, "1 h 0 min"],
  [11_400, "3 h 10 min"],
])("%d seconds are %s", (value, text) => expect(duration(value)).toBe(text));

it("writes times and shares", () => {
  expect([milliseconds(0.421), milliseconds(3.14), milliseconds(38.4), milliseconds(2310)]).toEqual([
    "0.42 ms",
    "3.1 ms",
    "38 ms",
    "2,310 ms",
  ]);
  expect([ratio(1, 2), ratio(1, 0)]).toEqual(["0.50", "-"]);
});

it.each([
  ["4096", 4096],
  ["10MB", 10_000_000],
  ["2 MiB", 2_097_152],
  ["1.5kb", 1_500],
  ["3g", 3_000_000_000],
  ["0", 0],
])("bytesFrom reads %j", (text, value) => expect(bytesFrom(text)).toBe(value));

it.each(["", "MB", "-1", "1e6", "10 XB", "5ib", "10MB!", "٣"])("bytesFrom refuses %j", (text) =>
  expect(bytesFrom(text)).toBeUndefined(),
);
