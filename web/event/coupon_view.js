// Draws the person's own coupon, and takes it back.

import { Offline } from "../shared/api.js";
import { fillFacts, find, text, write } from "./view.js";

const SVG = "http://www.w3.org/2000/svg";
const TONES = { PENDING: "wait", FAILED: "wait", EARLY: "wait", RESERVED: "wait", USED: "bad", EXPIRED: "bad", REVOKED: "bad" };
const SPENT = new Set(["USED", "EXPIRED", "REVOKED"]);
const WHY_NOT = { OFFLINE: "give_back_offline", UNAVAILABLE: "give_back_later", TOO_MANY_REQUESTS: "give_back_often" };

/** Draw the coupon, or hide its place. now: ms of the server's clock. */
export function drawCoupon({ coupon, formats, now }) {
  find("coupon").hidden = !coupon;
  find("act").hidden = Boolean(coupon);
  if (!coupon) {
    // Another person may sign in: not even hidden is anything left of this one's.
    for (const id of ["serial", "code", "copied"]) write(find(id), "");
    find("qr").replaceChildren();
    find("qr").removeAttribute("aria-label");
    if (find("give-back-dialog")?.open) {
      find("give-back-dialog").close();
      find("press").focus();
    }
    return;
  }
  const state = stateOf(coupon, now);
  write(find("serial"), `#${coupon.serial}`);
  write(find("coupon-state"), text(`state_${state}`));
  find("coupon-state").dataset.tone = TONES[state] ?? "good";
  find("coupon").dataset.state = state;
  find("coupon").toggleAttribute("data-spent", SPENT.has(state));
  find("coupon-message").dataset.tone = TONES[state] ?? "good";
  const from = coupon.usable_from ? formats.time(coupon.usable_from) : "";
  write(find("coupon-text"), text(`text_${state}`, { time: from }));
  find("code-part").hidden = !coupon.code;
  if (coupon.code) drawCode(coupon.code);
  fillFacts(find("coupon-times"), timesOf(coupon, formats));
  find("give-back").hidden = !["ISSUED", "EARLY"].includes(state);
}

/** Let the person copy the code. */
export function copyOnPress() {
  find("copy").addEventListener("click", async () => {
    const code = find("code");
    let isCopied = false;
    try {
      await navigator.clipboard.writeText(code.textContent);
      isCopied = true;
    } catch (error) {
      // Without HTTPS there is no clipboard, and a person may have forbidden it.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      getSelection().selectAllChildren(code);
    }
    write(find("copied"), text(isCopied ? "copied" : "copy_yourself"));
  });
}

/** Let the person give the coupon back, after typing its number. own: an OwnCoupon. */
export function giveBackOnPress(own) {
  const dialog = find("give-back-dialog");
  const typed = find("give-back-typed");
  const say = (key, values) => write(find("give-back-problem"), key ? text(key, values) : "");
  find("give-back").addEventListener("click", () => {
    write(find("give-back-label"), text("give_back_label", { serial: own.coupon.serial }));
    typed.value = "";
    say(null);
    dialog.showModal();
    typed.focus();
  });
  find("give-back-no").addEventListener("click", () => dialog.close());
  let isSending = false;
  find("give-back-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending) return;
    const { serial } = own.coupon;
    if (typed.value.trim().replace(/^#/, "") !== String(serial)) {
      say("give_back_typo", { serial });
      typed.focus();
      return;
    }
    isSending = true;
    find("give-back-yes").setAttribute("aria-disabled", "true");
    let result;
    try {
      result = await own.giveBack();
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      result = "OFFLINE";
      own.refresh();
    } finally {
      isSending = false;
      find("give-back-yes").setAttribute("aria-disabled", "false");
    }
    if (result !== "done") say(WHY_NOT[result] ?? "give_back_no");
  });
}

/** Return what a coupon is at a moment: between two looks, time alone makes it usable and ends it. */
function stateOf({ status, state, usable_from: from, usable_until: until }, now) {
  if (status !== "ISSUED") return status;
  if (state !== "ISSUED" || now === null) return state;
  if (until && now >= Date.parse(until)) return "EXPIRED";
  return from && now < Date.parse(from) ? "EARLY" : "ISSUED";
}

function timesOf(coupon, formats) {
  if (!coupon.code) return [];
  const times = [];
  if (coupon.admitted_at) times.push([text("given_at"), [formats.time(coupon.admitted_at)]]);
  if (coupon.usable_from) times.push([text("usable_from"), [formats.time(coupon.usable_from)]]);
  times.push([text("usable_until"), [coupon.usable_until ? formats.time(coupon.usable_until) : text("no_end")]]);
  return times;
}

function drawCode(code) {
  if (find("code").textContent === code) return;
  write(find("code"), code);
  write(find("copied"), "");
  const place = find("qr");
  place.setAttribute("aria-label", text("qr", { code }));
  drawQr(place, code);
}

async function drawQr(place, code) {
  const { qrcode } = await import("../vendor/qrcode.js");
  const qr = qrcode(0, "M");
  qr.addData(code);
  qr.make();
  const size = qr.getModuleCount();
  let path = "";
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (qr.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
    }
  }
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  // The person may have signed out while the library came.
  if (find("code").textContent === code) place.replaceChildren(svg);
}
