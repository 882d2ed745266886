// Records that could not be written, of all campaigns, and the redrive.
import { action, say } from "./action.js";
import { el, nothing, show, table } from "./dom.js";
import { explained, masked, moment, named, number, t } from "./words.js";

const LIMIT = 100;
const STATUSES = ["PENDING", "DEAD", "RESOLVED"];

export function failedPage(main, service) {
  const said = el("p", { class: "said", role: "status" });
  const list = el("div", {});
  const more = el("button", { type: "button", class: "plain", hidden: true }, t("next_page"));
  const status = el("select", { id: "failed-status" }, STATUSES.map((one) => el("option", { value: one }, t(`failed_${one}`))));
  let next = null;

  show(
    main,
    el("div", { class: "title" }, el("h1", {}, t("failed_records"))),
    el("p", { class: "hint" }, t("failed_hint")),
    el("div", { class: "columns" }, redrive("PENDING"), redrive("DEAD")),
    el("p", { class: "row" }, el("label", { for: status.id }, t("status")), status),
    said,
    list,
    el("p", { class: "row" }, more),
  );
  status.addEventListener("change", () => load(0));
  more.addEventListener("click", () => load(next));
  load(0);

  async function load(after) {
    try {
      const { body } = await service.get(`/failed-events?status=${status.value}&after=${after}&limit=${LIMIT}`);
      next = body.next_after;
      more.hidden = next === null;
      show(list, body.failed_events.length ? listed(body.failed_events) : nothing(t("none_failed")));
      say(said, "", "");
    } catch (error) {
      say(said, explained(error), "bad");
    }
  }

  function redrive(which) {
    const made = action(service, {
      label: t(`redrive_${which}`),
      style: which === "PENDING" ? "first" : "",
      request: () => ({ method: "POST", path: `/failed-events/redrive?status=${which}` }),
      done: async ({ body }) => {
        await load(0);
        return t("redriven", { resolved: number(body.resolved), retried: number(body.retried), dead: number(body.dead) });
      },
    });
    return el("section", { class: "card" }, el("h2", {}, t(`redrive_${which}`)), el("p", { class: "hint" }, t(`redrive_${which}_what`)), made.node);
  }
}

function listed(failed) {
  const columns = [
    { text: t("number"), kind: "number" },
    t("reason"),
    t("campaign"),
    t("user"),
    { text: t("attempts"), kind: "number" },
    { text: t("next_attempt"), kind: "time" },
    t("detail"),
  ];
  const rows = failed.map((one) => [
    number(one.id),
    el("span", {}, named("failed_reason", one.reason), el("span", { class: "id" }, one.reason)),
    one.campaign_id ?? "–",
    one.user_id ? masked(one.user_id) : "–",
    number(one.attempts),
    one.status === "PENDING" ? moment(one.next_attempt_at) : "–",
    one.detail || "–",
  ]);
  return table(t("failed_records"), columns, rows, { hidesCaption: true });
}
