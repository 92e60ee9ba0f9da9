// What the server is asked, as any other client asks it.

const PATIENCE = 10_000;

/** Why the server has not done what it was asked; `content` is what it said. */
export class Refusal extends Error {
  constructor(status, content) {
    super(content?.error ?? `the server has answered ${status}`);
    this.status = status;
    this.content = content;
  }
}

async function ask(path, options) {
  let response, content;
  try {
    response = await fetch(path, options);
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    content = isJson ? await response.json() : await response.text();
  } catch {
    throw new Refusal(0, { error: "the server does not answer" });
  }
  if (!response.ok) throw new Refusal(response.status, content);
  return content;
}

/** What there is; the server needs no time for that, so nothing waits for it for long. */
async function read(path) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), PATIENCE);
  try {
    return await ask(path, { signal: controller.signal });
  } finally {
    clearTimeout(timer);
  }
}

const post = (path, body, type = "application/json") =>
  ask(path, { method: "POST", body, headers: { "Content-Type": type } });

const locate = ({ model, version }) =>
  `models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`;

export const listVersions = () => read("models");
export const describeVersion = version => read(locate(version));
export const readCard = version => read(`${locate(version)}/card`);
export const readRequests = count => read(`requests?last=${count}`);
export const addOutcome = outcome => post("outcomes", JSON.stringify([outcome]));

/** Rows of which none keeps the contract are answered all the same: with what is wrong with them. */
const predict = (version, body, type) =>
  post(predictPath(version), body, type).catch(refusal => {
    if (refusal.content?.predictions) return refusal.content;
    throw refusal;
  });

/** Where rows are sent to be answered by one version. */
export function predictPath({ model, version }) {
  return `predict?${new URLSearchParams({ model, version })}`;
}

export const predictRow = (version, row) => predict(version, JSON.stringify(row), "application/json");
export const predictFile = predict;
