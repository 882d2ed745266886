// All campaigns, page by page.
import { jittered } from "../shared/api.js";
import { command } from "./curl.js";
import { el, nothing, show, table } from "./dom.js";
import { repeat } from "./repeat.js";
import { explained, moment, named, number, t } from "./words.js";

const LIMIT = 50;
const EVERY_MS = 5000;

export function listPage(main, service) {
  const rows = el("div", { "aria-live": "off" });
  const said = el("p", { class: "said", role: "status" });
  const more = el("button", { type: "button", class: "plain", hidden: true }, t("next_page"));
  const first = el("button", { type: "button", class: "plain", hidden: true }, t("first_page"));
  let after = "";
  let next = null;
  let looks = 0;

  show(
    main,
    el(
      "div",
      { class: "title" },
      el("h1", {}, t("campaigns")),
      el("a", { class: "button first", href: "#/new" }, t("new_campaign")),
    ),
    el("p", { class: "hint" }, t("list_hint")),
    rows,
    el("p", { class: "row" }, first, more),
    said,
    command(service.address, () => ({ method: "GET", path: `/campaigns?limit=${LIMIT}` })).node,
  );

  async function load() {
    looks += 1;
    const look = looks;
    let wait = EVERY_MS;
    try {
      const query = after ? `&after=${encodeURIComponent(after)}` : "";
      const { body } = await service.get(`/campaigns?limit=${LIMIT}${query}`);
      if (look !== looks) return jittered(EVERY_MS); // a later one has been sent, of another page perhaps
      next = body.next_after;
      more.hidden = next === null;
      first.hidden = !after;
      draw(body.campaigns);
      said.textContent = "";
    } catch (error) {
      if (look === looks) said.textContent = explained(error);
      wait = Math.max(EVERY_MS, error.retryAfterMs ?? 0);
    }
    return jittered(wait);
  }

  function draw(campaigns) {
    // A list that is drawn again while a link has the focus would lose it.
    const focused = rows.contains(document.activeElement) ? document.activeElement.hash : "";
    show(rows, campaigns.length ? listed(campaigns) : nothing(t("no_campaigns")));
    if (focused) rows.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  more.addEventListener("click", () => {
    after = next;
    load();
  });
  first.addEventListener("click", () => {
    after = "";
    load();
  });
  return repeat(load);
}

function listed(campaigns) {
  const columns = [
    t("campaign"),
    t("state"),
    { text: t("given"), kind: "number" },
    { text: t("opens_at"), kind: "time" },
    { text: t("closes_at"), kind: "time" },
  ];
  const rows = campaigns.map((one) => [
    el(
      "span",
      {},
      el("a", { href: `#/campaigns/${one.id}` }, one.name),
      el("span", { class: "id" }, one.id),
    ),
    pill(one.state),
    el(
      "span",
      { class: "share" },
      t("given_of", { given: number(given(one)), quantity: number(one.quantity) }),
      el("meter", { min: 0, max: one.quantity, value: given(one), "aria-label": t("given") }),
    ),
    moment(one.opens_at),
    moment(one.closes_at),
  ]);
  return table(t("campaigns"), columns, rows, { hidesCaption: true });
}

export const given = (campaign) => Math.max(0, campaign.quantity - campaign.remaining);

export function pill(state) {
  return el("span", { class: "pill", "data-state": state }, named("state", state));
}
