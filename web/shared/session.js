// Who the person is, and the token for the service. A page has one session:
//
//   const session = await start({ scope: "coupon:admin", keep: "memory" });
//   session.user      {id, scopes, expiresAtMs}, or null
//   session.token()   what to send as bearer token, or null
//   session.problem   {code, text} where signing in failed: show it beside the button
//   session.resume    what signIn({resume}) was given before the person went to the issuer
//
// A token is never in an address. With keep "memory" it is in no storage either: a reload asks the
// issuer again, which answers by itself as long as its own session lasts. With "tab" it is in this
// tab's sessionStorage, for reloads. What renews a token is in memory always.

import { call, Offline, settings } from "./api.js";
import { SignInProblem } from "./sign_in_problem.js";
import * as pending from "./sign_in_pending.js";
import { TabStore } from "./tab_store.js";

const OUR_SCOPE = /^coupon:/;
// A token is renewed this long before its end, or in the last quarter of a short life.
const RENEW_BEFORE_MS = 60_000;
// A request that is sent with the token arrives while it is good.
const MARGIN_MS = 5000;
// An issuer shortens its last tokens to what is left of its own session. One that is of use for less
// than this is not renewed: each next one would be shorter still, and be asked for at once.
const USE_MS_MIN = 1000;
const TIMER_MS_MAX = 2 ** 31 - 1;
// A token that is refused so early was never good: signing in once more would bring the same.
const FRESH_MS = 30_000;
// Failures of a moment. A renewal that the issuer refuses is refused for good.
const PASSING = new Set(["issuer_silent", "issuer_unreachable", "issuer_failed", "cors_refused"]);

/**
 * Return this page's session. It does not throw: what went wrong is `session.problem`.
 *
 * scope: what the page's calls need besides a user, such as "coupon:admin"; the issuer is asked for
 * no other right of ours. keep: "memory" or "tab". The promise stays open where the page is left for
 * the issuer.
 */
export async function start({ scope = "", keep = "memory" } = {}) {
  const session = new Session(scope, keep);
  await session.begin();
  return session;
}

class Session {
  user = null;
  problem = null;
  resume = null;
  #scope;
  #store;
  #held = null; // {token, id, scopes, gotAtMs, expiresAtMs, renewal}
  #renewing = null;
  #leaving = null;
  #timer = 0;
  #callbacks = [];

