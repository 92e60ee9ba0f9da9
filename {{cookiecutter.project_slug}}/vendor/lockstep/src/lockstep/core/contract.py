"""The data contract: what each column means and which values it may hold.

`references/schema.yaml` is its file.
"""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from .errors import UserError
from .kinds import Kind
from .paths import Paths
from .validation import Strict, load, nearest

Number = Literal["numeric", "integer"]
Level = Literal["binary", "categorical", "ordered"]
Type = Literal[Number, Level, "labels", "datetime", "text", "identifier", "image", "sequence"]
QuoteMark = Literal['"', "'", ""]
DecimalMark = Literal[".", ","]
GroupMark = Literal[",", ".", " ", "'"]
NUMBERS: tuple[Type, ...] = get_args(Number)
LEVELS: tuple[Type, ...] = get_args(Level)
TARGETS: dict[Kind, tuple[Type, ...]] = {
    "classification": LEVELS,
    "multilabel": ("labels",),
    "regression": NUMBERS,
    "forecasting": NUMBERS,
    "anomalies": ("binary",),
}
USES = {
    "categories": (*LEVELS, "labels"),
    "separator": ("labels",),
    "range": NUMBERS,
    "format": ("datetime",),
}
"""The types of which the contract may say this."""
RULES = {
    "identifier": "a name",
    "text": "a text",
    "image": "an image",
    "sequence": "numbers in an order",
}
"""What a value must be, of types of which nothing more is asked."""
FREE: tuple[Type, ...] = ("identifier", "text")
"""Types that hold texts of any kind."""
IMAGE, FILE, PART = "image", "file", "part"
GROUPS = {" ": "[ \u00a0\u202f]", ",": ",", ".": r"\.", "'": "['\u2019]"}
"""Patterns of what may stand between groups of three digits."""
SEPARATOR = "|"
"""What stands between labels where the contract does not say it."""
MAX_CATEGORIES_LISTED = 12
"""Categories that a message lists."""
ANOMALY = "anomaly"
ANOMALY_COLUMN = {
    "type": "binary",
    "categories": ["normal", ANOMALY],
    "nullable": True,
    "meaning": "whether a row is unlike the others",
}
"""The target where anomalies are looked for, and no column tells known ones."""
CLUSTER = "cluster"
CLUSTER_COLUMN = {
    "type": "text",
    "nullable": True,
    "meaning": "which cluster a row is of",
}
"""The target where clusters are looked for, of which nobody knows anything."""
UNSUPERVISED: dict[Kind, str] = {"anomalies": "anomalies", "clustering": "clusters"}
"""Kinds that need no target, and the word of the contract that says so."""
SIDES = ("train", "test")
"""What a given split calls its two parts."""
IMAGE_COLUMNS = {
    IMAGE: {"type": "image", "meaning": "the image"},
    FILE: {"type": "identifier", "meaning": "where the image lies"},
    PART: {
        "type": "categorical",
        "categories": [*SIDES],
        "nullable": True,
        "meaning": "which side of a given split the image is on",
    },
}
"""The columns of a data set of images, beside its target."""


def _require_text(value: object) -> object:
    if isinstance(value, bool):
        word = str(value).lower()
        raise ValueError(f"YAML reads this as {word}, not as a text; put quotes around it")
    return str(value) if isinstance(value, int | float) else value


def _require_codec(encoding: str) -> str:
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise ValueError(f"found {encoding!r}; no such encoding, try utf-8 or cp1252") from error
    return encoding


Text = Annotated[str, BeforeValidator(_require_text)]


