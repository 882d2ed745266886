// The language of a page, and its sentences in it.

const LANGUAGES = ["ko", "en"];

/** Return "ko" or "en": ?lang= of the address, else the browser's first that we have, else "en". */
export function language() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (LANGUAGES.includes(asked)) return asked;
  const wanted = (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

/**
 * Return the sentence of `key` in the page's language, with {names} replaced by `values`.
 *
 * table: {ko: {key: sentence}, en: {key: sentence}}. Throws for a key that the table lacks: a page
 * must not show a hole.
 */
export function translate(table, key, values = {}) {
  const sentence = table[document.documentElement.lang]?.[key];
  if (sentence === undefined) throw new Error(`no text for ${key}`);
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Write the sentence of each element's data-text into it, and of data-label into its aria-label. */
export function translatePage(table, root = document) {
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = translate(table, element.dataset.text);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", translate(table, element.dataset.label));
  }
}

/** Make each link with data-language one to this page in that language, and mark the present one. */
export function linkLanguages(root = document) {
  for (const link of root.querySelectorAll("a[data-language]")) {
    const address = new URL(location.href);
    address.searchParams.set("lang", link.dataset.language);
    link.href = `${address.pathname}${address.search}`;
    if (link.dataset.language === document.documentElement.lang) link.setAttribute("aria-current", "true");
  }
}
