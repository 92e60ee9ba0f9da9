"""The candidates: one function each, which params.yaml calls by its name.

To add one, write a function marked `@candidate` that takes the problem and its own options by
keyword, and returns an unfitted scikit-learn estimator; then name it in params.yaml under
`train.candidates`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat
from sklearn.base import BaseEstimator

from ..core.errors import UserError
from ..core.params import Count, Fraction, Kind
from .registry import Registry

# The options of the candidates: what they may be, and what they mean.
Alpha = Annotated[PositiveFloat, Field(description="weight of the L2 penalty")]
ClassWeight = Annotated[
    Literal["balanced"] | None,
    Field(description="`balanced` gives every class the same weight, however rare; for classes"),
]
Neighbours = Annotated[Count, Field(description="nearest train rows that are asked")]
Weights = Annotated[
    Literal["uniform", "distance"], Field(description="whether a nearer row counts more")
]
Kernel = Annotated[
    Literal["rbf", "poly", "sigmoid", "linear"], Field(description="how alike two rows are")
]
Penalty = Annotated[
    PositiveFloat, Field(description="what rows beyond the margin cost, often called C")
]
Gamma = Annotated[
    PositiveFloat | Literal["scale"],
    Field(description="how fast likeness ends with distance; `scale` follows the spread"),
]
Depth = Annotated[Count | None, Field(description="most splits above a leaf; no bound if `null`")]
LeafRows = Annotated[Count, Field(description="fewest train rows in a leaf")]
LeafNodes = Annotated[int, Field(ge=2, description="most leaves of a tree")]
Trees = Annotated[Count, Field(description="how many trees")]
L2 = Annotated[float, Field(ge=0, description="weight of the L2 penalty on the leaves")]
LearningRate = Annotated[
    PositiveFloat, Field(description="how far each step, or tree, follows the loss")
]
HiddenUnits = Annotated[tuple[Count, ...], Field(description="units of each hidden layer")]
Embedding = Annotated[Count, Field(description="length of the vector that stands for a category")]
Filters = Annotated[
    tuple[Count, ...], Field(description="filters of each convolution, which halves the image")
]
Padding = Annotated[
    Literal["valid", "same"], Field(description="`same` keeps the edges of the image")
]
Shift = Annotated[
    int,
    Field(strict=True, ge=0, description="most pixels by which images are moved while learning"),
]
Dropout = Annotated[
    float, Field(ge=0, lt=1, description="share of the units that each step leaves out")
]
Schedule = Annotated[
    Literal["constant", "cosine", "plateau"], Field(description="how the learning rate goes down")
]
BatchSize = Annotated[Count, Field(description="rows per step")]
Epochs = Annotated[Count, Field(description="most passes over the rows")]
Patience = Annotated[
    Count, Field(description="epochs without a better loss on the watched rows before it stops")
]
Watched = Annotated[
    Fraction, Field(description="share of the train rows that are watched, not learnt from")
]

CANDIDATES = Registry("candidate")
TAKES_CODES: set[str] = set()
"""Candidates that embed categories: theirs come as whole numbers, before all other features."""


@dataclass(frozen=True)
class Problem:
    """What a candidate may want to know beside its options."""

    kind: Kind
    seed: int
    codes: tuple[int, ...] = ()
    """Number of categories of each of the first features, for a candidate that embeds them."""
    image: tuple[int, int, int] | None = None
    """Height, width and channels, when each row is an image."""

    @property
    def classifies(self) -> bool:
        """Whether a class is predicted, not a number."""
        return self.kind == "classification"


Build = Callable[..., BaseEstimator]


def candidate(build: Build | None = None, *, takes_codes: bool = False) -> Callable[..., Any]:
    """Register `build` under its own name; its options are checked against its annotations.

    Args:
        build: The function.
        takes_codes: Whether it embeds categories itself, instead of taking the recipe's numbers.
    """
    if build is None:
        return lambda build: candidate(build, takes_codes=takes_codes)
    if takes_codes:
        TAKES_CODES.add(build.__name__)
    return CANDIDATES.add(build)


def _of_kind(
    problem: Problem,
    classifier: Build,
    regressor: Build,
    class_weight: ClassWeight,
    **options: Any,
) -> BaseEstimator:
    """The one of two estimators that the problem asks for; only classes can be weighted."""
    if problem.classifies:
        return classifier(class_weight=class_weight, **options)
    return regressor(**options)


@candidate
def baseline(problem: Problem) -> BaseEstimator:
    """What any model must beat: always the shares of the classes, or the mean."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    if problem.classifies:
        return DummyClassifier(strategy="prior", random_state=problem.seed)
    return DummyRegressor(strategy="mean")


