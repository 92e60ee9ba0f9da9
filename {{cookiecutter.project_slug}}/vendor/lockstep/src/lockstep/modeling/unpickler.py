"""Loading a saved pipeline without running whatever its file asks for.

A pickle calls what it names. Here it may name only what fitted models are made of: classes of the
libraries that fit them and of the project's other dependencies, functions of the library's and the
owner's, and the few functions by which arrays are made again; and it may change nothing that is
named. So neither a program can be run nor a file written by the names alone. What is named is still
made: a model from someone else can be wrong on purpose or take all memory, and code that the owner
has written is trusted.
"""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import packages_distributions
from pathlib import Path
from pickle import BUILD
from types import BuiltinFunctionType, FunctionType
from typing import Any, ClassVar

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

from ..core.errors import UserError
from ..core.home import HOME
from .candidates import CANDIDATES
from .derived import DERIVED
from .owner import Owner, find_owner, normalise, read_packed_owner
from .steps import STEPS

PLAIN = {
    "builtins": {"bytearray", "complex", "frozenset", "object", "range", "set", "slice"},
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "copyreg": {"_reconstructor"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "functools": {"partial"},
    # Others of these packages write files: memmap, DataSource, ExcelWriter, HDFStore.
    "numpy": {"dtype", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.ma": {"MaskedArray"},
    "numpy.ma.core": {"_mareconstruct"},
    "pandas": {
        *("Categorical", "CategoricalDtype", "CategoricalIndex", "DataFrame", "DatetimeIndex"),
        *("DatetimeTZDtype", "Float64Dtype", "Index", "Int64Dtype", "Interval", "IntervalDtype"),
        *("IntervalIndex", "BooleanDtype", "MultiIndex", "NA", "PeriodDtype", "PeriodIndex"),
        *("RangeIndex", "Series", "StringDtype", "TimedeltaIndex"),
    },
    "pandas.core.indexes.base": {"_new_Index"},
    "pandas.core.indexes.datetimes": {"_new_DatetimeIndex"},
    "pandas.core.indexes.interval": {"_new_IntervalIndex"},
    "pandas.core.internals.managers": {"BlockManager", "SingleBlockManager"},
    "pandas._libs.internals": {"_unpickle_block"},
    "pandas._libs.tslibs.nattype": {"_nat_unpickle"},
    "pandas._libs.tslibs.timedeltas": {"_timedelta_unpickle"},
    "pandas._libs.tslibs.timestamps": {"_unpickle_timestamp"},
    "pyarrow.lib": {"_restore_array", "py_buffer", "type_for_alias"},
}
"""What of Python's own may be named, and of libraries that can do much else."""
PACKAGES = {
    *(module.partition(".")[0] for module in PLAIN),
    *("jax", "jaxlib", "keras", "tensorflow", "torch"),  # networks have files of their own
}
"""Nothing else of these may be named, though the project depends on some."""
LIBRARIES = (
    *("numpy.dtypes", "numpy.random", "pandas.arrays", "pandas._libs.arrays", "sklearn"),
    *("scipy.interpolate", "scipy.sparse", "scipy.spatial"),
)
"""Packages all of whose classes may be named."""
WITH_FUNCTIONS = (
    *("sklearn.feature_selection", "sklearn.metrics", "sklearn.preprocessing"),
    "sklearn.utils.validation",
)
"""Packages of these whose functions may be named too: a transformer may be made of one."""
UFUNCS = ("numpy", "scipy.special._special_ufuncs", "scipy.special._ufuncs")
"""Where functions of numbers are that do nothing else."""
MAKERS = {"newObj", "__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"}
"""Functions of these packages that make a part of a model again."""
MADE_BY_CYTHON = "__pyx_unpickle_"
"""How the name of such a function begins in compiled code."""
LIBRARY_AT_HOME = "lockstep"
"""What a pickle calls the library, since it was written in a project."""
OF_THE_LIBRARY = (f"{LIBRARY_AT_HOME}.data", f"{LIBRARY_AT_HOME}.modeling")


class GuardedUnpickler(NumpyUnpickler):
    """Reads what joblib has written, and stops at a name that no model has need of.

    Args:
        path: The file.
        file: The same, open to be read.
        name: What messages call it.
    """

    def __init__(self, path: Path, file: Any, name: str) -> None:
        super().__init__(str(path), file, ensure_native_byte_order=True)
        self.path, self.name = path, name
        self.modules: set[str] = set()
        """Those that it has named so far."""

    def find_class(self, module: str, name: str) -> Any:
        """What is called `name` in a module, which is imported only where it is trusted.

        Raises:
            UserError: A model has no need of it.
        """
        if (module, name) == (NumpyArrayWrapper.__module__, NumpyArrayWrapper.__name__):
            return _ArrayWrapper
        self.modules.add(module)
        # A dot would lead on, from a class to the modules that its functions know.
        if "." not in name:
            if name in PLAIN.get(module, ()):
                return super().find_class(module, name)
            ours = (*self._own, *OF_THE_LIBRARY)
            if _is_within(module, ours):
                part = super().find_class(self._locate(module), name)
                places = tuple(map(self._locate, ours))
                if callable(part) and _is_within(str(getattr(part, "__module__", "")), places):
                    return part
            elif _is_within(module, LIBRARIES):
                part = super().find_class(module, name)
                if name in MAKERS or name.startswith(MADE_BY_CYTHON):
                    return part
                packages = LIBRARIES if isinstance(part, type) else WITH_FUNCTIONS
                if isinstance(part, type | FunctionType) and _is_within(part.__module__, packages):
                    return part
            elif module in UFUNCS:
                part = super().find_class(module, name)
                is_scalar = isinstance(part, type) and issubclass(part, np.generic)
                if is_scalar or isinstance(part, np.ufunc):
                    return part
            elif module.partition(".")[0] not in PACKAGES and self._is_dependency(module):
                part = super().find_class(module, name)
                if isinstance(part, type) and self._is_dependency(part.__module__):
                    return part
        raise UserError(
            f"{self.name} asks for {module}.{name}, of which no model has need, so it was not "
            "loaded; if a candidate of yours does, call it in a function of your package, or name "
            "its package as a dependency in pyproject.toml; else find out who has written the file"
        )

    def load_build(self) -> None:
        """Give an object its state.

        Raises:
            UserError: It is a class or a function, which would be another for everybody then.
        """
        part = self.stack[-2]
        if isinstance(part, type | FunctionType | BuiltinFunctionType):
            raise UserError(
                f"{self.name} would change {part.__module__}.{part.__name__}, which no model does, "
                "so it was not loaded; find out who has written the file"
            )
        super().load_build()

    dispatch: ClassVar = {**NumpyUnpickler.dispatch, BUILD[0]: load_build}

    @cached_property
    def _owner(self) -> Owner:
        return read_packed_owner() if HOME else find_owner(self.path)

    @cached_property
    def _own(self) -> tuple[str, ...]:
        """The owner's package, and wherever else functions were registered, as in a notebook."""
        registered = [registry[name] for registry in (CANDIDATES, STEPS) for name in registry]
        functions = [*registered, *(each.function for each in DERIVED.values())]
        modules = {function.__module__ for function in functions}
        package = self._owner.package
        return (*modules, package) if package else (*modules,)

    def _is_dependency(self, module: str) -> bool:
        """Whether a module is of a package that the project depends on, as it says itself."""
        holders = packages_distributions().get(module.partition(".")[0], [])
        return not self._owner.dependencies.isdisjoint(map(normalise, holders))

    def _locate(self, module: str) -> str:
        """What a module is called here: in the package of a model it is a part of that."""
        is_packed = _is_within(module, (LIBRARY_AT_HOME, self._owner.package))
        return f"{HOME}.{module}" if HOME and is_packed else module


class _ArrayWrapper(NumpyArrayWrapper):
    """Stands in the file for an array; one of objects is a pickle within the pickle."""

    def read_array(self, unpickler: GuardedUnpickler, *options: Any) -> np.ndarray:
        """The array, its objects read with the same guard."""
        if not self.dtype.hasobject:
            array: np.ndarray = super().read_array(unpickler, *options)
            return array
        inner = GuardedUnpickler(unpickler.path, unpickler.file_handle, unpickler.name)
        objects: np.ndarray = inner.load()
        unpickler.modules |= inner.modules
        return objects


def read_joblib(path: Path, name: str) -> Any:
    """What `write_joblib` has written to `path`, which messages call `name`.

    Raises:
        UserError: It asks for something of which no model has need.
    """
    with path.open("rb") as file:
        return GuardedUnpickler(path, file, name).load()


def list_modules(path: Path, name: str) -> set[str]:
    """The modules that such a file names; see `read_joblib`."""
    with path.open("rb") as file:
        unpickler = GuardedUnpickler(path, file, name)
        unpickler.load()
    return unpickler.modules


def _is_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
