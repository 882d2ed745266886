// What the button and the message under it say, for each thing that can be the case.

import { MOMENT_MS } from "./press.js";

const TONES = { SOLD_OUT: "bad", CLOSED: "bad", NOT_ELIGIBLE: "bad", ARMED: "good", EARLY: "good" };
const KNOWN = new Set([
  "NOT_OPEN", "NEXT_RELEASE", "PAUSED", "SOLD_OUT", "CLOSED", "NOT_ELIGIBLE", "TOO_MANY_REQUESTS", "UNAVAILABLE", "OFFLINE",
  "UNAUTHENTICATED", "CHALLENGE_REQUIRED", "CHALLENGE_FAILED", "CHALLENGE_UNSOLVED",
]);
// Refusals that the campaign's own state shows as well; once it is open again, they are past.
const OF_THE_CAMPAIGN = new Set(["NOT_OPEN", "NEXT_RELEASE", "PAUSED", "SOLD_OUT", "CLOSED"]);

/**
 * Return {label, values, does}: the button's text, and what pressing it does.
 *
 * does: "sign_in", "press", "other_account", or null where it does nothing. model: {user, phase,
 * left, press, waitMs}, where left is the time to phase.opensAt in ms and waitMs to the next attempt.
 */
export function buttonOf({ isReady = true, user, phase, left, press, waitMs }) {
  const { kind, code } = press;
  if (kind === "sending") return nothing("sending");
  if (kind === "solving") return nothing("solving");
  if (kind === "waiting") return nothing("again_in", { seconds: Math.max(1, Math.ceil(waitMs / 1000)) });
  if (kind === "armed") return nothing(code === "PAUSED" ? "paused" : "armed");
  if (phase.name === "CLOSED") return nothing("closed");
  if (!isReady) return nothing("loading"); // who it is, is found out
  if (!user) return { label: "sign_in", values: {}, does: "sign_in" };
  if (code === "NOT_ELIGIBLE") return { label: "other_account", values: {}, does: "other_account" };
  if (code === "CAMPAIGN_NOT_FOUND" || code === "CLOSED") return nothing("closed");
  if (phase.name === "SOLD_OUT" || code === "SOLD_OUT") return nothing("sold_out");
  if (phase.name === "PAUSED") return nothing("paused");
  if (phase.name === "SCHEDULED" && left > MOMENT_MS) return nothing("opens_soon");
  if (phase.name === "NEXT_RELEASE" && left > MOMENT_MS) return nothing("waits_release");
  if (waitMs > 0) return nothing("press_in", { seconds: Math.ceil(waitMs / 1000) });
  return { label: left > 0 ? "press_early" : "press", values: {}, does: "press" };
}

/** Return {key, tone}: the message, of which key_title and key_text are texts; null for none. */
export function messageOf({ user, phase, left, press, givenBack, feedProblem, signInProblem }) {
  const { kind, code } = press;
  if (signInProblem && !user) return message("SIGN_IN", "bad");
  if (kind === "armed") return code === "PAUSED" ? message("PAUSED", "wait", "PAUSED_armed_text") : message("ARMED");
  if (code && !(OF_THE_CAMPAIGN.has(code) && kind === "idle" && phase.name === "OPEN" && code !== "SOLD_OUT")) {
    return message(KNOWN.has(code) ? code : "OTHER");
  }
  if (feedProblem === "CAMPAIGN_NOT_FOUND") return message("CLOSED"); // archived since
  if (feedProblem) return message("STALE", "wait");
  if (givenBack !== null) return message("GIVEN_BACK");
  if (["SOLD_OUT", "CLOSED", "PAUSED", "NEXT_RELEASE"].includes(phase.name) && !(left > 0 && left <= MOMENT_MS)) {
    return message(phase.name);
  }
  if (user && left > 0 && left <= MOMENT_MS) return message("EARLY");
  return null;
}

function nothing(label, values = {}) {
  return { label, values, does: null };
}

function message(key, tone = TONES[key] ?? "wait", text = `${key}_text`) {
  return { key, tone, text };
}
