import { unlessAborted } from "../base/abort.js";
import { EmbedlessError } from "../base/errors.js";
import { Connection, connect, type Session } from "./connection.js";
import { bytesOnDisk, type FileAccess, fileUri, inspectFile } from "./file_access.js";
import { type Expected, identify } from "./known_schema.js";
import { noteOpen, otherNameOf, type StoreFiles, sameFiles, storeFilesAt } from "./open_files.js";
import { Reading } from "./reading.js";
import { FORMAT, MIGRATIONS, type Migration, migrate } from "./schema.js";
import { fromSqlite, isFailedSync, retryWhileBusy } from "./sqlite_errors.js";

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
  /** Open a file that has tables beside those of a store, as long as they are plain: for repairing. */
  strangers?: boolean;
}

/** 16 KB pages: rows of about 1 KB waste 7 % of them instead of 34 % of 4 KB pages, at the same reading speed. */
const PAGE_SIZE = 16_384;
/** Pages in the log before a commit moves them to the file: few, so that this moment stays short. */
const CHECKPOINT_PAGES = 256;
/** A log that one large write made long is cut back to this. */
const LOG_BYTES = 8 * 1024 * 1024;

/**
 * A store's file: one reading and one writing connection in WAL mode. Readers see committed states only and never wait;
 * the writers of this process queue up and take turns with those of other processes.
 */
export class Database {
  /** Absolute path of the file. */
  readonly path: string;
  readonly readOnly: boolean;
  readonly #lockTimeoutMs: number;
  readonly #reading: Reading;
  readonly #writeSession: Session | undefined;
  readonly #forgetOpen: () => void;
  /** The files that this handle reads and writes, whatever has come in their places since. */
  readonly #files: StoreFiles;
  readonly #snapshots = new Set<Promise<unknown>>();
  /** Settles when the last write in the queue is over; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #broken: EmbedlessError | undefined;
  #closing: Promise<void> | undefined;
  #isShut = false;

  private constructor(
    access: FileAccess,
    options: DatabaseOptions,
    { reading, writing }: { reading: Reading; writing: Session | undefined },
    forgetOpen: () => void,
  ) {
    this.path = access.path;
    this.readOnly = access.readOnly;
    this.#lockTimeoutMs = options.lockTimeoutMs;
    this.#reading = reading;
    this.#writeSession = writing;
    this.#forgetOpen = forgetOpen;
    this.#files = storeFilesAt(access.path);
  }

  /**
   * Opens the store at `path`, makes it if it may, and brings an older format to the newest.
   *
   * @throws EmbedlessError `NOT_FOUND`, `NOT_A_STORE`, `FORMAT_VERSION`, `CORRUPT`, `LOCKED`, `NO_SPACE` or `IO`
   */
  static async open(path: string, options: DatabaseOptions): Promise<Database> {
    const access = inspectFile(path, options);
    requireOneName(access.path);
    const migrations = options.migrations ?? MIGRATIONS;
    const waiting = { path: access.path, timeoutMs: options.lockTimeoutMs, signal: undefined };
    const forgetOpen = noteOpen(access.path);
    let writing: Session | undefined;
    try {
      if (!access.readOnly) {
        writing = await retryWhileBusy(() => openWriter(access, options), waiting);
      }
      const expected = { migrations, strangers: options.strangers };
      const check = (c: Connection) => requireNewest(c, access.path, expected);
      const reading = await retryWhileBusy(
        () => new Reading(access, writing === undefined ? check : undefined),
        waiting,
      );
      return new Database(access, options, { reading, writing }, forgetOpen);
    } catch (error) {
      writing?.close();
      forgetOpen();
      throw error;
    }
  }

  /** Sees committed states only, each statement the newest. */
  get reader(): Connection {
    return this.#reading.connection;
  }

