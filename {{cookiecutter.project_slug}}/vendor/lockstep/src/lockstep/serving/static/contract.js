// What a version's contract says of its columns.

const NUMBERS = ["numeric", "integer"];

export const isNumber = column => NUMBERS.includes(column.type);

/** The columns that a row must have, by their names: the features. */
export function listFeatures(contract) {
  const others = [contract.target, contract.group, contract.part];
  return Object.entries(contract.columns).filter(
    ([name, column]) => !others.includes(name) && column.type !== "identifier",
  );
}

/** What a value must be, in a few words; nothing where a choice shows it. */
export function describeRule(column) {
  if (column.type === "datetime") return `time, ${column.format ?? "such as 2026-01-31"}`;
  if (!isNumber(column)) return column.open ? "or another text" : "";
  const [low, high] = column.range ?? [null, null];
  const kind = column.type === "integer" ? "whole number" : "";
  if (low === null && high === null) return kind;
  if (high === null) return `${kind} from ${low}`.trim();
  if (low === null) return `${kind} up to ${high}`.trim();
  return `${low} to ${high}${kind && ", whole"}`;
}

/** Numbers that there are in a column, as far as the contract knows. */
function findSpan(column) {
  const [low, high] = column.seen ?? column.range ?? [null, null];
  return low === null || high === null ? null : [low, high];
}

function draw(column, share) {
  if (column.categories) {
    return column.categories[Math.min(Math.floor(share * column.categories.length), column.categories.length - 1)];
  }
  const span = isNumber(column) && findSpan(column);
  if (!span) return column.example ?? "";
  const number = span[0] + share * (span[1] - span[0]);
  return column.type === "integer" ? String(Math.round(number)) : String(Number(number.toPrecision(3)));
}

/** A value to begin with, as a text. */
export function suggest(column) {
  return column.example ?? draw(column, column.categories ? 0 : 0.5);
}

/** Any value that the contract allows, as a text. */
export const suggestAny = column => draw(column, Math.random());