@candidate
def linear(
    problem: Problem, *, alpha: Alpha = 1.0, class_weight: ClassWeight = None
) -> BaseEstimator:
    """Logistic or ridge regression; `alpha` is the weight of the L2 penalty."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if problem.classifies:
        return LogisticRegression(C=1 / alpha, class_weight=class_weight, max_iter=1000)
    return Ridge(alpha=alpha)


@candidate
def knn(
    problem: Problem,
    *,
    neighbours: Neighbours = 15,
    weights: Weights = "distance",
) -> BaseEstimator:
    """The classes, or the mean, of the nearest train rows, nearer ones counting more."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    knn = KNeighborsClassifier if problem.classifies else KNeighborsRegressor
    return knn(neighbours, weights=weights)


@candidate
def svm(
    problem: Problem,
    *,
    kernel: Kernel = "rbf",
    penalty: Penalty = 1.0,
    gamma: Gamma = "scale",
    class_weight: ClassWeight = None,
) -> BaseEstimator:
    """A support vector machine; `penalty` is what rows beyond the margin cost, often called C.

    Its probabilities come from a sigmoid over its decisions (Platt, 1999); a regression learns the
    standardised target, so that the options do not depend on its unit.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, SVR

    if problem.classifies:
        svc = SVC(C=penalty, kernel=kernel, gamma=gamma, class_weight=class_weight)
        return CalibratedClassifierCV(svc, ensemble=False)
    svr = SVR(C=penalty, kernel=kernel, gamma=gamma)
    return TransformedTargetRegressor(svr, transformer=StandardScaler())


@candidate
def tree(
    problem: Problem,
    *,
    max_depth: Depth = None,
    min_samples_leaf: LeafRows = 5,
    class_weight: ClassWeight = None,
) -> BaseEstimator:
    """A decision tree: easy to read, seldom the best."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    return _of_kind(
        problem,
        DecisionTreeClassifier,
        DecisionTreeRegressor,
        class_weight,
        max_depth=max_depth,
        min_samples_leaf=min_samples_leaf,
        random_state=problem.seed,
    )


@candidate
def forest(
    problem: Problem,
    *,
    trees: Trees = 100,
    max_depth: Depth = None,
    min_samples_leaf: LeafRows = 2,
    class_weight: ClassWeight = None,
) -> BaseEstimator:
    """A random forest (Breiman, 2001)."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    return _of_kind(
        problem,
        RandomForestClassifier,
        RandomForestRegressor,
        class_weight,
        n_estimators=trees,
        max_depth=max_depth,
        min_samples_leaf=min_samples_leaf,
        random_state=problem.seed,
    )


@candidate
def boosting(
    problem: Problem,
    *,
    learning_rate: LearningRate = 0.1,
    trees: Trees = 100,
    max_leaf_nodes: LeafNodes = 8,
    min_samples_leaf: LeafRows = 20,
    l2: L2 = 0.0,
    class_weight: ClassWeight = None,
) -> BaseEstimator:
    """Gradient boosting of small trees over histograms (Friedman, 2001; Ke et al., 2017)."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return _of_kind(
        problem,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        class_weight,
        learning_rate=learning_rate,
        max_iter=trees,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        l2_regularization=l2,
        early_stopping=False,
        random_state=problem.seed,
    )


