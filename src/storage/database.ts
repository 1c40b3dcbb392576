import { EmbedlessError } from "../errors.js";
import { Connection, connect, type Session } from "./connection.js";
import { bytesOnDisk, type FileAccess, fileUri, inspectFile } from "./file_access.js";
import { noteOpen } from "./open_files.js";
import { FORMAT, identify, MIGRATIONS, type Migration, migrate, pragma } from "./schema.js";
import { fromSqlite, isFailedSync } from "./sqlite_errors.js";
import { retryWhileBusy, unlessAborted } from "./waiting.js";

export interface DatabaseOptions {
  /** Make the file when it is missing. */
  create: boolean;
  /** Open no writing connection. Implied for a file that cannot be written. */
  readOnly: boolean;
  /** `full`: a commit survives a power cut; `normal`: the newest commits may be lost by one, none is torn. */
  durability: "full" | "normal";
  /** How long a write waits for other processes before `LOCKED`, in milliseconds. */
  lockTimeoutMs: number;
  /** Steps between formats; for tests. Default: those of this version. */
  migrations?: readonly Migration[];
}

/** 16 KB pages: rows of about 1 KB waste 7 % of them instead of 34 % of 4 KB pages, at the same reading speed. */
const PAGE_SIZE = 16_384;
/** Pages in the log before a commit moves them to the file: few, so that this moment stays short. */
const CHECKPOINT_PAGES = 256;
/** A log that one large write made long is cut back to this. */
const LOG_BYTES = 8 * 1024 * 1024;
/** Reading meets a lock only while another process recovers a log after a crash; that is worth a blocking wait. */
const READ_BUSY_MS = 1_000;

/**
 * A store's file: one reading and one writing connection in WAL mode. Readers see committed states only and never wait;
 * the writers of this process queue up and take turns with those of other processes.
 */
export class Database {
  /** Absolute path of the file. */
  readonly path: string;
  readonly readOnly: boolean;
  readonly #access: FileAccess;
  readonly #lockTimeoutMs: number;
  readonly #readSession: Session;
  readonly #reader: Connection;
  readonly #writeSession: Session | undefined;
  readonly #forgetOpen: () => void;
  readonly #snapshots = new Set<Promise<unknown>>();
  /** Settles when the last write in the queue is over; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #broken: EmbedlessError | undefined;
  #closing: Promise<void> | undefined;
  #isShut = false;

  private constructor(
    access: FileAccess,
    options: DatabaseOptions,
    sessions: { reading: Session; writing: Session | undefined },
    forgetOpen: () => void,
  ) {
    const { reading, writing } = sessions;
    this.path = access.path;
    this.readOnly = access.readOnly;
    this.#access = access;
    this.#lockTimeoutMs = options.lockTimeoutMs;
    this.#readSession = reading;
    this.#reader = new Connection(reading);
    this.#writeSession = writing;
    this.#forgetOpen = forgetOpen;
  }

  /**
   * Opens the store at `path`, makes it if it may, and brings an older format to the newest.
   *
   * @throws EmbedlessError `NOT_FOUND`, `NOT_A_STORE`, `FORMAT_VERSION`, `CORRUPT`, `LOCKED`, `NO_SPACE` or `IO`
   */
  static async open(path: string, options: DatabaseOptions): Promise<Database> {
    const access = inspectFile(path, options);
    const migrations = options.migrations ?? MIGRATIONS;
    const waiting = { path: access.path, timeoutMs: options.lockTimeoutMs, signal: undefined };
    const forgetOpen = noteOpen(access.path);
    let writing: Session | undefined;
    try {
      if (!access.readOnly) {
        writing = await retryWhileBusy(() => openWriter(access, options, migrations), waiting);
      }
      const newest = writing === undefined ? newestFormat(migrations) : undefined;
      const reading = await retryWhileBusy(() => openReader(access, newest), waiting);
      return new Database(access, options, { reading, writing }, forgetOpen);
    } catch (error) {
      writing?.close();
      forgetOpen();
      throw error;
    }
  }

