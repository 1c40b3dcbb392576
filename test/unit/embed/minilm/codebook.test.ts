import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  codebookFile,
  codebookFolder,
  minilm,
  newestCodebook,
  shippedCodebook,
} from "../../../../src/embed/minilm/minilm.js";
import { sha256 } from "../../../../src/embed/model_folder.js";

describe("shipped codebooks", () => {
  it("are loaded only if they are what their name says", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "embedless-codebook-"));
    const bytes = Uint8Array.of(1, 2, 3);
    const name = sha256(bytes);
    writeFileSync(path.join(folder, `${name}.bin`), bytes);
    expect(await codebookFile(folder, name).load()).toEqual(bytes);
    writeFileSync(path.join(folder, `${name}.bin`), Uint8Array.of(1, 2, 4));
    await expect(codebookFile(folder, name).load()).rejects.toThrow(expect.objectContaining({ code: "CORRUPT" }));
    await expect(codebookFile(folder, "absent").load()).rejects.toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  });

  it("are all registered, can all be loaded, and the newest one is the model's", async () => {
    const files = existsSync(codebookFolder()) ? readdirSync(codebookFolder()).filter((f) => f.endsWith(".bin")) : [];
    for (const file of files) {
      const shipped = shippedCodebook(path.basename(file, ".bin"));
      expect((await shipped!.load()).length).toBeGreaterThan(0);
    }
    expect(newestCodebook() === undefined).toBe(files.length === 0);
    expect(minilm().codebook?.sha256).toBe(newestCodebook()?.sha256);
    expect(shippedCodebook("unknown")).toBeUndefined();
  });
});
