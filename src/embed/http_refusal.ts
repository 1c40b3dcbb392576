/**
 * What refusals of embedding servers mean. OpenAI, Azure, text embeddings inference, vLLM, Ollama, llama.cpp, DashScope,
 * Mistral, Cohere and Voyage say in words of their own, and with codes of their own, that there are too many texts, too
 * many tokens in all, or that one text is too long.
 */

/** A server's refusal to embed these texts, which it would give to the same texts again. */
export interface Refusal {
  readonly status: number;
  /** What the server says. */
  readonly words: string;
}

/** Words of a limit on the length of a text. llama.cpp calls it a batch too: that of a text's tokens. */
const TOO_LONG = [
  /context (length|size|window)|too (long|large)\b|physical batch size|token limit|sequence length/i,
  /(less than|at most|larger than|longer than|exceed\w*|max\w*|limit\w*)\b[^.]*\b(token|character|length)/i,
  /\b(token|character|length)\w*\b[^.]*(exceed|larger than|longer than|max|limit)/i,
];
/** A number that a text is said to have, and one that it may have. */
const HAS = /(?:given|requested|got|received|has|have|contains?|resulted in|length(?: of)?)\W{0,4}(\d+)/i;
const MAY_HAVE = /(?:less than|at most|larger than|longer than|exceed\w*|max\w*|limit\w*)[^.\d]{0,40}(\d+)/i;

/** Whether texts are refused for what they are, so that fewer or shorter ones might pass. */
export function isAboutTexts({ status, words }: Refusal): boolean {
  if (status === 400 || status === 413 || status === 422) return true;
  // A limit of tokens a minute that one request alone exceeds will never have room for it.
  if (status === 429) return /request too large/i.test(words);
  return status === 500 && isTooLong({ status, words });
}

/** Whether a refusal of one text says that it is too long. */
export function isTooLong({ status, words }: Refusal): boolean {
  return status === 413 || TOO_LONG.some((pattern) => pattern.test(words));
}

/** How many texts to send in place of `count`, which were refused: what the server names, else half of them. */
export function fewerThan(count: number, { words }: Refusal): number {
  const named = (words.match(/\d+/g) ?? []).map(Number).filter((number) => number >= 1 && number < count);
  return named.length > 0 && /batch|text|input|array|item|request/i.test(words)
    ? Math.max(...named)
    : Math.ceil(count / 2);
}

/** Tokens of a text that was refused for its length, as the server counts them; `NaN` if it does not say. */
export function tokensOf({ words }: Refusal): number {
  const [has, may] = [HAS.exec(words)?.[1], MAY_HAVE.exec(words)?.[1]].map(Number);
  return has! > may! ? has! : Number.NaN;
}

/** The beginning of a text that was refused for its length: as long as the server's figures let hope, else three quarters. */
export function shortened(text: string, refusal: Refusal): string {
  const tokens = tokensOf(refusal);
  const most = Number(MAY_HAVE.exec(refusal.words)?.[1]);
  const share = tokens > most ? Math.min(0.95, (0.97 * most) / tokens) : 0.75;
  // No half of a surrogate pair at the end.
  return text.slice(0, Math.floor(text.length * share)).replace(/[\uD800-\uDBFF]$/, "");
}
