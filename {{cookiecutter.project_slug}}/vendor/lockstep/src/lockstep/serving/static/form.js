// The form that the contract makes: a field for each feature, and a place for files.

import { make } from "./dom.js";
import { describeRule, isNumber, listFeatures, suggest, suggestAny } from "./contract.js";

const MOST_CHOICES = 200;
const TYPES = {
  csv: "text/csv",
  json: "application/json",
  parquet: "application/vnd.apache.parquet",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
};

/** The type of a file by the end of its name; nothing where it is none that the server reads. */
export const findType = name => TYPES[name.split(".").pop().toLowerCase()];

export class Form {
  /**
   * @param {HTMLFormElement} element
   * @param {(row: object) => void} onRow - is given what the fields say
   * @param {(file: File) => void} onFile - is given a file that was dropped or chosen
   */
  constructor(element, onRow, onFile) {
    this.element = element;
    this.onFile = onFile;
    this.fields = new Map();
    this.preview = null; // where an image is shown
    this.image = null; // of a row that has columns beside it, in base64
    this.isCell = false; // whether an image is such a one
    this.isDisabled = false;
    element.addEventListener("submit", event => {
      event.preventDefault();
      onRow(this.read());
    });
  }

  /** Make the fields of a version; what stood in fields of the same name stays. */
  show({ contract, features, is_shadow: isShadow }) {
    const texts = this.write();
    this.fields.clear();
    this.preview = this.image = null;
    this.isCell = false;
    this.element.replaceChildren(...this.makeAll(contract, features));
    for (const [name, text] of Object.entries(texts)) this.fill(name, text);
    this.isDisabled = isShadow;
    this.element.querySelectorAll("input, select, textarea, button").forEach(control => (control.disabled = isShadow));
  }

  /** Whether its buttons can be pressed. */
  enable(isEnabled) {
    this.element.querySelectorAll("button").forEach(button => (button.disabled = !isEnabled));
  }

  makeAll(contract, features) {
    if (contract.images && features.length === 1) return this.makeForImages(contract.images);
    if (contract.points) return this.makeForPoints(contract.points, features);
    return contract.history ? this.makeForSeries(contract.history, features) : this.makeForRows(contract, features);
  }

  /** A forecast takes rows of series so far, not a single one. */
  makeForSeries({ horizon, every }, features) {
    const drop = this.makeDrop("Drop the rows of the series so far here", "CSV, parquet or JSON", ".csv,.json,.parquet");
    drop.classList.add("large");
    const text = `Rows of series have the columns ${features.join(", ")}, and each series is continued by ${horizon} steps of ${every}.`;
    return [make("p", { className: "soft" }, text), drop];
  }

  /** A sequence has many points, each a row. */
  makeForPoints({ sequence, time }, features) {
    const drop = this.makeDrop("Drop the points of sequences here", "CSV, parquet or JSON", ".csv,.json,.parquet");
    drop.classList.add("large");
    const text = `Points have the columns ${features.join(", ")}. Those with one ${sequence} are a sequence, in the order of ${time}, and get one answer.`;
    return [make("p", { className: "soft" }, text), drop];
  }

  makeForRows(contract, features) {
    const columns = listFeatures(contract).filter(([, column]) => column.type !== "image");
    const fields = columns.map(([name, column]) => [features.includes(name), this.makeField(name, column)]);
    const others = fields.filter(([isUsed]) => !isUsed).map(([, field]) => field);
    return [
      ...(contract.images ? this.makeForImages(contract.images, true) : []),
      make("div", { className: "fields" }, fields.filter(([isUsed]) => isUsed).map(([, field]) => field)),
      others.length > 0 && make(
        "details", { className: "unused" },
        make("summary", {}, `${others.length} more that this version takes and does not use`),
        make("div", { className: "fields" }, others),
      ),
      make(
        "div", { className: "buttons" },
        make("button", { className: "first", type: "submit" }, "Predict"),
        make("button", { type: "button", onclick: () => this.fillAny() }, "Other values"),
      ),
      !contract.images && this.makeDrop("or drop a file of rows here", "CSV, parquet or JSON", ".csv,.json,.parquet"),
    ].filter(Boolean);
  }

  /** An image is asked at once, unless there are columns beside it: then it is a cell of the row. */
  makeForImages({ width, height, colour }, isCell = false) {
    this.isCell = isCell;
    this.preview = make("div");
    const sort = `${width} × ${height} pixels, ${colour ? "in colour" : "in shades of grey"}`;
    const [more, ends] = isCell ? ["", ""] : ["; or a parquet file", ",.parquet"];
    const drop = this.makeDrop("Drop an image here, or choose one", `PNG or JPEG, ${sort}${more}`, `.png,.jpg,.jpeg${ends}`);
    drop.classList.add("large");
    return [this.preview, drop];
  }

