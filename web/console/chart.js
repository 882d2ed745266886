// A chart over time by uPlot, in the colors of the page, as wide as its place.
import { language } from "../shared/texts.js";
import { el } from "./dom.js";
import { number } from "./words.js";

const HEIGHT = 200;
const WIDTH_MIN = 240;

// series: {text, color: name of a CSS variable} for each line. draw(data): uPlot's arrays, the first
// one of the times in seconds.
export function chart(name, series) {
  const place = el("div", { class: "chart", role: "img", "aria-label": name });
  const legend = el(
    "p",
    { class: "legend" },
    series.map((one) => el("span", { "data-color": one.color.slice(2) }, one.text)),
  );
  const node = el("div", {}, place, legend);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let plot;
  let shown;

  function build() {
    plot?.destroy();
    plot = undefined;
    if (shown && place.clientWidth) plot = new window.uPlot(options(place, series), shown, place);
  }

  const resized = new ResizeObserver(() => {
    if (plot) plot.setSize({ width: Math.max(WIDTH_MIN, place.clientWidth), height: HEIGHT });
    else build();
  });
  resized.observe(place);
  dark.addEventListener("change", build);

  return {
    node,
    draw(data) {
      shown = data;
      if (plot) plot.setData(data);
      else build();
    },
    end() {
      resized.disconnect();
      dark.removeEventListener("change", build);
      plot?.destroy();
    },
  };
}

function options(place, series) {
  const style = getComputedStyle(place);
  const color = (name) => style.getPropertyValue(name).trim();
  const time = new Intl.DateTimeFormat(language(), { timeStyle: "medium" });
  const line = { stroke: color("--chart-text"), grid: { stroke: color("--chart-grid"), width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(WIDTH_MIN, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, highest) => [0, Math.max(5, highest * 1.1)] } },
    axes: [
      { ...line, size: 28, space: 90, values: (_, ticks) => ticks.map((at) => time.format(at * 1000)) },
      { ...line, size: 60, values: (_, ticks) => ticks.map((value) => (Number.isInteger(value) ? number(value) : "")) },
    ],
    series: [
      {},
      ...series.map((one) => ({
        label: one.text,
        stroke: color(one.color),
        fill: `${color(one.color)}22`,
        width: 2,
        points: { show: false },
      })),
    ],
  };
}
