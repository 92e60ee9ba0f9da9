"""Functions that params.yaml calls by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import Parameter, signature
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ValidationError, create_model, validate_call

from ..core.errors import UserError
from ..core.validation import explain, nearest


class Registry:
    """Functions by their names; what they take by keyword are the options of params.yaml.

    Options are checked against the functions' annotations. `**options: Unpack[SomeTypedDict]` takes
    each key of the typed dictionary. Messages call one of them `what`.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._functions: dict[str, Callable[..., Any]] = {}

    def add(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Register `function` under its own name."""
        check = validate_call(config={"allow_inf_nan": False, "arbitrary_types_allowed": True})
        self._functions[function.__name__] = check(function)
        return function

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return self._functions[name]

    def options(self, name: str) -> list[str]:
        """The options that the function `name` takes."""
        return list(self._fields(name))

    def schema(self, name: str) -> dict[str, Any]:
        """The same, as JSON Schema."""
        model: type[BaseModel] = create_model(name, **self._fields(name))
        return model.model_json_schema()

    def _fields(self, name: str) -> dict[str, Any]:
        """The type and the default of each option."""
        function = self._functions[name]
        hints = get_type_hints(function, include_extras=True)
        fields: dict[str, Any] = {}
        for parameter in signature(function).parameters.values():
            if parameter.kind is Parameter.KEYWORD_ONLY:
                default = ... if parameter.default is Parameter.empty else parameter.default
                fields[parameter.name] = (hints[parameter.name], default)
            elif parameter.kind is Parameter.VAR_KEYWORD:
                (shared,) = get_args(hints[parameter.name])
                for option, hint in get_type_hints(shared, include_extras=True).items():
                    fields[option] = (hint, ...)  # whoever takes them has the defaults
        return fields

    def call(self, name: str, options: dict[str, Any], where: str, *arguments: object) -> Any:
        """What a function makes of `arguments` and the options that params.yaml has at `where`."""
        self.require(name, where)
        allowed = self.options(name)
        for option in options:
            if option not in allowed:
                advice = nearest(option, allowed or ["none"])
                raise UserError(f"{where}.{option}: unknown option; {advice}")
        try:
            return self._functions[name](*arguments, **options)
        except ValidationError as error:
            raise UserError(explain(error, where)) from error

    def require(self, name: str, where: str) -> None:
        """Check that there is a function `name`."""
        if name not in self._functions:
            raise UserError(f"{where}: unknown {self.what}; {nearest(name, self._functions)}")
