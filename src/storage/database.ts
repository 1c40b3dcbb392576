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
  /** Whether to create the file if it is missing. */
  create: boolean;
  /** Whether to open no writing connection. A file that cannot be written is always opened so. */
  readOnly: boolean;
  /**
   * `full`: a commit survives a power cut. `normal`: a power cut may lose the newest commits, but leaves none
   * incomplete.
   */
  durability: "full" | "normal";
  /** How long a write waits for other processes before `LOCKED`, in milliseconds. */
  lockTimeoutMs: number;
  /** Steps between formats; for tests. Default: those of this version. */
  migrations?: readonly Migration[];
  /** Whether to open a file that has other tables than a store, as long as they are plain. Used for repairing. */
  strangers?: boolean;
}

/** 16 KB pages: rows of about 1 KB waste 7 % of them, but 34 % of 4 KB pages, at the same reading speed. */
const PAGE_SIZE = 16_384;
/** Pages in the log at which a commit moves them to the file. There are few, so that this moment stays short. */
const CHECKPOINT_PAGES = 256;
/** Size to which a log is cut back after a large write. */
const LOG_BYTES = 8 * 1024 * 1024;

/**
 * A store's file: one reading and one writing connection in WAL mode. Readers see only committed states and never wait.
 * Writers of this process queue and take turns with those of other processes.
 */
export class Database {
  /** Absolute path of the file. */
  readonly path: string;
  readonly readOnly: boolean;
  readonly #lockTimeoutMs: number;
  readonly #reading: Reading;
  readonly #writeSession: Session | undefined;
  readonly #forgetOpen: () => void;
  /** The files that this handle reads and writes, even if other files have replaced them. */
  readonly #files: StoreFiles;
  readonly #snapshots = new Set<Promise<unknown>>();
  /** Settles when the last queued write is over. It never rejects. */
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
   * Opens the store at `path`, creates it if that is allowed, and converts an older format to the newest.
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

  /** The connection for reading. Each statement sees the newest committed state. */
  get reader(): Connection {
    return this.#reading.connection;
  }

  /** Runs `work` on one consistent snapshot. It must be synchronous, because the reading connection is shared. */
  readTransaction<T>(work: (c: Connection) => T): T {
    if (this.#isShut) throw this.#closed();
    return this.#reading.transaction(work);
  }

  /**
   * Runs `work` on a snapshot that lasts while it awaits, with its own connection. The log cannot be cut back in the
   * meantime, so use it for verifying and similar work, not for every read. A limited number run at once, so a snapshot
   * must not wait for another one. `work` may run again, see `Reading`.
   *
   * @throws EmbedlessError `CLOSED`, `ABORTED` when `signal` fires before `work` began, `IO`, and whatever `work`
   *   throws
   */
  async snapshot<T>(work: (c: Connection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    // A failed sync does not matter here, because confirmed data can still be read and saved elsewhere.
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
   * Runs `work` in a write transaction. It is committed when `work` returns and rolled back when it throws. Writes of
   * this process queue. If another process holds the lock, the write is tried again without blocking the event loop.
   * `tx` is unusable after `work` has ended. A write inside a write would wait for itself, so pass `tx` on instead.
   *
   * @throws EmbedlessError `LOCKED` after `lockTimeoutMs`, `ABORTED` when `signal` fires before `work` began,
   *   `READONLY`, `CLOSED`, `NO_SPACE`, `IO` (also when the file or its log was removed or replaced: then nothing is
   *   written to the file that replaced it), and whatever `work` throws
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
   * Waits for the running write and running snapshots, refuses the waiting ones, and releases the file. The last
   * connection of all processes moves the log into the file and removes it. A second call returns the first one's
   * promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    await this.#tail;
    await Promise.all(this.#snapshots);
    this.#isShut = true;
    // The last connection to close moves the log into the file, unless it is for reading only. A log that no longer
    // belongs to the store must not be moved, because others may have written since.
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

  /** Waits until the earlier writes are over. Answers a function that starts the next one. */
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
      // If the file was removed in the meantime, what was written into it is not acknowledged.
      this.#requireSameFiles();
      return result;
    } catch (error) {
      tx.end();
      // After some failures (a full disk) SQLite has rolled back already.
      if (session.driver.isTransaction) session.statement("ROLLBACK").run();
      if (isFailedSync(error)) this.#breakOff(error);
      throw fromSqlite(error, this.path);
    }
  }

  /**
   * Throws `IO` if the store or its log was removed or replaced. SQLite would continue to write to a file that nobody
   * can open, or write pages of the old store into the new one.
   */
  #requireSameFiles(): void {
    if (!sameFiles(this.#files, storeFilesAt(this.path))) throw this.#replaced();
  }

  /** Throws `IO` if a new connection would not read the file that this handle has open. */
  #requireReadable(): void {
    const { database, log } = storeFilesAt(this.path);
    // If this handle only reads, a log may appear and disappear.
    const hasLog = this.#writeSession === undefined || log === this.#files.log;
    if (database !== this.#files.database || !hasLog) throw this.#replaced();
  }

  #replaced(): EmbedlessError {
    return new EmbedlessError(
      "IO",
      `${this.path} or its write-ahead log was removed or replaced while it was open, so this store writes nothing more. Open it again.`,
    );
  }

  /**
   * After a failed sync the system may have dropped what it could not write. A second try would only seem to succeed.
   */
  #breakOff(cause: unknown): void {
    this.#broken = new EmbedlessError(
      "IO",
      `The disk failed to confirm a write to ${this.path}. Open it again to continue from the last confirmed state.`,
      { cause },
    );
  }
}

/** SQLite keeps one log per name. With two names of one file it would keep two logs and destroy the file. */
function requireOneName(path: string): void {
  const other = otherNameOf(path);
  if (other === undefined) return;
  throw new EmbedlessError("IO", `${path} is open already under its other name ${other} (a hard link): use one name.`);
}

/** Configures a new session, and closes it if that fails. */
function configured(session: Session, configure: () => void): Session {
  try {
    configure();
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}

/** Opens the writing connection, creates or upgrades the store and switches it to WAL. */
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
    // Reading opens the log. Otherwise this connection would leave the log behind if it is the last to close.
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
  // Both work only while the file has no pages.
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
