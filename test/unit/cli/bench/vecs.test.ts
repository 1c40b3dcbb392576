import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VecsFile, type VecsFormat, type VecsRow, writeVecs } from "../../../../src/cli/bench/vecs.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "embedless-vecs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ALL: readonly VecsFormat[] = ["fvecs", "ivecs", "bvecs"];

/** Rows of any content that depends on format, record and place. */
function rowsOf(format: VecsFormat, count: number, dims: number): VecsRow[] {
  return Array.from({ length: count }, (_, i) => {
    if (format === "fvecs") return Float32Array.from({ length: dims }, (_, j) => i - j / 3);
    if (format === "ivecs") return Int32Array.from({ length: dims }, (_, j) => i * 1000 - j);
    return Uint8Array.from({ length: dims }, (_, j) => (i * 7 + j) % 256);
  });
}

/** A long row in few characters. */
function contentOf(row: VecsRow): string {
  const bytes = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
  return `${row.constructor.name} ${createHash("sha256").update(bytes).digest("hex")}`;
}

async function withFile<T>(path: string, work: (file: VecsFile) => Promise<T>): Promise<T> {
  const file = await VecsFile.open(path, ALL);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function readAll(file: VecsFile): Promise<VecsRow[]> {
  const rows: VecsRow[] = [];
  for await (const chunk of file.chunks()) {
    expect(chunk.first).toBe(rows.length);
    for (let i = 0; i < chunk.count; i++) rows.push(chunk.rows.slice(i * file.dims, (i + 1) * file.dims));
  }
  return rows;
}

describe.each(ALL)("%s", (format) => {
  it.each([
    [0, 3],
    [1, 1],
    [1, 5],
    [300, 7],
    // 15 records of 65,536 four-byte numbers fill a chunk.
    [14, 65_536],
    [15, 65_536],
    [16, 65_536],
  ])("gives %i records of %i numbers back", async (count, dims) => {
    const path = join(folder, `all.${format}`);
    const rows = rowsOf(format, count, dims);
    expect(await writeVecs(path, rows)).toBe(count);
    await withFile(path, async (file) => {
      expect([file.format, file.count, file.dims]).toEqual([format, count, count === 0 ? 0 : dims]);
      const found = await readAll(file);
      expect(found.map(contentOf)).toEqual(rows.map(contentOf));
    });
  });

  it("is laid out as published: a little-endian length before each record", async () => {
    const path = join(folder, `layout.${format}`);
    await writeVecs(path, rowsOf(format, 2, 3));
    const bytes = readFileSync(path);
    const recordBytes = bytes.length / 2;
    expect(recordBytes).toBe(4 + 3 * (format === "bvecs" ? 1 : 4));
    expect([bytes.readInt32LE(0), bytes.readInt32LE(recordBytes)]).toEqual([3, 3]);
    const second = { fvecs: () => bytes.readFloatLE(recordBytes + 4), ivecs: () => bytes.readInt32LE(recordBytes + 4) };
    expect(format === "bvecs" ? bytes.readUInt8(recordBytes + 4) : second[format]()).toBe(rowsOf(format, 2, 3)[1]![0]);
  });

  it("reads any run of records", async () => {
    const path = join(folder, `runs.${format}`);
    const rows = rowsOf(format, 20, 3);
    await writeVecs(path, rows);
    await withFile(path, async (file) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(20), fc.nat(20), async (a, b) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const flat = rows.slice(from, to).flatMap((row) => Array.from<number>(row));
          expect(Array.from(await file.read(from, to - from))).toEqual(flat);
          expect(await file.readFloats(from, to - from)).toEqual(Float32Array.from(flat));
        }),
      );
      for (const [first, count] of [
        [0, 21],
        [20, 1],
        [-1, 1],
        [0.5, 1],
        [0, -1],
      ] as const) {
        await expect(file.read(first, count)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      }
    });
  });

  it("names the record at which the file ends too early, wherever it ends", async () => {
    const path = join(folder, `cut.${format}`);
    await writeVecs(path, rowsOf(format, 3, 2));
    const recordBytes = statSync(path).size / 3;
    for (let size = statSync(path).size - 1; size > 0; size--) {
      truncateSync(path, size);
      const record = Math.floor(size / recordBytes);
      if (size % recordBytes === 0) {
        await withFile(path, async (file) => expect(file.count).toBe(record));
        continue;
      }
      const message = new RegExp(`^Record ${record} of .*cut short`);
      await expect(VecsFile.open(path, ALL)).rejects.toMatchObject({
        code: "CORRUPT",
        message: expect.stringMatching(message),
      });
    }
  });

  it("names the record of another length, whether the file's size gives it away or not", async () => {
    const path = join(folder, `mixed.${format}`);
    const other = join(folder, `other.${format}`);
    await writeVecs(path, rowsOf(format, 5, 4));
    await writeVecs(other, rowsOf(format, 1, 3));
    appendFileSync(path, readFileSync(other));
    appendFileSync(path, readFileSync(path));
    const failure = { code: "CORRUPT", message: expect.stringMatching(/^Record 5 of .* holds 3 numbers, but .* 4\.$/) };
    await expect(VecsFile.open(path, ALL)).rejects.toMatchObject(failure);

    const bytes = readFileSync(path).subarray(0, 5 * (4 + 4 * (format === "bvecs" ? 1 : 4)));
    bytes.writeInt32LE(9, (2 * bytes.length) / 5);
    writeFileSync(path, bytes);
    await withFile(path, async (file) => {
      expect((await file.read(0, 2)).length).toBe(8);
      await expect(file.read(1, 2)).rejects.toMatchObject({
        message: expect.stringMatching(/^Record 2 of .* 9 numbers/),
      });
    });
  });
});

