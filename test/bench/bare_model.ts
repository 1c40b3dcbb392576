/**
 * The program of a child process that does nothing but run the model: what the embedder's own processes are measured
 * against. Inputs are made beforehand, so its time is that of ONNX Runtime alone:
 * `node bare_model.js exact|plain`, which is how bytes are multiplied (`needsExactBytes`).
 */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { minilmFolder } from "../../src/embed/minilm/minilm.js";
import { readModelFolder } from "../../src/embed/model_folder.js";
import { folderTokenizer, sessionOptions } from "../../src/embed/onnx_engine.js";

/** To this process: texts to get ready for, or the word to run them all. It answers both when done. */
export type ToBareModel = { prepare: readonly string[] } | "run";

type Feeds = Record<string, Tensor>;

const model = await readModelFolder(minilmFolder());
const session = await InferenceSession.create(model.weights, sessionOptions(process.argv[2] === "exact"));
const tokenizer = await folderTokenizer(model);
let prepared: Feeds[] = [];

function feedsOf(text: string): Feeds {
  const { ids } = tokenizer.encode(text);
  const tensor = (values: readonly bigint[]) => new Tensor("int64", BigInt64Array.from(values), [1, ids.length]);
  const all: Feeds = {
    input_ids: tensor(ids.map(BigInt)),
    attention_mask: tensor(ids.map(() => 1n)),
    token_type_ids: tensor(ids.map(() => 0n)),
  };
  return Object.fromEntries(session.inputNames.map((name) => [name, all[name]!]));
}

process.on("message", async (message: ToBareModel) => {
  if (message === "run") for (const feeds of prepared) await session.run(feeds);
  else prepared = message.prepare.map(feedsOf);
  process.send!("done");
});
process.on("disconnect", () => process.exit(0));
process.send!("done");
