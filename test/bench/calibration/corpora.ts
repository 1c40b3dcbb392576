import {
  type DataPassage,
  isAskedAbout,
  readPassages,
  readQueries,
  rowOf,
  SET_NAMES,
  type SetName,
} from "../../support/data.js";
import type { Truth } from "../truth.js";
import type { Asked } from "./asked.js";

/** Questions to a store: those that its passages answer, or those of another topic. */
export interface Corpus {
  readonly name: string;
  readonly foreign: boolean;
  readonly asked: readonly Asked[];
}

/** Sources that are small stores of their own: figures are fitted on some and judged on the others. */
const SMALL = {
  fitted: ["octave-doc", "git-doc", "python-django-doc", "dict-foldoc"],
  judged: ["wireshark-doc", "debian-handbook", "apache2-doc", "python-pandas-doc"],
} as const;
/** Of all questions, one in so many is asked of a store of another topic. */
const FOREIGN_EVERY = 4;

/**
 * The data as stores of several sizes, each with questions of its own and with foreign ones, which no passage answers: all
 * of it; all but the topics of the questions; and sources by themselves, of 700 to 3,900 passages.
 *
 * @param depth How many of the nearest are known.
 * @param use Stores and questions that figures are fitted on, or those that judge them. None is in both.
 */
export async function readCorpora(
  data: string,
  truth: Truth,
  depth: number,
  use: keyof typeof SMALL,
): Promise<Corpus[]> {
  const passages = readPassages(data);
  const takes = (place: number) => (place % 2 === 0) === (use === "fitted");
  const queries = SET_NAMES.flatMap((set) => queriesOf(data, set).filter(({ place }) => takes(place)));
  const questions = queries.filter(({ set }) => set === "questions");
  const sentences = queries.filter(({ set }) => set === "sentences");
  const ask = (all: readonly Query[], among?: Uint8Array) => askAll(truth, depth, all, among);

  const corpora: Corpus[] = [
    { name: "all, questions", foreign: false, asked: await ask(questions) },
    { name: "all, sentences", foreign: false, asked: await ask(sentences) },
  ];
  const manuals = bitmapOf(passages, (passage) => !isAskedAbout(passage));
  corpora.push({ name: "manuals", foreign: true, asked: await ask(questions, manuals) });
  const own: Asked[] = [];
  const foreign: Asked[] = [];
  for (const [i, source] of SMALL[use].entries()) {
    const among = bitmapOf(passages, (passage) => passage.source === source);
    const isOwn = ({ relevant }: Query) => relevant.some((id) => passages[Number(id)]?.source === source);
    own.push(...(await ask(sentences.filter(isOwn), among)));
    foreign.push(
      ...(await ask(
        questions.filter((_, place) => place % FOREIGN_EVERY === i % FOREIGN_EVERY),
        among,
      )),
    );
  }
  corpora.push({ name: "small", foreign: false, asked: own }, { name: "small", foreign: true, asked: foreign });
  return corpora;
}

interface Query {
  readonly set: SetName;
  readonly place: number;
  readonly vector: Float32Array;
  readonly relevant: readonly string[];
}

function queriesOf(data: string, set: SetName): Query[] {
  const { vectors, count, relevant } = readQueries(data, set);
  return Array.from({ length: count }, (_, place) => ({
    set,
    place,
    vector: rowOf(vectors, place),
    relevant: relevant[place]!,
  }));
}

async function askAll(
  truth: Truth,
  depth: number,
  queries: readonly Query[],
  among: Uint8Array | undefined,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const { vector } of queries) {
    const nearest = await truth.nearest(vector, depth, among);
    asked.push({ vector, nearest, ...(among && { among }) });
  }
  return asked;
}

/** The nodes whose passages are meant: node i is passage i. */
function bitmapOf(passages: readonly DataPassage[], isMeant: (passage: DataPassage) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(passages.length / 8));
  passages.forEach((passage, node) => {
    if (isMeant(passage)) bits[node >> 3]! |= 1 << (node & 7);
  });
  return bits;
}
