import { type SearchOptions, VectorStore } from "../../../src/index.js";
import { optionsOf, type StoreKind } from "./damaged_stores.js";

/** What a store says to each question: a value, or how asking failed. */
export type Answers = Record<string, Answer>;
export type Answer = { value: unknown } | { error: string; message: string };

const SEARCHES: Record<StoreKind, readonly (readonly [question: string, options: SearchOptions])[]> = {
  coded: [
    ["Who repairs the harbour in winter?", { k: 5 }],
    ["The comet hides", { k: 8, recompute: 0 }],
    ["What freezes at dawn?", { k: 6, filter: { n: { $gte: 20 }, tag: { $ne: "t3" } } }],
  ],
  waiting: [
    ["Who repairs the harbour in winter?", { k: 5 }],
    ["The comet hides", { k: 8, recompute: 0 }],
    ["What freezes at dawn?", { k: 6, filter: { n: { $gte: 20 } } }],
  ],
  linked: [
    ["Who repairs the harbour in winter?", { k: 5, walk: {} }],
    ["The comet hides", { k: 8, walk: "scan" }],
    ["orchard measures case 4100", { k: 6, mode: "hybrid" }],
  ],
};

/** A search by nothing but words; of linked stores only. */
const BY_WORDS = ["glacier signs the contract by the sea", { k: 6, mode: "keyword" }] as const;

/**
 * Opens the store at `path` and asks it all there is to ask.
 *
 * @param ids What to get; and that many more that do not exist.
 */
export async function interrogate(
  path: string,
  kind: StoreKind,
  ids: readonly string[],
  readOnly: boolean,
): Promise<Answers> {
  const answers: Answers = {};
  let store: VectorStore | undefined;
  const ask = async (question: string, work: (store: VectorStore) => Promise<unknown>) => {
    if (store !== undefined) answers[question] = await answerOf(() => work(store!));
  };
  answers["open"] = await answerOf(async () => {
    store = await VectorStore.open(path, { ...optionsOf(kind), create: false, readOnly, lockTimeoutMs: 500 });
    return "open";
  });
  await ask("count", (s) => s.count());
  await ask("count of a filter", (s) => s.count({ n: { $lt: 30 } }));
  for (const id of ids) await ask(`get ${id}`, (s) => s.get([id]));
  await ask("has", (s) => s.has([...ids, ...ids.map((id) => `${id}x`)]));
  await ask("list", listing);
  await ask("list by a filter", filtered);
  for (const [question, options] of SEARCHES[kind]) await ask(`search ${question}`, (s) => found(s, question, options));
  if (kind === "linked") await ask("keywords", (s) => found(s, ...BY_WORDS));
  if (kind === "coded") {
    await ask("records", (s) => s.records("books").list());
    await ask("records of groups", (s) => s.records("books").list({ groups: ["shelf 1", null] }));
    await ask("records that exist", (s) => s.records("books").exists(ids));
  }
  await ask("stats", stats);
  await ask("verify", (s) => s.verify().then(({ ok, passages }) => ({ ok, passages })));
  await ask("close", (s) => s.close());
  return answers;
}

async function answerOf(work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { value: (await work()) ?? null };
  } catch (error) {
    const { code, name, message, stack } = error as { code?: string; name: string; message: string; stack: string };
    return { error: name === "EmbedlessError" && code ? code : `no code: ${name}`, message: code ? message : stack };
  }
}

async function found(store: VectorStore, question: string, options: SearchOptions): Promise<unknown> {
  const { hits, expectedRecall } = await store.search(question, options);
  return { hits, expectedRecall: expectedRecall ?? null };
}

async function listing(store: VectorStore): Promise<unknown> {
  const all = [];
  for await (const passage of store.passages()) all.push(passage);
  return all;
}

async function filtered(store: VectorStore): Promise<unknown> {
  const all = [];
  for await (const { id } of store.passages({ filter: { n: { $in: [3, 5, 7, 60] } } })) all.push(id);
  return all;
}

async function stats(store: VectorStore): Promise<unknown> {
  const { passages, dims, metric, codes, codebook, pending, vectors, embedder } = await store.stats();
  return { passages, dims, metric, codes, codebook, pending, vectors, embedder };
}

/** Codes that a damaged file may be refused with. */
const REFUSALS = ["CORRUPT", "NOT_A_STORE", "FORMAT_VERSION", "IO"];

/**
 * Questions that are answered by metadata or words before any checksum is looked at: there damage may go unnoticed until
 * the passage is read, but never by `verify`.
 */
const BY_UNCHECKED = /filter|What freezes at dawn|keywords|orchard measures/;

/** What is wrong with the answers of a damaged store, beside those of the sound one; nothing if all is as it must be. */
export interface Judgement {
  /** Answers that differ without an error, and errors that have no business there. */
  wrong: string[];
  /** Answers by a filter or by words that are other ones, which only `verify` noticed. */
  otherSelection: number;
  /** Some reading failed, or verifying found something. */
  noticed: boolean;
}

export function judge(sound: Answers, damaged: Answers): Judgement {
  const wrong: string[] = [];
  let readFailed = false;
  let otherSelection = 0;
  for (const [question, answer] of Object.entries(damaged)) {
    if ("error" in answer) {
      readFailed = true;
      if (!REFUSALS.includes(answer.error)) wrong.push(`${question} fails with ${answer.error} (${answer.message})`);
    } else if (question !== "verify") {
      const unlike = difference(answer.value, (sound[question] as { value: unknown }).value);
      if (unlike === undefined) continue;
      if (BY_UNCHECKED.test(question)) otherSelection++;
      else wrong.push(`${question} answers otherwise${unlike}`);
    }
  }
  const verified = damaged["verify"];
  const verifyFound = verified === undefined || "error" in verified || !(verified.value as { ok: boolean }).ok;
  if (readFailed && !verifyFound) wrong.push("a reading failed, but verify finds nothing");
  if (wrong.length + otherSelection > 0 && !verifyFound) wrong.push("another answer, and verify finds nothing");
  return { wrong, otherSelection, noticed: readFailed || verifyFound };
}

/** Where two values differ, as `.hits.0.id: "a" instead of "b"`; numbers may differ in the seventh place. */
function difference(a: unknown, b: unknown): string | undefined {
  if (typeof a === "number" && typeof b === "number") {
    return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b)) ? undefined : `: ${a} instead of ${b}`;
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return a === b ? undefined : `: ${JSON.stringify(a)?.slice(0, 100)} instead of ${JSON.stringify(b)?.slice(0, 100)}`;
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const unlike = difference((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]);
    if (unlike !== undefined) return `.${key}${unlike}`;
  }
  return undefined;
}
