// /signed-in: where the issuer sends people back to, after signing in and after signing out.
//
// The answer is put beside what the page kept, and the page itself exchanges the code.

import * as pending from "../shared/sign_in_pending.js";
import { language } from "../shared/texts.js";
import { text } from "./texts.js";

document.documentElement.lang = language();
const answer = new URLSearchParams(location.search);
// At once: the code is in no address that is kept, shared or shown.
history.replaceState(null, "", location.pathname);
goBack();

function goBack() {
  const record = pending.read();
  const state = answer.get("state");
  // Cognito does not say after signing out which sign-out that was, and nothing depends on it.
  const isSignedOut = record?.kind === "out" && state === null;
  if (!isSignedOut && (!state || record?.state !== state)) {
    show("wrong_state", pending.ownAddress(pathIn(state)));
    return;
  }
  const address = pending.ownAddress(record.path);
  if (!address) {
    pending.forget();
    show("foreign_path", null);
    return;
  }
  if (record.kind === "in") pending.keep({ ...record, answer: answer.toString() });
  else pending.forget();
  location.replace(address); // so that Back does not lead here
}

/** Return the page of a state that this tab does not know: the sign-in began in another one. */
function pathIn(state) {
  try {
    return atob((state ?? "").split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null; // no state of ours
  }
}

function show(problem, address) {
  document.title = text("callback_title");
  document.querySelector("h1").textContent = text("callback_title");
  document.querySelector("#problem").textContent = text(problem);
  const back = document.querySelector("#back");
  back.hidden = !address;
  back.textContent = text("callback_back");
  if (address) back.href = address;
}
