// A sign-in or sign-out that is under way at the issuer, in this tab's sessionStorage.
//
// {kind: "in" | "out", state, path, nonce, verifier, silent, resume, answer}. `answer` is what the
// issuer sent back: it holds the code for the moment between /signed-in and the page. A code is of
// no use without `verifier`, and it is good once. A token is never in here.

const KEY = "seonchak.sign-in";
const CALLBACK = "/signed-in";

/** Keep `record`; throws where the browser forbids storage. */
export function keep(record) {
  sessionStorage.setItem(KEY, JSON.stringify(record));
}

/** Return the record; null where there is none, or none that we could have written. */
export function read() {
  try {
    const record = JSON.parse(sessionStorage.getItem(KEY));
    return typeof record?.state === "string" ? record : null;
  } catch {
    return null; // storage is forbidden, or the text is not ours: either way nothing is under way
  }
}

export function forget() {
  sessionStorage.removeItem(KEY);
}

/** Return the record that the issuer has answered for this page, once; null otherwise. */
export function takeAnswered() {
  const record = read();
  if (typeof record?.answer !== "string" || typeof record.path !== "string") return null;
  if (parsed(record.path, location.origin)?.pathname !== location.pathname) return null;
  forget();
  return record;
}

/** Return the URL of `text`, null where it is none. (URL.parse is too new for older phones.) */
export function parsed(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

/** Return the full address of a path of our own origin; null for anything else. */
export function ownAddress(path) {
  if (typeof path !== "string" || !path.startsWith("/")) return null;
  // The address, never the path: a path like /.//shop.example becomes //shop.example when it is
  // resolved, and that names another host.
  const address = parsed(path, location.origin);
  const isOurs = address?.origin === location.origin && address.pathname !== CALLBACK;
  return isOurs ? address.href : null;
}

/** The one address to which an issuer sends people back. It is registered there. */
export function callbackAddress() {
  return location.origin + CALLBACK;
}

/** The path of this page with all that belongs to it. */
export function herePath() {
  return location.pathname + location.search + location.hash;
}