class Column(Strict):
    """What one column holds."""

    type: Type
    """Numbers, whole numbers, two texts, a few texts, texts in an order from low to high, any of
    several labels (of a target), points in time, sentences, names of things, which no model learns
    from, pictures, or numbers one after another, which a stage has gathered from several rows."""
    meaning: str
    """What a row's value says, for people."""
    unit: str | None = None
    """Unit of a number."""
    range: tuple[float | None, float | None] | None = None
    """Smallest and largest number allowed, both included; null leaves a side open."""
    categories: Annotated[list[Text], Field(min_length=1)] | None = None
    """All texts allowed; of an ordered column in their order, of labels each label by itself."""
    separator: Annotated[str, Field(min_length=1)] | None = None
    """What stands between the labels of a cell, such as | in `red|round`."""
    none: tuple[Text, ...] = ()
    """Of labels, what a cell says of a row that has none of them; '' is an empty cell, which lacks
    its value otherwise."""
    open: bool = False
    """Whether other texts may come in a categorical column; features see them as unknown."""
    format: str | None = None
    """How a point in time is written, in the signs of strptime, of which Q%q is a quarter; without
    it as ISO 8601 says."""
    nullable: bool = False
    """Whether a row may lack the value."""
    missing: tuple[Text, ...] = ()
    """Texts that stand for a missing value in this column, beside those of the whole table."""
    future: bool = False
    """Whether it is known of times to come, such as a price or a holiday; of a forecast."""
    constant: bool = False
    """Whether it is the same at all points of a sequence, such as the age of a patient, or at all
    times of a series, such as the region of a shop."""
    length: PositiveInt | None = None
    """Of a sequence, how many points it has."""
    channels: tuple[Text, ...] = ()
    """Of a sequence, what there is a number of at each point."""
    seen: tuple[float, float] | None = None
    """Smallest and largest number that there were when the contract was written."""
    private: bool = False
    """Whether it tells of a person what the server must not keep of its requests."""
    unique: bool = False
    """Whether no two rows may have the same value."""
    example: Text | None = None
    """A value as it stands in the raw file."""
    guessed: str | None = None
    """What `use` saw that it took the column for; remove it when you have looked at it."""

    @model_validator(mode="before")
    @classmethod
    def _separate_labels(cls, content: Any) -> Any:
        match content:
            case {"type": "labels", **words}:
                return {"separator": SEPARATOR, **words, "type": "labels"}
        return content

    @model_validator(mode="after")
    def _require_what_fits_its_type(self) -> Self:
        if self.type in USES["categories"] and self.categories is None:
            raise ValueError(f"a column of type {self.type} needs `categories`, all its values")
        if self.type == "binary" and len(self.categories or []) != 2:
            raise ValueError("a binary column has two `categories`, the second one is the positive")
        for key, types in USES.items():
            if getattr(self, key) is not None and self.type not in types:
                raise ValueError(f"a column of type {self.type} has no `{key}`")
        if self.open and self.type != "categorical":
            raise ValueError(
                f"a column of type {self.type} is never `open`, a categorical one may be"
            )
        low, high = self.range or (None, None)
        if low is not None and high is not None and low > high:
            raise ValueError(f"range starts at {low:g}, above its end {high:g}")
        if self.none and self.type != "labels":
            raise ValueError(f"a column of type {self.type} has no `none`, labels have")
        return self

    @model_validator(mode="after")
    def _require_labels_that_can_be_told_apart(self) -> Self:
        if self.type != "labels":
            return self
        labels, separator = self.categories or [], self.separator or SEPARATOR
        if len({*labels}) < 2:
            raise ValueError(
                f"found {len({*labels})} label; labels are two or more `categories`, one is a "
                "binary column"
            )
        if twice := next((label for label in labels if labels.count(label) > 1), None):
            raise ValueError(f"the label {twice!r} stands there twice")
        for label in labels:
            if separator in label or label != label.strip() or not label:
                raise ValueError(
                    f"no cell can hold the label {label!r}: {separator!r} stands between two, and "
                    "blanks around one are taken off"
                )
        return self

    def rule(self) -> str:
        """What a value must be, in words."""
        if self.categories is not None:
            more = len(self.categories) - MAX_CATEGORIES_LISTED
            others = f" and {more} more" if more > 0 else ""
            kind = "a text such as" if self.open else "one of"
            if self.type == "labels":
                kind = f"labels with {self.separator} between them, of"
            return f"{kind} {', '.join(self.categories[:MAX_CATEGORIES_LISTED])}{others}"
        if self.type == "datetime":
            return f"a time written as {self.format or 'ISO 8601 says, such as 2026-01-31'}"
        if self.type in RULES:
            return RULES[self.type]
        unit = f" {self.unit}" if self.unit else ""
        whole = "a whole number" if self.type == "integer" else "a number"
        match self.range or (None, None):
            case (None, None):
                return whole
            case (low, None):
                return f"{whole} from {low:g}{unit} up"
            case (None, high):
                return f"{whole} up to {high:g}{unit}"
            case (low, high):
                return f"{whole} from {low:g} to {high:g}{unit}"


