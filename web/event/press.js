// The one button. A press lasts until there is an answer to it: the page waits for the opening, for
// Retry-After and for the network by itself, and sends the same request again, which is harmless.

import { backoff, jittered, Offline } from "../shared/api.js";
import { NoSolution, Unsolved } from "./challenge.js";
import { judge } from "./outcomes.js";
import { Bell } from "./pause.js";

// A press this long before the opening is kept and sent at the opening.
export const MOMENT_MS = 10_000;
const AGAIN_MS = 15_000;
// The limits count within one second.
const TOO_MANY_MS = 4000;
const CHALLENGES_MAX = 3;
// A fault of the service's own is not waited out for ever.
const FAULTS_MAX = 2;
const RENEWALS_MAX = 2;

/**
 * state.kind: "idle"; "armed": waits for the campaign; "solving"; "sending"; "waiting": until
 * state.until of performance.now(); "won". state.code: the last refusal, null without one.
 */
export class Press {
  state = { kind: "idle", code: null };
  /** Before this moment of performance.now() nothing is sent: a Retry-After. */
  notBefore = -Infinity;
  #bell = new Bell();
  #stop = null;
  #mayHavePlace = false;
  #parts;

  /**
   * send: takes the solution or null and a signal, returns the answer of apply with the token that
   * was sent. challenge: a
   * Challenge. clock: a ServerClock. phase: returns the campaign's phase now,
   * null before it is known. renew: takes the token that was refused, returns whether there is
   * another one. onChange: called at each change of state.
   * onAnswer: called with each verdict.
   */
  constructor({ send, challenge, clock, phase, renew, onChange, onAnswer }) {
    this.#parts = { send, challenge, clock, phase, renew, onChange, onAnswer };
  }

  get isBusy() {
    return this.#stop !== null;
  }

  /** Whether pressing does anything now, apart from what the campaign says. */
  get isBlocked() {
    return this.isBusy || performance.now() < this.notBefore;
  }

  /** Look again: the campaign has changed, or the network is back. */
  wake() {
    this.#bell.ring();
  }

  /** The network is back: send what waits for it. */
  online() {
    if (this.state.kind === "waiting" && this.state.code === "OFFLINE") this.notBefore = performance.now() + jittered(1000) - 1000;
    this.#bell.ring();
  }

  /** Give up the present press, unless a request is under way. */
  stop() {
    if (this.state.kind !== "sending") this.#stop?.abort();
  }

  /** Give up the present press in any case: another person signs in. */
  abandon() {
    this.#stop?.abort();
  }

  /** Forget what was refused: another person signs in, or the campaign goes on. */
  forget() {
    if (this.isBusy) return;
    this.notBefore = -Infinity;
    this.#become({ kind: "idle", code: null });
  }

  /** Press; returns when there is an answer or the person has stopped. */
  async press() {
    if (this.isBlocked) return;
    this.#stop = new AbortController();
    this.#mayHavePlace = false;
    this.state = { kind: "idle", code: null };
    let end = { kind: "idle", code: null };
    try {
      end = await this.#untilAnswer(this.#stop.signal);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      this.#stop = null;
      this.#become(end);
    }
  }

  async #untilAnswer(signal) {
    const counts = { failures: 0, challenges: 0, faults: 0, renewals: 0 };
    for (;;) {
      const refusal = await this.#gate(signal);
      if (refusal) return refusal;
      let verdict;
      try {
        const solution = await this.#solution(signal);
        this.#become({ kind: "sending", code: this.state.code });
        verdict = judge(await this.#parts.send(solution, signal));
      } catch (error) {
        if (error instanceof NoSolution) verdict = { ...judge(error.answer), isSure: null };
        else if (error instanceof Unsolved) return { kind: "idle", code: "CHALLENGE_UNSOLVED" };
        else if (error instanceof Offline) verdict = { kind: "again", code: "OFFLINE", afterMs: 0, isSure: false };
        else throw error;
      }
      if (verdict.kind === "sign_in" && (counts.renewals += 1) <= RENEWALS_MAX && (await this.#parts.renew(verdict.token))) continue;
      const end = this.#after(verdict, counts);
      this.#parts.onAnswer(verdict);
      if (end) return end;
    }
  }

  /** Take in a verdict; return the state with which the press ends, null where it goes on. */
  #after(verdict, counts) {
    const { kind, code, afterMs } = verdict;
    if (kind === "won") return { kind: "won", code: null, serial: verdict.serial };
    if (verdict.isSure !== null) this.#mayHavePlace = !verdict.isSure;
    const refused = { kind: "idle", code, requestId: verdict.requestId };
    if (kind === "end" || kind === "sign_in") return refused;
    if (kind === "solve") {
      this.#parts.challenge.discard();
      counts.challenges += 1;
      if (counts.challenges > CHALLENGES_MAX) return refused;
      this.#wait(code, counts.challenges > 1 ? backoff(counts.challenges) : 0);
      return null;
    }
    if (code === "INTERNAL" && (counts.faults += 1) > FAULTS_MAX) {
      this.notBefore = performance.now() + jittered(AGAIN_MS / 2);
      return refused;
    }
    counts.failures += 1;
    this.#wait(code, waitAfter(verdict, counts.failures));
    return null;
  }

  #wait(code, ms) {
    this.notBefore = performance.now() + ms;
    this.#become({ kind: "waiting", code, until: this.notBefore });
  }

  /** Wait until the campaign lets people in; return the state to end with where it does not soon. */
  async #gate(signal) {
    for (;;) {
      const blocked = this.notBefore - performance.now();
      // Who may have a place asks for it, whatever the campaign is by now.
      const phase = this.#mayHavePlace ? { name: "OPEN", opensAt: null } : this.#parts.phase();
      const code = this.state.code;
      if (phase === null) {
        await this.#bell.wait(Infinity, signal);
        continue;
      }
      const { name, opensAt } = phase;
      if (name === "SOLD_OUT" || name === "CLOSED") return { kind: "idle", code: name };
      if (name === "PAUSED") {
        this.#become({ kind: "armed", code: "PAUSED" });
        await this.#bell.wait(Infinity, signal);
        continue;
      }
      const left = Math.max(opensAt ? this.#parts.clock.until(opensAt) : 0, blocked);
      if (left <= 0) return null;
      const isRefused = ["NOT_OPEN", "NEXT_RELEASE"].includes(code);
      if (left > MOMENT_MS && (opensAt || isRefused)) return { kind: "idle", code };
      if (opensAt) this.#become({ kind: "armed", code });
      else this.#become({ kind: "waiting", code, until: this.notBefore });
      await this.#bell.wait(left, signal);
    }
  }

  async #solution(signal) {
    const { challenge } = this.#parts;
    if (!challenge.isNeeded) return null;
    if (!challenge.isReady) this.#become({ kind: "solving", code: this.state.code });
    return challenge.solution(signal);
  }

  #become(state) {
    this.state = state;
    this.#parts.onChange();
  }
}

/** Return how long to wait: at least Retry-After, longer with each failure in a row. */
function waitAfter({ kind, code, afterMs }, failures) {
  // The person presses again when that time has come, so the page itself need not spread them.
  if (kind === "gate") return afterMs > MOMENT_MS ? afterMs : jittered(afterMs);
  if (failures === 1 && code !== "OFFLINE") return jittered(afterMs);
  return Math.max(jittered(afterMs), backoff(failures, code === "TOO_MANY_REQUESTS" ? TOO_MANY_MS : AGAIN_MS));
}
