// The API as the console asks it: with the token, and with a clock on every call.
import { call } from "../shared/api.js";

const REMEMBERED = 60;

// An answer that says no. problem: its body (RFC 9457).
export class Refused extends Error {
  constructor(answer) {
    super(answer.body?.detail ?? `HTTP ${answer.status}`);
    this.status = answer.status;
    this.code = answer.body?.code ?? "";
    this.retryAfterMs = answer.retryAfterMs;
    this.body = answer.body;
  }
}

export class Service {
  // session: of shared/session.js. api: the API's address, "" for this one.
  // denied(code): called where the token is not good enough (any more).
  constructor(session, api, denied) {
    this.session = session;
    this.api = api;
    this.denied = denied;
    this.latencies = [];
  }

  // The address that a command on another machine needs.
  get address() {
    return this.api || location.origin;
  }

  // Returns {body, headers}; throws Refused, or Offline of shared/api.js. asked: whose silence
  // counts as the service's latency.
  async ask({ method, path, body, headers = {} }, { signal } = {}) {
    const began = performance.now();
    const answer = await call(method, `${this.api}${path}`, {
      token: this.session.token(),
      body,
      headers,
      signal,
    });
    this.latencies.push(performance.now() - began);
    if (this.latencies.length > REMEMBERED) this.latencies.shift();
    if (answer.status < 400) return answer;
    const refused = new Refused(answer);
    if (refused.code === "UNAUTHENTICATED" || refused.code === "FORBIDDEN") this.denied(refused.code);
    throw refused;
  }

  get(path, options) {
    return this.ask({ method: "GET", path }, options);
  }

  // The middle and the slowest of the last calls, in ms; null before the first.
  latency() {
    if (!this.latencies.length) return null;
    const sorted = [...this.latencies].sort((a, b) => a - b);
    return { median: sorted[sorted.length >> 1], slowest: sorted.at(-1) };
  }
}
