// One thing that can be done: its button, its command, and what came of it.
import { command } from "./curl.js";
import { el, newId } from "./dom.js";
import { explained, t } from "./words.js";

// An input that cannot be sent; field: of dom.js, which shows the text.
export class Unfit extends Error {
  constructor(field, text) {
    super(text);
    this.field = field;
  }
}

// label: of the button. request(): what to send, null while an input is missing; may throw Unfit.
// typed: what has to be typed before something is destroyed, "" for a harmless action. what: in
// words, what it will do. done(answer): resolves to a text that says what came of it.
// refused(error): may return such a text for an error that it knows. shown(sent): the request as the
// command has it, where that is not to say everything.
export function action(service, { label, style = "", typed = "", what = "", request, done, refused, shown = (sent) => sent }) {
  const said = el("p", { class: "said", role: "status" });
  const button = el("button", { type: "button", class: style }, label);
  const asCommand = command(service.address, () => {
    const sent = quiet(request);
    return sent && shown(sent);
  });

  async function run() {
    let sent;
    try {
      sent = request();
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      error.field.refuse(error.message);
      error.field.control.focus();
      return;
    }
    if (!sent) return;
    if (typed && !(await confirmed(service, { label, what, typed, sent: shown(sent) }))) return;
    button.disabled = true;
    say(said, t("working"), "");
    try {
      say(said, (await done(await service.ask(sent), sent)) ?? "", "good");
    } catch (error) {
      say(said, (await refused?.(error)) ?? explained(error), "bad");
    } finally {
      button.disabled = false;
      asCommand.update();
    }
  }

  button.addEventListener("click", run);
  const node = el("div", { class: "action" }, el("p", { class: "row" }, button), said, asCommand.node);
  return { node, button, said, run, update: asCommand.update };
}

export function say(place, text, mood) {
  place.textContent = text;
  place.dataset.mood = mood;
}

function quiet(request) {
  try {
    return request();
  } catch (error) {
    if (error instanceof Unfit) return null;
    throw error;
  }
}

// Asks for the name of what is about to be destroyed. Resolves to whether it was typed.
function confirmed(service, { label, what, typed, sent }) {
  const title = newId("confirm");
  const input = el("input", { id: newId("name"), autocomplete: "off", spellcheck: "false" });
  const go = el("button", { type: "submit", class: "danger", disabled: true }, label);
  const stop = el("button", { type: "button", class: "plain" }, t("cancel"));
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: title }, label),
    el("p", {}, what),
    el("label", { for: input.id }, t("type_to_confirm"), " ", el("code", {}, typed)),
    input,
    command(service.address, () => sent).node,
    el("p", { class: "row end" }, stop, go),
  );
  const dialog = el("dialog", { "aria-labelledby": title }, form);
  input.addEventListener("input", () => {
    go.disabled = input.value !== typed;
  });
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = false;
    stop.addEventListener("click", () => dialog.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = input.value === typed;
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
    input.focus();
  });
}
