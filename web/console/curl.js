// The command that does the same as an action. It names the token $TOKEN and never holds it.
import { el } from "./dom.js";
import { t } from "./words.js";

// request: {method, path, body, headers}, as the service takes it. api: the API's address.
export function curl(api, { method, path, body, headers = {} }) {
  const parts = ["curl"];
  if (method !== "GET") parts.push(`-X ${method}`);
  parts.push(quoted(`${api}${path}`), '-H "Authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) {
    parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  }
  return parts.join(" \\\n  ");
}

// A text of another person must not end its quotes.
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// Shows a command that `make` returns; null where there is none yet. update() reads it again.
export function command(api, make) {
  const code = el("code", {});
  const copied = el("span", { class: "copied", role: "status" });
  const copy = el("button", { type: "button", class: "plain small" }, t("copy"));
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copied.textContent = t("copied");
    } catch (error) {
      // Without HTTPS there is no clipboard, and a person may have forbidden it.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      getSelection().selectAllChildren(code);
      copied.textContent = t("copy_yourself");
    }
  });
  const node = el(
    "details",
    { class: "curl" },
    el("summary", {}, t("as_command")),
    el("pre", { tabindex: "0", role: "group", "aria-label": t("as_command") }, code),
    el("p", { class: "row" }, copy, copied),
  );
  const update = () => {
    const request = make();
    code.textContent = request ? curl(api, request) : t("command_waits");
    copied.textContent = "";
  };
  update();
  return { node, update };
}