  /** Runs `work` on one consistent snapshot. It must be synchronous: the reading connection is shared. */
  readTransaction<T>(work: (c: Connection) => T): T {
    if (this.#isShut) throw this.#closed();
    return this.#reading.transaction(work);
  }

  /**
   * Runs `work` on a snapshot that lasts while it awaits, on a connection of its own. The log cannot be cut back
   * meanwhile, so this is for verifying and the like, not for every read. A bounded number run at once, so a snapshot
   * must not wait for another one. `work` may be run again, see `Reading`.
   *
   * @throws EmbedlessError `CLOSED`, `ABORTED` when `signal` fires before `work` began, `IO`, and whatever `work` throws
   */
  async snapshot<T>(work: (c: Connection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    // A failed sync does not matter here: what was confirmed before can still be read, and saved elsewhere.
    if (this.#closing) throw this.#closed();
    const running = this.#reading.snapshot(work, () => this.#requireReadable(), signal);
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
   *   `CLOSED`, `NO_SPACE`, `IO` (also when the file or its log was removed or replaced: then nothing is written to what
   *   has come in its place), and whatever `work` throws
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
    return this.#reading.dataVersion();
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
    // The last connection to close moves the log into the file, unless it can only read. A log that is no longer the
    // store's must not get there: others may have written since.
    const isOrphaned = !sameFiles(this.#files, storeFilesAt(this.path));
    const sides = [this.#reading, this.#writeSession];
    try {
      for (const side of isOrphaned ? sides.reverse() : sides) side?.close();
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
        this.#requireSameFiles();
        session.statement("BEGIN IMMEDIATE").run();
      },
      { path: this.path, timeoutMs: this.#lockTimeoutMs, signal },
    );
  }

  async #run<T>(session: Session, work: (tx: Connection) => Promise<T> | T): Promise<T> {
    const tx = new Connection(session, { isWrite: true });
    try {
      const result = await work(tx);
      tx.end();
      this.#requireSameFiles();
      session.statement("COMMIT").run();
      // What went into a file that was taken away meanwhile is not acknowledged.
      this.#requireSameFiles();
      return result;
    } catch (error) {
      tx.end();
      // After some failures (a full disk) SQLite has rolled back by itself.
      if (session.driver.isTransaction) session.statement("ROLLBACK").run();
      if (isFailedSync(error)) this.#breakOff(error);
      throw fromSqlite(error, this.path);
    }
  }

  /**
   * Throws `IO` if the store or its log was removed or another file took its place. SQLite would go on writing to what
   * nobody can open any more, or put pages of the old store into the new one.
   */
  #requireSameFiles(): void {
    if (!sameFiles(this.#files, storeFilesAt(this.path))) throw this.#replaced();
  }

  /** Throws `IO` if a new connection would not find what this handle wrote and reads. */
  #requireReadable(): void {
    const { database, log } = storeFilesAt(this.path);
    // Beside a handle that only reads, a log may come and go.
    const hasLog = this.#writeSession === undefined || log === this.#files.log;
    if (database !== this.#files.database || !hasLog) throw this.#replaced();
  }

  #replaced(): EmbedlessError {
    return new EmbedlessError(
      "IO",
      `${this.path} or its write-ahead log was removed or replaced while it was open, so this handle writes no more; open the store again.`,
    );
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

/** SQLite keeps a log per name: under two names of one file it would keep two, and the file would be lost. */
function requireOneName(path: string): void {
  const other = otherNameOf(path);
  if (other === undefined) return;
  throw new EmbedlessError("IO", `${path} is open already under its other name ${other} (a hard link): use one name.`);
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

/** Opens the writing connection, makes or upgrades the store and switches it to WAL. */
function openWriter(access: FileAccess, options: DatabaseOptions): Session {
  const session = connect(access.path, fileUri(access.path, options.create ? "rwc" : "rw"), 0);
  return configured(session, () => {
    const synchronous = options.durability === "normal" ? "NORMAL" : "FULL";
    session.driver.exec(`PRAGMA store.mmap_size = 0; PRAGMA store.cache_size = -8192;
      PRAGMA store.synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    upgrade(session, options);
    const mode = session.driver.prepare("PRAGMA store.journal_mode = WAL").get() as { journal_mode: string };
    if (mode.journal_mode !== "wal") {
      throw new EmbedlessError("IO", `The file system of ${session.path} cannot share a write-ahead log.`);
    }
    // Reading opens the log: a connection that never did would leave it behind when it is the last to close.
    session.driver.exec(`PRAGMA store.journal_size_limit = ${LOG_BYTES}; SELECT 1 FROM store.sqlite_schema`);
  });
}

function upgrade(session: Session, { create, strangers, migrations = MIGRATIONS }: DatabaseOptions): void {
  const { driver, path } = session;
  const newest = newestFormat(migrations);
  const c = new Connection(session);
  const before = identify(c, path, { migrations, strangers });
  if (before.empty && !create) throw new EmbedlessError("NOT_A_STORE", `Expected a store, but ${path} is empty.`);
  if (!before.empty && before.format === newest) return;
  // Both only take effect while the file has no page yet.
  if (before.empty) driver.exec(`PRAGMA store.page_size = ${PAGE_SIZE}; PRAGMA store.auto_vacuum = INCREMENTAL`);
  driver.exec("BEGIN IMMEDIATE");
  try {
    migrate(c, identify(c, path, { migrations, strangers }).format, migrations);
    driver.exec("COMMIT");
  } catch (error) {
    if (driver.isTransaction) driver.exec("ROLLBACK");
    throw error;
  }
}

function newestFormat(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.to ?? FORMAT;
}

function requireNewest(c: Connection, path: string, expected: Expected & { migrations: readonly Migration[] }): void {
  const newest = newestFormat(expected.migrations);
  const identity = identify(c, path, expected);
  if (identity.empty) throw new EmbedlessError("NOT_A_STORE", `Expected a store, but ${path} is empty.`);
  if (identity.format < newest) {
    throw new EmbedlessError(
      "FORMAT_VERSION",
      `${path} has the older format ${identity.format}; open it once for writing to bring it to format ${newest}.`,
    );
  }
}