  makeField(name, column) {
    const id = `field-${this.fields.size}`;
    const input = makeInput(column);
    Object.assign(input, { id, name, value: suggest(column) });
    const reason = make("small", { className: "reason", id: `${id}-reason` });
    input.setAttribute("aria-describedby", `${id}-about ${id}-reason`);
    input.addEventListener("input", () => this.complain(name, ""));
    this.fields.set(name, { input, reason, column });
    const about = [column.meaning, describeRule(column)].filter(Boolean).join("; ");
    return make(
      "div", { className: "field" },
      make("label", { htmlFor: id }, name),
      make("div", { className: "input" }, input, column.unit ? make("span", { className: "unit" }, column.unit) : null),
      make("small", { id: `${id}-about` }, column.nullable ? `${about}; may be missing` : about),
      reason,
    );
  }

  makeDrop(title, kinds, accept) {
    const input = make("input", { type: "file", accept, aria: { label: title } });
    const drop = make("div", { className: "drop" }, make("strong", {}, title), make("small", {}, kinds), input);
    input.addEventListener("change", () => {
      if (input.files.length) this.take(input.files[0]);
      input.value = "";
    });
    for (const kind of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(kind, () => drop.classList.toggle("over", kind === "dragover"));
    }
    return drop;
  }

  take(file) {
    if (this.isDisabled) return;
    if (this.preview && file.type.startsWith("image/")) {
      const image = make("img", { className: "preview", src: URL.createObjectURL(file), alt: file.name });
      image.addEventListener("load", () => URL.revokeObjectURL(image.src));
      this.preview.replaceChildren(image);
    }
    if (!this.isCell) return this.onFile(file);
    const reader = new FileReader();
    reader.addEventListener("load", () => (this.image = reader.result.split(",")[1]));
    reader.readAsDataURL(file);
  }

  /** What the fields say, as texts. */
  write() {
    return Object.fromEntries([...this.fields].map(([name, { input }]) => [name, input.value]));
  }

  /** What the fields say, as the cells of a row. */
  read() {
    const cells = [...this.fields].map(([name, { input, column }]) => [name, readCell(input.value.trim(), column)]);
    return Object.fromEntries(this.image ? [["image", this.image], ...cells] : cells);
  }

  fill(name, text) {
    const input = this.fields.get(name)?.input;
    if (!input) return;
    const former = input.value;
    input.value = text;
    if (input.value !== text) input.value = former; // no such choice
  }

  /** Whether a row that was asked before can stand here again; one with an image cannot, of which nothing is kept. */
  canTake(row) {
    return !this.isCell && Object.keys(row).some(name => this.fields.has(name));
  }

  /** Take a row that was asked before. */
  fillRow(row) {
    for (const [name, cell] of Object.entries(row)) this.fill(name, cell === null ? "" : String(cell));
  }

  fillAny() {
    for (const [name, { column }] of this.fields) {
      this.fill(name, suggestAny(column));
      this.complain(name, "");
    }
  }

  /** Say beside a field what is wrong with it, or no more. */
  complain(name, text) {
    const field = this.fields.get(name);
    if (!field) return;
    field.reason.textContent = text;
    if (text) field.input.setAttribute("aria-invalid", "true");
    else field.input.removeAttribute("aria-invalid");
  }

  complainOfNothing() {
    for (const name of this.fields.keys()) this.complain(name, "");
  }
}

function makeInput(column) {
  const { categories, nullable, open } = column;
  if (categories && !open && categories.length <= MOST_CHOICES) {
    const missing = nullable && make("option", { value: "" }, "missing");
    return make("select", {}, missing, categories.map(category => make("option", { value: category }, category)));
  }
  if (column.type === "text") return make("textarea", { rows: 5, dir: "auto" });
  const mode = isNumber(column) ? { integer: "numeric", numeric: "decimal" }[column.type] : "text";
  return make("input", { type: "text", inputMode: mode, autocomplete: "off", spellcheck: false });
}

/** Numbers as numbers, nothing as a missing value, and the rest as it was typed. */
function readCell(text, column) {
  if (text === "") return null;
  return isNumber(column) && Number.isFinite(Number(text)) ? Number(text) : text;
}
