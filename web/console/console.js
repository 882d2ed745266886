// The console: who is signed in, which page is shown, and the lights of the servers.
import { start } from "../shared/session.js";
import { language } from "../shared/texts.js";
import { campaignPage } from "./campaign.js";
import { createPage } from "./create.js";
import { add, el, show } from "./dom.js";
import { failedPage } from "./failed.js";
import { lights } from "./lights.js";
import { listPage } from "./list.js";
import { addressOfApi, Service } from "./service.js";
import { t, ZONE } from "./words.js";

const SCOPE = "coupon:admin";
const place = (name) => document.getElementById(name);

// The address has the page behind "#": no server hears of it, and it never holds a token.
const PAGES = [
  [/^\/campaigns$/, listPage],
  [/^\/new$/, createPage],
  [/^\/campaigns\/([a-z0-9-]+)(?:\/([a-z]+))?$/, campaignPage],
  [/^\/failed$/, failedPage],
];
const NAVIGATION = [
  ["#/campaigns", "campaigns"],
  ["#/new", "new_campaign"],
  ["#/failed", "failed_records"],
];

const LANGUAGES = [
  ["ko", "한국어"],
  ["en", "English"],
];

let leave = () => {};
let service;
let board;

frame();

const session = await start({ scope: SCOPE, keep: "memory" });
if (session.resume?.startsWith("#/")) location.hash = session.resume;
session.onExpired(() => enter("expired"));
await enter();

async function enter(reason = "") {
  leave();
  leave = () => {};
  board?.stop();
  board = undefined;
  show(place("who"));
  show(place("navigation"));
  show(place("lights"));
  const { user } = session;
  if (!user) {
    signedOut(reason);
    return;
  }
  who(user);
  if (reason === "forbidden" || !user.scopes.includes(SCOPE)) {
    notAllowed(user);
    return;
  }
  service = new Service(session, await addressOfApi(), () => enter("forbidden"));
  add(
    place("navigation"),
    NAVIGATION.map(([address, key]) => el("a", { href: address }, t(key))),
  );
  board = lights();
  add(place("lights"), board.node);
  open();
}

function who(user) {
  const out = el("button", { type: "button", class: "plain small" }, t("sign_out"));
  out.addEventListener("click", async () => {
    await session.signOut();
    await enter();
  });
  add(place("who"), el("span", { class: "user" }, user.id), out);
}

function signedOut(reason) {
  const button = el("button", { type: "button", class: "first" }, t("sign_in"));
  button.addEventListener("click", async () => {
    button.disabled = true;
    // Where the issuer's page is needed, this one is loaded again and goes on at the same place.
    await session.signIn({ resume: location.hash });
    await enter();
  });
  show(
    place("main"),
    el(
      "section",
      { class: "card narrow" },
      el("h1", {}, t("sign_in_first")),
      el("p", {}, t(reason === "expired" ? "signed_out_by_time" : "sign_in_why")),
      session.problem ? el("p", { class: "said", "data-mood": "bad", role: "alert" }, session.problem.text) : null,
      el("p", { class: "row" }, button),
    ),
  );
}

function notAllowed(user) {
  show(
    place("main"),
    el(
      "section",
      { class: "card narrow" },
      el("h1", {}, t("not_allowed")),
      el("p", {}, t("signed_in_as"), " ", el("strong", {}, user.id)),
      el("p", {}, t("scope_missing"), " ", el("code", {}, SCOPE)),
      el("p", { class: "hint" }, t("scope_ask")),
    ),
  );
}

function open() {
  const path = location.hash.slice(1) || "/campaigns";
  leave();
  leave = () => {};
  for (const link of place("navigation").children) {
    const address = link.getAttribute("href").slice(1);
    if (path === address) link.setAttribute("aria-current", "page");
    else if (path.startsWith(`${address}/`)) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const [found, page] = PAGES.map(([form, one]) => [path.match(form), one]).find(([m]) => m) ?? [];
  const main = place("main");
  show(main);
  if (!page) {
    show(main, el("h1", {}, t("no_page")), el("p", {}, el("a", { href: "#/campaigns" }, t("campaigns"))));
    return;
  }
  leave = page(main, service, ...found.slice(1)) ?? (() => {});
}

window.addEventListener("hashchange", () => {
  if (!board) return;
  open();
  // Who uses a screen reader or the keyboard goes on at the new page.
  place("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
});

// What is the same on every page; again after another language was chosen.
function frame() {
  document.documentElement.lang = language();
  document.title = t("console");
  place("name").textContent = t("console");
  place("skip").textContent = t("skip");
  place("navigation").setAttribute("aria-label", t("pages"));
  place("zone").textContent = t("times_in", { zone: ZONE });
  show(place("languages"));
  for (const [code, name] of LANGUAGES) {
    const isThis = code === language();
    const button = el("button", { type: "button", class: "plain small", lang: code }, name);
    button.setAttribute("aria-pressed", String(isThis));
    button.addEventListener("click", () => {
      // Loading the page again would end the sign-in, whose token is in memory alone.
      history.replaceState(null, "", `?lang=${code}${location.hash}`);
      frame();
      enter();
    });
    add(place("languages"), button);
  }
}