  constructor(scope, keep) {
    this.#scope = scope;
    this.#store = new TabStore(keep === "tab");
    // No timer runs while a phone sleeps.
    document.addEventListener("visibilitychange", () => this.#look());
    addEventListener("online", () => this.#look());
  }

  async begin() {
    const answered = pending.takeAnswered();
    if (answered) {
      await this.#arrive(answered);
      return;
    }
    const kept = this.#store.token();
    if (kept && kept.expiresAtMs - MARGIN_MS > Date.now()) this.#hold(kept);
    else if (this.#store.takeWasSignedIn()) await this.#go({ prompt: "none" });
  }

  /** Return the token; null where there is none, or it has expired. */
  token() {
    this.#look();
    return this.user ? this.#held.token : null;
  }

  /** Return the token as soon as a renewal that is under way has ended; null where there is none. */
  async freshToken() {
    this.#look();
    await this.#renewing;
    return this.token();
  }

  /**
   * Sign in: at the issuer, for which the page is left, or by development's form.
   *
   * resume: a text that the page finds in `session.resume` when it is loaded again, signed in.
   * Returns true once the person is signed in; false where that failed (`problem`) or was given up.
   */
  async signIn({ resume = null } = {}) {
    await this.#leaving; // a sign-out at the issuer comes back before a sign-in begins
    this.problem = null;
    if (this.#held?.renewal && !this.user) {
      await this.#renew(); // the network is back
      if (this.user) return true;
    }
    const kind = await this.#kind();
    if (kind === "oidc") return this.#go({ resume, prompt: this.#store.hasSignedOut ? "login" : "" });
    if (kind === "development") return this.#byForm();
    if (kind === "none") await this.#fail(new SignInProblem("not_configured"));
    return false;
  }

  /** Forget the token, and end the issuer's session where it offers that, for which the page is left. */
  signOut() {
    this.#drop();
    this.#store.forget();
    this.#leaving ??= this.#signOutAtIssuer().finally(() => {
      this.#leaving = null;
    });
    return this.#leaving;
  }

  /** Call back when a token has ended and could not be renewed; `user` is null then. */
  onExpired(callback) {
    this.#callbacks.push(callback);
  }

  /**
   * Say that the service answered 401 to `token`; return whether there is another one to try.
   *
   * detail: what the service said. Where a new token was refused, `problem` says so, and the page
   * waits for a press: the issuer would give the same again.
   */
  async refused(token, detail = "") {
    if (token !== this.#held?.token) return (await this.freshToken()) !== null;
    if (Date.now() - this.#held.gotAtMs >= FRESH_MS) {
      await this.#end();
      return this.user !== null;
    }
    this.#drop();
    this.#store.forget();
    await this.#fail(new SignInProblem("token_refused", detail));
    this.#tellExpired();
    return false;
  }

  async #signOutAtIssuer() {
    if ((await this.#kind()) !== "oidc") return;
    this.#store.noteSignedOut();
    try {
      const { newState, signOutAddress } = await import("./oidc.js");
      const state = newState();
      const address = await signOutAddress((await settings()).sign_in, state);
      if (!address) return;
      pending.keep({ kind: "out", state, path: pending.herePath() });
      await leave(() => location.assign(address));
    } catch (error) {
      await this.#fail(error); // signed out here; the issuer still knows the person
    }
  }

  async #kind() {
    try {
      return (await settings()).sign_in.kind;
    } catch (error) {
      await this.#fail(error);
      return null;
    }
  }

  async #go({ prompt, resume = null }) {
    try {
      const { sign_in } = await settings();
      if (sign_in.kind !== "oidc") return false;
      const { begin } = await import("./oidc.js");
      const scope = wantedScope(sign_in.scope, this.#scope);
      const { address, ...secrets } = await begin(sign_in, { scope, prompt });
      const isSilent = prompt === "none";
      keepPending({ kind: "in", ...secrets, path: pending.herePath(), silent: isSilent, resume });
      // What the person did not ask for is no step in the history.
      return await leave(() => (isSilent ? location.replace(address) : location.assign(address)));
    } catch (error) {
      await this.#fail(error);
      return false;
    }
  }

  async #arrive(answered) {
    try {
      const { finish } = await import("./oidc.js");
      this.#take(await finish((await settings()).sign_in, answered));
      this.resume = answered.resume ?? null;
    } catch (error) {
      // Asked silently, the issuer has no session of the person any more: so there is none here.
      if (!(answered.silent && error.code === "needs_person")) await this.#fail(error);
    }
  }

  async #byForm() {
    const { askWho } = await import("../sign_in/development.js");
    const given = await askWho(this.#scope, (body) => call("POST", "/sign-in", { body }));
    if (given) this.#take({ ...given, lifeMs: given.expires_in * 1000 });
    return given !== null;
  }

  #take({ token, id, scopes, lifeMs, renewal }) {
    if (!(lifeMs > 0)) throw new SignInProblem("issuer_odd", "exp, expires_in");
    const gotAtMs = Date.now();
    const isRenewed = lifeMs - MARGIN_MS >= USE_MS_MIN;
    this.#hold({
      token, id, scopes, gotAtMs,
      expiresAtMs: gotAtMs + lifeMs,
      renewal: isRenewed ? renewal : undefined,
    });
    this.#store.keep(this.#held);
  }

  #hold(held) {
    this.#held = held;
    this.problem = null;
    this.user = { id: held.id, scopes: held.scopes, expiresAtMs: held.expiresAtMs };
    this.#plan();
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#held = null;
    this.user = null;
  }

  /** Set the moment at which the token is to be renewed, or ends. */
  #plan() {
    clearTimeout(this.#timer);
    const leftMs = this.#held.expiresAtMs - MARGIN_MS - Date.now();
    // Not all at one moment: a thousand people may have signed in together.
    const earlyMs = Math.min(RENEW_BEFORE_MS, leftMs / 4) * (0.5 + Math.random() / 2);
    const waitMs = Math.max(0, this.#held.renewal ? leftMs - earlyMs : leftMs);
    this.#timer = setTimeout(() => this.#look(true), Math.min(waitMs, TIMER_MS_MAX));
  }

  #look(isPlanned = false) {
    if (!this.#held || this.#renewing) return;
    // Without a user the token has ended, and the issuer gave no other one: perhaps it does now.
    if (!this.user || Date.now() >= this.#held.expiresAtMs - MARGIN_MS) void this.#end();
    else if (isPlanned && this.#held.renewal) void this.#renew();
    else if (isPlanned) this.#plan();
  }

  /** The token is of no use any more: get the next one, or tell the page. */
  async #end() {
    const wasSignedIn = this.user !== null;
    this.user = null;
    if (this.#held.renewal) await this.#renew();
    if (this.user) return;
    if (!this.#held?.renewal) this.#drop();
    this.#store.forgetToken();
    if (wasSignedIn) this.#tellExpired();
  }

  /** Ask the issuer for the next token, once at a time. */
  #renew() {
    this.#renewing ??= this.#askForNext().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #askForNext() {
    const before = this.#held;
    try {
      const { renew } = await import("./oidc.js");
      const next = await renew((await settings()).sign_in, before.renewal);
      if (this.#held === before) this.#take(next); // else the person has signed out meanwhile
    } catch (error) {
      const isPassing = error instanceof Offline || PASSING.has(error.code);
      if (!isPassing && !(error instanceof SignInProblem)) throw error;
      if (this.#held !== before) return;
      // Nothing is shown while the token is good: at its end it is asked once more, and then the page is called.
      if (!isPassing) before.renewal = undefined;
      if (this.user) this.#plan();
    }
  }

  #tellExpired() {
    for (const callback of this.#callbacks) callback();
  }

  async #fail(error) {
    const code = error instanceof Offline ? "service_unreachable" : error.code;
    if (!(error instanceof Offline || error instanceof SignInProblem)) throw error;
    const { problemText } = await import("../sign_in/texts.js");
    this.problem = { code, text: problemText(code, error.detail) };
  }
}

/** Return the scopes to ask for: the settings', without rights of ours that the page does not use. */
function wantedScope(configured, needed) {
  const words = configured.split(/\s+/);
  return words.filter((word) => !OUR_SCOPE.test(word) || needed.split(" ").includes(word)).join(" ");
}

function keepPending(record) {
  try {
    pending.keep(record);
  } catch (error) {
    throw new SignInProblem("no_storage", error.name);
  }
}

/** Leave the page; return false where the person comes back to it as it was, by the Back button. */
function leave(go) {
  return new Promise((resolve) => {
    addEventListener("pageshow", (event) => {
      if (event.persisted) resolve(false);
    });
    go();
  });
}