class Files(Strict):
    """The columns that no file has: what they say stands outside it."""

    name: Text
    """What each is called: the path within the folder that was taken in, that folder first."""
    folder: Text | None = None
    """The folder that each lies in, which is called like its class."""
    row: Text | None = None
    """The numbers of its rows, from 1."""
    text: Text | None = None
    """All that is in it, where it is one text instead of a table."""
    part: Text | None = None
    """The side of a given split that it is on, by the folder above that of its class."""


class Layout(Strict):
    """How the raw tables are written, all of them in the same way."""

    encoding: Annotated[str, AfterValidator(_require_codec)] = "utf-8"
    """Of a text file; with or without a byte order mark."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """What stands between two cells of a text file."""
    quote: QuoteMark = '"'
    """What stands around a cell that holds a delimiter; empty where nothing does."""
    decimal: DecimalMark = "."
    """What stands before the decimals of a number."""
    thousands: GroupMark | None = None
    """What may stand between groups of three digits."""
    skip: Annotated[int, Field(ge=0)] = 0
    """Lines before the first one of the table."""
    header: bool = True
    """Whether the first line names the columns; otherwise they are column_1, column_2 and so on."""
    sheet: str | None = None
    """Of a spreadsheet; by default the first."""
    table: str | None = None
    """Of a database."""
    files: Files | None = None
    """Where each file is one sequence, or one text."""

    @model_validator(mode="after")
    def _require_different_marks(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal are both {self.decimal!r}")
        return self


PLAIN = Layout()
"""Commas, points before decimals, names in the first line."""


class Images(Strict):
    """The shape that all images have in the table."""

    width: PositiveInt
    """Pixels per line."""
    height: PositiveInt
    """Lines per image."""
    colour: bool = False
    """Red, green and blue per pixel instead of one shade of grey."""
    names: Text | None = None
    """Where a table beside the images says what is known of each, its column of their names;
    without it the folder of each is its class."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lines, pixels per line, values per pixel."""
        return (self.height, self.width, 3 if self.colour else 1)


UNKNOWN = Column.model_validate(ANOMALY_COLUMN)
"""The target that no column tells, and the contract need not."""


