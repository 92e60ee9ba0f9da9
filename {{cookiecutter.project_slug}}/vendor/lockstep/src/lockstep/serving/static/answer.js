// What a version says: of one row in full, of many as a table.

import { addOutcome, predictPath, Refusal } from "./api.js";
import { isNumber } from "./contract.js";
import { format, formatSeconds, formatShare, make, makeScroll, shorten } from "./dom.js";

const PROBABILITY = "probability_";
const MOST_CLASSES = 10;
const MOST_ROWS = 100;
const MOST_REASONS = 3;

/** The classes with their probabilities, the most probable first; none of a number. */
function listChances(answer) {
  return Object.entries(answer)
    .filter(([name, value]) => name.startsWith(PROBABILITY) && typeof value === "number")
    .map(([name, share]) => [name.slice(PROBABILITY.length), share])
    .sort(([, one], [, other]) => other - one);
}

const hasInterval = answer => typeof answer.prediction_low === "number";

const listReasons = ({ errors }) => errors.map(({ column, reason }) => `${column}: ${reason}`);

const isOfAnomalies = answer => typeof answer.oddness === "number";

const isOfClusters = answer => typeof answer.clarity === "number";

const says = name => ["errors", "oddness", "because", "clarity"].includes(name) || name.startsWith("prediction") || name.startsWith(PROBABILITY);

/** What an answer is of, such as a series and a step ahead. */
export const listNames = answer => Object.entries(answer).filter(([name]) => !says(name));

/** An answer in a few words. */
export function summarise(answer) {
  if (answer.errors) {
    const reasons = listReasons(answer);
    const rest = reasons.length - MOST_REASONS;
    return reasons.slice(0, MOST_REASONS).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
  }
  const chance = listChances(answer).find(([name]) => name === answer.prediction);
  const more = hasInterval(answer)
    ? ` (${format(answer.prediction_low)} to ${format(answer.prediction_high)})`
    : isOfAnomalies(answer) ? ` (odder than ${formatShare(answer.oddness)})`
    : isOfClusters(answer) ? ` (clarity ${format(answer.clarity)})`
    : chance ? ` (${formatShare(chance[1])})` : "";
  return `${shorten(answer.prediction)}${more}`;
}

/** What a prediction is of. */
function nameSubject({ images, points }, features) {
  if (points) return "each sequence";
  if (!images) return "the values on the form";
  return features.length === 1 ? "the image" : "the image and the values on the form";
}

export function showNothing(element, { contract, features, kind, is_shadow: isShadow }) {
  if (isShadow) {
    element.replaceChildren(make("p", { className: "soft" }, "A version in the shadow cannot be asked: it answers what others are asked, and only the last requests show what it says."));
    return;
  }
  const subject = nameSubject(contract, features);
  const texts = {
    classification: `The predicted class and the probability of each will stand here: what ${contract.target} is for ${subject}.`,
    multilabel: `The predicted labels and the probability of each will stand here: what ${contract.target} is for ${subject}.`,
    clustering: "Which cluster the values on the form are of, and how clearly, will stand here.",
    anomalies: "Whether the values on the form are unlike the others, and which of them make them so, will stand here.",
    regression: `The predicted number and its interval will stand here: what ${contract.target} is for ${subject}.`,
    forecasting: `What ${contract.target} is to be, and its interval, will stand here for each step ahead of each series.`,
  };
  element.replaceChildren(make("p", { className: "soft" }, texts[kind]));
}

/** Why there is no answer. */
export function showRefusal(element, reason) {
  element.replaceChildren(
    make("p", {}, make("strong", {}, "No prediction")),
    make("p", { className: "reason" }, reason),
  );
}

export function showWaiting(element) {
  element.replaceChildren(make("p", { className: "soft" }, "Asking…"));
}

