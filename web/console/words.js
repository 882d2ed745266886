// Words, numbers and times in the language of the page.
import { Offline } from "../shared/api.js";
import { language, translate } from "../shared/texts.js";
import { Refused } from "./service.js";
import { TEXTS } from "./texts_ko_en.js";

export const t = (key, values = {}) => translate(TEXTS, key, values);

const has = (key) => key in TEXTS[language()];

// The words of a server's constant; where a newer server has another one, nothing but itself.
export const named = (kind, constant) =>
  has(`${kind}_${constant}`) ? t(`${kind}_${constant}`) : constant;

export const number = (value) => new Intl.NumberFormat(language()).format(value);

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

// A moment as ISO 8601 in the browser's time zone; "–" for none.
export function moment(iso) {
  if (!iso) return "–";
  const style = { dateStyle: "medium", timeStyle: "medium" };
  return new Intl.DateTimeFormat(language(), style).format(new Date(iso));
}

export function clockTime(ms) {
  return new Intl.DateTimeFormat(language(), { timeStyle: "medium" }).format(new Date(ms));
}

// A number of seconds, short.
export function seconds(value) {
  if (value < 1) return t("under_a_second");
  if (value < 120) return t("seconds", { n: number(Math.round(value)) });
  return t("minutes", { n: number(Math.round(value / 60)) });
}

export function milliseconds(value) {
  return `${number(Math.round(value))} ms`;
}

// A text that may be a person's id or worth money: enough of it to tell two apart, no more.
export function masked(text) {
  return `${text.slice(0, text.length > 4 ? 2 : 1)}••••`;
}

// What an input of the kind datetime-local holds, as ISO 8601 in UTC; "" for an empty one.
export function fromInput(text) {
  return text ? new Date(text).toISOString() : "";
}

// The other way, to the second.
export function toInput(iso) {
  const at = new Date(iso);
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

// What a refused or unanswered call means for the person at the console. Other errors are ours.
export function explained(error) {
  if (error instanceof Refused) {
    return has(`error_${error.code}`) ? t(`error_${error.code}`) : `${error.message} (${error.code || error.status})`;
  }
  if (error instanceof Offline) return t("no_answer");
  throw error;
}
