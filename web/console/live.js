// A campaign while it runs: what is given, what arrives, what is refused, and how old is what waits.
import { say } from "./action.js";
import { chart } from "./chart.js";
import { el, nothing, show, table } from "./dom.js";
import { given } from "./list.js";
import { repeat } from "./repeat.js";
import { Samples } from "./samples.js";
import { clockTime, explained, milliseconds, named, number, seconds, t } from "./words.js";

const BUSY_MS = 1000;
const QUIET_MS = 5000;
// So long before the opening somebody watches for it.
const NEAR_MS = 60_000;
// Behind the highest serial there is, so that the report counts no coupons: only the refusals.
const BEHIND_ALL = 20_000_000;
const ROWS_MAX = 30;
// A pending admission is older than this where something is wrong: the relay should have sent it.
const OLD_PENDING_S = 30;

const TOO_MANY = 429;
// So many times as long as a look took, nothing is asked.
const SHARE = 4;

export function live(place, service, campaign) {
  const samples = new Samples();
  let refusals = null;
  let soldOutAfterMs = null;
  const tile = (key) => {
    const value = el("strong", {});
    const below = el("span", { class: "hint" });
    return { node: el("div", { class: "tile", "data-tile": key }, el("span", {}, t(key)), value, below), value, below };
  };
  const tiles = Object.fromEntries(
    ["given", "remaining", "arrivals", "admissions", "pending", "failed", "latency"].map((key) => [key, tile(key)]),
  );
  const bar = el("progress", { max: 1, value: 0, "aria-label": t("given") });
  tiles.given.node.append(bar);
  const said = el("p", { class: "said", role: "status" });
  const rates = chart(t("chart_rates"), [
    { text: t("arrivals"), color: "--chart-1" },
    { text: t("admissions"), color: "--chart-2" },
  ]);
  const sums = chart(t("chart_given"), [{ text: t("given"), color: "--chart-2" }]);
  const reasons = el("div", {});
  const numbers = el("div", {});
  const asTable = el("details", {}, el("summary", {}, t("as_table")), numbers);
  asTable.addEventListener("toggle", drawTable);

  show(
    place,
    said,
    el("div", { class: "tiles" }, Object.values(tiles).map((one) => one.node)),
    el(
      "div",
      { class: "halves" },
      el("section", { class: "card" }, el("h2", {}, t("chart_rates")), rates.node),
      el("section", { class: "card" }, el("h2", {}, t("chart_given")), sums.node),
    ),
    el("section", { class: "card" }, el("h2", {}, t("refusals")), reasons, el("p", { class: "hint" }, t("refusals_hint"))),
    asTable,
  );

  async function look() {
    const began = performance.now();
    try {
      const [one, stats] = await Promise.all([
        service.get(`/campaigns/${campaign.id}`),
        service.get(`/campaigns/${campaign.id}/stats`),
        count(),
      ]);
      campaign.take(one.body, one.headers.get("etag"));
      samples.add(performance.timeOrigin + performance.now(), stats.body, refusals);
      draw(stats.body);
      say(said, "", "");
      const pause = isBusy(one.body) || samples.recent().arrivals > 0 ? BUSY_MS : QUIET_MS;
      // MySQL counts the coupons for each look: where that takes long, it is done less often.
      return Math.max(pause, SHARE * (performance.now() - began));
    } catch (error) {
      say(said, explained(error), "bad");
      return Math.max(BUSY_MS, error.retryAfterMs ?? 0) * (1 + Math.random());
    }
  }

  async function count() {
    try {
      const { body } = await service.get(`/campaigns/${campaign.id}/report?after=${BEHIND_ALL}`);
      refusals = body.refusals;
      soldOutAfterMs = body.sold_out_after_ms;
    } catch (error) {
      // Several consoles share one limit; the numbers of a second ago are good enough.
      if (error.status !== TOO_MANY) throw error;
    }
  }

  function draw(stats) {
    const { body } = campaign;
    const share = given(body) / body.quantity;
    bar.value = share;
    put("given", t("given_of", { given: number(given(body)), quantity: number(body.quantity) }), progress(body, share, soldOutAfterMs));
    put("remaining", number(stats.remaining), body.released === undefined ? "" : t("released_of", { n: number(body.released) }));
    const now = samples.recent();
    put("arrivals", t("per_second", { n: number(Math.round(now.arrivals)) }), t("highest", { n: number(Math.round(samples.highest)) }));
    put("admissions", t("per_second", { n: number(Math.round(now.admissions)) }), t("issued_n", { n: number(stats.issued) }));
    put("pending", number(stats.pending), stats.pending ? t("oldest", { age: seconds(stats.oldest_pending_s) }) : t("none_waits"));
    tiles.pending.node.dataset.mood = stats.oldest_pending_s > OLD_PENDING_S ? "bad" : "";
    put("failed", number(stats.failed), stats.failed ? t("see_failed") : t("none_failed"));
    tiles.failed.node.dataset.mood = stats.failed ? "bad" : "";
    const latency = service.latency();
    put("latency", milliseconds(latency.median), t("slowest", { ms: milliseconds(latency.slowest) }));
    rates.draw([samples.at, samples.arrivals, samples.admissions]);
    sums.draw([samples.at, samples.given]);
    show(reasons, byReason(refusals));
    drawTable();
  }

  function put(name, value, below) {
    tiles[name].value.textContent = value;
    tiles[name].below.textContent = below;
  }

  // Only where it is looked at: a screen reader reads it, and it is drawn anew each time.
  function drawTable() {
    if (!asTable.open) return;
    const columns = [{ text: t("time"), kind: "time" }, ...["arrivals", "admissions", "given"].map((key) => ({ text: t(key), kind: "number" }))];
    const rounded = (value) => (value === null ? "–" : number(Math.round(value)));
    const rows = samples.last(ROWS_MAX).map(({ at, arrivals, admissions, given: sum }) => [
      clockTime(at * 1000),
      rounded(arrivals),
      rounded(admissions),
      number(sum),
    ]);
    show(numbers, table(t("samples"), columns, rows));
  }

  const stop = repeat(look);
  return () => {
    stop();
    rates.end();
    sums.end();
  };
}