/** The answer to one row; `row` is what was asked, unless it was a file. */
export function showAnswer(element, details, reply, seconds, row) {
  const [answer] = reply.predictions;
  if (answer.errors) {
    showRefusal(element, summarise(answer));
    return;
  }
  const target = details.contract.columns[details.contract.target];
  element.replaceChildren(
    make("p", { className: "soft" }, details.contract.target),
    make("p", { className: "said", title: Array.isArray(answer.prediction) ? "" : String(answer.prediction) }, format(answer.prediction), target.unit ? make("span", { className: "unit" }, ` ${target.unit}`) : ""),
    ...(hasInterval(answer) ? drawInterval(answer, target, details.metrics) : [drawSureness(answer)]),
    makeFacts(reply, seconds),
    ...(isOfClusters(answer) ? [] : [makeOutcome(details, reply)]),
    ...(row && !details.contract.images ? [makeCommand(details, row)] : []),
  );
}

function drawSureness(answer) {
  if (isOfAnomalies(answer)) return drawOddness(answer);
  return isOfClusters(answer) ? drawClarity(answer) : drawChances(answer);
}

/** From none, between two clusters or nearer to another one, to all. */
function drawClarity({ clarity }) {
  return make(
    "div", {},
    make("div", { className: "track chosen", aria: { hidden: "true" } }, make("div", { style: { width: `${100 * Math.max(0, clarity)}%` } })),
    make("p", {}, "clarity ", make("strong", {}, format(clarity)), make("span", { className: "soft" }, clarity < 0 ? ": the centre of another cluster is nearer" : ", from 0 between two clusters to 1")),
  );
}

/** The share of rows that are less odd, and the columns that make an anomaly odd. */
function drawOddness({ oddness, because }) {
  return make(
    "div", {},
    make("div", { className: because ? "track chosen" : "track", aria: { hidden: "true" } }, make("div", { style: { width: `${100 * oddness}%` } })),
    make("p", {}, "odder than ", make("strong", {}, formatShare(oddness)), make("span", { className: "soft" }, " of the validation rows")),
    because ? make("ul", {}, because.split("; ").map(reason => make("li", {}, reason))) : "",
  );
}

function drawChances(answer) {
  const chances = listChances(answer);
  const others = chances.length - MOST_CLASSES;
  const lines = chances.slice(0, MOST_CLASSES).flatMap(([name, share]) => [
    make("dt", {}, name),
    make("dd", { className: [answer.prediction].flat().includes(name) ? "track chosen" : "track" }, make("div", { style: { width: `${100 * share}%` } })),
    make("dd", {}, formatShare(share)),
  ]);
  return make("div", {}, make("dl", { className: "chances" }, lines), others > 0 ? make("small", {}, `and ${others} more that are less probable`) : "");
}

/** A number and its interval, on a line as long as the target's values reach, as far as known. */
function drawInterval({ prediction, prediction_low: low, prediction_high: high }, target, metrics) {
  const [least, most] = target.seen ?? target.range ?? [null, null];
  const margin = (high - low) / 4;
  const start = least === null ? low - margin : Math.min(low, least);
  const end = most === null ? high + margin : Math.max(high, most);
  const place = number => `${end > start ? (100 * (number - start)) / (end - start) : 50}%`;
  const share = metrics.prediction_intervals?.coverage;
  const coverage = share === undefined ? "" : `; such intervals held ${formatShare(share)} of the test rows`;
  return [
    make(
      "div", { className: "scale", aria: { hidden: "true" } },
      make("div"),
      make("div", { className: "between", style: { left: place(low), width: `calc(${place(high)} - ${place(low)})` } }),
      make("div", { className: "point", style: { left: place(prediction) } }),
    ),
    make("div", { className: "ends soft", aria: { hidden: "true" } }, make("small", {}, format(start)), make("small", {}, format(end))),
    make("p", {}, "between ", make("strong", {}, format(low)), " and ", make("strong", {}, format(high)), make("span", { className: "soft" }, coverage)),
  ];
}

function makeFacts(reply, seconds) {
  return make("p", { className: "facts" }, make("small", {}, `${reply.model} ${reply.version}, in ${formatSeconds(seconds)}; request `, make("code", {}, reply.request)));
}

