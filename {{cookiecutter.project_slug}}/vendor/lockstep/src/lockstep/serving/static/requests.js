// The requests that the server has answered last.

import { listNames, summarise } from "./answer.js";
import { format, formatSeconds, make, shorten } from "./dom.js";

const MOST_CELLS = 6;
const TITLES = ["time", "version", "row", "answer", "truth", "took"];
const clock = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });
const calendar = new Intl.DateTimeFormat("en", { dateStyle: "medium" });

/**
 * @param {HTMLElement} element
 * @param {object} reply - what the server says
 * @param {(row: object) => boolean} canTry - whether a row can be tried again
 * @param {(row: object) => void} onRow - is given a row to try again
 */
export function showRequests(element, { requests, dropped, failure }, canTry, onRow) {
  const lines = requests.map(request => makeLine(request, canTry, onRow));
  const table = make("table", { className: "stacked" },
    make("thead", {}, make("tr", {}, TITLES.map(title => make("th", { scope: "col" }, title)))),
    make("tbody", {}, lines));
  element.replaceChildren(
    ...(failure ? [make("p", { className: "note doubt" }, make("strong", {}, "Requests cannot be kept at present"), `: ${failure}. Answers go on.`)] : []),
    ...(dropped ? [make("p", { className: "note doubt" }, `${dropped} rows were answered and could not be kept since the server started.`)] : []),
    requests.length ? table : make("p", { className: "soft" }, "None yet."),
  );
}

function makeLine({ request, time, version, model, role, status, rows, content, answer, seconds, outcome }, canTry, onRow) {
  const cells = Object.entries(content ? { ...Object.fromEntries(listNames(answer)), ...content } : {});
  const text = cells.slice(0, MOST_CELLS).map(([name, cell]) => `${name} ${shorten(cell)}`).join(", ");
  const title = cells.map(([name, cell]) => `${name} ${format(cell)}`).join(", ");
  const more = cells.length > MOST_CELLS ? ", …" : "";
  const others = rows > 1 ? make("small", {}, `the first of ${rows} rows`) : null;
  const again = canTry(content ?? {}) && make("button", { type: "button", className: "slight", onclick: () => onRow(content), aria: { label: `Try the row of request ${request} again` } }, "try again");
  const data = (name, ...children) => make("td", { dataset: { name } }, ...children);
  return make("tr", {},
    make("td", { className: "brief" }, makeTime(new Date(time), request)),
    data("version", `${model} ${version}`, role === "shadow" ? make("small", {}, "in the shadow") : null),
    make("td", {}, cells.length ? make("small", { className: "row", title }, text + more) : make("small", {}, "not kept"), others, again),
    make("td", { className: status === 200 ? "" : "reason" }, make("strong", {}, summarise(answer))),
    data("truth", outcome === null ? "" : shorten(outcome)),
    data("took", make("span", { className: "brief" }, formatSeconds(seconds))));
}

/** The hour, and the day unless it is today. */
function makeTime(time, title) {
  const [day, today] = [time, new Date()].map(date => calendar.format(date));
  return make("time", { dateTime: time.toISOString(), title }, clock.format(time), day === today ? null : make("small", {}, day));
}
