// Makes elements. Text from a server becomes a text node, never markup.

// attributes: "class", "hidden", any attribute, or "onclick"-like names with a function.
// children: nodes, texts, or null for none.
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  add(node, ...children);
  return node;
}

export function add(node, ...children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

export function show(node, ...children) {
  node.replaceChildren();
  return add(node, ...children);
}

let made = 0;

// An id for aria-labelledby, aria-describedby and labels.
export function newId(name) {
  made += 1;
  return `${name}-${made}`;
}

// A label with its control, a hint below, and a place for what is wrong with it.
export function field(label, control, hint = "") {
  const id = newId("field");
  control.id = id;
  const error = el("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
  const help = hint ? el("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  control.setAttribute("aria-describedby", hint ? `${id}-hint ${id}-wrong` : `${id}-wrong`);
  const node = el("div", { class: "field" }, el("label", { for: id }, label), control, help, error);
  return {
    node,
    control,
    refuse(text) {
      error.textContent = text;
      error.hidden = !text;
      if (text) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    },
  };
}

// A table. columns: texts, or {text, kind}: "number" is aligned at the right, "time" stays on one line.
// rows: arrays of nodes or texts. It scrolls sideways by itself where the window is narrow.
export function table(caption, columns, rows, { hidesCaption = false } = {}) {
  const heads = columns.map((one) => (typeof one === "string" ? { text: one } : one));
  const cell = (content, index) =>
    el("td", { class: heads[index].kind ?? null }, content);
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      {},
      el("caption", { class: hidesCaption ? "only-read" : null }, caption),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((one) => el("th", { scope: "col", class: one.kind ?? null }, one.text)),
        ),
      ),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cell)))),
    ),
  );
}

// What was not found or is not there yet, in place of an empty table.
export function nothing(text) {
  return el("p", { class: "nothing" }, text);
}
