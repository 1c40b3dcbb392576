import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { runCommand } from "../../support/command_line.js";
import { embeddingServer } from "../../support/embedding_server.js";

vi.setConfig({ testTimeout: 60_000 });

it("build says once that a server's vectors depend on the batch, stats says it for good, and search finds", async () => {
  const server = await embeddingServer({ batchNoise: 0.15 });
  const folder = mkdtempSync(join(tmpdir(), "embedless-warnings-"));
  const run = (...args: string[]) => runCommand(args, { cwd: folder });
  try {
    for (const name of ["a", "b", "c"]) writeFileSync(join(folder, `${name}.md`), `# ${name}\n\nA text of ${name}.\n`);
    const model = ["--model", "fake", "--url", server.url];
    const built = await run("build", "s.db", ".", ...model);
    expect([built.code, built.stderr]).toEqual([
      0,
      expect.stringMatching(
        /^embedless: note: The vectors of the embedder http:fake depend on the batch \(cosine 0\.9\d+ .*one text at a time.*\(EMBEDLESS_ONE_BY_ONE\)\n$/,
      ),
    ]);
    expect((await run("build", "s.db", ".")).stderr).toBe("");
    const said = await run("stats", "s.db");
    expect(said.stdout).toMatch(/^ +batches +one text at a time: vectors differ in a batch \(cosine 0\.9\d+\)$/m);
    expect(said.stdout).not.toMatch(/canaries/);
    const found = await run("search", "s.db", "A text of b.", "--k", "1");
    expect([found.code, found.stderr]).toEqual([0, ""]);
    expect(found.stdout).toContain("b.md");
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  }
});
