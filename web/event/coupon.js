// The person's own coupon: what the service says of it, asked for again while it can change.

import { backoff, jittered, Offline } from "../shared/api.js";

const PENDING_FIRST_MS = 800;
const PENDING_MOST_MS = 10_000;
const PENDING_GROWTH = 1.5;
// A shop may use it at any time; a person looks at the page while that happens.
const LIVE_MS = 30_000;
const QUIET_MS = 60_000;
const LIVE = new Set(["ISSUED", "RESERVED"]);

/**
 * kind: "unknown" before an answer, "none", or "held" with `coupon` as GET …/coupon gives it.
 * givenBack: the serial that this page has given back, null without one.
 */
export class OwnCoupon {
  kind = "unknown";
  coupon = null;
  givenBack = null;
  #wonAt = -Infinity;
  #offered = null; // the serial that this page has asked to give back
  #asked = 0; // of which the last request's answer counts
  #pendingMs = PENDING_FIRST_MS;
  #failures = 0;
  #timer;
  #parts;

  /**
   * ask: takes a method, returns the answer of it on …/coupon with the token that was sent. isOn: whether to go on asking.
   * onChange: called after each change. onOwnChange: called when this page has changed it.
   * onUnauthenticated: called with the token that is not accepted.
   */
  constructor({ ask, isOn, onChange, onOwnChange, onUnauthenticated }) {
    this.#parts = { ask, isOn, onChange, onOwnChange, onUnauthenticated };
  }

  /** Another person: forget all. */
  forget() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    Object.assign(this, { kind: "unknown", coupon: null, givenBack: null });
    this.#wonAt = -Infinity;
    this.#offered = null;
  }

  /** A press was answered with this serial. */
  won(serial) {
    this.#wonAt = performance.now();
    this.#pendingMs = PENDING_FIRST_MS;
    this.givenBack = null;
    if (this.coupon?.serial !== serial) {
      this.kind = "held";
      this.coupon = { status: "PENDING", serial, code: null, state: null };
    }
    this.#parts.onChange();
    this.#parts.onOwnChange();
    this.#askIn(jittered(PENDING_FIRST_MS) / 2);
  }

  /** Ask now. */
  async refresh() {
    clearTimeout(this.#timer);
    if (!this.#parts.isOn()) return;
    const number = (this.#asked += 1);
    const sentAt = performance.now();
    let answer;
    try {
      answer = await this.#parts.ask("GET");
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      answer = null;
    }
    // What was asked before the win, or before another question, is not news any more.
    if (number !== this.#asked) return;
    const wait = this.#take(answer, sentAt);
    this.#parts.onChange();
    if (wait !== null) this.#askIn(wait);
  }

  /** Give the coupon back; return "done", or the code that says why not. */
  async giveBack() {
    const { serial } = this.coupon;
    this.#offered = serial; // the answer may be lost
    const answer = await this.#parts.ask("DELETE");
    // The answer to an earlier attempt may have been lost: then there is nothing left to give back.
    if (answer.status === 200 || answer.body?.code === "NOT_APPLIED") {
      this.forget();
      Object.assign(this, { kind: "none", givenBack: serial });
      this.#parts.onChange();
      this.#parts.onOwnChange();
      return "done";
    }
    if (answer.status === 401) this.#parts.onUnauthenticated(answer.token);
    else this.#askIn(jittered(answer.retryAfterMs ?? 0));
    return answer.body?.code ?? `HTTP_${answer.status}`;
  }

  /** Take in an answer, null for none; return when to ask again in ms, null for not at all. */
  #take(answer, sentAt) {
    if (answer?.status === 200) {
      this.#failures = 0;
      this.kind = "held";
      this.coupon = answer.body;
      this.givenBack = null;
      return this.#next();
    }
    const code = answer?.body?.code;
    if (code === "NOT_APPLIED" || code === "CAMPAIGN_NOT_FOUND") {
      this.#failures = 0;
      if (sentAt < this.#wonAt) return this.#next();
      this.kind = "none";
      this.coupon = null;
      this.givenBack ??= this.#offered;
      return null;
    }
    if (answer?.status === 401) {
      this.#parts.onUnauthenticated(answer.token);
      return null;
    }
    this.#failures += 1;
    return Math.max(jittered(answer?.retryAfterMs ?? 0), backoff(this.#failures));
  }

  #next() {
    const { status, state } = this.coupon;
    if (status === "PENDING") {
      const wait = this.#pendingMs;
      this.#pendingMs = Math.min(wait * PENDING_GROWTH, PENDING_MOST_MS);
      return jittered(wait);
    }
    if (LIVE.has(state)) return jittered(LIVE_MS);
    // An order that is cancelled makes a used one usable again; a failed one may be written later.
    return state === "EXPIRED" || state === "REVOKED" ? null : jittered(QUIET_MS);
  }

  #askIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), ms);
  }
}
