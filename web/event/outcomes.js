// What the page does about each answer to a press.

const GATES = new Set(["NOT_OPEN", "NEXT_RELEASE", "PAUSED"]);
const ENDS = new Set(["SOLD_OUT", "CLOSED", "NOT_ELIGIBLE", "CAMPAIGN_NOT_FOUND", "FORBIDDEN", "INVALID_REQUEST"]);
const CHALLENGES = new Set(["CHALLENGE_REQUIRED", "CHALLENGE_FAILED"]);
const DEFAULT_WAIT_MS = 1000;

/**
 * Return {kind, code, afterMs, serial, requestId, token}: what an answer of apply means.
 *
 * kind: "won"; "gate": nothing was given, wait until the campaign lets people in; "again": send the
 * same again after afterMs; "solve": another challenge first; "sign_in"; "end": pressing again is of
 * no use now. isSure: whether the answer rules out that this person has a place; null where it says
 * nothing about an attempt before it, whose answer may have been lost. token: of the request.
 */
export function judge({ status, body, retryAfterMs, token = null }) {
  const code = body?.code ?? `HTTP_${status}`;
  const afterMs = retryAfterMs ?? DEFAULT_WAIT_MS;
  const about = { code, afterMs, requestId: body?.request_id ?? null, isSure: true, token };
  if ((status === 200 || status === 202) && Number.isInteger(body?.serial)) {
    return { kind: "won", serial: body.serial, ...about };
  }
  if (GATES.has(code)) return { kind: "gate", ...about };
  if (code === "TOO_MANY_REQUESTS") return { kind: "again", ...about, isSure: null };
  if (CHALLENGES.has(code)) return { kind: "solve", ...about };
  if (code === "UNAUTHENTICATED") return { kind: "sign_in", ...about, isSure: false };
  if (ENDS.has(code)) return { kind: "end", ...about };
  // UNAVAILABLE, and what something between the page and the service answers: it is not sure.
  if (status === 429 || status >= 500 || status === 408) return { kind: "again", ...about, isSure: false };
  return { kind: "end", ...about };
}
