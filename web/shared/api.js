// Calls of the API. A problem (RFC 9457) is a normal answer; only no answer at all is thrown.

const CONFIGURATION = "/web/config.json";
// A person waits for no answer longer than this. The gateway's own limits are shorter.
const TIMEOUT_MS = 15_000;
const RETRY_MS = 1000;
const JITTER_MS = 15_000;

/** No answer came: the network is gone, the server did not respond in time, or the answer broke off. */
export class Offline extends Error {}

let configuration = null;

/** Return /web/config.json, read once; throws Offline. */
export async function settings() {
  configuration ??= fetch(CONFIGURATION).then((response) => {
    if (!response.ok) throw new Offline(`${CONFIGURATION}: ${response.status}`);
    return response.json();
  });
  try {
    return await configuration;
  } catch (error) {
    configuration = null; // the next call asks again
    throw error instanceof Offline ? error : new Offline(String(error));
  }
}

/**
 * Send a request; return {status, body, text, headers, retryAfterMs, sentAt, receivedAt}.
 *
 * body: parsed JSON, else null. text: as it came. retryAfterMs: of Retry-After, null without. sentAt, receivedAt: of
 * performance.now(). Throws Offline, or the caller's own AbortError where `signal` was aborted.
 */
export async function call(method, path, { token = null, body, headers = {}, signal } = {}) {
  const { api = "" } = await settings();
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  const forward = () => timeout.abort();
  signal?.addEventListener("abort", forward);
  if (signal?.aborted) forward();
  const sentAt = performance.now();
  try {
    const response = await fetch(`${api}${path}`, {
      method,
      // Without cookies, and without a header more than is needed: all people share one cached answer.
      credentials: "omit",
      headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: timeout.signal,
    });
    const text = await response.text();
    const receivedAt = performance.now();
    const parsed = parse(response, text);
    return {
      status: response.status,
      body: parsed,
      text,
      headers: response.headers,
      retryAfterMs: retryAfterMs(response.headers),
      sentAt,
      receivedAt,
    };
  } catch (error) {
    if (signal?.aborted) throw new DOMException("the caller gave up", "AbortError");
    throw new Offline(String(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", forward);
  }
}

/** Return `ms` and up to half as much again, JITTER_MS at most: not all people come back at once. */
export function jittered(ms, random = Math.random) {
  return ms + random() * Math.min(ms / 2, JITTER_MS);
}

/** Return how long to wait before the attempt after `failures` in a row, of 1 s up to `mostMs`. */
export function backoff(failures, mostMs = 15_000, random = Math.random) {
  return jittered(Math.min(RETRY_MS * 2 ** Math.max(0, failures - 1), mostMs), random);
}

function parse(response, text) {
  if (!/\bjson\b/.test(response.headers.get("Content-Type") ?? "")) return null;
  return text === "" ? null : JSON.parse(text);
}

function retryAfterMs(headers) {
  const value = headers.get("Retry-After");
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  // A date is compared with the server's own, never with this device's clock.
  const difference = Date.parse(value) - Date.parse(headers.get("Date") ?? "");
  return Number.isFinite(difference) ? Math.max(0, difference) : null;
}
