// The event page: one campaign, one person, one button. What is the case is kept by the feed, the
// press and the coupon; this file joins them and draws when something has changed.

import { call } from "../shared/api.js";
import { ServerClock } from "../shared/clock.js";
import { start } from "../shared/session.js";
import { language, linkLanguages, translatePage } from "../shared/texts.js";
import { Challenge } from "./challenge.js";
import { OwnCoupon } from "./coupon.js";
import { copyOnPress, drawCoupon, giveBackOnPress } from "./coupon_view.js";
import { CampaignFeed } from "./feed.js";
import { Formats } from "./formats.js";
import { phaseOf } from "./phase.js";
import { Press } from "./press.js";
import { TEXTS } from "./texts.js";
import { announce, drawCampaign, drawMoment, drawProblem, find, text, write } from "./view.js";

// The work for a challenge begins in this time before the opening: some at once, all in good time.
const PREPARE_MS = { first: 600_000, last: 45_000 };
// A refusal of the campaign counts until an answer that is this much newer says otherwise.
const NEWER_MS = 2000;
const OF_THE_CAMPAIGN = new Set(["SOLD_OUT", "CLOSED", "NOT_OPEN", "NEXT_RELEASE", "PAUSED"]);
// What signing in is to go on with.
const PRESSED = "pressed";

const campaignId = location.pathname.split("/").filter(Boolean).at(-1);
const path = `/campaigns/${campaignId}`;
const clock = new ServerClock();
const lateness = Math.random();
let session = null;
let formats = null;
let drawn = "";
let refusedAt = 0;
let timer;
let lastPhase = "";
let hasExpired = false;
let hasPrepared = false;
let isEntering = false;
let hasPressed = false; // and the token was too old for it

const token = () => session?.token() ?? null;
// A 401 is about the token that was sent; by the time of the answer there may be another one.
const ask = async (method, place, options = {}) => {
  const sent = token();
  return { ...(await call(method, place, { ...options, token: sent })), token: sent };
};
const isHere = () => document.visibilityState === "visible";
const phase = () => phaseOf(feed.campaign, clock.now());

const feed = new CampaignFeed({
  read: () => call("GET", path),
  clock,
  phase,
  isQuiet: () => own.kind === "held",
  onChange() {
    if (feed.campaign) challenge.isNeeded ||= Boolean(feed.campaign.challenge);
    forgetOldRefusal();
    press.wake();
    watch();
    show();
  },
});

const challenge = new Challenge({ path: `${path}/challenge`, token, clock, onChange: () => show() });

const own = new OwnCoupon({
  ask: (method) => ask(method, `${path}/coupon`),
  isOn: () => token() !== null && isHere(),
  onChange: () => show(),
  onOwnChange: () => tabs?.postMessage(session.user?.id),
  async onUnauthenticated(refused) {
    if (await session.refused(refused)) own.refresh();
    else expire();
  },
});

const press = new Press({
  send: (solution, signal) =>
    ask("POST", `${path}/apply`, { signal, headers: solution ? { "Challenge-Solution": solution } : {} }),
  challenge,
  clock,
  phase: () => (feed.campaign ? phase() : null),
  renew: (refused) => session.refused(refused),
  onChange() {
    watch();
    show();
  },
  onAnswer(verdict) {
    refusedAt = clock.now();
    if (verdict.kind === "won") {
      own.won(verdict.serial);
    } else if (verdict.kind === "sign_in") {
      hasPressed = true;
      expire();
    } else if (OF_THE_CAMPAIGN.has(verdict.code)) {
      feed.refresh();
    }
  },
});

// Another tab of the same person: what happens in one is seen in all.
const tabs = globalThis.BroadcastChannel ? new BroadcastChannel(`seonchak ${campaignId}`) : null;
if (tabs) tabs.onmessage = ({ data }) => data === session?.user?.id && own.refresh();

/** The campaign lets people in again, as an answer says that is newer than the refusal. */
function forgetOldRefusal() {
  const { campaign } = feed;
  if (!campaign || press.isBusy || !OF_THE_CAMPAIGN.has(press.state.code)) return;
  if (Date.parse(campaign.now) > refusedAt + NEWER_MS && phase().name === "OPEN") press.forget();
}

/** The token is not accepted any more: the person signs in again. */
function expire() {
  hasExpired = !session.user;
  drawUser();
  show();
}

/** The person is signed in again; a press for which the token was too old goes on. */
function goOn() {
  hasExpired = false;
  own.refresh();
  if (hasPressed) press.press();
  hasPressed = false;
  drawUser();
}

