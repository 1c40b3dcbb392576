import type { AssumedSettings, ModelSettings } from "./embedder.js";
import { type KnownModel, knownModel } from "./known_models.js";
import { dimsOf, unsupported } from "./model_folder.js";
import { warnOnce } from "./notices.js";

type Json = Readonly<Record<string, unknown>>;

/**
 * What the table says of a model, by its name, else by the one in its `config.json`; `undefined` for a model that is not in
 * it. One with vectors of another length only has the name.
 *
 * @throws EmbedlessError `INVALID_ARGUMENT` for a model that is known not to run here
 */
export function assumedOf(name: string, config: Json): AssumedSettings | undefined {
  const known = [knownModel(name), knownModel(config["_name_or_path"])].find((model) => fits(model, config));
  if (known?.refusal !== undefined) throw unsupported(name, known.refusal);
  return known?.assumed;
}

function fits(model: KnownModel | undefined, config: Json): boolean {
  const dims = dimsOf(config);
  return model !== undefined && (dims === undefined || dims === model.assumed.dims);
}

/** What is to be said of a model that neither its files, nor the table, nor the caller tell how to run; else `undefined`. */
export function guessOf(name: string, told: (ModelSettings | undefined)[]): string | undefined {
  if (told.some((settings) => settings?.pooling !== undefined)) return undefined;
  return (
    `Neither the files of the model ${name} nor a table of well-known models say how it wants to be run: assumed are the ` +
    "mean of the tokens and no prefixes. If its card says otherwise, give pooling, queryPrefix and passagePrefix."
  );
}

/** Says so, once. */
export function warnOfGuess(guess: string | undefined): void {
  if (guess !== undefined) warnOnce("EMBEDLESS_ASSUMED", guess);
}