it.each([0, -1, 65_537, 0x7fffffff])("refuses a first record of %i numbers", async (dims) => {
  const path = join(folder, "alien.fvecs");
  const bytes = Buffer.alloc(64);
  bytes.writeInt32LE(dims);
  writeFileSync(path, bytes);
  await expect(VecsFile.open(path, ALL)).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringContaining("Record 0"),
  });
});

it("refuses numbers that are not finite, naming their record", async () => {
  const path = join(folder, "nan.fvecs");
  await writeVecs(path, [Float32Array.of(1, 2), Float32Array.of(3e38, 3e38), Float32Array.of(0, Number.NaN)]);
  await withFile(path, async (file) => {
    expect(await file.readFloats(0, 2)).toEqual(Float32Array.of(1, 2, 3e38, 3e38));
    await expect(file.readFloats(1, 2)).rejects.toMatchObject({
      code: "INVALID_VECTOR",
      message: expect.stringMatching(/record 2/),
    });
  });
});

it("refuses files by name, and files that are not there", async () => {
  await expect(VecsFile.open(join(folder, "x.txt"), ["fvecs", "bvecs"])).rejects.toThrow(/\.fvecs or \.bvecs/);
  await expect(VecsFile.open(join(folder, "x.ivecs"), ["fvecs"])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(VecsFile.open(join(folder, "x.fvecs"), ALL)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(VecsFile.open(folder, ALL)).rejects.toThrow(/Expected a file/);
  await expect(writeVecs(join(folder, "no", "x.fvecs"), [])).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(writeVecs(join(folder, "x.dat"), [])).rejects.toThrow(/Expected a file/);
});

it("refuses to write records of another length or of other numbers", async () => {
  const path = join(folder, "write.fvecs");
  await expect(writeVecs(path, [new Float32Array(2), new Float32Array(3)])).rejects.toThrow(/record 1/);
  await expect(writeVecs(path, [new Float32Array(2), new Int32Array(2)])).rejects.toThrow(/Float32Array for record 1/);
  await expect(writeVecs(path, [new Float32Array(0)])).rejects.toThrow(/record 0/);
});

it("writes what comes bit by bit", async () => {
  const path = join(folder, "stream.bvecs");
  async function* rows() {
    for (let i = 0; i < 10; i++) yield Uint8Array.of(i, i + 1);
  }
  expect(await writeVecs(path, rows())).toBe(10);
  await withFile(path, async (file) => expect(await file.read(9, 1)).toEqual(Uint8Array.of(9, 10)));
});
