// Whether Redis, MySQL and the failed records agree about a campaign, and the repair.
import { action } from "./action.js";
import { el, show, table } from "./dom.js";
import { masked, named, number, t } from "./words.js";

const LISTED_MAX = 200;

export function comparison(place, service, campaign) {
  const path = `/campaigns/${campaign.id}/reconciliation`;
  const result = el("div", { class: "result" });
  const compare = action(service, {
    label: t("compare"),
    style: "first",
    request: () => ({ method: "GET", path }),
    done: async (answer) => {
      const found = await rest(answer.body, (after) => service.get(`${path}?after=${after}`));
      draw(found);
      const differences = total(found.counts);
      return differences ? t("differences_n", { n: number(differences) }) : t("no_differences");
    },
  });
  const repairPath = `/campaigns/${campaign.id}/repair`;
  const repair = action(service, {
    label: t("repair"),
    request: () => ({ method: "POST", path: repairPath }),
    done: async (answer) => {
      const again = (after) => service.ask({ method: "POST", path: `${repairPath}?after=${after}` });
      const found = await rest(answer.body, again);
      // What a second comparison finds is the result, not what the repair intended.
      await compare.run();
      return t("repaired_n", { n: number(total(found.repaired)), found: number(total(found.counts)) });
    },
  });

  show(
    place,
    el(
      "div",
      { class: "columns" },
      el("section", { class: "card" }, el("h2", {}, t("compare")), el("p", { class: "hint" }, t("compare_what")), compare.node),
      el("section", { class: "card" }, el("h2", {}, t("repair")), el("p", { class: "hint" }, t("repair_what")), repair.node),
    ),
    result,
  );

  function draw({ counts, states, differences, truncated }) {
    const kinds = Object.entries(counts).map(([kind, count]) => [
      el("span", {}, named("kind", kind), el("span", { class: "id" }, kind)),
      number(count),
    ]);
    const inState = Object.entries(states).map(([state, count]) => [named("sum", state), number(count)]);
    const columns = (name) => [name, { text: t("count"), kind: "number" }];
    show(
      result,
      el(
        "div",
        { class: "columns" },
        el("section", { class: "card" }, table(t("differences"), columns(t("kind")), kinds)),
        el("section", { class: "card" }, table(t("coupons_by_state"), columns(t("state")), inState)),
      ),
      differences.length ? listed(differences) : null,
      truncated || differences.length > LISTED_MAX ? el("p", { class: "hint" }, t("listed_first", { n: number(LISTED_MAX) })) : null,
    );
  }
}

function listed(differences) {
  const columns = [t("kind"), t("user"), { text: "Redis", kind: "number" }, { text: "MySQL", kind: "number" }, t("detail")];
  const rows = differences.slice(0, LISTED_MAX).map((one) => [
    one.kind,
    one.user_id ? masked(one.user_id) : "–",
    one.admitted_serial === null ? "–" : number(one.admitted_serial),
    one.issued_serial === null ? "–" : number(one.issued_serial),
    one.detail || "–",
  ]);
  return table(t("differences_listed"), columns, rows);
}

// A large campaign takes several calls: `next(after)` makes the following one.
async function rest(first, next) {
  const found = first;
  while (found.next_after !== null) {
    const { body } = await next(found.next_after);
    for (const name of ["counts", "states", "repaired"]) {
      for (const [key, count] of Object.entries(body[name] ?? {})) found[name][key] += count;
    }
    found.differences?.push(...(body.differences ?? []));
    found.next_after = body.next_after;
    found.truncated = body.truncated;
  }
  return found;
}

const total = (counts) => Object.values(counts).reduce((sum, one) => sum + one, 0);
