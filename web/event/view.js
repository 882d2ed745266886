// Draws the event: what it gives, its rules, the countdown, the button and its message.

import { translate } from "../shared/texts.js";
import { countdown, seconds } from "./formats.js";
import { TEXTS } from "./texts.js";
import { buttonOf, messageOf } from "./words.js";

// What a screen reader says of the countdown, at these moments before the opening.
const ANNOUNCED = [[10_000, "ten_seconds"], [60_000, "one_minute"]];
const TIMED = new Set(["SCHEDULED", "NEXT_RELEASE"]);

export const text = (key, values) => translate(TEXTS, key, values);
export const find = (id) => place.getElementById(id);

let place = document;

/** Draw into a shadow root from now on: the console shows a campaign before it is created. */
export function drawInto(root) {
  place = root;
}

/** Write a text into an element, only where it is another one: a live region is read at each change. */
export function write(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Fill a list of terms: [[term, [description, …]], …]. */
export function fillFacts(list, facts) {
  const shown = JSON.stringify(facts);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...facts.flatMap(([term, descriptions]) => [
    element("dt", term), ...descriptions.map((one) => element("dd", one)),
  ]));
}

/** Return what a benefit is in one line, e.g. "10% off". */
export function benefitText(benefit, formats) {
  if (!benefit) return text("coupon");
  const { kind, value, currency } = benefit;
  const amount = value === undefined ? "" : currency ? formats.money(value, currency) : formats.number(value);
  if (kind === "percent") return text("percent_off", { value: formats.number(value) });
  if (kind === "amount") return text("amount_off", { value: amount });
  return amount ? text("gift_worth", { value: amount }) : text("gift");
}

/** Draw what an administrator has set. */
export function drawCampaign(campaign, formats) {
  if (place === document) document.title = campaign.name;
  write(find("name"), campaign.name);
  const { benefit } = campaign;
  write(find("benefit"), benefitText(benefit, formats));
  show("minimum", benefit?.minimum_order && text("minimum_order", { value: formats.money(benefit.minimum_order, benefit.currency) }));
  show("note", benefit?.note);
  fillFacts(find("facts"), factsOf(campaign, formats));
  const terms = [text("rule_one"), text("rule_order"), text("rule_again")];
  if (campaign.challenge) terms.push(text("rule_work"));
  if (campaign.time_zone) terms.push(text("rule_zone", { zone: campaign.time_zone }));
  find("terms").replaceChildren(...terms.map((one) => element("li", one)));
}

/** Draw what changes from moment to moment. model: as of buttonOf and messageOf, and more (event.js). */
export function drawMoment(model) {
  drawCountdown(model);
  const { campaign, formats, press } = model;
  const all = campaign.quantity;
  const left = Math.max(0, Math.min(campaign.remaining, all));
  write(find("left-text"), text("left", { left: formats.number(left), all: formats.number(all) }));
  Object.assign(find("left-part"), { max: all, value: left });
  const button = buttonOf(model);
  const element = find("press");
  write(element, text(button.label, button.values));
  element.setAttribute("aria-disabled", String(button.does === null));
  element.dataset.does = button.does ?? "";
  element.dataset.phase = model.phase.name;
  drawMessage(messageOf(model), model);
  const canStop = ["armed", "waiting", "solving"].includes(press.kind);
  show("stop", canStop && text("stop"));
  find("work").hidden = press.kind !== "solving";
  if (press.kind === "solving") {
    write(find("work-label"), text("work", { percent: Math.round(model.workDone * 100) }));
    find("work-done").value = model.workDone;
  }
}

/** Say something to a screen reader. */
export function announce(key) {
  write(find("announce"), text(key));
}

/** Show that there is no campaign to show. */
export function drawProblem(key) {
  find("event").hidden = true;
  find("loading").hidden = false;
  write(find("loading"), text(key));
  show("loading-text", text(`${key}_text`));
}

function drawCountdown({ phase, left, errorMs, campaign, untilClose }) {
  const isTimed = TIMED.has(phase.name);
  const isClosing = !isTimed && phase.name === "OPEN" && untilClose > 0;
  find("count").hidden = !(isTimed || isClosing);
  find("count").dataset.kind = isTimed ? "opens" : "closes";
  if (find("count").hidden) return;
  const label = isClosing ? "closes_in" : phase.name === "SCHEDULED" ? "opens_in" : "next_in";
  write(find("count-label"), text(label));
  const { days, clock } = countdown(isTimed ? left : untilClose);
  write(find("countdown"), days > 0 ? text("days_and", { days, clock }) : clock);
  write(find("clock"), text("clock", { error: seconds(errorMs) }));
  find("clock").dataset.errorMs = String(Math.round(errorMs));
  find("countdown").dataset.opensAt = String(phase.opensAt ?? "");
  if (!isTimed) return;
  const due = ANNOUNCED.find(([ms]) => left <= ms && left > ms - 2000);
  if (due && find("announce").dataset.last !== `${campaign.id}${due[1]}`) {
    find("announce").dataset.last = `${campaign.id}${due[1]}`;
    announce(due[1]);
  }
}

function drawMessage(message, { phase, formats, press, givenBack, signInProblem }) {
  const place = find("message");
  place.hidden = message === null;
  if (!message) return;
  const values = {
    time: phase.opensAt ? formats.time(phase.opensAt) : "–",
    request: press.requestId ?? "–",
    serial: givenBack,
    problem: signInProblem?.text,
  };
  place.dataset.tone = message.tone;
  place.dataset.code = message.key;
  write(find("message-title"), text(`${message.key}_title`, values));
  write(find("message-text"), text(message.text, values));
}

function factsOf(campaign, formats) {
  const facts = [
    [text("period"), [text("from_until", { from: formats.time(campaign.opens_at) }), text("until", { until: formats.time(campaign.closes_at) })]],
    [text("quantity"), [formats.number(campaign.quantity)]],
  ];
  if (campaign.releases) {
    facts.push([text("releases"), campaign.releases.map((one) => text("release", {
      time: formats.time(one.at), quantity: formats.number(one.quantity),
    }))]);
  }
  if (campaign.usable_from) facts.push([text("usable_from"), [formats.time(campaign.usable_from)]]);
  if (campaign.usable_until) facts.push([text("usable_until"), [formats.time(campaign.usable_until)]]);
  if (campaign.usable_days) facts.push([text("days"), [text("usable_days", { days: formats.number(campaign.usable_days) })]]);
  if (campaign.eligibility) {
    const { claim, equals } = campaign.eligibility;
    facts.push([text("condition"), [text("condition_is", { claim, value: String(equals) })]]);
  }
  return facts;
}

function show(id, value) {
  find(id).hidden = !value;
  if (value) write(find(id), value);
}

function element(name, content) {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}