  /** Sees committed states only, each statement the newest. */
  get reader(): Connection {
    return this.#reader;
  }

  /** Runs `work` on one consistent snapshot. It must be synchronous: the reading connection is shared. */
  readTransaction<T>(work: (c: Connection) => T): T {
    if (this.#isShut) throw this.#closed();
    if (this.#readSession.driver.isTransaction) return work(this.#reader);
    this.#reader.run("BEGIN");
    try {
      return work(this.#reader);
    } finally {
      this.#reader.run("COMMIT");
    }
  }

  /**
   * Runs `work` on a snapshot that lasts while it awaits, on a connection of its own. The log cannot be cut back
   * meanwhile, so this is for verifying and the like, not for every read.
   */
  async snapshot<T>(work: (c: Connection) => Promise<T>): Promise<T> {
    // A failed sync does not matter here: what was confirmed before can still be read, and saved elsewhere.
    if (this.#closing) throw this.#closed();
    const session = openReader(this.#access);
    const running = runSnapshot(session, work);
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    this.#snapshots.add(settled);
    settled.finally(() => this.#snapshots.delete(settled));
    return running;
  }

  /**
   * Runs `work` in a write transaction: committed when it returns, rolled back when it throws. Writes of this process
   * queue up; one that another process holds up is tried again without blocking the event loop. `tx` is of no use after
   * `work` has ended. A write inside a write would wait for itself: pass `tx` on instead.
   *
   * @throws EmbedlessError `LOCKED` after `lockTimeoutMs`, `ABORTED` when `signal` fires before `work` began, `READONLY`,
   *   `CLOSED`, `NO_SPACE`, `IO`, and whatever `work` throws
   */
  async write<T>(
    work: (tx: Connection) => Promise<T> | T,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    this.#requireOpen();
    const session = this.#writeSession;
    if (session === undefined) throw new EmbedlessError("READONLY", `${this.path} is open for reading only.`);
    const release = await this.#takeTurn(options.signal);
    try {
      await this.#begin(session, options.signal);
      return await this.#run(session, work);
    } finally {
      release();
    }
  }

  /** Changes whenever another connection (of any process, this one's writer included) has committed. */
  dataVersion(): number {
    return pragma(this.#reader, "data_version");
  }

  /** Bytes on disk: the file and its write-ahead log. */
  fileBytes(): number {
    return bytesOnDisk(this.path);
  }

  /**
   * Waits for the running write and running snapshots, refuses those that wait, and lets go of the file; the last
   * connection of all processes moves the log into the file and removes it. A second call returns the first one's promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    await this.#tail;
    await Promise.all(this.#snapshots);
    this.#isShut = true;
    this.#reader.end();
    try {
      this.#readSession.close();
      this.#writeSession?.close();
    } catch (error) {
      throw fromSqlite(error, this.path);
    } finally {
      this.#forgetOpen();
    }
  }

  #requireOpen(): void {
    if (this.#closing) throw this.#closed();
    if (this.#broken) throw this.#broken;
  }

  #closed(): EmbedlessError {
    return new EmbedlessError("CLOSED", `${this.path} was closed.`);
  }

  /** Waits until the writes before this one are over; answers the function that lets the next one go. */
  async #takeTurn(signal: AbortSignal | undefined): Promise<() => void> {
    const before = this.#tail;
    let release: () => void = () => {};
    const over = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#tail = before.then(() => over);
    try {
      await unlessAborted(before, signal);
      this.#requireOpen();
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  async #begin(session: Session, signal: AbortSignal | undefined): Promise<void> {
    await retryWhileBusy(
      () => {
        this.#requireOpen();
        session.statement("BEGIN IMMEDIATE").run();
      },
      { path: this.path, timeoutMs: this.#lockTimeoutMs, signal },
    );
  }

  async #run<T>(session: Session, work: (tx: Connection) => Promise<T> | T): Promise<T> {
    const tx = new Connection(session);
    try {
      const result = await work(tx);
      tx.end();
      session.statement("COMMIT").run();
      return result;
    } catch (error) {
      tx.end();
      // After some failures (a full disk) SQLite has rolled back by itself.
      if (session.driver.isTransaction) session.statement("ROLLBACK").run();
      if (isFailedSync(error)) this.#breakOff(error);
      throw fromSqlite(error, this.path);
    }
  }

  /** After a failed sync the system may have dropped what it could not write; a second try would only look like success. */
  #breakOff(cause: unknown): void {
    this.#broken = new EmbedlessError(
      "IO",
      `The disk failed to confirm a write to ${this.path}; open it again to go on from the last confirmed state.`,
      { cause },
    );
  }
}

/** Configures a fresh session; closes it when that fails. */
function configured(session: Session, configure: () => void): Session {
  try {
    configure();
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}

/** Opens the reading connection; with `newest`, for a store that has no writing one, checks that it needs no upgrade. */
function openReader(access: FileAccess, newest?: number): Session {
  const session = connect(access.path, fileUri(access.path, "ro", access.immutable), READ_BUSY_MS);
  return configured(session, () => {
    session.driver.exec("PRAGMA store.mmap_size = 0; PRAGMA store.cache_size = -4096");
    if (newest !== undefined) requireNewest(new Connection(session), access.path, newest);
  });
}

/** Opens the writing connection, makes or upgrades the store and switches it to WAL. */
function openWriter(access: FileAccess, options: DatabaseOptions, migrations: readonly Migration[]): Session {
  const session = connect(access.path, fileUri(access.path, options.create ? "rwc" : "rw"), 0);
  return configured(session, () => {
    const synchronous = options.durability === "normal" ? "NORMAL" : "FULL";
    session.driver.exec(`PRAGMA store.mmap_size = 0; PRAGMA store.cache_size = -8192;
      PRAGMA store.synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    upgrade(session, options.create, migrations);
    const mode = session.driver.prepare("PRAGMA store.journal_mode = WAL").get() as { journal_mode: string };
    if (mode.journal_mode !== "wal") {
      throw new EmbedlessError("IO", `The file system of ${session.path} cannot share a write-ahead log.`);
    }
    session.driver.exec(`PRAGMA store.journal_size_limit = ${LOG_BYTES}`);
  });
}

function upgrade(session: Session, create: boolean, migrations: readonly Migration[]): void {
  const { driver, path } = session;
  const newest = newestFormat(migrations);
  const c = new Connection(session);
  const before = identify(c, path, newest);
  if (before.empty && !create) throw new EmbedlessError("NOT_A_STORE", `Expected a store, but ${path} is empty.`);
  if (!before.empty && before.format === newest) return;
  // Both only take effect while the file has no page yet.
  if (before.empty) driver.exec(`PRAGMA store.page_size = ${PAGE_SIZE}; PRAGMA store.auto_vacuum = INCREMENTAL`);
  driver.exec("BEGIN IMMEDIATE");
  try {
    migrate(c, identify(c, path, newest).format, migrations);
    driver.exec("COMMIT");
  } catch (error) {
    if (driver.isTransaction) driver.exec("ROLLBACK");
    throw error;
  }
}

function newestFormat(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.to ?? FORMAT;
}

function requireNewest(c: Connection, path: string, newest: number): void {
  const identity = identify(c, path, newest);
  if (identity.empty) throw new EmbedlessError("NOT_A_STORE", `Expected a store, but ${path} is empty.`);
  if (identity.format < newest) {
    throw new EmbedlessError(
      "FORMAT_VERSION",
      `${path} has the older format ${identity.format}; open it once for writing to bring it to format ${newest}.`,
    );
  }
}

async function runSnapshot<T>(session: Session, work: (c: Connection) => Promise<T>): Promise<T> {
  const c = new Connection(session);
  try {
    c.run("BEGIN");
    // The snapshot is taken by the first read, not by BEGIN.
    c.get("SELECT 1 FROM store.sqlite_schema");
    return await work(c);
  } finally {
    c.end();
    session.close();
  }
}
