"""What every value has in common: it is frozen, knows its fields, and turns into JSON and back unchanged."""

from collections.abc import Mapping
from typing import Any, Self, TypeGuard

from pydantic import BaseModel, ConfigDict, JsonValue

Json = JsonValue
Scalar = str | int | float | bool | None


class Value(BaseModel):
    """Frozen; a field nobody declared is an error; a change makes a copy (`value.model_copy(update={...})`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy works out its own ids: pydantic would hand it those of the value it was made from."""
        if unknown := set(update or ()) - type(self).model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no field '{min(unknown)}'")
        copied = super().model_copy(update=update, deep=deep)
        for name in vars(copied).keys() - type(copied).model_fields.keys():
            del vars(copied)[name]
        return copied


def is_number(value: object) -> TypeGuard[int | float]:
    """To Python, true and false are numbers; to nobody else."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(value: Value, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A value as JSON-able data with its empty fields left out: what is hashed and what is shown.

    Leaving out what is absent keeps every stored id when a later version adds an optional field.
    """
    data = value.model_dump(mode="json", exclude=set(without))
    return {key: item for key, item in data.items() if item is not None and item not in ({}, [], "")}
