// What happened to a campaign and its coupons, the newest first.
import { say } from "./action.js";
import { command } from "./curl.js";
import { el, nothing, show, table } from "./dom.js";
import { explained, masked, moment, named, number, t } from "./words.js";

const LIMIT = 1000;
const SHOWN_MAX = 300;
// A list begins at its beginning: so many calls before the person is asked to go on.
const PAGES_MAX = 20;

export function events(place, service, campaign) {
  const path = `/campaigns/${campaign.id}/events?limit=${LIMIT}`;
  const said = el("p", { class: "said", role: "status" });
  const list = el("div", {});
  const issued = el("input", { type: "checkbox", id: "with-issued" });
  const again = el("button", { type: "button", class: "plain" }, t("read_on"));
  let after = "";
  let seen = [];
  let recent = [];
  let count = 0;

  show(
    place,
    el("p", { class: "check" }, issued, el("label", { for: issued.id }, t("with_issued"))),
    said,
    list,
    el("p", { class: "row" }, again),
    command(service.address, () => ({ method: "GET", path })).node,
  );
  issued.addEventListener("change", draw);
  again.addEventListener("click", load);
  load();

  async function load() {
    again.disabled = true;
    try {
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const { body } = await service.get(after ? `${path}&after=${encodeURIComponent(after)}` : path);
        after = body.next_after;
        count += body.events.length;
        recent = body.recent;
        keep(body.events);
        say(said, t("events_read", { n: number(count + recent.length) }), "");
        if (!body.more) break;
      }
      draw();
    } catch (error) {
      say(said, explained(error), "bad");
    } finally {
      again.disabled = false;
    }
  }

  // What people did is kept, and the last of the coupons that were issued.
  function keep(found) {
    seen = [...seen, ...found];
    const last = seen.filter((one) => one.kind === "ISSUED").slice(-SHOWN_MAX);
    const from = last[0]?.id;
    const isLate = new Set(last.map((one) => one.id));
    if (from) seen = seen.filter((one) => one.kind !== "ISSUED" || isLate.has(one.id));
  }

  function draw() {
    const all = [...seen, ...recent].filter((one) => issued.checked || one.kind !== "ISSUED");
    const columns = [{ text: t("time"), kind: "time" }, t("what"), { text: t("serial"), kind: "number" }, t("who"), t("detail")];
    const rows = all
      .slice(-SHOWN_MAX)
      .reverse()
      .map((one) => [
        moment(one.at),
        el("span", {}, named("event", one.kind), el("span", { class: "id" }, one.kind)),
        one.serial === null ? "–" : number(one.serial),
        who(one),
        detail(one),
      ]);
    show(list, rows.length ? table(t("part_events"), columns, rows, { hidesCaption: true }) : nothing(t("no_events")));
  }
}

// Administrators and shops are named; of an applicant, as much as elsewhere.
function who(event) {
  if (!event.actor) return t("the_service");
  return ["ISSUED", "GIVEN_BACK"].includes(event.kind) ? masked(event.actor) : event.actor;
}

function detail(event) {
  const parts = [];
  if (event.reason) parts.push(event.reason);
  if (event.order_id) parts.push(masked(event.order_id));
  const { before, after } = event.detail;
  if (before && after) {
    const fields = Object.keys(after).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
    parts.push(...fields.map((key) => `${key}: ${plain(before[key])} → ${plain(after[key])}`));
  }
  return parts.join(" · ") || "–";
}

const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? null));
