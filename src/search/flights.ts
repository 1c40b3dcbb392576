import { abortController } from "../abort.js";
import { aborted } from "../errors.js";

/** One call of the embedder that several searches may be waiting for. */
interface Flight {
  readonly vectors: Promise<Float32Array[]>;
  readonly controller: AbortController;
  waiters: number;
}

/** Embeds texts; must settle soon after its signal fires. */
export type EmbedTexts = (texts: string[], signal: AbortSignal) => Promise<Float32Array[]>;

/**
 * Shares embeddings that are under way: a text that some caller is already waiting for is never embedded a second time.
 * A call is aborted only when every caller that waits for any of its texts has given up.
 */
export class Flights {
  readonly #embed: EmbedTexts;
  readonly #byText = new Map<string, { flight: Flight; position: number }>();

  constructor(embed: EmbedTexts) {
    this.#embed = embed;
  }

  /**
   * The vectors of `texts`, in order. Equal texts share one run. New texts are started longest first, so that the
   * last one to finish is a short one.
   *
   * @returns the vectors, and of each whether this call had it embedded (`true`) or joined another (`false`).
   * @throws `ABORTED` when `signal` fires; whatever the embedder throws.
   */
  async embed(
    texts: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ vectors: Float32Array[]; started: boolean[] }> {
    if (signal?.aborted) throw aborted(signal);
    const fresh = [...new Set(texts)].filter((text) => !this.#byText.has(text));
    fresh.sort((a, b) => b.length - a.length);
    if (fresh.length > 0) this.#start(fresh);
    const seats = texts.map((text) => this.#byText.get(text)!);
    const flights = new Set(seats.map((seat) => seat.flight));
    await waitFor(flights, signal);
    const answers = await Promise.all(seats.map(async (seat) => (await seat.flight.vectors)[seat.position]!));
    return { vectors: answers, started: firstOf(texts, new Set(fresh)) };
  }

  #start(texts: string[]): void {
    const controller = abortController();
    const flight: Flight = { controller, waiters: 0, vectors: this.#embed(texts, controller.signal) };
    texts.forEach((text, position) => {
      this.#byText.set(text, { flight, position });
    });
    const land = () => {
      for (const text of texts) if (this.#byText.get(text)?.flight === flight) this.#byText.delete(text);
    };
    // A flight that everybody left takes no new passengers: its texts are forgotten at once, not when it settles.
    controller.signal.addEventListener("abort", land, { once: true });
    flight.vectors.then(land, land);
  }
}

/** Waits for all flights; a caller that aborts leaves them, and the last one to leave a flight aborts it. */
async function waitFor(flights: ReadonlySet<Flight>, signal: AbortSignal | undefined): Promise<void> {
  for (const flight of flights) flight.waiters++;
  let give: (() => void) | undefined;
  try {
    const all = Promise.all([...flights].map((flight) => flight.vectors));
    if (signal === undefined) {
      await all;
      return;
    }
    const gaveUp = new Promise<never>((_, reject) => {
      give = () => reject(aborted(signal));
      signal.addEventListener("abort", give, { once: true });
    });
    await Promise.race([all, gaveUp]);
  } catch (error) {
    // Those of this caller's flights that nobody else needs end here; others go on.
    for (const flight of flights) if (flight.waiters === 1) flight.controller.abort(error);
    throw error;
  } finally {
    if (give) signal?.removeEventListener("abort", give);
    for (const flight of flights) flight.waiters--;
  }
}

/** Marks the first occurrence of each text in `wanted`: equal texts cost one embedding, so only one of them counts. */
function firstOf(texts: readonly string[], wanted: Set<string>): boolean[] {
  return texts.map((text) => wanted.delete(text));
}
