// Times, numbers and money as people of a language write them, in the campaign's time zone.

const SECOND_MS = 1000;
const DAY_S = 86_400;

/** Formats for a language ("ko", "en") and an IANA time zone; without one, that of this device. */
export class Formats {
  #language;
  #dates;
  #days;

  constructor(language, timeZone) {
    this.#language = language;
    const parts = { year: "numeric", month: "short", day: "numeric", weekday: "short" };
    const zone = isKnown(timeZone) ? timeZone : undefined;
    const times = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    // The page names the campaign's zone once. That of the device is named with each time.
    if (!zone) times.timeZoneName = "short";
    this.#dates = new Intl.DateTimeFormat(language, { ...parts, ...times, timeZone: zone });
    this.#days = new Intl.DateTimeFormat(language, { ...parts, ...times, second: "2-digit", timeZone: zone });
  }

  /** Return a time of ISO 8601 or in ms since 1970, with seconds only where it has some. */
  time(at) {
    const ms = typeof at === "number" ? at : Date.parse(at);
    return (ms % (60 * SECOND_MS) === 0 ? this.#dates : this.#days).format(new Date(ms));
  }

  number(value, options = {}) {
    return new Intl.NumberFormat(this.#language, { maximumFractionDigits: 20, ...options }).format(value);
  }

  money(value, currency) {
    // A won has no hundredths; Intl knows each currency's own, and more are shown where they are given.
    const whole = new Intl.NumberFormat(this.#language, { style: "currency", currency });
    const digits = whole.resolvedOptions().maximumFractionDigits;
    const isExact = Number(value.toFixed(digits)) === value;
    const shown = Number.isInteger(value) ? 0 : isExact ? digits : 20;
    return this.number(value, {
      style: "currency", currency, minimumFractionDigits: shown === digits ? digits : 0, maximumFractionDigits: shown,
    });
  }
}

/** Return ms as "03:04:05", rounded up to a second; the days, where there are some, apart. */
export function countdown(ms) {
  const left = Math.max(0, Math.ceil(ms / SECOND_MS));
  const rest = left % DAY_S;
  const parts = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60];
  return { days: Math.floor(left / DAY_S), clock: parts.map((part) => String(part).padStart(2, "0")).join(":") };
}

/** Return ms as seconds with as many digits as mean something. */
export function seconds(ms) {
  const digits = ms < 100 ? 2 : 1;
  return (Math.ceil((ms / SECOND_MS) * 10 ** digits) / 10 ** digits).toFixed(digits);
}

function isKnown(timeZone) {
  try {
    return Boolean(timeZone && new Intl.DateTimeFormat("en", { timeZone }));
  } catch (error) {
    if (error instanceof RangeError) return false; // newer than this browser
    throw error;
  }
}
