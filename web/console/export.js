// All coupons of a campaign as one CSV file. The token goes in a header, never in an address.
import { el } from "./dom.js";

export const PAGE = 10_000; // coupons a call, the most that there can be
const BYTE_ORDER_MARK = "\ufeff"; // without it a spreadsheet takes UTF-8 for something else

// progress(n): called with the number of coupons so far. Resolves to the number of all.
export async function exported(service, campaignId, progress) {
  const parts = [BYTE_ORDER_MARK];
  let count = 0;
  let after = 0;
  for (;;) {
    const path = `/campaigns/${campaignId}/coupons?after=${after}&limit=${PAGE}`;
    const { text } = await service.ask({ method: "GET", path, headers: { Accept: "text/csv" } });
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
