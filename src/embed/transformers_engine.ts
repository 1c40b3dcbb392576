import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import type { AssumedSettings } from "../api/embedder.js";
import { EmbedlessError } from "../base/errors.js";
import { optionalPackage } from "../base/packages.js";
import { type Engine, type EngineSpec, sentenceVector } from "./engine.js";
import { assumedOf, guessOf } from "./known_models.js";
import { dimsOf, number, type RunSettings, runSettings, sentenceSettings, unsupported } from "./model_folder.js";
import { sessionOptions } from "./onnx_engine.js";
import { TextTokenizer } from "./tokenizer.js";

type Spec = Extract<EngineSpec, { kind: "transformers" }>;
type Library = typeof import("@huggingface/transformers");

/**
 * Loads a model of a hub, from the cache if it is there.
 *
 * @param exactBytes See `needsExactBytes`.
 */
export async function loadTransformersEngine(spec: Spec, exactBytes: boolean): Promise<Engine> {
  const library = await optionalPackage(
    "@huggingface/transformers",
    "A model of a hub",
    () => import("@huggingface/transformers"),
  );
  const { env, AutoTokenizer, AutoModel } = library;
  env.allowLocalModels = false;
  if (spec.host) env.remoteHost = spec.host;
  // Two hubs may use one name for two models.
  env.cacheDir = path.join(spec.cacheDir, new URL(env.remoteHost).host.replaceAll(":", "_"));
  const { model: name, revision } = spec;
  const dtype = spec.dtype as NonNullable<Parameters<typeof AutoModel.from_pretrained>[1]>["dtype"] & string;
  try {
    // The model is loaded first, because without a model the tokenizer fails without saying why.
    const model = await AutoModel.from_pretrained(name, {
      revision,
      dtype,
      device: "cpu",
      session_options: sessionOptions(exactBytes),
    });
    const tokenizer = await AutoTokenizer.from_pretrained(name, { revision });
    const read = (file: string): Promise<unknown> => hubJson(library, spec, file);
    const config = model.config as unknown as Record<string, unknown>;
    const assumed = assumedHere(spec, config);
    const files = await sentenceSettings(name, read, assumed);
    const settings = runSettings(assumed ?? {}, files, spec.settings);
    const limits = [number(tokenizer.model_max_length), number(config["max_position_embeddings"])];
    const window = Math.min(...limits.map((limit) => limit ?? assumed?.window ?? 512), assumed?.window ?? 1e6);
    const encode = (text: string, special: boolean): number[] =>
      tokenizer.encode(text, { add_special_tokens: special });
    const cut = new TextTokenizer(encode, window, settings.maxTokens, settings.endToken);
    return {
      guess:
        assumed === undefined || spec.assumed === "config" ? guessOf(name, [files, assumed, spec.settings]) : undefined,
      async embed(text, kind) {
        const prefix = (kind === "question" ? settings.queryPrefix : settings.passagePrefix) ?? "";
        const { ids, tokens, truncated } = cut.encode(prefix + text);
        const answer = await model(inputs(library, ids));
        const output = outputOf(answer, name, settings);
        const vector = sentenceVector({ data: output.data, shape: output.dims }, settings.pooling, settings.normalize);
        return { vector, tokens, truncated };
      },
    };
  } catch (cause) {
    throw explained(cause, spec, env.remoteHost);
  }
}

/**
 * What the table says of the model, found by its name or now by its configuration; `undefined` if it is not in the
 * table or only shares the name.
 */
function assumedHere({ assumed }: Spec, config: Record<string, unknown>): AssumedSettings | undefined {
  if (assumed === "config") return assumedOf("", config);
  const dims = dimsOf(config);
  return assumed.dims === undefined || dims === undefined || assumed.dims === dims ? assumed : undefined;
}

type Answer = Partial<Record<string, { data: Float32Array; dims: number[] }>>;

function outputOf(answer: Answer, name: string, { output: wanted }: RunSettings) {
  if (wanted !== undefined) {
    const output = answer[wanted];
    if (output) return output;
    throw unsupported(name, `its layers after the pooling are not in its graph, which has no ${wanted}`);
  }
  const output = answer["last_hidden_state"] ?? answer["token_embeddings"] ?? answer["sentence_embedding"];
  if (!output) throw new EmbedlessError("EMBEDDER_FAILED", `The model ${name} does not answer vectors of tokens.`);
  return output;
}

function inputs({ Tensor }: Library, ids: number[]): Record<string, unknown> {
  const tensor = (values: bigint[]): unknown => new Tensor("int64", BigInt64Array.from(values), [1, ids.length]);
  return {
    input_ids: tensor(ids.map(BigInt)),
    attention_mask: tensor(ids.map(() => 1n)),
    token_type_ids: tensor(ids.map(() => 0n)),
  };
}

/**
 * A JSON file of the model that the library itself does not need. If the file does not exist, `null` is kept in the
 * cache.
 */
async function hubJson({ env }: Library, { model, revision }: Spec, file: string): Promise<unknown> {
  const cached = path.join(env.cacheDir!, model, ...(revision === "main" ? [] : [revision]), file);
  const known = await readFile(cached, "utf8").catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) ?? undefined;
  const address = `${env.remoteHost}${model}/resolve/${encodeURIComponent(revision)}/${file}`;
  const token = process.env["HF_TOKEN"] ?? process.env["HF_ACCESS_TOKEN"];
  // The token is only for that hub, as in the library.
  const mine = token !== undefined && new URL(address).host === "huggingface.co";
  const response = await fetch(address, mine ? { headers: { authorization: `Bearer ${token}` } } : {});
  if (!response.ok && ![401, 403, 404].includes(response.status))
    throw new EmbedlessError("EMBEDDER_FAILED", `The hub answered ${response.status} for ${address}.`);
  const text = response.ok ? await response.text() : "null";
  await mkdir(path.dirname(cached), { recursive: true });
  await writeFile(`${cached}.${process.pid}`, text);
  await rename(`${cached}.${process.pid}`, cached);
  return JSON.parse(text) ?? undefined;
}

/** Says in one sentence what went wrong while loading. */
function explained(cause: unknown, { model, dtype, revision, cacheDir }: Spec, host: string): EmbedlessError {
  if (cause instanceof EmbedlessError) return cause;
  const { name, message } = cause as Error;
  const wanted = `the model ${model} (revision ${revision}, dtype ${dtype})`;
  if (name === "ModelFileNotFoundError" || /Could not locate file|Unauthorized access|Forbidden access/.test(message))
    return new EmbedlessError("NOT_FOUND", `The hub ${host} does not have ${wanted}: ${message}`, { cause });
  if (/fetch failed|ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(message))
    return new EmbedlessError(
      "EMBEDDER_FAILED",
      `Cannot reach the hub ${host}, and ${cacheDir} does not hold ${wanted}.`,
      { cause },
    );
  return new EmbedlessError("EMBEDDER_FAILED", `Cannot load ${wanted}: ${message}`, { cause });
}
