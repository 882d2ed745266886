"use strict";
// The address' hash holds the language and the place: #ko, #ko/stage-4. A link says only #stage-4.
const root = document.documentElement;
const tip = document.getElementById("tip");

function parts() {
  const [first, second = ""] = location.hash.slice(1).split("/");
  return first === "en" || first === "ko"
    ? { language: first, place: second } : { language: "", place: first };
}

function show(language) {
  root.lang = language;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  for (const element of document.querySelectorAll("[data-en]")) {
    element.setAttribute("aria-label", element.dataset[language]);
  }
  tip.hidden = true;
}

function follow() {
  const { language, place } = parts();
  const chosen = language || root.lang;
  show(chosen);
  history.replaceState(null, "", `#${chosen}${place ? `/${place}` : ""}`);
  const target = place && document.getElementById(place);
  if (target) {
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  }
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    const { place } = parts();
    show(button.dataset.language);
    history.replaceState(null, "", `#${button.dataset.language}${place ? `/${place}` : ""}`);
  });
}

// A step of a timeline: its words float beside it, and its line in the list is marked.
let pointed = null;

function moveTip() {
  const box = pointed.getBoundingClientRect();
  const left = Math.min(box.left, innerWidth - tip.offsetWidth - 12);
  const below = box.bottom + tip.offsetHeight + 12 < innerHeight;
  tip.style.left = `${Math.max(12, left)}px`;
  tip.style.top = `${below ? box.bottom + 6 : box.top - tip.offsetHeight - 6}px`;
}

function point(event, on) {
  const item = event.closest("figure").querySelectorAll("ol > li")[Number(event.dataset.row)];
  item?.classList.toggle("pointed", on);
  event.classList.toggle("pointed", on);
  tip.hidden = !on;
  if (!on) return;
  tip.textContent = event.dataset[root.lang];
  pointed = event;
  moveTip();
}

for (const svg of document.querySelectorAll("svg.lanes")) {
  const events = [...svg.querySelectorAll(".event")];
  for (const [index, event] of events.entries()) {
    event.addEventListener("mouseenter", () => point(event, true));
    event.addEventListener("mouseleave", () => point(event, false));
    event.addEventListener("focus", () => point(event, true));
    event.addEventListener("blur", () => point(event, false));
    event.addEventListener("keydown", (key) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[key.key];
      if (key.key === "Escape") tip.hidden = true;
      if (!step) return;
      key.preventDefault();
      const next = events[index + step];
      if (!next) return;
      event.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }
  svg.closest("figure").querySelectorAll("ol > li").forEach((item, row) => {
    const event = svg.querySelector(`[data-row="${row}"]`);
    if (!event) return;
    item.addEventListener("mouseenter", () => point(event, true));
    item.addEventListener("mouseleave", () => point(event, false));
  });
}

for (const box of document.querySelectorAll("[data-only-changes]")) {
  box.addEventListener("change", () => {
    box.closest(".code").classList.toggle("only-changes", box.checked);
  });
}

// The link of the stage that is read is marked; on a phone the links scroll sideways to it.
const links = document.querySelector("nav.stages ul");
const stageLinks = [...links.querySelectorAll("a")];

function mark(stage) {
  for (const link of stageLinks) {
    if (link.hash === `#${stage.id}`) {
      link.setAttribute("aria-current", "location");
      links.scrollLeft = link.offsetLeft - (links.clientWidth - link.offsetWidth) / 2;
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

const reading = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) mark(entry.target);
}, { rootMargin: "-30% 0px -70% 0px" });
for (const stage of document.querySelectorAll(".stage[id]")) reading.observe(stage);

// Going through the steps scrolls, too: the words go along.
addEventListener("scroll", () => { if (!tip.hidden) moveTip(); }, { passive: true });
addEventListener("hashchange", follow);
root.lang = (navigator.language || "en").toLowerCase().startsWith("ko") ? "ko" : "en";
follow();
