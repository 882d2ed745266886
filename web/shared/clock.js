// The server's clock, estimated from its answers. This device's own clock is never asked: it may be
// wrong by minutes. What passes here is measured by performance.now(), which no setting moves.

const SAMPLES_MAX = 64;
// A device's quartz is wrong by some 50 millionths: 15 ms in this time.
const SAMPLE_MS = 300_000;
// More than an answer can be late by itself. Beyond it the server's clock was set back.
const SET_BACK_MS = 1000;
// The error that is stated holds for this share of all people.
const SHARE_OUTSIDE = 0.05;

/**
 * Estimates how far the server's clock is ahead of performance.now().
 *
 * An answer says what the server's clock was when it was made: so the clock was at least that when
 * the answer arrived. A cache may have kept the answer for up to `maxAgeMs`. The largest of these
 * bounds comes from the freshest answer; half the shortest round trip is how long it was on its way.
 */
export class ServerClock {
  #samples = []; // {bound, roundTrip, maxAge, at}
  #monotonic;

  constructor(monotonic = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Take in an answer that says `nowMs`; sentAt and receivedAt are of performance.now(). */
  sample(sentAt, receivedAt, nowMs, maxAgeMs = 1000) {
    const latest = nowMs - sentAt + maxAgeMs + SET_BACK_MS;
    if (this.isKnown && latest < this.#bound()) this.#samples = [];
    this.#samples.push({
      bound: nowMs - receivedAt,
      roundTrip: receivedAt - sentAt,
      maxAge: maxAgeMs,
      at: receivedAt,
    });
    this.#samples = this.#samples.slice(-SAMPLES_MAX).filter((one) => receivedAt - one.at < SAMPLE_MS);
  }

  /** Whether an answer has come yet. */
  get isKnown() {
    return this.#samples.length > 0;
  }

  /** Return the server's time in ms since 1970; null before the first answer. */
  now() {
    return this.isKnown ? this.#monotonic() + this.#offset() : null;
  }

  /** Return how many ms from now on the server's clock reads `timeMs`; negative when it is past. */
  until(timeMs) {
    return timeMs - this.now();
  }

  /**
   * Return by how many ms the estimate may be wrong, for 95 of 100 people.
   *
   * Half of the round trip, and the age that the freshest of n answers of a cache may still have.
   */
  errorMs() {
    if (!this.isKnown) return null;
    const maxAge = Math.max(...this.#samples.map((one) => one.maxAge));
    return this.#shortest() / 2 + maxAge * (1 - SHARE_OUTSIDE ** (1 / this.#samples.length));
  }

  #bound() {
    return Math.max(...this.#samples.map((one) => one.bound));
  }

  #shortest() {
    return Math.min(...this.#samples.map((one) => one.roundTrip));
  }

  #offset() {
    return this.#bound() + this.#shortest() / 2;
  }
}
