// What an applicant will see of a campaign that is not there yet.
import { el } from "./dom.js";
import { moment, number, t } from "./words.js";

export function preview(body, state) {
  return el(
    "article",
    {},
    el("h3", {}, body.name),
    el("p", {}, t("window", { opens: moment(body.opens_at), closes: moment(body.closes_at) })),
    el("p", {}, `${number(body.quantity)} · ${state}`),
  );
}
