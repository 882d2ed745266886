// A sign-in or sign-out that is under way at the issuer, in this tab's sessionStorage.
//
// {kind: "in" | "out", state, path, nonce, verifier, silent, resume, answer}. `answer` is what the
// issuer sent back: it holds the code for the moment between /signed-in and the page. A code is of
// no use without `verifier`, and it is good once. A token is never in here.

import { parsed } from "./own_path.js";

const KEY = "seonchak.sign-in";

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
