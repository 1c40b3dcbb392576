import { Slots } from "../base/concurrency.js";
import { EmbedlessError } from "../base/errors.js";
import { Connection, connect, type Session } from "./connection.js";
import { type FileAccess, fileStamp, fileUri, readingAccess } from "./file_access.js";
import { type FileIdentity, identityOf } from "./open_files.js";
import { pragma } from "./schema.js";
import { fromSqlite } from "./sqlite_errors.js";

/** Reading meets a lock only while another process recovers a log after a crash. A blocking wait is acceptable then. */
const READ_BUSY_MS = 1_000;
/** Most snapshots open at once. More wait, because each takes three descriptors and up to 4 MB of pages. */
const MOST_SNAPSHOTS = 16;
/** Connections kept for later snapshots. Opening one takes as long as a short filter. */
const IDLE_CONNECTIONS = 4;
/** How often work is repeated because somebody wrote to a file that is read without locks. */
const MAX_ATTEMPTS = 8;
/** Larger than any number that SQLite counts to, so that numbers of two connections never coincide. */
const VERSIONS_PER_CONNECTION = 2 ** 33;

/**
 * Everything that reads a store's file: one connection for short reads, and a limited number of others for longer
 * snapshots.
 *
 * If the folder cannot be written and nobody has the store open, SQLite can only read it as `immutable`, without locks.
 * Others may still begin to write. So the file is checked before and after each such read. If it has changed, the
 * connections are opened again and the read is repeated.
 */
export class Reading {
  readonly #path: string;
  readonly #identity: FileIdentity | undefined;
  readonly #check: ((c: Connection) => void) | undefined;
  #access: FileAccess;
  #session: Session;
  #connection: Connection;
  /** The stamp of an immutable file when it was opened; `undefined` if SQLite uses locks. */
  #stamp: string | undefined;
  /** Raised when the connections are opened again. Older ones are no longer used. */
  #generation = 0;
  readonly #idle: Session[] = [];
  readonly #slots = new Slots(MOST_SNAPSHOTS);

  /** @param check Throws unless the file is a store. It runs at the beginning, and again after others have written. */
  constructor(access: FileAccess, check?: (c: Connection) => void) {
    this.#path = access.path;
    this.#identity = identityOf(access.path);
    this.#check = check;
    this.#access = access;
    this.#stamp = access.immutable ? fileStamp(access.path) : undefined;
    this.#session = openReader(access, check);
    this.#connection = new Connection(this.#session);
  }

  /** The connection for short reads. Each statement sees the newest commit. */
  get connection(): Connection {
    if (this.#stamp !== undefined && !this.#session.driver.isTransaction) this.#followFile();
    return this.#connection;
  }

  /** Changes whenever another connection of any process has committed. */
  dataVersion(): number {
    const version = pragma(this.connection, "data_version");
    return this.#generation * VERSIONS_PER_CONNECTION + version;
  }

  /** Runs `work` on one consistent snapshot. It must be synchronous, because the connection is shared. */
  transaction<T>(work: (c: Connection) => T): T {
    if (this.#session.driver.isTransaction) return work(this.#connection);
    for (let attempt = 1; ; attempt++) {
      this.#followFile();
      try {
        const result = this.#transaction(work);
        if (this.#isUnchanged()) return result;
      } catch (error) {
        // Mixed pages of two states look like damage.
        if (this.#isUnchanged()) throw error;
      }
      this.#requirePatience(attempt);
    }
  }

  /**
   * Runs `work` on a snapshot that lasts while it awaits, with its own connection. `work` may run again from its
   * beginning if others write to a file that is read without locks.
   *
   * @param requireFile Throws if the store's file was replaced, because a new connection would open another one.
   */
  async snapshot<T>(work: (c: Connection) => Promise<T>, requireFile: () => void, signal?: AbortSignal): Promise<T> {
    const release = await this.#slots.take(signal);
    try {
      for (let attempt = 1; ; attempt++) {
        requireFile(); // checked here, because the wait for a slot may have been long
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
      // The first read takes the snapshot, not BEGIN.
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
    // If another file is at the path, the open one is unchanged, because nobody can find it any more.
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

/** Opens a reader, and repeats this if the file is written while it is checked. */
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
