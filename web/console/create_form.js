// The fields of a new campaign, and the request that they make.
import { Unfit } from "./action.js";
import { el, field } from "./dom.js";
import { fromInput, t, ZONE } from "./words.js";

const CURRENCY = "KRW";
const CURRENCY_FORM = /^[A-Z]{3}$/;
const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const HOUR_MS = 3_600_000;

// Returns {node, body(), refuse(name, text), clear()}. body() throws Unfit, in the form's order.
export function campaignForm() {
  const one = (name, attributes = {}, tag = "input") => {
    const made = field(t(name), el(tag, { name, ...attributes }), hint(name));
    return { ...made, label: t(name), name };
  };
  const time = (name) => one(name, { type: "datetime-local", step: 1 });
  const count = (name, most) => one(name, { type: "number", min: 1, max: most, inputmode: "numeric" });
  const text = (name, attributes = {}) => one(name, { autocomplete: "off", ...attributes });

  const id = text("id", { maxlength: 63, spellcheck: "false" });
  const name = text("name", { maxlength: 200 });
  const quantity = count("quantity", 10_000_000);
  const opens = time("opens_at");
  const closes = time("closes_at");
  const kind = one("benefit", {}, "select");
  kind.control.append(
    ...["", "percent", "amount", "gift"].map((value) => el("option", { value }, t(`benefit_${value || "none"}`))),
  );
  const value = one("benefit_value", { type: "number", min: 0, step: "any", inputmode: "decimal" });
  const currency = text("currency", { maxlength: 3, value: CURRENCY });
  const minimum = one("minimum_order", { type: "number", min: 0, step: "any", inputmode: "decimal" });
  const note = one("note", { rows: 3, maxlength: 500 }, "textarea");
  const from = time("usable_from");
  const until = time("usable_until");
  const days = count("usable_days", 3660);
  const zone = text("time_zone", { value: ZONE, list: "zones" });
  const stages = one("releases", { rows: 3, spellcheck: "false", placeholder: "2026-12-01T10:00 500" }, "textarea");
  const rate = one("rate_per_address", { type: "number", min: 0, max: 1_000_000, inputmode: "numeric" });
  const work = count("challenge", 10_000_000);
  const claim = text("eligibility_claim", { maxlength: 128 });
  const equals = text("eligibility_equals", { maxlength: 256 });
  const fields = [id, name, quantity, opens, closes, kind, value, currency, minimum, note];
  const more = [from, until, days, zone, stages, rate, work, claim, equals];
  suggest(opens, closes);

  function terms() {
    kindChanged();
    if (!kind.control.value) return {};
    const isGift = kind.control.value === "gift";
    const benefit = { kind: kind.control.value };
    if (!isGift || value.control.value) benefit.value = positive(value);
    if (kind.control.value === "amount" || minimum.control.value) benefit.currency = money(currency);
    if (minimum.control.value) benefit.minimum_order = positive(minimum);
    if (note.control.value.trim()) benefit.note = note.control.value.trim();
    return { benefit };
  }

  function kindChanged() {
    for (const made of [value, currency, minimum, note]) made.node.hidden = !kind.control.value;
  }

  function body() {
    if (!ID.test(id.control.value)) throw new Unfit(id, t("id_wrong"));
    if (!name.control.value.trim()) throw new Unfit(name, t("name_missing"));
    const made = {
      id: id.control.value,
      name: name.control.value.trim(),
      quantity: whole(quantity),
      opens_at: needed(opens),
      closes_at: needed(closes),
      ...terms(),
    };
    if (from.control.value) made.usable_from = fromInput(from.control.value);
    if (until.control.value) made.usable_until = fromInput(until.control.value);
    if (days.control.value) made.usable_days = whole(days);
    if (zone.control.value.trim()) made.time_zone = zone.control.value.trim();
    if (stages.control.value.trim()) made.releases = releases(stages);
    if (rate.control.value) made.rate_per_address = Number(rate.control.value);
    if (work.control.value) made.challenge = { max_number: whole(work) };
    if (claim.control.value) made.eligibility = { claim: claim.control.value, equals: equals.control.value };
    return made;
  }

  const byName = new Map([...fields, ...more].map((made) => [made.name, made]));
  byName.set("eligibility", claim);
  kindChanged();
  return {
    node: el(
      "div",
      { class: "form" },
      fields.map((made) => made.node),
      el("details", {}, el("summary", {}, t("more_fields")), el("div", { class: "form" }, more.map((made) => made.node))),
      zones(),
    ),
    body,
    refuse(named, what) {
      const made = byName.get(named);
      if (!made) return false;
      made.node.closest("details")?.setAttribute("open", "");
      made.refuse(what);
      made.control.focus();
      return true;
    },
    clear() {
      for (const made of byName.values()) made.refuse("");
    },
  };
}

// A hint where the words have one.
function hint(name) {
  const HINTED = ["id", "opens_at", "closes_at", "usable_days", "releases", "rate_per_address", "challenge", "eligibility_claim", "note"];
  return HINTED.includes(name) ? t(`hint_${name}`) : "";
}

// The next full hour, and a day later.
function suggest(opens, closes) {
  const local = (ms) => {
    const at = new Date(ms);
    return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  };
  const next = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  opens.control.value = local(next);
  closes.control.value = local(next + 24 * HOUR_MS);
}

function zones() {
  return el("datalist", { id: "zones" }, Intl.supportedValuesOf("timeZone").map((one) => el("option", { value: one })));
}

function needed(made) {
  if (!made.control.value) throw new Unfit(made, t("time_missing"));
  return fromInput(made.control.value);
}

function whole(made) {
  const value = Number(made.control.value);
  if (!Number.isInteger(value) || value < 1) throw new Unfit(made, t("whole_number"));
  return value;
}

function money(made) {
  const value = made.control.value.trim().toUpperCase();
  if (!CURRENCY_FORM.test(value)) throw new Unfit(made, t("currency_wrong"));
  return value;
}

function positive(made) {
  const value = Number(made.control.value);
  if (!(value > 0)) throw new Unfit(made, t("above_zero"));
  return value;
}

// A line each: a time in the browser's zone, a blank, how many.
function releases(made) {
  return made.control.value
    .trim()
    .split("\n")
    .map((line) => {
      const [at, count, ...rest] = line.trim().split(/\s+/);
      const quantity = Number(count);
      if (rest.length || Number.isNaN(Date.parse(at)) || !Number.isInteger(quantity)) {
        throw new Unfit(made, t("release_wrong", { line }));
      }
      return { at: fromInput(at), quantity };
    });
}
