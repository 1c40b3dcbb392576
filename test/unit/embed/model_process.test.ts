import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { packagePath } from "../../../src/base/packages.js";
import { resolverOptions } from "../../../src/embed/forked_model.js";
import { temporaryFile } from "../../support/store.js";

it.each([
  ["", ""],
  ["--inspect=0.0.0.0:9229 --max-old-space-size=4096", ""],
  ["--require /app/register.js --import tsx", ""],
  ["--require /app/.pnp.cjs --experimental-loader file:///app/.pnp.loader.mjs", "both"],
  ["--inspect --require=/app/.pnp.cjs --import tsx", "--require=/app/.pnp.cjs"],
  ['-r "/my app/.pnp.cjs" --loader /x.mjs', '-r "/my app/.pnp.cjs"'],
])("of NODE_OPTIONS %j a model's process gets what finds packages", (given, expected) => {
  expect(resolverOptions(given)).toBe(expected === "both" ? given : expected);
});

it("an application that runs in the place of the model's program does not start itself again", async () => {
  const file = await temporaryFile();
  const program = `const { VectorStore } = await import(${JSON.stringify(packagePath("dist", "src", "index.js"))});
const store = await VectorStore.open(${JSON.stringify(file)});
await store.add([{ text: "one" }]).catch(({ code, message }) => console.log(code, message));
await store.close();`;
  const env = { ...process.env, EMBEDLESS_MODEL_PROCESS: "1" };
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { env, encoding: "utf8" });
  expect(stdout).toMatch(/^EMBEDDER_FAILED .* runs the application again/);
});
