// The page: which version is chosen, and what is asked of it.

import { describeVersion, Refusal, listVersions, predictFile, predictRow, readCard, readRequests } from "./api.js";
import { showAnswer, showAnswers, showNothing, showRefusal, showWaiting } from "./answer.js";
import { make } from "./dom.js";
import { findType, Form } from "./form.js";
import { showCard, showMetrics } from "./quality.js";
import { showRequests } from "./requests.js";

const LAST = 20;
const PAUSE = 5000;
const get = id => document.getElementById(id);
const name = ({ model, version }) => `${model} ${version}`;

let choice = null; // name of a version
let details = null; // all that is known of it
let question = null; // the last one, while its answer is of interest
let versionsText = "";
let requestsText = "";
let lastLook = Promise.resolve();
const form = new Form(get("form"), askRow, askFile);

// What is served

function showVersions(versions) {
  if (!versions.some(version => name(version) === choice)) {
    choice = name(versions.find(version => version.is_default) ?? versions[0]);
  }
  const focus = document.activeElement?.value;
  get("served").replaceChildren(...versions.map(makeVersion));
  get("served").querySelectorAll("input").forEach(input => input.value === focus && input.focus());
}

function makeVersion(version) {
  const { model, run, stages, state, share, memory } = version;
  const input = make("input", { type: "radio", name: "version", value: name(version), checked: name(version) === choice });
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
  choice = name(version);
  const [description, card] = await Promise.all([describeVersion(version), readCard(version)]);
  if (choice !== name(version)) return; // another one was chosen meanwhile
  details = description;
  question = null;
  requestsText = ""; // other rows can be tried again
  const { contract } = details;
  const target = contract.columns[contract.target];
  document.title = contract.title;
  get("title").textContent = contract.title;
  get("purpose").textContent = `${name(version)} predicts ${contract.target}: ${target.meaning}.`;
  form.show(details);
  showNothing(get("answer"), details);
  showMetrics(get("quality"), details);
  showCard(get("card"), get("quality"), card);
}

// Asking

async function askRow(row) {
  form.complainOfNothing();
  await ask(version => predictRow(version, row), (version, reply, seconds) => {
    reply.predictions[0].errors?.forEach(({ column, reason }) => form.complain(column, reason));
    showAnswer(get("answer"), version, reply, seconds, row);
  });
}

async function askFile(file) {
  const type = findType(file.name);
  if (!type) {
    showRefusal(get("answer"), `${file.name}: the server reads no such file`);
    return;
  }
  await ask(version => predictFile(version, file, type), (version, reply, seconds) => {
    if (type.startsWith("image/")) showAnswer(get("answer"), version, reply, seconds);
    else showAnswers(get("answer"), version, reply, seconds, file.name);
  });
}

async function ask(send, show) {
  const [version, start] = [details, performance.now()];
  const current = (question = Symbol("question"));
  form.enable(false);
  showWaiting(get("answer"));
  const display = await send(version).then(
    reply => () => show(version, reply, (performance.now() - start) / 1000),
    refusal => () => {
      if (!(refusal instanceof Refusal)) throw refusal;
      showRefusal(get("answer"), refusal.message);
    },
  );
  if (question !== current) return; // another one was asked, or another version chosen
  display();
  form.enable(true);
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

/** Look once the look before is over, so that nothing older is shown after it. */
const look = () => (lastLook = lastLook.then(lookNow, lookNow));

async function lookNow() {
  try {
    const versions = await listVersions();
    const text = JSON.stringify(versions.map(version => ({ ...version, memory: 0, waiting: 0 })));
    if (text !== versionsText) showVersions(versions);
    versionsText = text;
    const version = versions.find(one => name(one) === choice);
    if (isOutdated(version)) await choose(version);
    const requests = await readRequests(LAST);
    if (JSON.stringify(requests) !== requestsText) showRequests(get("requests"), requests, row => form.canTake(row), tryAgain);
    requestsText = JSON.stringify(requests);
    get("trouble").hidden = true;
  } catch (refusal) {
    tellTrouble(refusal);
  }
}

/** Whether the page shows something else than this version as it is now. */
function isOutdated(version) {
  return details === null || name(details) !== choice || details.run !== version.run || details.is_shadow !== version.is_shadow;
}

function lookAgain() {
  setTimeout(() => (document.hidden ? lastLook : look()).finally(lookAgain), PAUSE);
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
lookAgain();
