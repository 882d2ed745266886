// A campaign's challenge: a little work for this device, done beside the page and before the opening
// where there is time.

import { call } from "../shared/api.js";

// A challenge is good for 15 minutes. This long before its end it is not sent any more.
const SPARE_MS = 30_000;
const WORKERS_MAX = 4;
const EXPIRES = /\?expires=(\d{1,12})&$/;

/** There is no solution: `answer` is what GET …/challenge said to its `token`. */
export class NoSolution extends Error {
  constructor(answer) {
    super("no challenge came");
    this.answer = answer;
  }
}

/** This device cannot do the work: its browser runs no such worker, or no number is right. */
export class Unsolved extends Error {}

/** isNeeded: the campaign asks for one. done: the part of the work that is done, 0 to 1. */
export class Challenge {
  isNeeded = false;
  done = 0;
  #ready = null; // {header, expires}
  #running = null;
  #abort = null;
  #parts;

  /** path: of GET …/challenge. token: returns the bearer token. clock: a ServerClock. */
  constructor({ path, token, clock, onChange }) {
    this.#parts = { path, token, clock, onChange };
  }

  /** Whether a solution is there that the service still takes. */
  get isReady() {
    return this.#ready !== null && this.#parts.clock.until(this.#ready.expires) > SPARE_MS;
  }

  /** The service asks for another one. */
  discard() {
    this.isNeeded = true;
    this.#ready = null;
  }

  /** Forget what was made for another person. */
  forget() {
    this.#abort?.abort();
    this.#ready = null;
  }

  /**
   * Return the header Challenge-Solution; null where the campaign has no challenge after all.
   *
   * Throws NoSolution, Offline, or AbortError when the person stops.
   */
  async solution(signal) {
    if (this.isReady) return this.#ready.header;
    // What was begun before the opening is waited for, and ends when the person stops.
    this.#running ??= this.#solve().finally(() => {
      this.#running = null;
    });
    const abort = () => this.#abort.abort();
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    try {
      return await this.#running;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  async #solve() {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const { path, token } = this.#parts;
    const sent = token();
    const answer = { ...(await call("GET", path, { token: sent, signal })), token: sent };
    if (answer.body?.code === "NO_CHALLENGE") {
      this.isNeeded = false;
      return null;
    }
    if (answer.status !== 200) throw new NoSolution(answer);
    const challenge = answer.body;
    const number = await this.#search(challenge, signal);
    const { algorithm, salt, signature } = challenge;
    const solved = { algorithm, challenge: challenge.challenge, number, salt, signature };
    this.#ready = {
      header: btoa(JSON.stringify(solved)),
      expires: Number(EXPIRES.exec(salt)?.[1] ?? 0) * 1000,
    };
    return this.#ready.header;
  }

  /** Let several workers look for the number, each in its part; return what the first one finds. */
  #search({ salt, challenge, maxnumber }, signal) {
    const count = Math.max(1, Math.min(WORKERS_MAX, (navigator.hardwareConcurrency ?? 2) - 1));
    const tried = new Array(count).fill(0);
    return new Promise((resolve, reject) => {
      const workers = tried.map((_, first) => {
        const worker = new Worker(address(), { type: "module" });
        worker.onmessage = ({ data }) => {
          tried[first] = data.tried;
          this.#progress(tried.reduce((sum, one) => sum + one, 0) / (maxnumber + 1));
          if (data.number !== null) end(resolve, data.number);
          else if (data.isOver && tried.every((one, index) => one >= share(maxnumber, index, count))) {
            end(reject, new Unsolved("no number solves it"));
          }
        };
        worker.onerror = (event) => end(reject, new Unsolved(event.message));
        worker.postMessage({ salt, challenge, maxnumber, first, step: count });
        return worker;
      });
      const abort = () => end(reject, new DOMException("stopped", "AbortError"));
      const end = (settle, value) => {
        for (const worker of workers) worker.terminate();
        signal?.removeEventListener("abort", abort);
        this.#progress(0);
        settle(value);
      };
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) abort();
    });
  }

  #progress(done) {
    this.done = Math.min(1, done);
    this.#parts.onChange();
  }
}

/** Return how many of the numbers 0 to maxnumber are first, first + step, … */
function share(maxnumber, first, step) {
  return Math.floor((maxnumber - first) / step) + 1;
}

let policy = null;

/** Return the worker's address, the one address that this page runs as a script by itself. */
function address() {
  const url = new URL("./solver.js", import.meta.url).href;
  if (!globalThis.trustedTypes) return url;
  policy ??= trustedTypes.createPolicy("seonchak", {
    createScriptURL: (wanted) => {
      if (wanted !== url) throw new TypeError(`${wanted} is no script of this page`);
      return wanted;
    },
  });
  return policy.createScriptURL(url);
}
