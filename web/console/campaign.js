// One campaign: its head, and the page of it that is chosen.
import { changes } from "./changes.js";
import { comparison } from "./comparison.js";
import { coupons } from "./coupons.js";
import { add, el, show } from "./dom.js";
import { events } from "./events.js";
import { pill } from "./list.js";
import { live } from "./live.js";
import { explained, moment, t } from "./words.js";

const PARTS = [
  ["live", live],
  ["changes", changes],
  ["coupons", coupons],
  ["comparison", comparison],
  ["events", events],
];

export function campaignPage(main, service, id, part = "live") {
  const head = el("div", { class: "title" });
  const place = el("div", {});
  const dates = el("p", { class: "hint" });
  const tabs = el(
    "nav",
    { class: "tabs", "aria-label": t("parts") },
    PARTS.map(([name]) =>
      el(
        "a",
        { href: `#/campaigns/${id}/${name}`, "aria-current": name === part ? "page" : null },
        t(`part_${name}`),
      ),
    ),
  );
  show(main, head, dates, tabs, place);
  let leave = () => {};
  let isLeft = false;
  let drawn = "";

  // The campaign and its version. It is read again after each change.
  const campaign = { id, body: null, etag: "", read, take };

  async function read() {
    const answer = await service.get(`/campaigns/${id}`);
    take(answer.body, answer.headers.get("etag"));
    return campaign;
  }

  function take(body, etag) {
    campaign.body = { ...campaign.body, ...body };
    campaign.etag = etag ?? campaign.etag;
    const { name, state, opens_at: opens, closes_at: closes } = campaign.body;
    // Drawn again each second, a link would lose the focus.
    const now = JSON.stringify([name, state, opens, closes]);
    if (now === drawn) return;
    drawn = now;
    show(head, el("h1", {}, name), pill(state), el("span", { class: "id" }, id), eventPage(id));
    dates.textContent = t("window", { opens: moment(opens), closes: moment(closes) });
  }

  const begin = PARTS.find(([name]) => name === part)?.[1];
  if (!begin) {
    add(place, el("p", {}, t("no_page")));
    return () => {};
  }
  read().then(
    () => {
      if (!isLeft) leave = begin(place, service, campaign) ?? (() => {});
    },
    (error) => {
      if (isLeft) return;
      show(head, el("h1", {}, id));
      show(place, el("p", { class: "said", "data-mood": "bad", role: "alert" }, explained(error)));
      if (error.status === 404) add(place, el("p", { class: "hint" }, t("archived_hint")));
    },
  );
  return () => {
    isLeft = true;
    leave();
  };
}

function eventPage(id) {
  const attributes = { class: "away", href: `/events/${id}`, target: "_blank", rel: "noopener" };
  return el("a", attributes, t("event_page"));
}
