// The event page itself with a campaign that is not there yet: its markup, its style, its drawing.
import { el, show } from "./dom.js";
import { t } from "./words.js";

const STYLES = ["../shared/base.css", "../event/event.css"];
// One page for all campaigns; it asks for nothing until its scripts run, and here they do not.
const PAGE = "/events/preview";
const COUPON = "COUPON";
const CODE = "4TB0S5XKQ9H2M7ZC";
const ERROR_MS = 20;
const ADMITTED_AFTER_MS = 1000;

export const PREVIEWED = ["SCHEDULED", "OPEN", "SOLD_OUT", COUPON];

// Resolves to {node, draw(body, state)}. body: of POST /campaigns. state: one of PREVIEWED.
export async function previewer() {
  const [page, view, coupons, { Formats }, { TEXTS }, { translatePage }] = await Promise.all([
    load(PAGE),
    import("../event/view.js"),
    import("../event/coupon_view.js"),
    import("../event/formats.js"),
    import("../event/texts.js"),
    import("../shared/texts.js"),
  ]);
  const host = el("div", { class: "phone" });
  const root = host.attachShadow({ mode: "open" });
  show(
    root,
    STYLES.map((one) => el("link", { rel: "stylesheet", href: new URL(one, import.meta.url).href })),
    [...page.querySelectorAll("#main > *, dialog")].map((one) => document.importNode(one, true)),
  );
  // What waits for the campaign, and what is only said to a screen reader, has nothing to do here.
  for (const name of ["loading", "announce"]) root.getElementById(name).hidden = true;
  root.getElementById("event").hidden = false;
  // It is looked at; nothing of it can be pressed.
  for (const button of root.querySelectorAll("button")) button.inert = true;
  translatePage(TEXTS, root);

  function draw(body, state) {
    const formats = new Formats(document.documentElement.lang, body.time_zone);
    const campaign = { ...body, remaining: state === "SOLD_OUT" ? 0 : body.quantity };
    view.drawInto(root);
    view.drawCampaign(campaign, formats);
    const [opens, closes] = [Date.parse(body.opens_at), Date.parse(body.closes_at)];
    view.drawMoment({
      user: { id: t("user") },
      campaign,
      formats,
      phase: { name: state === COUPON ? "OPEN" : state, opensAt: state === "SCHEDULED" ? opens : null },
      left: state === "SCHEDULED" ? Math.max(0, opens - Date.now()) : 0,
      untilClose: closes - opens,
      waitMs: 0,
      press: { kind: "idle", code: null },
      workDone: 0,
      givenBack: null,
      feedProblem: null,
      signInProblem: null,
      errorMs: ERROR_MS,
    });
    coupons.drawCoupon({ coupon: state === COUPON ? won(body, opens) : null, formats, now: opens });
  }
  return { node: host, draw };
}

// What the first winner would get.
function won(body, opens) {
  const at = new Date(opens + ADMITTED_AFTER_MS);
  const until = body.usable_days ? new Date(at.getTime() + body.usable_days * 86_400_000).toISOString() : null;
  return {
    status: "ISSUED",
    serial: 1,
    code: CODE,
    admitted_at: at.toISOString(),
    issued_at: at.toISOString(),
    state: "ISSUED",
    benefit: body.benefit ?? null,
    usable_from: body.usable_from ?? null,
    usable_until: body.usable_until ?? until,
  };
}

// XMLHttpRequest parses a page without running it, and needs no text that becomes markup.
function load(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.addEventListener("load", () => {
      if (request.response?.getElementById("event")) resolve(request.response);
      else reject(new Error(`${address}: ${request.status}`));
    });
    request.addEventListener("error", () => reject(new Error(`${address}: no answer`)));
    request.send();
  });
}
