import { backup, DatabaseSync } from "@photostructure/sqlite";
import { EmbedlessError } from "../base/errors.js";
import { type Cell, readSalt, type Salted } from "./integrity.js";
import { fromSqlite } from "./sqlite_errors.js";

/** The part of `node:sqlite`'s `StatementSync` that is used. */
export interface SqlStatement {
  get(...params: Cell[]): unknown;
  all(...params: Cell[]): unknown[];
  iterate(...params: Cell[]): IterableIterator<unknown>;
  run(...params: Cell[]): { changes: number | bigint };
}

/** The part of `node:sqlite`'s `DatabaseSync` that is used. */
export interface SqlDriver {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  close(): void;
}

/** Most prepared statements. The library has fewer, so only those of filters are ever dropped. */
const PREPARED = 256;

/** Pages copied per step: 4 MB. */
const PAGES_A_STEP = 256;

/** A driver with its prepared statements. The connections that use it one after another share it. */
export class Session {
  readonly driver: SqlDriver;
  /** The file, for messages. */
  readonly path: string;
  /**
   * Statements whose rows are being read. The driver crashes if one is garbage collected before its iterator is done.
   */
  readonly iterating = new Set<SqlStatement>();
  readonly #statements = new Map<string, SqlStatement>();
  /** The salt of the store's checksums, if it is known. */
  salt: number | undefined;

  constructor(driver: SqlDriver, path: string) {
    this.driver = driver;
    this.path = path;
  }

  /**
   * The prepared statement of `sql`. The statements used last stay prepared, because filters make any number of them.
   */
  statement(sql: string): SqlStatement {
    const statement = this.#statements.get(sql) ?? this.driver.prepare(sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > PREPARED) this.#statements.delete(this.#statements.keys().next().value as string);
    return statement;
  }

  /**
   * Releases the file. The driver cannot finalise statements, and SQLite keeps a connection open until they are.
   * Therefore the file is an attached database that is detached here, which releases it (and its write-ahead log) at
   * once.
   */
  close(): void {
    this.#statements.clear();
    try {
      if (this.driver.isTransaction) this.driver.exec("ROLLBACK");
      this.driver.exec("DETACH store");
    } finally {
      this.driver.close();
    }
  }
}

/** A new connection to the file `uri`, which its statements call `store`. */
export function connect(path: string, uri: string, timeoutMs: number): Session {
  // The driver reads URIs only for databases that were themselves opened by a URI.
  const driver: SqlDriver = new DatabaseSync("file:///embedless?mode=memory", {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: false,
    defensive: true,
    timeout: timeoutMs,
  });
  try {
    driver.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY");
    driver.prepare("ATTACH ? AS store").run(uri);
    return new Session(driver, path);
  } catch (error) {
    driver.close();
    throw error;
  }
}

/**
 * Runs SQL synchronously. Statements stay prepared by their text, so values must be parameters.
 *
 * Strings must not hold NUL characters, because the driver passes them as C strings. Integers must be safe integers.
 * Every method throws an `EmbedlessError` (`CORRUPT`, `LOCKED`, `NO_SPACE`, `IO`, ...; `CLOSED` after `end`).
 */
export class Connection implements Salted {
  readonly #session: Session;
  /** Whether nobody else can change what it reads before it ends. */
  readonly isWrite: boolean;
  /** Functions that release the statements whose rows are being read. */
  readonly #iterations = new Set<() => void>();
  #ended = false;

  constructor(session: Session, { isWrite = false }: { isWrite?: boolean } = {}) {
    this.#session = session;
    this.isWrite = isWrite;
  }

  /** The salt of the store's checksums, read once. Throws `CORRUPT` if it is damaged. */
  get salt(): number {
    this.#session.salt ??= readSalt(this);
    return this.#session.salt;
  }

  /** Uses another salt than that of the file, for reading a damaged store. */
  adoptSalt(salt: number): void {
    this.#session.salt = salt;
  }

  /** The first row, or `undefined`. */
  get<T>(sql: string, ...params: Cell[]): T | undefined {
    return this.#run(() => this.#session.statement(sql).get(...params) as T | undefined);
  }

  /** All rows. Limit their number with LIMIT, because all are in memory. */
  all<T>(sql: string, ...params: Cell[]): T[] {
    return this.#run(() => this.#session.statement(sql).all(...params) as T[]);
  }

  /**
   * Rows one by one. The statement stays open between them and keeps its snapshot, so use it on connections that stay
   * on one snapshot. Ending the loop early closes the statement.
   */
  *iterate<T>(sql: string, ...params: Cell[]): Generator<T> {
    // It needs its own statement, because the same text may be used in between.
    const statement = this.#run(() => this.#session.driver.prepare(sql));
    this.#session.iterating.add(statement);
    const rows = this.#run(() => statement.iterate(...params));
    const letGo = () => {
      this.#iterations.delete(letGo);
      rows.return?.();
      this.#session.iterating.delete(statement);
    };
    this.#iterations.add(letGo);
    try {
      for (;;) {
        const { value, done } = this.#run(() => rows.next());
        if (done) return;
        yield value as T;
      }
    } finally {
      if (this.#iterations.has(letGo)) letGo();
    }
  }

  /** Runs a statement for its effect. `changes` is the number of rows inserted, updated or deleted. */
  run(sql: string, ...params: Cell[]): { changes: number } {
    return this.#run(() => ({ changes: Number(this.#session.statement(sql).run(...params).changes) }));
  }

  /** Runs statements that are used once (schema changes). Nothing is cached. */
  exec(sql: string): void {
    this.#run(() => this.#session.driver.exec(sql));
  }

  /**
   * Copies the database as this connection's transaction sees it into the file `path`, off this thread. The connection
   * must not be used in the meantime. If `onStep` throws, the copying ends.
   */
  async copyTo(path: string, onStep: (pages: { totalPages: number; remainingPages: number }) => void): Promise<void> {
    const driver = this.#session.driver as Parameters<typeof backup>[0];
    await backup(driver, path, { source: "store", rate: PAGES_A_STEP, progress: onStep });
  }

  /**
   * Makes every later call throw `CLOSED`, so that nothing left of a transaction writes into the next one. Statements
   * whose rows were not read to the end are released, because they would keep an old snapshot.
   */
  end(): void {
    this.#ended = true;
    for (const letGo of this.#iterations) letGo();
  }

  #run<T>(work: () => T): T {
    if (this.#ended)
      throw new EmbedlessError("CLOSED", `This transaction or connection of ${this.#session.path} is over.`);
    try {
      return work();
    } catch (error) {
      throw fromSqlite(error, this.#session.path);
    }
  }
}
