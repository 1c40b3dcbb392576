import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { SaveableVectorStore, VectorStore } from "@langchain/core/vectorstores";
import { EmbedlessRecordManager, EmbedlessVectorStore, toEmbedder } from "../../integrations/langchain/index.js";
import { VectorStore as CoreStore } from "../../src/index.js";
import type { Subject } from "./suite/subject.js";

/** Ours, as users make it. */
export const embedless: Subject<EmbedlessVectorStore> = {
  name: "EmbedlessVectorStore",
  make: async (embeddings, folder) => new EmbedlessVectorStore(embeddings, { path: join(folder, "store.db") }),
  open: async (embeddings, folder) => new EmbedlessVectorStore(embeddings, { path: join(folder, "store.db") }),
  close: (store) => store.close(),
  recordManager: (store) => new EmbedlessRecordManager(store),
};

/** Ours over a core store that somebody else opened. */
export const embedlessOverCore: Subject<EmbedlessVectorStore> = {
  name: "EmbedlessVectorStore over a core store",
  make: overCore,
  open: overCore,
  close: async (store) => {
    const core = await store.store();
    await store.close();
    await core.close();
  },
  recordManager: (store) => new EmbedlessRecordManager(store),
};

async function overCore(embeddings: EmbeddingsInterface, folder: string): Promise<EmbedlessVectorStore> {
  const core = await CoreStore.open(join(folder, "store.db"), { embedder: toEmbedder(embeddings) });
  return new EmbedlessVectorStore(embeddings, { store: core });
}

/** LangChain's own store in memory. */
export const memory: Subject = {
  name: "MemoryVectorStore",
  make: async (embeddings) => new MemoryVectorStore(embeddings),
};

/** The folder of this repository; the compiled code lies one folder deeper. */
const here = fileURLToPath(new URL(".", import.meta.url));
export const root = existsSync(join(here, "../../package.json")) ? join(here, "../..") : join(here, "../../..");
const peers = join(root, "test/contract/peers/node_modules");

/** How to install the peers. */
export const INSTALL = "npm install --prefix test/contract/peers";

/** Files of the packages that a peer needs, below the folder of the peers. */
const COMMUNITY = "@langchain/community/dist/vectorstores";
const PEERS: readonly { name: string; files: readonly string[]; load: () => Promise<Subject> }[] = [
  { name: "HNSWLib", files: [`${COMMUNITY}/hnswlib.js`, "hnswlib-node/build/Release/addon.node"], load: hnswlib },
  { name: "LibSQL", files: [`${COMMUNITY}/libsql.js`, "@libsql/client/lib-esm/node.js"], load: libsql },
  { name: "LanceDB", files: [`${COMMUNITY}/lancedb.js`, "@lancedb/lancedb/dist/index.js"], load: lancedb },
];

/** The names of all that can be compared, and of the peers that are not installed. */
export function availableSubjects(): { names: string[]; missing: string[] } {
  const isInstalled = ({ files }: (typeof PEERS)[number]) => files.every((file) => existsSync(join(peers, file)));
  const names = PEERS.filter(isInstalled).map(({ name }) => name);
  const missing = PEERS.filter((peer) => !isInstalled(peer)).map(({ name }) => name);
  return { names: [embedless.name, memory.name, ...names], missing };
}

/** The subject of that name; packages are loaded only now. */
export async function subjectNamed(name: string): Promise<Subject> {
  const own = [embedless, embedlessOverCore, memory].find((subject) => subject.name === name);
  if (own) return own as Subject;
  const peer = PEERS.find((one) => one.name === name);
  if (!peer) throw new Error(`There is no vector store ${name} to compare.`);
  return peer.load();
}

/** A module of the peers. What it exports is known only where they are installed. */
async function imported<Exports>(file: string): Promise<Exports> {
  return (await import(pathToFileURL(join(peers, file)).href)) as Exports;
}

type StoreClass<Config> = new (embeddings: EmbeddingsInterface, config: Config) => VectorStore;

/** HNSWLib in memory; its users save it to a folder. */
async function hnswlib(): Promise<Subject> {
  type Class = StoreClass<{ space: string }> & {
    load(folder: string, embeddings: EmbeddingsInterface): Promise<SaveableVectorStore>;
  };
  const { HNSWLib } = await imported<{ HNSWLib: Class }>(`${COMMUNITY}/hnswlib.js`);
  return {
    name: "HNSWLib",
    make: async (embeddings) => guarded(new HNSWLib(embeddings, { space: "cosine" })),
    keep: (store, folder) => (store as SaveableVectorStore).save(folder),
    open: async (embeddings, folder) => guarded(await HNSWLib.load(folder, embeddings)),
  };
}

/** A filter that is not a function, or throws, ends the process from within the addon. Here it is an error. */
function guarded(store: VectorStore): VectorStore {
  const search = store.similaritySearchVectorWithScore.bind(store);
  store.similaritySearchVectorWithScore = async (query, k, filter) => {
    if (filter && typeof filter !== "function") throw new TypeError("This would end the process.");
    return search(query, k, filter);
  };
  return store;
}

/** LibSQL in a file, with the table and index of its documentation. */
async function libsql(): Promise<Subject> {
  type Client = { execute(sql: string): Promise<unknown>; close(): void };
  const { LibSQLVectorStore } = await imported<{ LibSQLVectorStore: StoreClass<{ db: Client }> }>(
    `${COMMUNITY}/libsql.js`,
  );
  const { createClient } = await imported<{ createClient(config: { url: string }): Client }>(
    "@libsql/client/lib-esm/node.js",
  );
  const clients = new WeakMap<VectorStore, Client>();
  const open = async (embeddings: EmbeddingsInterface, folder: string) => {
    const db = createClient({ url: `file:${join(folder, "store.db")}` });
    const dims = (await embeddings.embedQuery("hens")).length;
    await db.execute(`CREATE TABLE IF NOT EXISTS vectors (content TEXT, metadata TEXT, embedding F32_BLOB(${dims}))`);
    await db.execute("CREATE INDEX IF NOT EXISTS idx_vectors_embedding ON vectors(libsql_vector_idx(embedding))");
    const store = new LibSQLVectorStore(embeddings, { db });
    clients.set(store, db);
    return store;
  };
  return { name: "LibSQL", make: open, open, close: async (store) => clients.get(store)?.close() };
}

/** LanceDB in a folder. */
async function lancedb(): Promise<Subject> {
  type Connection = { openTable(name: string): Promise<object> };
  const { LanceDB } = await imported<{ LanceDB: StoreClass<{ uri: string; table?: object }> }>(
    `${COMMUNITY}/lancedb.js`,
  );
  const { connect } = await imported<{ connect(uri: string): Promise<Connection> }>("@lancedb/lancedb/dist/index.js");
  return {
    name: "LanceDB",
    make: async (embeddings, uri) => new LanceDB(embeddings, { uri }),
    open: async (embeddings, uri) =>
      new LanceDB(embeddings, { uri, table: await (await connect(uri)).openTable("langchain") }),
  };
}
