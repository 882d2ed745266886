// The API as the console asks it: with the token, and with a clock on every call.
import { call, settings } from "../shared/api.js";

const REMEMBERED = 60;

// An answer that says no. code: of its problem (RFC 9457), "" where it has none.
export class Refused extends Error {
  constructor({ status, body, retryAfterMs }) {
    super(body?.detail ?? `HTTP ${status}`);
    this.status = status;
    this.code = body?.code ?? "";
    this.retryAfterMs = retryAfterMs;
  }
}

export class Service {
  #session;
  #denied;
  #latencies = [];

  // address: the API's, as another machine names it. denied(): called where the signed-in person
  // may not do what was asked.
  constructor(session, address, denied) {
    this.#session = session;
    this.address = address;
    this.#denied = denied;
  }

  // Returns an answer of shared/api.js below 400; throws Refused, or Offline.
  async ask({ method, path, body, headers = {} }, { signal } = {}) {
    const answer = await this.#authorized(async (token) => {
      const one = await call(method, path, { token, body, headers, signal });
      this.#note(one.receivedAt - one.sentAt);
      return one;
    });
    if (answer.status < 400) return answer;
    const refused = new Refused(answer);
    if (refused.code === "FORBIDDEN") this.#denied();
    throw refused;
  }

  get(path, options) {
    return this.ask({ method: "GET", path }, options);
  }

  // The middle and the slowest of the last calls, in ms; null before the first.
  latency() {
    if (!this.#latencies.length) return null;
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    return { median: sorted[sorted.length >> 1], slowest: sorted.at(-1) };
  }

  // A token may have ended a moment ago: then the same call is made once more with the next one.
  async #authorized(send) {
    const token = await this.#session.freshToken();
    const answer = await send(token);
    if (answer.status !== 401) return answer;
    const isRenewed = await this.#session.refused(token, answer.body?.detail ?? "");
    return isRenewed ? send(await this.#session.freshToken()) : answer;
  }

  #note(ms) {
    this.#latencies.push(ms);
    if (this.#latencies.length > REMEMBERED) this.#latencies.shift();
  }
}

// The API's address for a command on another machine; throws Offline.
export async function addressOfApi() {
  const { api = "" } = await settings();
  return api || location.origin;
}
