// All coupons of a campaign as one CSV file. The token goes in a header, never in an address.
import { backoff, jittered, Offline } from "../shared/api.js";
import { el } from "./dom.js";

export const PAGE = 10_000; // coupons a call, the most that there can be
const BYTE_ORDER_MARK = "\ufeff"; // without it a spreadsheet takes UTF-8 for something else
// Calls that came to nothing, one after the other, before the export is given up: some two minutes.
const FAILURES_MAX = 8;
const PASSING = new Set([429, 502, 503, 504]);

// progress(n): called with the number of coupons so far. Resolves to the number of all.
export async function exported(service, campaignId, progress) {
  const parts = [BYTE_ORDER_MARK];
  let count = 0;
  let after = 0;
  for (;;) {
    const path = `/campaigns/${campaignId}/coupons?after=${after}&limit=${PAGE}`;
    const { text } = await asked(service, { method: "GET", path, headers: { Accept: "text/csv" } });
    const [heading, ...lines] = text.split("\r\n").filter(Boolean);
    if (!count) parts.push(`${heading}\r\n`);
    if (lines.length) {
      parts.push(`${lines.join("\r\n")}\r\n`);
      after = serial(lines.at(-1));
      count += lines.length;
    }
    progress(count);
    if (lines.length < PAGE) break;
  }
  save(new Blob(parts, { type: "text/csv;charset=utf-8" }), `${campaignId}.csv`);
  return count;
}

// Sends a request; where the service is busy or away, again after a while. What has come is kept.
async function asked(service, request) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await service.ask(request);
    } catch (error) {
      const isPassing = error instanceof Offline || PASSING.has(error.status);
      if (!isPassing || failures === FAILURES_MAX) throw error;
      await elapsed(Math.max(jittered(error.retryAfterMs ?? 0), backoff(failures)));
    }
  }
}

const elapsed = (ms) => new Promise((done) => setTimeout(done, ms));

// No cell has a line break (ids have none), and the first one is the serial.
const serial = (line) => Number(line.slice(0, line.indexOf(",")));

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = el("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  // The download reads the blob after the click.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
