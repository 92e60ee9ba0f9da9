// The page: which version is chosen, and what is asked of it.

import { describeVersion, Refusal, listVersions, predictFile, predictRow, readCard, readRequests } from "./api.js";
import { showAnswer, showAnswers, showNothing, showRefusal, showWaiting, summarise } from "./answer.js";
import { make } from "./dom.js";
import { findType, Form } from "./form.js";
import { showCard, showMetrics } from "./quality.js";
import { showRequests } from "./requests.js";

const LAST = 20;
const PAUSE = 5000;
const get = id => document.getElementById(id);
const name = ({ model, version }) => `${model} ${version}`;

let chosen = null; // name of a version
let details = null; // all that is known of it
let served = ""; // what is served, as a text
let kept = ""; // the requests, as a text
const form = new Form(get("form"), askRow, askFile);

// What is served

function showVersions(versions) {
  if (!versions.some(version => name(version) === chosen)) {
    chosen = name(versions.find(version => version.is_default) ?? versions[0]);
  }
  const focused = document.activeElement?.value;
  get("served").replaceChildren(...versions.map(makeVersion));
  get("served").querySelectorAll("input").forEach(input => input.value === focused && input.focus());
}

function makeVersion(version) {
  const { model, run, stages, state, share, memory } = version;
  const input = make("input", { type: "radio", name: "version", value: name(version), checked: name(version) === chosen });
  input.addEventListener("change", () => choose(version).catch(tellTrouble));
  const tags = [
    ...stages.map(stage => make("span", { className: "tag stage" }, stage)),
    version.is_default && make("span", { className: "tag" }, "default"),
    share > 0 && make("span", { className: "tag" }, `canary, ${Math.round(100 * share)}%`),
    version.is_shadow && make("span", { className: "tag" }, "in the shadow"),
  ];
  const size = memory === null ? "" : `, ${Math.round(memory / 2 ** 20)} MiB`;
  return make("label", { className: "version" }, input, make(
    "div", { className: "panel" },
    make("div", { className: "name" }, make("span", {}, `${model} ${version.version}`), make("span", { className: `state ${state}` }, state)),
    make("div", { className: "tags" }, tags),
    make("small", {}, "run ", make("code", {}, run.slice(0, 12)), size),
  ));
}

async function choose(version) {
  chosen = name(version);
  const known = await describeVersion(version);
  if (chosen !== name(known)) return; // another one was chosen meanwhile
  details = known;
  const { contract } = details;
  const target = contract.columns[contract.target];
  document.title = contract.title;
  get("title").textContent = contract.title;
  get("purpose").textContent = `${name(version)} predicts ${contract.target}: ${target.meaning}.`;
  form.show(details);
  showNothing(get("answer"), details);
  showMetrics(get("quality"), details);
  showCard(get("card"), get("quality"), await readCard(version));
}

// Asking

async function askRow(row) {
  form.complainOfNothing();
  await ask(() => predictRow(details, row), (reply, seconds) => showAnswer(get("answer"), details, reply, seconds, row));
}

async function askFile(file) {
  const type = findType(file.name);
  if (!type) {
    showRefusal(get("answer"), [`${file.name}: the server reads no such file`]);
    return;
  }
  await ask(() => predictFile(details, file, type), (reply, seconds) => {
    if (type.startsWith("image/")) showAnswer(get("answer"), details, reply, seconds);
    else showAnswers(get("answer"), details, reply, seconds, file.name);
  });
}

async function ask(send, show) {
  const start = performance.now();
  form.element.querySelectorAll("button").forEach(button => (button.disabled = true));
  showWaiting(get("answer"));
  try {
    const reply = await send();
    show(reply, (performance.now() - start) / 1000);
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    const answers = refusal.content?.predictions ?? [];
    if (answers.length === 1) answers[0].errors.forEach(({ column, reason }) => form.complain(column, reason));
    showRefusal(get("answer"), answers.length ? answers.slice(0, 5).map(summarise) : [refusal.message]);
  }
  form.element.querySelectorAll("button").forEach(button => (button.disabled = false));
  get("answer").scrollIntoView({ block: "nearest" });
  await look();
}

function tryAgain(row) {
  form.complainOfNothing();
  form.fillRow(row);
  get("form").scrollIntoView({ block: "start" });
  get("form").querySelector("button[type=submit]")?.focus({ preventScroll: true });
}

// Looking, again and again

async function look() {
  try {
    const versions = await listVersions();
    const text = JSON.stringify(versions.map(version => ({ ...version, memory: 0, waiting: 0 })));
    if (text !== served) showVersions(versions);
    served = text;
    const version = versions.find(one => name(one) === chosen);
    if (details === null || name(details) !== chosen || details.run !== version.run) await choose(version);
    const requests = await readRequests(LAST);
    if (JSON.stringify(requests) !== kept) showRequests(get("requests"), requests, tryAgain);
    kept = JSON.stringify(requests);
    get("trouble").hidden = true;
  } catch (refusal) {
    tellTrouble(refusal);
  }
}

function tellTrouble(refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  get("trouble").textContent = `${refusal.message}; the page tries again.`;
  get("trouble").hidden = false;
}

document.addEventListener("outcome", look);
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, event => event.preventDefault());
document.addEventListener("drop", event => event.dataTransfer.files.length && form.take(event.dataTransfer.files[0]));
await look();
setInterval(() => document.hidden || look(), PAUSE);