class Contract(Strict):
    """All columns that the pipeline uses, and what it does with them."""

    title: str
    """What the data set is, in a few words."""
    source: str
    """Where the data come from."""
    licence: str
    """What may be done with them."""
    target: str
    """The column to predict."""
    anomalies: bool = False
    """Whether rows unlike the others are looked for; the target then says which are known to be so,
    and need not be there."""
    clusters: bool = False
    """Whether clusters are looked for: rows that are alike. Nothing tells the true ones, so that
    there is no target."""
    group: str | None = None
    """Rows of one value belong together, such as those of one patient; no feature."""
    time: str | None = None
    """The column that says when a row was observed."""
    series: str | None = None
    """Of a forecast, the column that says which of several series a row belongs to; no feature."""
    horizon: PositiveInt | None = None
    """How many steps ahead the target is forecast; without it nothing is."""
    every: Text | None = None
    """Of a forecast, how far two times of a series are apart, such as `1 day` or `15 minutes`."""
    season: PositiveInt | None = None
    """Of a forecast, after how many steps things are alike again, such as 7 days; 1 if never."""
    window: PositiveInt | None = None
    """Of a forecast, how many of the latest values of a series it is made from."""
    sequence: str | None = None
    """Where each row is a point of a sequence, the column that says of which; no feature. The
    examples are whole sequences then, in the order of `time`."""
    length: PositiveInt | None = None
    """Of sequences, how many points are looked at: the latest ones of a longer one."""
    part: str | None = None
    """The column that says `train` or `test` where somebody else has split the rows; no feature."""
    exposure: str | None = None
    """Of counts and amounts, the column that says how much of time, or of anything else, each row
    adds them up over; what is learnt is the target per unit of it."""
    subgroups: tuple[Text, ...] = ()
    """Columns whose values are told apart when the champion is measured, such as the region."""
    not_for: tuple[str, ...] = ()
    """What the predictions must not be used for, a sentence each."""
    missing: tuple[Text, ...] = ("", "NA")
    """Texts that stand for a missing value."""
    drop: tuple[Text, ...] = ()
    """Columns of the raw file that are known and not used."""
    layout: Layout = PLAIN
    """How the raw tables are written."""
    images: Images | None = None
    """Set when the raw file is a zip or a folder of images, a folder for each class or with a table
    beside them."""
    columns: Annotated[dict[Text, Column], Field(min_length=1)]
    """Every column by its name."""
    carried: tuple[Text, ...] = ()
    """Of examples, the columns that tell what becomes of a prediction; no features."""
    history: Contract | None = None
    """Of examples that a stage has framed for a forecast, the contract of the rows of a series."""
    points: Contract | None = None
    """Of examples that a stage has gathered from sequences, the contract of their points."""

    @model_validator(mode="before")
    @classmethod
    def _describe_images(cls, content: Any) -> Any:
        match content:
            case {"images": images, "columns": dict(columns)} if images is not None:
                return {"part": PART, **content, "columns": {**IMAGE_COLUMNS, **columns}}
        return content

    @model_validator(mode="before")
    @classmethod
    def _describe_anomalies(cls, content: Any) -> Any:
        match content:
            case {"anomalies": True, "columns": dict(columns)} if "target" not in content:
                columns = {**columns, ANOMALY: ANOMALY_COLUMN}
                return {**content, "target": ANOMALY, "columns": columns}
        return content

    @model_validator(mode="before")
    @classmethod
    def _describe_clusters(cls, content: Any) -> Any:
        match content:
            case {"clusters": True, "columns": dict(columns)}:
                if content.get("target", CLUSTER) != CLUSTER:
                    raise ValueError("target: clusters are found without one; leave it out")
                if CLUSTER in columns and "target" not in content:
                    raise ValueError(f"columns: {CLUSTER!r} is what is found; rename the column")
                columns = {**columns, CLUSTER: CLUSTER_COLUMN}
                return {**content, "target": CLUSTER, "columns": columns}
        return content

    @model_validator(mode="after")
    def _require_columns_for_roles(self) -> Self:
        names = ("target", "group", "time", "series", "sequence", "part", "exposure")
        roles = {name: getattr(self, name) for name in names}
        subgroups = {f"subgroups.{number}": name for number, name in enumerate(self.subgroups)}
        for key, name in (roles | subgroups).items():
            if name is not None and name not in self.columns:
                raise ValueError(
                    f"{key}: found {name!r}, which is no column of this contract; "
                    + nearest(name, self.columns)
                )
        return self

    @model_validator(mode="after")
    def _require_fitting_columns(self) -> Self:
        if self.part is not None and not {*(self.columns[self.part].categories or [])} <= {*SIDES}:
            raise ValueError(f"part: {self.part!r} must have the categories train and test")
        if self.time is not None and self.columns[self.time].type not in ("datetime", *NUMBERS):
            raise ValueError(f"time: {self.time!r} must be a datetime or a number")
        for key, name in {"target": self.target, "part": self.part}.items():
            if name is not None and self.columns[name].open:
                raise ValueError(f"{key}: {name!r} must not be open: all its values are told apart")
        if self.columns[self.target].private:
            raise ValueError(
                f"target: {self.target!r} must not be private: the server keeps what became true"
            )
        if self.clusters and self.anomalies:
            raise ValueError("clusters: either they or anomalies are looked for; leave out one")
        if self.anomalies and self.columns[self.target].type != "binary":
            raise ValueError(
                f"target: {self.target!r} must be binary where anomalies are looked for, the "
                "second of its `categories` being the anomaly"
            )
        for word in UNSUPERVISED.values():
            if getattr(self, word) and (self.images or self.horizon or self.sequence):
                raise ValueError(f"{word}: they are looked for in the rows of a table only")
        for name, column in self.columns.items():
            if column.type == "labels" and name != self.target:
                raise ValueError(f"columns: {name!r}: of type labels is nothing but the target")
        for name in {*self.drop} & {*self.columns}:
            raise ValueError(f"drop: {name!r} is described under columns as well; leave one out")
        for name in self.subgroups:
            if self.columns[name].type not in LEVELS:
                raise ValueError(f"subgroups: {name!r} must be {', '.join(LEVELS[:-1])} or ordered")
        if not self.images and any(column.type == "image" for column in self.columns.values()):
            raise ValueError(
                "columns: a column of type image needs `images`, their width and height"
            )
        self._require_what_images_allow()
        if not self.features and not self.forecasts:
            raise ValueError("columns: no feature is described, so there is nothing to learn from")
        return self

    def _require_what_images_allow(self) -> None:
        if self.images is None:
            return
        own = {name: column for name, column in self.columns.items() if name not in IMAGE_COLUMNS}
        if self.target not in own:
            raise ValueError(f"target: {self.target!r} is what images call a column of their own")
        if self.images.names is None and {*own} > {self.target}:
            raise ValueError(
                "columns: beside images in folders, the target is the only column to describe; "
                "`names` below `images` names the column of a table that has more"
            )
        if self.images.names is None and self.kind not in (None, "classification"):
            raise ValueError(
                "images: their folders are classes; a number stands in a table beside them, whose "
                "column of names is `names`"
            )
        if self.images.names in own:
            raise ValueError(
                f"images.names: {self.images.names!r} is described under columns as well; leave it "
                "out there"
            )

    @model_validator(mode="after")
    def _require_what_a_forecast_needs(self) -> Self:
        if self.horizon is None:
            for key in ("series", "every", "season", "window"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key}: it is of a forecast, which has a `horizon`, too")
            return self
        for key in ("time", "every", "season", "window"):
            if getattr(self, key) is None:
                raise ValueError(f"horizon: a forecast needs `{key}` as well")
        if self.images:
            raise ValueError("horizon: images are no series")
        assert self.window and self.season
        if self.window < self.season:
            raise ValueError(
                f"window: it is {self.window} steps, and must hold a season, which is {self.season}"
            )
        return self

    @model_validator(mode="after")
    def _require_what_sequences_need(self) -> Self:
        if self.sequence is None:
            if self.length is not None:
                raise ValueError("length: it is of sequences, whose column `sequence` names")
            return self
        for key in ("time", "length"):
            if getattr(self, key) is None:
                raise ValueError(f"sequence: sequences need `{key}` as well")
        if self.horizon is not None or self.images:
            other = "images" if self.images else "horizon"
            raise ValueError(f"sequence: it goes without `{other}`")
        if self.sequence in (self.target, self.time):
            raise ValueError(f"sequence: {self.sequence!r} has another role already")
        if not self.channels:
            raise ValueError(
                "sequence: no column holds a number of each point; one that is `constant` does not"
            )
        return self

    @model_validator(mode="after")
    def _require_what_exposure_needs(self) -> Self:
        if self.exposure is None:
            return self
        where, column = f"exposure: {self.exposure!r}", self.columns[self.exposure]
        if self.kind != "regression" or self.images or self.sequence:
            raise ValueError("exposure: it is of a number that is predicted of the rows of a table")
        if self.exposure in (self.target, self.time, self.group, self.part):
            raise ValueError(f"{where} has another role already")
        low, _ = column.range or (None, None)
        if column.type not in NUMBERS or column.nullable or low is None or low <= 0:
            raise ValueError(
                f"{where} must be a number that no row lacks, with a `range` that starts above 0"
            )
        if column.private:
            raise ValueError(f"{where} must not be private: predictions are measured by it")
        if self.features == [self.exposure]:
            raise ValueError("columns: no feature is described, so there is nothing to learn from")
        return self

    @property
    def reads_folders(self) -> bool:
        """Whether the files of a raw folder are one delivery: its images, sequences or texts."""
        return self.images is not None or self.layout.files is not None

    @property
    def forecasts(self) -> bool:
        """Whether the target is predicted of times to come."""
        return self.horizon is not None or self.history is not None

    @property
    def is_unlabelled(self) -> bool:
        """Whether clusters are looked for, or anomalies, and no column tells known ones."""
        return self.clusters or (self.anomalies and self.columns[self.target] == UNKNOWN)

    @property
    def may_lack_target(self) -> bool:
        """Whether rows are of use without their target, and files without its column."""
        return not self.is_supervised and self.columns[self.target].nullable

    @property
    def required(self) -> str | None:
        """The target, where a row without it is of no use."""
        return self.target if self.is_supervised else None

    @property
    def is_supervised(self) -> bool:
        """Whether what is to be predicted is known of the rows that are learnt from."""
        return not (self.anomalies or self.clusters)

    @property
    def rows(self) -> Contract | None:
        """Of examples that are made of several rows each, the contract of these."""
        return self.history or self.points

    @property
    def features(self) -> list[str]:
        """The columns that a prediction is made from.

        Sentences are no features of forecasts and sequences, which are made of several rows, nor
        beside images, nor of what anomalies or clusters are looked for in.
        """
        others = (self.target, self.group, self.series, self.sequence, self.part, *self.carried)
        is_row = self.horizon is None and self.sequence is None and self.images is None
        reads_texts = is_row and self.is_supervised
        no_features = ("identifier",) if reads_texts else FREE
        return [
            name
            for name, column in self.columns.items()
            if name not in others and column.type not in no_features
        ]

    def features_only(self) -> dict[str, Column]:
        """The feature columns by name."""
        return {name: self.columns[name] for name in self.features}

    def learnt_only(self) -> dict[str, Column]:
        """Those of them that are learnt from; by the exposure, predictions are multiplied."""
        columns = self.features_only()
        return {name: columns[name] for name in columns if name != self.exposure}

    @property
    def texts(self) -> list[str]:
        """The features that hold sentences."""
        return [name for name, column in self.features_only().items() if column.type == "text"]

    @property
    def channels(self) -> list[str]:
        """Of sequences, the columns of which each point has a number of its own."""
        return [
            name
            for name, column in self.features_only().items()
            if column.type in NUMBERS and not column.constant and name != self.time
        ]

    @property
    def classes(self) -> list[str]:
        """The target's categories, of which a row is one; none when it is a number, or labels."""
        target = self.columns[self.target]
        return (target.type in LEVELS and target.categories) or []

    @property
    def labels(self) -> list[str]:
        """The target's labels, of which a row has any number; none when it is something else."""
        target = self.columns[self.target]
        return (target.type == "labels" and target.categories) or []

    @property
    def is_ordered(self) -> bool:
        """Whether the target's categories have an order."""
        return self.columns[self.target].type == "ordered"

    @property
    def kind(self) -> Kind | None:
        """The kind of problem that the target makes it, if any."""
        target_type = self.columns[self.target].type
        if self.anomalies:
            return "anomalies"
        if self.clusters:
            return "clustering"
        if self.forecasts and target_type in NUMBERS:
            return "forecasting"
        return next((kind for kind, types in TARGETS.items() if target_type in types), None)


def load_contract(paths: Paths, kind: Kind) -> Contract:
    """Read references/schema.yaml and hold its target against the `kind` of problem."""
    name = paths.name(paths.contract_file)
    advice = "the command `use FILE --target COLUMN` writes it"
    contract = load(Contract, paths.contract_file, name, advice)
    if contract.kind != kind:
        for wished, word in UNSUPERVISED.items():
            if wished in (kind, contract.kind):
                raise UserError(
                    f"{name}: it says {word}: {str(getattr(contract, word)).lower()}, but "
                    f"params.yaml says kind: {kind}; `use FILE --kind {wished}` writes both"
                )
        target_type = contract.columns[contract.target].type
        raise UserError(
            f"{name}: target {contract.target!r} is {target_type}, but params.yaml says "
            f"kind: {kind}, which predicts a column of type {' or '.join(TARGETS[kind])}"
        )
    return contract
