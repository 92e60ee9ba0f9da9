"""Functions that params.yaml calls by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import Parameter, signature
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError, create_model, validate_call

from ..core.errors import UserError
from ..core.validation import explain, nearest


class Registry:
    """Functions by their names; what they take by keyword are the options of params.yaml.

    Options are checked against the functions' annotations.

    Args:
        what: What messages call one of them.
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

    def options(self, name: str) -> list[str]:
        """The options that the function `name` takes."""
        parameters = signature(self._functions[name]).parameters.values()
        return [option.name for option in parameters if option.kind is Parameter.KEYWORD_ONLY]

    def schema(self, name: str) -> dict[str, Any]:
        """The options that the function `name` takes, as JSON Schema."""
        function = self._functions[name]
        annotations = get_type_hints(function, include_extras=True)
        parameters = signature(function).parameters
        fields: dict[str, Any] = {
            key: (annotations[key], parameters[key].default) for key in self.options(name)
        }
        model: type[BaseModel] = create_model(name, **fields)
        return model.model_json_schema()

    def call(self, name: str, options: dict[str, Any], where: str, *arguments: object) -> Any:
        """What the function `name` makes of `arguments` and its `options`.

        Args:
            name: What params.yaml says.
            options: Its options there.
            where: The key that messages name.
            arguments: What the function needs beside its options.

        Raises:
            UserError: There is no such function, or it does not take such an option.
        """
        self.require(name, where)
        known = self.options(name)
        for option in options:
            if option not in known:
                advice = nearest(option, known or ["none"])
                raise UserError(f"{where}.{option}: unknown option; {advice}")
        try:
            return self._functions[name](*arguments, **options)
        except ValidationError as error:
            raise UserError(explain(error, where)) from error

    def require(self, name: str, where: str) -> None:
        """Check that there is a function `name`.

        Raises:
            UserError: There is none.
        """
        if name not in self._functions:
            raise UserError(f"{where}: unknown {self.what}; {nearest(name, self._functions)}")