@candidate
def mlp(
    problem: Problem,
    *,
    hidden_units: HiddenUnits = (32,),
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 0.01,
    schedule: Schedule = "constant",
    batch_size: BatchSize = 16,
    max_epochs: Epochs = 200,
    patience: Patience = 10,
    validation_fraction: Watched = 0.2,
    class_weight: ClassWeight = None,
) -> BaseEstimator:
    """A multilayer perceptron in Keras."""
    from .networks import PerceptronClassifier, PerceptronRegressor

    return _of_kind(
        problem,
        PerceptronClassifier,
        PerceptronRegressor,
        class_weight,
        hidden_units=hidden_units,
        dropout=dropout,
        learning_rate=learning_rate,
        schedule=schedule,
        batch_size=batch_size,
        max_epochs=max_epochs,
        patience=patience,
        validation_fraction=validation_fraction,
        random_state=problem.seed,
    )


@candidate(takes_codes=True)
def wide_and_deep(
    problem: Problem,
    *,
    hidden_units: HiddenUnits = (32,),
    embedding: Embedding = 4,
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 0.01,
    schedule: Schedule = "constant",
    batch_size: BatchSize = 16,
    max_epochs: Epochs = 200,
    patience: Patience = 10,
    validation_fraction: Watched = 0.2,
    class_weight: ClassWeight = None,
) -> BaseEstimator:
    """A linear model beside a network over embedded categories (Cheng et al., 2016), in Keras."""
    from .networks import WideAndDeepClassifier, WideAndDeepRegressor

    if problem.image is not None:
        raise UserError(
            "params.yaml: train.candidates.wide_and_deep: it is for tables, and the contract "
            "describes images; cnn is for those"
        )
    return _of_kind(
        problem,
        WideAndDeepClassifier,
        WideAndDeepRegressor,
        class_weight,
        codes=problem.codes,
        embedding=embedding,
        hidden_units=hidden_units,
        dropout=dropout,
        learning_rate=learning_rate,
        schedule=schedule,
        batch_size=batch_size,
        max_epochs=max_epochs,
        patience=patience,
        validation_fraction=validation_fraction,
        random_state=problem.seed,
    )


@candidate
def cnn(
    problem: Problem,
    *,
    filters: Filters = (32, 64),
    padding: Padding = "valid",
    shift: Shift = 0,
    dropout: Dropout = 0.5,
    learning_rate: LearningRate = 0.001,
    schedule: Schedule = "constant",
    batch_size: BatchSize = 128,
    max_epochs: Epochs = 30,
    patience: Patience = 3,
    validation_fraction: Watched = 0.1,
    class_weight: ClassWeight = None,
) -> BaseEstimator:
    """A convolutional network for images, in Keras."""
    from .networks import ConvolutionalClassifier

    where = "params.yaml: train.candidates.cnn"
    if problem.image is None or not problem.classifies:
        raise UserError(
            f"{where}: it tells classes of images apart; this is a {problem.kind} of "
            f"{'images' if problem.image else 'a table'}"
        )
    height, width, _ = problem.image
    left = min(height, width)
    for _ in filters:
        left = (left if padding == "same" else left - 2) // 2
    if left < 1:
        raise UserError(
            f"{where}: nothing is left of {width}x{height} pixels after {len(filters)} "
            "convolutions and poolings; fewer filters, or padding: same, leave more"
        )
    return ConvolutionalClassifier(
        image=problem.image,
        filters=filters,
        padding=padding,
        shift=shift,
        dropout=dropout,
        learning_rate=learning_rate,
        schedule=schedule,
        batch_size=batch_size,
        max_epochs=max_epochs,
        patience=patience,
        validation_fraction=validation_fraction,
        class_weight=class_weight,
        random_state=problem.seed,
    )


def build(name: str, options: dict[str, Any], problem: Problem) -> BaseEstimator:
    """The unfitted candidate that params.yaml calls `name`, with its options.

    Raises:
        UserError: There is no such candidate, it does not take such an option, it is not for such a
            problem, or its library is not installed.
    """
    where = f"params.yaml: train.candidates.{name}"
    try:
        return CANDIDATES.call(name, options, where, problem)
    except ModuleNotFoundError as error:
        raise UserError(
            f"{where}: it needs {error.name}, which is not installed; "
            f"`uv add {error.name}` installs it"
        ) from error
