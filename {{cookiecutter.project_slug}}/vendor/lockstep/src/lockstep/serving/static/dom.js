// Elements, and numbers as people read them.

/** An element with these properties and children; null and false are no children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { dataset, style, aria, ...others } = properties;
  Object.assign(element, others);
  Object.assign(element.dataset, dataset);
  Object.assign(element.style, style);
  for (const [name, value] of Object.entries(aria ?? {})) element.setAttribute(`aria-${name}`, value);
  element.append(...children.flat().filter(child => child !== null && child !== false));
  return element;
}

/** A table in a box that scrolls where it is wider than the screen. */
export function makeScroll(label, table) {
  return make("div", { className: "scroll", tabIndex: 0, role: "region", aria: { label } }, table);
}

const DIGITS = 4;
const MOST_SIGNS = 40;
const rough = new Intl.NumberFormat("en", { minimumSignificantDigits: DIGITS, maximumSignificantDigits: DIGITS, useGrouping: false });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0, useGrouping: false });

/** A number with four digits that tell something, several labels, or any other value as it is. */
export function format(value) {
  if (Array.isArray(value)) return value.join(", ") || "none";
  if (typeof value !== "number") return value === null ? "missing" : String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e12)) return value.toExponential(DIGITS - 1);
  return (size >= 10 ** (DIGITS - 1) || Number.isInteger(value) ? whole : rough).format(value);
}

/** A value that does not crowd out its neighbours. */
export function shorten(value) {
  const text = format(value);
  return text.length > MOST_SIGNS ? `${text.slice(0, MOST_SIGNS)}…` : text;
}

/** A figure of merit, with no more than four decimals. */
export function formatFigure(value) {
  if (value === null) return "not defined";
  return Math.abs(value) < 1 ? value.toFixed(DIGITS) : format(value);
}

/** A share as per cent; one that is not quite all or nothing is not called so. */
export function formatShare(share) {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.1) return "<0.1%";
  if (percent < 100 && percent > 99.9) return ">99.9%";
  return `${percent.toFixed(1)}%`;
}

export function formatSeconds(seconds) {
  return seconds < 1 ? `${(1000 * seconds).toFixed(seconds < 0.01 ? 1 : 0)} ms` : `${seconds.toFixed(1)} s`;
}