function isBusy(campaign) {
  if (campaign.state === "OPEN" || campaign.state === "NEXT_RELEASE") return true;
  return campaign.state === "SCHEDULED" && untilOpening(campaign) < NEAR_MS;
}

// By the server's clock, in ms.
const untilOpening = ({ opens_at: opens, now }) => Math.max(0, Date.parse(opens) - Date.parse(now));

// How far it is, in words.
function progress(campaign, share, soldOutAfterMs) {
  if (campaign.state === "SCHEDULED") {
    return t("opens_in", { age: seconds(untilOpening(campaign) / 1000) });
  }
  const part = percent(share);
  if (campaign.state !== "SOLD_OUT" || soldOutAfterMs === null) return part;
  return `${part} · ${t("sold_out_after", { age: seconds(soldOutAfterMs / 1000) })}`;
}

function byReason(refusals) {
  if (!refusals) return nothing(t("refusals_unknown"));
  const counted = Object.entries(refusals.by_reason).sort((a, b) => b[1] - a[1]);
  if (!counted.length) return nothing(t("no_refusals"));
  const most = counted[0][1];
  const columns = [t("reason"), { text: t("count"), kind: "number" }, ""];
  const rows = counted.map(([reason, count]) => [
    el("span", {}, named("refused", reason), el("span", { class: "id" }, reason)),
    number(count),
    el("meter", { min: 0, max: most, value: count, "aria-label": reason }),
  ]);
  columns[2] = t("share");
  return table(t("refusals"), columns, rows, { hidesCaption: true });
}

const percent = (share) => `${number(Math.round(share * 1000) / 10)}%`;
