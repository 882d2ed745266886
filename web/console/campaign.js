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

const READ_AGAIN_MS = 400;
const READ_TIMES = 5;

// An ETag is "<version>" or "<version>-<moment>".
export const versionOf = (etag) => Number(/^(?:W\/)?"(\d+)/.exec(etag ?? "")?.[1] ?? 0);

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

  // The campaign, and the ETag that a change names.
  const campaign = { id, body: {}, etag: "", read, take };

  // later: read until a later version than this is there. A cache may give the one before it, for
  // a second.
  async function read(later = 0) {
    for (let times = 0; ; times += 1) {
      const answer = await service.get(`/campaigns/${id}`);
      take(answer.body, answer.headers.get("etag"));
      if (versionOf(answer.headers.get("etag")) > later || times === READ_TIMES) return;
      await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS));
    }
  }

  function take(body, etag) {
    if (versionOf(etag) < versionOf(campaign.etag)) return;
    campaign.body = { ...campaign.body, ...body };
    campaign.etag = etag;
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