/** Draw all, and look again when the next second of the countdown or the opening comes. */
function show() {
  // A token is renewed late as well, as when the network is back.
  if (hasExpired && session.user) goOn();
  clearTimeout(timer);
  if (!formats && !feed.campaign) {
    if (feed.problem) drawProblem(feed.problem === "CAMPAIGN_NOT_FOUND" ? "not_found" : "unreachable");
    return;
  }
  const { campaign } = feed;
  const known = JSON.stringify({ ...campaign, now: 0, remaining: 0, state: 0 });
  if (known !== drawn) {
    drawn = known;
    formats = new Formats(document.documentElement.lang, campaign.time_zone);
    drawCampaign(campaign, formats);
  }
  find("loading").hidden = true;
  find("loading-text").hidden = true;
  find("event").hidden = false;
  const present = phase();
  const left = present.opensAt === null ? 0 : clock.until(present.opensAt);
  const untilClose = clock.until(Date.parse(campaign.closes_at));
  const waitMs = Math.max(0, press.notBefore - performance.now());
  const isIdle = press.state.kind === "idle";
  const state = hasExpired && isIdle ? { kind: "idle", code: "UNAUTHENTICATED" } : press.state;
  drawMoment({
    isReady: session !== null,
    user: session?.user ?? null,
    signInProblem: session?.problem ?? null,
    campaign, formats, phase: present, left, untilClose, waitMs,
    press: state,
    workDone: challenge.done,
    givenBack: own.givenBack,
    feedProblem: feed.problem,
    errorMs: clock.errorMs(),
  });
  drawCoupon({ coupon: own.kind === "held" ? own.coupon : null, formats, now: clock.now() });
  if (present.name === "OPEN" && ["SCHEDULED", "NEXT_RELEASE"].includes(lastPhase)) announce("open_now");
  lastPhase = present.name;
  prepareChallenge(left);
  timer = setTimeout(show, untilNextChange(left, untilClose, waitMs));
}

/** Return how long what is drawn stays right, in ms. */
function untilNextChange(left, untilClose, waitMs) {
  const counted = left > 0 ? left : untilClose;
  const toSecond = counted > 0 ? counted % 1000 || 1000 : 1000;
  const moments = [toSecond, left, waitMs].filter((ms) => ms > 0);
  // A timer may come a little early, and would find nothing to do.
  return Math.ceil(Math.min(...moments)) + 1;
}

/** Solve the challenge while there is time; each page at a moment of its own. */
function prepareChallenge(left) {
  const from = PREPARE_MS.last + lateness * (PREPARE_MS.first - PREPARE_MS.last);
  if (!challenge.isNeeded || challenge.isReady || press.isBusy || hasPrepared) return;
  if (!session?.user || own.kind !== "none" || left <= 0 || left > from) return;
  hasPrepared = true;
  // Where it fails, the press tries again and says so.
  challenge.solution().catch((error) => console.warn(String(error)));
}

/** Show who is signed in, with a way out. */
function drawUser() {
  const place = find("who");
  const { user } = session;
  if (!user) {
    write(place, "");
    return;
  }
  const name = document.createElement("span");
  name.textContent = text("signed_in", { user: user.id });
  name.title = user.id;
  const out = document.createElement("button");
  out.type = "button";
  out.className = "plain small";
  out.textContent = text("sign_out");
  out.addEventListener("click", () => leave());
  place.replaceChildren(name, out);
}

/** Sign out, and forget what was this person's. */
function leave() {
  press.abandon();
  press.forget();
  challenge.forget();
  own.forget();
  hasExpired = false;
  hasPressed = false;
  session.signOut();
  drawUser();
  show();
}

/** Sign in; at an issuer this leaves the page. A press for which the token was too old goes on then. */
async function enter() {
  if (isEntering) return;
  isEntering = true;
  const isIn = await session.signIn({ resume: hasPressed ? PRESSED : null }).finally(() => {
    isEntering = false;
  });
  if (isIn) {
    press.forget();
    goOn();
  }
  drawUser();
  show();
  find("press").focus();
}

find("press").addEventListener("click", () => {
  const { does } = find("press").dataset;
  if (does === "press") press.press();
  else if (does === "sign_in") enter();
  else if (does === "other_account") {
    leave();
    enter();
  }
});
find("stop").addEventListener("click", () => {
  press.stop();
  own.refresh(); // a request before may have been answered with a place
  find("press").focus();
});
copyOnPress();
giveBackOnPress(own);

/** Ask for the campaign as long as the person looks at the page, or a press is under way. */
function watch() {
  const isWanted = isHere() || press.isBusy;
  if (!isWanted) feed.stop();
  else if (!feed.isOn) feed.start();
}

/** The person looks at the page again or no longer, or the network is back. */
function comeBack() {
  watch();
  if (!isHere()) return;
  feed.refresh();
  // The token may have ended while this device slept, and be renewed now.
  session?.freshToken().then(() => own.refresh());
  press.wake();
  show();
}
document.addEventListener("visibilitychange", comeBack);
addEventListener("pageshow", (event) => event.persisted && comeBack());
addEventListener("online", () => {
  press.online();
  comeBack();
});

document.documentElement.lang = language();
translatePage(TEXTS);
linkLanguages();
feed.start();
session = await start({ scope: "", keep: "tab" });
session.onExpired(expire);
drawUser();
own.refresh();
show();
if (session.resume === PRESSED) press.press();
