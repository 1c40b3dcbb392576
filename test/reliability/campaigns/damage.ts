import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { ChildPool } from "../../support/child_pool.js";
import { seeded } from "../../support/seeded.js";
import { type Answers, interrogate, judge } from "./answers.js";
import { type Campaign, type CampaignResult, inScratchFolder, runTrials } from "./campaign.js";
import { makeStore, STORE_KINDS, type StoreKind } from "./damaged_stores.js";
import { type Damage, type Mutation, mutate, nameMutation, randomMutation, type Victim } from "./mutants.js";
import { Use, usesOf } from "./sqlite_pages.js";

/** What the child is asked: all questions to one file. */
export interface DamageRequest {
  path: string;
  kind: StoreKind;
  ids: readonly string[];
  readOnly: boolean;
}

/** Longest that one mutant may take. */
const TIMEOUT_MS = 20_000;
/** Mutants that one child looks at before another takes its place. */
const MUTANTS_A_CHILD = 200;

/** Wrong answers of one mutant that are told in full. */
const MOST_TOLD = 3;

/** A sound store, and what it answers. */
interface Subject {
  kind: StoreKind;
  bytes: Uint8Array;
  uses: Uint8Array;
  victim: Victim;
  other: Uint8Array;
  ids: readonly string[];
  answers: Answers;
}

/** Damages small stores of every kind and asks each damaged one all there is to ask, in another process. */
export function damageCampaign(damage: Damage): Campaign {
  return (options) =>
    inScratchFolder(async (folder) => {
      const subjects: Subject[] = [];
      for (const kind of STORE_KINDS) subjects.push(await makeSubject(folder, kind));
      const pick = (n: number) => {
        const random = seeded(options.seed * 1_000_003 + n);
        const subject = subjects[n % subjects.length]!;
        return { subject, mutation: randomMutation(damage, subject.victim, random) };
      };
      return await tryMutants(folder, options, pick);
    });
}

/** Every byte of every store, turned around: `trials` is of no account. */
export const everyByte: Campaign = (options) =>
  inScratchFolder(async (folder) => {
    const subjects: Subject[] = [];
    for (const kind of STORE_KINDS) subjects.push(await makeSubject(folder, kind));
    const ends = subjects.map((_, i) => subjects.slice(0, i + 1).reduce((sum, { bytes }) => sum + bytes.length, 0));
    const pick = (n: number) => {
      const i = ends.findIndex((end) => n < end);
      const mutation: Mutation = { kind: "xor", at: n - (ends[i - 1] ?? 0), mask: 0xff };
      return { subject: subjects[i]!, mutation };
    };
    return await tryMutants(folder, { ...options, trials: ends.at(-1)! }, pick);
  });

async function tryMutants(
  folder: string,
  options: Parameters<Campaign>[0],
  pick: (n: number) => { subject: Subject; mutation: Mutation },
): Promise<CampaignResult> {
  const pool = new ChildPool<DamageRequest, Answers>("damage_child", TIMEOUT_MS, MUTANTS_A_CHILD);
  const counts = { noticed: 0, withoutEffect: 0, otherSelection: 0 };
  try {
    const result = await runTrials(options, async (n) => {
      const { subject, mutation } = pick(n);
      const { kind, ids, bytes, other, victim } = subject;
      const path = join(folder, `mutant-${n}.db`);
      const damaged = mutate(bytes, mutation, victim.pageBytes, other);
      writeFileSync(path, damaged);
      const name = `${kind} store, ${nameMutation(mutation)}`;
      const reply = await pool.ask({ path, kind, ids, readOnly: n % 2 === 1 });
      for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
      if ("failure" in reply) return [`${name}: ${reply.failure}; ${keep(options.seed, n, damaged)}`];
      const { wrong, noticed, otherSelection } = judge(subject.answers, reply.value);
      if (otherSelection > 0) counts.otherSelection++;
      if (noticed) counts.noticed++;
      else counts.withoutEffect++;
      if (!noticed && mayNotGoUnnoticed(mutation, subject)) wrong.push("nobody noticed");
      if (wrong.length === 0) return [];
      const told = wrong.slice(0, MOST_TOLD).join("; ");
      return [`${name}: ${wrong.length} wrong, ${told}; ${keep(options.seed, n, damaged)}`];
    });
    return { ...result, counts };
  } finally {
    pool.close();
  }
}

/** Pages on which tables of FTS5 begin: it keeps there what nobody asks for, such as how long each passage was. */
function pagesOfWords(path: string): number[] {
  const driver = new DatabaseSync(path, { readOnly: true });
  const rows = driver.prepare("SELECT rootpage FROM sqlite_schema WHERE name LIKE 'keywords!_%' ESCAPE '!'").all();
  driver.close();
  return (rows as { rootpage: number }[]).map(({ rootpage }) => rootpage - 1);
}

/** What lies there may go unnoticed as long as no answer is another one. */
function soften(uses: Uint8Array, page: number, pageBytes: number): void {
  for (let at = page * pageBytes; at < (page + 1) * pageBytes; at++) {
    if (uses[at] === Use.content) uses[at] = Use.structure;
  }
}

/** Keeps a damaged file for who wants to look at it: no two stores are the same to the byte. */
function keep(seed: number, n: number, damaged: Uint8Array): string {
  const path = join(tmpdir(), `embedless-mutant-${seed}-${n}.db`);
  writeFileSync(path, damaged);
  return `kept as ${path}`;
}

/** Whether the mutation changed something that is stored. */
function mayNotGoUnnoticed(mutation: Mutation, { uses }: Subject): boolean {
  return mutation.kind === "xor" && uses[mutation.at] === Use.content;
}

async function makeSubject(folder: string, kind: StoreKind): Promise<Subject> {
  const path = join(folder, `${kind}.db`);
  const otherPath = join(folder, `${kind}-other.db`);
  await makeStore(path, kind);
  await makeStore(otherPath, kind, 50_000);
  const bytes = readFileSync(path);
  const other = readFileSync(otherPath);
  const all = await interrogate(path, kind, [], false);
  const ids = (all["list"] as { value: { id: string }[] }).value.map(({ id }) => id);
  const answers = await interrogate(path, kind, ids, false);
  const failed = Object.entries(answers).find(([, answer]) => "error" in answer);
  if (failed) throw new Error(`the sound store fails: ${JSON.stringify(failed)}`);
  if (!(answers["verify"] as { value: { ok: boolean } }).value.ok) throw new Error(`the sound ${kind} store is not ok`);
  const uses = usesOf(bytes);
  for (const page of pagesOfWords(path)) soften(uses, page, bytes.readUInt16BE(16));
  const used = [...uses.keys()].filter((at) => uses[at] !== Use.nothing);
  const victim: Victim = {
    bytes: bytes.length,
    pageBytes: bytes.readUInt16BE(16),
    otherBytes: other.length,
    used,
  };
  return { kind, bytes, uses, victim, other, ids, answers };
}
