// Asks for the campaign again and again, so that a cache of one second carries all people: each asks
// for the same address with the same headers, and never twice within the second that a cache keeps.

import { backoff, jittered, Offline } from "../shared/api.js";

const MINUTE_MS = 60_000;
// Longer than a browser's own cache keeps an answer: each request shows the clock anew.
const SOONEST_MS = 1200;
const FAILURES_MS = 30_000;
const QUIET_MS = 30_000;
// Without a word about it in an answer.
const MAX_AGE_MS = 1000;
const MAX_AGE = /\bmax-age=(\d{1,4})\b/;

/** Return how long after an answer to ask again, in ms before the jitter. */
export function pollAfterMs({ name, opensAt }, now) {
  if (name === "CLOSED") return MINUTE_MS; // its end may be moved
  if (name === "SOLD_OUT") return 20_000; // a place that is given back is live soon enough
  if (name === "PAUSED") return 5000;
  if (name === "OPEN") return 4000;
  const left = opensAt - now;
  if (left > 10 * MINUTE_MS) return 30_000;
  return left > MINUTE_MS ? 10_000 : 2000; // the last minute shows the clock
}

/** Polls one campaign. `campaign`: the last answer. `problem`: the code that came instead of one. */
export class CampaignFeed {
  campaign = null;
  problem = null;
  #failures = 0;
  #timer;
  #askedAt = -Infinity;
  #isAsking = false;
  #isOn = false;
  #parts;

  /**
   * read: returns the answer of GET /campaigns/{id} as `call` does. clock: a ServerClock.
   * phase: returns the phase of the campaign now. isQuiet: whether the person has what there is to
   * have, and the page only looks now and then. onChange: called after each answer.
   */
  constructor({ read, clock, phase, isQuiet = () => false, onChange, timers = window, monotonic = () => performance.now(), random }) {
    this.#parts = { read, clock, phase, isQuiet, onChange, timers, monotonic, random };
  }

  get isOn() {
    return this.#isOn;
  }

  /** Begin, or go on after stop(). */
  start() {
    this.#isOn = true;
    this.refresh();
  }

  /** Ask no more: the page is hidden, or does not need it. */
  stop() {
    this.#isOn = false;
    this.#parts.timers.clearTimeout(this.#timer);
  }

  /** Ask as soon as a cache may have something new. */
  refresh() {
    if (!this.#isOn || this.#isAsking) return;
    const { monotonic, random } = this.#parts;
    const soonest = this.#askedAt + jittered(SOONEST_MS, random) - monotonic();
    this.#askIn(Math.max(0, soonest));
  }

  #askIn(ms) {
    const { timers } = this.#parts;
    timers.clearTimeout(this.#timer);
    this.#timer = timers.setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#askedAt = this.#parts.monotonic();
    let wait = 0;
    try {
      wait = this.#take(await this.#parts.read());
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      this.problem = "OFFLINE"; // what is shown stays
      this.#failures += 1;
    } finally {
      this.#isAsking = false;
    }
    this.#parts.onChange();
    this.#askAgain(wait);
  }

  /** Take in an answer; return how long it asks to wait in any case. */
  #take({ status, body, headers, retryAfterMs, sentAt, receivedAt }) {
    if (status === 200 && body?.now) {
      const maxAge = MAX_AGE.exec(headers.get("Cache-Control") ?? "");
      this.#parts.clock.sample(sentAt, receivedAt, Date.parse(body.now), maxAge ? maxAge[1] * 1000 : MAX_AGE_MS);
      this.campaign = body;
      this.problem = null;
      this.#failures = 0;
      return 0;
    }
    this.problem = body?.code ?? `HTTP_${status}`;
    this.#failures += 1;
    return retryAfterMs ?? 0;
  }

  #askAgain(atLeastMs) {
    if (!this.#isOn) return;
    const { clock, phase, isQuiet, random } = this.#parts;
    if (this.#failures > 0) {
      this.#askIn(Math.max(jittered(atLeastMs, random), backoff(this.#failures, FAILURES_MS, random)));
      return;
    }
    const wait = pollAfterMs(phase(), clock.now());
    this.#askIn(jittered(isQuiet() ? Math.max(wait, QUIET_MS) : wait, random));
  }
}
