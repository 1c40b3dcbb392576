import { Slots } from "../base/concurrency.js";
import { EmbedlessError } from "../base/errors.js";
import { Connection, connect, type Session } from "./connection.js";
import { type FileAccess, fileStamp, fileUri, readingAccess } from "./file_access.js";
import { type FileIdentity, identityOf } from "./open_files.js";
import { pragma } from "./schema.js";
import { fromSqlite } from "./sqlite_errors.js";

/** Reading meets a lock only while another process recovers a log after a crash; that is worth a blocking wait. */
const READ_BUSY_MS = 1_000;
/** Snapshots open at once. More wait for their turn: each takes three descriptors and up to 4 MB of pages. */
const MOST_SNAPSHOTS = 16;
/** Connections kept for the next snapshot: opening one takes as long as a short filter. */
const IDLE_CONNECTIONS = 4;
/** How often work is done again because somebody wrote to a file that is read without locks. */
const MAX_ATTEMPTS = 8;
/** Beyond all that SQLite counts, so that numbers of two connections never meet. */
const VERSIONS_PER_CONNECTION = 2 ** 33;

/**
 * All that reads a store's file: one connection for short reads, and a bounded number of others for snapshots that last.
 *
 * Where neither the folder can be written nor anybody has the store open, SQLite can only read it as `immutable`, without
 * locks. Others may begin to write all the same. So the file is looked at before and after each such read: once it has
 * changed, the connections are opened again and the read is done once more.
 */
export class Reading {
  readonly #path: string;
  readonly #identity: FileIdentity | undefined;
  readonly #check: ((c: Connection) => void) | undefined;
  #access: FileAccess;
  #session: Session;
  #connection: Connection;
  /** What an immutable file looked like when it was opened; `undefined` where SQLite's locks do the work. */
  #stamp: string | undefined;
  /** Raised when the connections are opened again: older ones are not used any more. */
  #generation = 0;
  readonly #idle: Session[] = [];
  readonly #slots = new Slots(MOST_SNAPSHOTS);

  /** @param check Throws unless the file is a store. It runs at the beginning, and again once others have written. */
  constructor(access: FileAccess, check?: (c: Connection) => void) {
    this.#path = access.path;
    this.#identity = identityOf(access.path);
    this.#check = check;
    this.#access = access;
    this.#stamp = access.immutable ? fileStamp(access.path) : undefined;
    this.#session = openReader(access, check);
    this.#connection = new Connection(this.#session);
  }

  /** The connection for short reads: each statement sees the newest commit. */
  get connection(): Connection {
    if (this.#stamp !== undefined && !this.#session.driver.isTransaction) this.#followFile();
    return this.#connection;
  }

  /** Changes whenever another connection of any process has committed. */
  dataVersion(): number {
    const version = pragma(this.connection, "data_version");
    return this.#generation * VERSIONS_PER_CONNECTION + version;
  }

  /** Runs `work` on one consistent snapshot. It must be synchronous: the connection is shared. */
  transaction<T>(work: (c: Connection) => T): T {
    if (this.#session.driver.isTransaction) return work(this.#connection);
    for (let attempt = 1; ; attempt++) {
      this.#followFile();
      try {
        const result = this.#transaction(work);
        if (this.#isUnchanged()) return result;
      } catch (error) {
        // Pages of two states look like damage.
        if (this.#isUnchanged()) throw error;
      }
      this.#requirePatience(attempt);
    }
  }

  /**
   * Runs `work` on a snapshot that lasts while it awaits, on a connection of its own. `work` may run again from its
   * beginning where others write to a file that is read without locks.
   *
   * @param requireFile Throws if the store's file is no longer in its place: a new connection would open another one.
   */
  async snapshot<T>(work: (c: Connection) => Promise<T>, requireFile: () => void, signal?: AbortSignal): Promise<T> {
    const release = await this.#slots.take(signal);
    try {
      for (let attempt = 1; ; attempt++) {
        requireFile(); // only now: the wait for a slot may have been long
        this.#followFile();
        try {
          const result = await this.#snapshot(work);
          if (this.#isUnchanged()) return result;
        } catch (error) {
          if (this.#isUnchanged()) throw error;
        }
        this.#requirePatience(attempt);
      }
    } finally {
      release();
    }
  }

  /** Closes the connections. No snapshot may be running. */
  close(): void {
    this.#stamp = undefined;
    this.#connection.end();
    this.#closeAll();
  }

  #transaction<T>(work: (c: Connection) => T): T {
    this.#connection.run("BEGIN");
    try {
      return work(this.#connection);
    } finally {
      this.#connection.run("COMMIT");
    }
  }

  async #snapshot<T>(work: (c: Connection) => Promise<T>): Promise<T> {
    const session = this.#idle.pop() ?? openReader(this.#access);
    const generation = this.#generation;
    const c = new Connection(session);
    try {
      c.run("BEGIN");
      // The snapshot is taken by the first read, not by BEGIN.
      c.get("SELECT 1 FROM store.sqlite_schema");
      return await work(c);
    } finally {
      c.end();
      this.#putBack(session, generation);
    }
  }

  /** Keeps a connection for the next snapshot, if it is of this generation and there are not enough. */
  #putBack(session: Session, generation: number): void {
    if (session.driver.isTransaction) session.driver.exec("ROLLBACK");
    if (generation === this.#generation && this.#idle.length < IDLE_CONNECTIONS) this.#idle.push(session);
    else session.close();
  }

  #isUnchanged(): boolean {
    if (this.#stamp === undefined) return true;
    // Another file at the path does not change the one that is open, which nobody can find any more.
    return fileStamp(this.#path) === this.#stamp || identityOf(this.#path) !== this.#identity;
  }

  /** Opens the connections again if the file was written since. */
  #followFile(): void {
    if (this.#isUnchanged()) return;
    const { access, stamp, session } = openWhole(this.#path, this.#check);
    this.#connection.end();
    this.#closeAll();
    this.#access = access;
    this.#stamp = stamp;
    this.#session = session;
    this.#connection = new Connection(session);
    this.#generation++;
  }

  #closeAll(): void {
    for (const session of this.#idle.splice(0)) session.close();
    this.#session.close();
  }

  #requirePatience(attempt: number): void {
    if (attempt < MAX_ATTEMPTS) return;
    throw new EmbedlessError(
      "LOCKED",
      `Another process keeps writing to ${this.#path}, which this one can only read without locks.`,
    );
  }
}

/** Opens a reader, as often as the file is written while it is being checked. */
function openWhole(path: string, check: ((c: Connection) => void) | undefined) {
  for (;;) {
    const access = readingAccess(path);
    const stamp = access.immutable ? fileStamp(path) : undefined;
    try {
      return { access, stamp, session: openReader(access, check) };
    } catch (error) {
      if (stamp === undefined || fileStamp(path) === stamp) throw error;
    }
  }
}

function openReader({ path, immutable }: FileAccess, check?: (c: Connection) => void): Session {
  let session: Session | undefined;
  try {
    session = connect(path, fileUri(path, "ro", immutable), READ_BUSY_MS);
    session.driver.exec("PRAGMA store.mmap_size = 0; PRAGMA store.cache_size = -4096");
    check?.(new Connection(session));
    return session;
  } catch (error) {
    session?.close();
    throw fromSqlite(error, path);
  }
}