/** A field for what became true, which the server keeps beside its answer. */
function makeOutcome({ contract }, reply) {
  const column = contract.columns[contract.target];
  const hasLabels = column.type === "labels";
  const choices = (column.categories ?? []).map(name => make("option", {}, name));
  const field = hasLabels
    ? make("select", { id: "outcome", multiple: true, size: Math.min(choices.length, MOST_CLASSES) }, choices)
    : column.categories
    ? make("select", { id: "outcome" }, make("option", { value: "" }, "choose"), choices)
    : make("input", { id: "outcome", type: "text", inputMode: "decimal", autocomplete: "off" });
  const status = make("small", { role: "status" });
  const button = make("button", { type: "submit" }, "Tell");
  const form = make("form", { className: "outcome" }, make("label", { htmlFor: "outcome" }, `What it was in truth, once you know${hasLabels ? "; any of these, or none" : ""}`, field), button, status);
  form.addEventListener("submit", async event => {
    event.preventDefault();
    const text = field.value.trim();
    const chosen = hasLabels ? [...field.selectedOptions].map(option => option.value) : text;
    const outcome = isNumber(column) ? Number(text) : chosen;
    if ((text === "" && !hasLabels) || Number.isNaN(outcome)) {
      status.textContent = column.categories ? "choose what it was" : "a number was expected";
      return;
    }
    try {
      const { known: count } = await addOutcome({ request: reply.request, row: 0, outcome });
      status.textContent = count ? "Kept beside the answer." : "The request was not kept, so nothing was added.";
      form.dispatchEvent(new CustomEvent("outcome", { bubbles: true }));
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      status.textContent = refusal.message;
    }
  });
  return form;
}

function makeCommand(details, row) {
  const address = new URL(predictPath(details), document.baseURI);
  const body = JSON.stringify(row).replaceAll("'", "'\\''");
  return make(
    "details", {},
    make("summary", {}, "The same from a shell"),
    make("pre", {}, make("code", {}, `curl '${address}' --json '${body}'`)),
  );
}

/** The answers to a file of rows. */
export function showAnswers(element, details, reply, seconds, name) {
  const count = reply.predictions.filter(answer => !answer.errors).length;
  const columns = [...new Set(reply.predictions.flatMap(answer => Object.keys(answer)))].filter(column => column !== "errors");
  const titles = columns.length ? columns : ["what is wrong"];
  const lines = reply.predictions.slice(0, MOST_ROWS).map((answer, place) =>
    make("tr", {}, make("th", { scope: "row" }, String(place + 1)),
      answer.errors
        ? make("td", { className: "reason", colSpan: titles.length, title: listReasons(answer).join("; ") }, summarise(answer))
        : columns.map(column => make("td", {}, format(answer[column])))));
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ["row", ...titles].map(title => make("th", { scope: "col" }, title.replaceAll("_", " "))))),
    make("tbody", {}, lines));
  const rest = reply.predictions.length - MOST_ROWS;
  element.replaceChildren(
    make("p", {}, make("strong", {}, `${count} of ${reply.predictions.length} ${describeAnswers(details.contract, name)}`)),
    makeScroll("Predictions", table),
    rest > 0 ? make("p", { className: "soft" }, `and ${rest} more rows`) : "",
    make("p", { className: "buttons" }, makeDownload(columns, reply, details.contract)),
    makeFacts(reply, seconds),
  );
}

/** What has been done with a file. */
function describeAnswers({ history, points }, name) {
  if (history) return `forecasts by the rows of ${name} are made`;
  return `${points ? "sequences" : "rows"} of ${name} are predicted`;
}

/** A link to the answers as CSV. */
function makeDownload(columns, reply, { columns: described, target }) {
  const asText = cell => (Array.isArray(cell) ? cell.join(described[target].separator) : String(cell));
  const quote = cell => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const write = cells => cells.map(cell => quote(cell === undefined || cell === null ? "" : asText(cell))).join(",");
  const lines = reply.predictions.map(answer => write([...columns.map(column => answer[column]), answer.errors ? listReasons(answer).join("; ") : ""]));
  const text = [write([...columns, "reason"]), ...lines, ""].join("\n");
  const href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  return make("a", { className: "button", href, download: "predictions.csv" }, "Save as CSV");
}
