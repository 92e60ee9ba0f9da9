// How good a version was on its test rows.

import { formatFigure, make, makeScroll } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

/** The metrics of a version beside those of the baseline, as its record has them. */
export function showMetrics(element, { metrics }) {
  const { baseline = {} } = metrics;
  const isDefined = name => [metrics, baseline].some(figures => figures[name] !== null);
  const names = Object.keys(baseline).filter(name => name in metrics && name !== "intervals" && isDefined(name));
  const hasGain = names.some(name => metrics.gain?.[name]);
  const rows = names.map(name => {
    const points = [metrics, baseline].map(figures => ({ value: figures[name], interval: figures.intervals?.[name] }));
    return make("tr", {},
      make("th", { scope: "row" }, name.replaceAll("_", " ")),
      points.map(({ value, interval }) => make("td", {}, formatFigure(value), interval ? make("small", {}, interval.map(formatFigure).join(" to ")) : "")),
      hasGain && make("td", {}, metrics.gain[name]?.map(formatFigure).join(" to ") ?? ""),
      make("td", { className: "wide" }, drawPoints(points)));
  });
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ["metric", "this version", "baseline", ...(hasGain ? ["better by"] : [])].map(title => make("th", { scope: "col" }, title)), make("th", { scope: "col", className: "wide" }, "chart"))),
    make("tbody", {}, rows));
  element.replaceChildren(
    make("p", { className: "soft" }, `On ${metrics.test_rows} test rows; below each figure its 95% interval.`,
      hasGain && ' "Better by" is such an interval too; below zero is worse.',
      make("span", { className: "wide" }, " In the charts ", make("span", { className: "champion" }, "●"), " is this version, ", make("span", { className: "baseline" }, "●"), " the baseline.")),
    makeScroll("Metrics on the test rows", table),
  );
}

function drawPoints(points) {
  const ends = points.flatMap(({ value, interval }) => [value, ...(interval ?? [])]).filter(end => typeof end === "number");
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const place = number => (high > low ? (100 * (number - low)) / (high - low) : 50);
  const chart = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ class: "chart", viewBox: "-4 0 108 22", "aria-hidden": "true" })) chart.setAttribute(name, value);
  points.forEach(({ value, interval }, row) => {
    if (typeof value !== "number") return;
    const [start, end] = interval ?? [value, value];
    const y = 6 + 10 * row;
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", row ? "baseline" : "champion");
    group.append(
      drawShape("path", { d: `M${place(start)} ${y - 4}v8m0-4H${place(end)}m0-4v8` }),
      drawShape("circle", { cx: place(value), cy: y, r: 2.5 }),
    );
    chart.append(group);
  });
  return chart;
}

function drawShape(tag, attributes) {
  const shape = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  return shape;
}

/** The card, which the server gives as markup without scripts, and its verdict in front of all. */
export function showCard(element, quality, markup) {
  element.innerHTML = markup;
  for (const table of element.querySelectorAll("table")) {
    const place = document.createComment("");
    table.replaceWith(place);
    place.replaceWith(makeScroll("Table of the model card", table));
  }
  element.querySelector("h3")?.remove();
  const verdict = element.querySelector("p > strong");
  if (verdict) quality.prepend(make("p", { className: "note" }, verdict.cloneNode(true)));
}
