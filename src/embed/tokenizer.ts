import { EmbedlessError } from "../base/errors.js";

/** Token ids of a text, with or without the special ones. */
export type Encode = (text: string, special: boolean) => number[];

/** A text as a model reads it. */
export interface EncodedText {
  /** Token ids with the special ones, cut to the window. */
  readonly ids: number[];
  /** Tokens of the whole text, without the special ones. */
  readonly tokens: number;
  /** Whether the end of the text was cut off. */
  readonly truncated: boolean;
}

/**
 * Splits text into the tokens of a model. A text that is too long loses its end but keeps the closing special tokens.
 */
export class TextTokenizer {
  /** Tokens of a text that fit, special tokens not counted. */
  readonly maxTokens: number;
  readonly #encode: Encode;
  readonly #before: number[];
  readonly #after: number[];

  /**
   * @param encode The model's own tokenizer.
   * @param window Number of positions, special tokens included.
   * @param maxTokens A further limit, special tokens not counted.
   * @param endToken The token that must end every text, if the tokenizer's rules do not add it.
   * @throws EmbedlessError `INVALID_ARGUMENT` if the tokenizer does not know that token
   */
  constructor(encode: Encode, window: number, maxTokens = Number.POSITIVE_INFINITY, endToken?: string) {
    this.#encode = encode;
    // A text of one word shows where the special tokens go.
    const bare = encode("a", false);
    const whole = encode("a", true);
    const at = whole.findIndex((_, i) => bare.every((id, j) => whole[i + j] === id));
    this.#before = whole.slice(0, Math.max(0, at));
    this.#after = whole.slice(at + bare.length);
    if (endToken !== undefined) {
      const [end, ...more] = encode(endToken, false);
      if (end === undefined || more.length > 0) throw unknownToken(endToken);
      if (this.#after.at(-1) !== end) this.#after.push(end);
    }
    this.maxTokens = Math.min(window - this.#before.length - this.#after.length, maxTokens);
  }

  /** Number of tokens of a text, special tokens not counted. */
  count(text: string): number {
    return this.#encode(text, false).length;
  }

  encode(text: string): EncodedText {
    const bare = this.#encode(text, false);
    const truncated = bare.length > this.maxTokens;
    const kept = truncated ? bare.slice(0, this.maxTokens) : bare;
    return { ids: [...this.#before, ...kept, ...this.#after], tokens: bare.length, truncated };
  }
}

function unknownToken(token: string): EmbedlessError {
  return new EmbedlessError(
    "INVALID_ARGUMENT",
    `The model cannot be run here: its texts must end with ${token}, which its tokenizer does not know.`,
  );
}
