// Development's own sign-in: a form for any user id, in a dialog. The server has it with STAGE=local
// only. The last user id is remembered for the next time, never a token.

import { Offline } from "../shared/api.js";
import { text } from "./texts.js";

const LAST_USER = "seonchak.development-user";
const ADMIN = "coupon:admin";
const USER_ID = /^[!-~]{1,64}$/;
const NOT_HERE = 404;
let count = 0;

/**
 * Ask who signs in; return {token, expires_in, id, scopes}, or null where the dialog was closed.
 *
 * needed: the page's scope, by which the box "as administrator" is ticked beforehand. send: posts a
 * body to /sign-in and returns the answer.
 */
export async function askWho(needed, send) {
  await loadStyle();
  const form = build(needed);
  document.body.append(form.dialog);
  const { promise, resolve } = withResolvers();
  form.element.addEventListener("submit", async (event) => {
    event.preventDefault(); // and the content security policy forbids sending a form
    const given = await submit(form, send);
    if (given) resolve(given);
  });
  form.cancel.addEventListener("click", () => resolve(null));
  form.dialog.addEventListener("cancel", () => resolve(null)); // Escape
  const before = document.activeElement;
  form.dialog.showModal();
  form.user.focus();
  form.user.select();
  const given = await promise;
  form.dialog.close();
  form.dialog.remove();
  before?.focus?.();
  return given;
}

async function submit({ user, admin, button, error }, send) {
  const userId = user.value.trim();
  const isValid = USER_ID.test(userId);
  user.setAttribute("aria-invalid", String(!isValid));
  error.textContent = isValid ? "" : text("form_invalid");
  if (!isValid) {
    user.focus();
    return null;
  }
  button.disabled = true;
  try {
    const answer = await send({ user_id: userId, scope: admin.checked ? ADMIN : "" });
    if (answer.status === 200) {
      remember(userId);
      return { ...answer.body, id: userId, scopes: admin.checked ? [ADMIN] : [] };
    }
    error.textContent = refusal(answer);
  } catch (failure) {
    if (!(failure instanceof Offline)) throw failure;
    error.textContent = text("form_offline");
  } finally {
    button.disabled = false;
  }
  return null;
}

function refusal({ status, body }) {
  if (status === NOT_HERE) return text("form_missing");
  return text("form_failed", { detail: body?.detail ?? String(status) });
}

function build(needed) {
  const id = `sign-in-${(count += 1)}`;
  const title = make("h2", { id: `${id}-title`, textContent: text("form_title") });
  const hint = make("p", { id: `${id}-hint`, textContent: text("form_hint") });
  const user = make("input", {
    id: `${id}-user`, name: "username", autocomplete: "username", autocapitalize: "none",
    spellcheck: false, required: true, value: remembered(),
  });
  const error = make("p", { id: `${id}-error`, role: "alert" });
  user.setAttribute("aria-describedby", `${hint.id} ${error.id}`);
  const userLabel = make("label", { htmlFor: user.id, textContent: text("form_user") });
  const admin = make("input", { id: `${id}-admin`, type: "checkbox" });
  admin.checked = needed.split(" ").includes(ADMIN);
  const adminLabel = make("label", { htmlFor: admin.id, textContent: text("form_admin") });
  const button = make("button", { type: "submit", textContent: text("form_submit") });
  const cancel = make("button", { type: "button", textContent: text("form_cancel") });
  const element = make("form", { noValidate: true });
  const adminRow = make("p", { className: "sign-in-row" });
  adminRow.append(admin, adminLabel);
  const buttons = make("p", { className: "sign-in-buttons" });
  buttons.append(button, cancel);
  element.append(title, hint, userLabel, user, error, adminRow, buttons);
  const dialog = make("dialog", { className: "sign-in-dialog" });
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(element);
  return { dialog, element, user, admin, button, cancel, error };
}

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

/** Resolve when the style is there, or cannot be had: the form works without it. */
function loadStyle() {
  const href = new URL("./sign_in.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return null;
  const link = make("link", { rel: "stylesheet", href });
  const { promise, resolve } = withResolvers();
  link.addEventListener("load", resolve);
  link.addEventListener("error", resolve);
  document.head.append(link);
  return promise;
}

function remembered() {
  try {
    return localStorage.getItem(LAST_USER) ?? "";
  } catch {
    return ""; // storage is forbidden: the person types it
  }
}

function remember(userId) {
  try {
    localStorage.setItem(LAST_USER, userId);
  } catch {
    return; // storage is forbidden: the person types it the next time
  }
}

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
