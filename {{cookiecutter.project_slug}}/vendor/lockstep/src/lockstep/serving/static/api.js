// What the server is asked, as any other client asks it.

/** Why the server has not done what it was asked; `content` is what it said. */
export class Refusal extends Error {
  constructor(status, content) {
    super(content?.error ?? `the server has answered ${status}`);
    this.status = status;
    this.content = content;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refusal(0, { error: "the server does not answer" });
  }
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const content = isJson ? await response.json() : await response.text();
  if (!response.ok) throw new Refusal(response.status, content);
  return content;
}

const post = (path, body, type = "application/json") =>
  ask(path, { method: "POST", body, headers: { "Content-Type": type } });

const locate = ({ model, version }) =>
  `models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`;

export const listVersions = () => ask("models");
export const describeVersion = version => ask(locate(version));
export const readCard = version => ask(`${locate(version)}/card`);
export const readRequests = count => ask(`requests?last=${count}`);
export const addOutcome = outcome => post("outcomes", JSON.stringify([outcome]));

/** Where rows are sent to be answered by one version. */
export function predictPath({ model, version }) {
  return `predict?${new URLSearchParams({ model, version })}`;
}

export const predictRow = (version, row) => post(predictPath(version), JSON.stringify(row));
export const predictFile = (version, file, type) => post(predictPath(version), file, type);
