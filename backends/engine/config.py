"""Settings of a training method: defined once, used by widgets, command line, links and error messages."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

MAX_SEED = 2**31 - 1
SHOWN_VALUE_CHARS = 40


class ConfigError(ValueError):
    """A setting was refused. The message is one sentence per setting, fit to be shown to a visitor."""


@dataclass(frozen=True)
class SettingInfo:
    """What a widget, a flag or a message needs to know about one setting.

    `essential` settings stand in the tab; the others stand under Advanced. `scale` is "log" where equal
    steps on the widget should multiply the value. `choices` maps each allowed value to its label.
    """

    name: str
    label: str
    description: str
    unit: str
    kind: type
    default: Any
    minimum: float | None
    maximum: float | None
    step: float | None
    scale: Literal["linear", "log"]
    essential: bool
    choices: dict[str, str] | None

    @property
    def range_text(self) -> str:
        """The allowed values in words, as they stand in help texts and error messages."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        number = "a whole number" if self.kind is int else "a number"
        return f"{number} from {format_number(self.minimum)} to {format_number(self.maximum)}"


def setting(
    default: Any,
    description: str,
    *,
    label: str,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
    scale: Literal["linear", "log"] = "linear",
    essential: bool = False,
    choices: Mapping[str, str] | None = None,
) -> Any:
    """Declare a setting of a `MethodConfig`: a pydantic field that also carries what its widget needs."""
    extra: Any = {
        "label": label,
        "unit": unit,
        "step": step,
        "scale": scale,
        "essential": essential,
        "choices": dict(choices) if choices else None,
    }
    return Field(default, description=description, ge=ge, le=le, json_schema_extra=extra)


class MethodConfig(BaseModel):
    """Base of every method's settings: frozen, complete, without unknown names, NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    @classmethod
    def settings(cls) -> list[SettingInfo]:
        """Describe every setting, in the order in which the config declares them."""
        return [_describe(name, field) for name, field in cls.model_fields.items()]

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Build a config from widget values, link parameters or `--set` strings.

        Raises:
            ConfigError: one sentence for each refused setting, naming it, what came, and what would do.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError(" ".join(_sentences(cls, error))) from None

    def with_changes(self, **changes: Any) -> Self:
        """Return a validated copy with some settings changed."""
        return type(self).parse({**self.model_dump(), **changes})

    def differences(self, other: Self) -> dict[str, tuple[Any, Any]]:
        """Return {setting: (own value, other's value)} for every setting in which the two differ."""
        mine, theirs = self.model_dump(), other.model_dump()
        return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}


def format_number(value: float | None) -> str:
    """Write a bound as a person would: 5 for 5.0, 0.0001 for 1e-4, 20,000 for 20000."""
    if value is None:
        return "any"
    if float(value).is_integer():
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return f"{value:.8f}".rstrip("0")


def _describe(name: str, field: FieldInfo) -> SettingInfo:
    extra: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    bounds = {kind: getattr(m, kind) for m in field.metadata for kind in ("ge", "le") if hasattr(m, kind)}
    return SettingInfo(
        name=name,
        label=extra.get("label") or name,
        description=field.description or "",
        unit=extra.get("unit") or "",
        kind=_plain_type(field.annotation),
        default=field.default,
        minimum=bounds.get("ge"),
        maximum=bounds.get("le"),
        step=extra.get("step"),
        scale=extra.get("scale", "linear"),
        essential=bool(extra.get("essential")),
        choices=extra.get("choices"),
    )


def _plain_type(annotation: Any) -> type:
    """Reduce Optional, Annotated and Literal to the type that a value has."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _plain_type(next(arg for arg in get_args(annotation) if arg is not type(None)))
    if origin is Literal:
        return type(get_args(annotation)[0])
    return annotation if isinstance(annotation, type) else str


def _sentences(config: type[MethodConfig], error: ValidationError) -> list[str]:
    known = {info.name: info for info in config.settings()}
    sentences = []
    for problem in error.errors(include_url=False, include_context=False):
        if not problem["loc"]:  # two settings that do not go together: the config's own sentence
            sentences.append(problem["msg"].removeprefix("Value error, "))
            continue
        name = str(problem["loc"][0])
        if name not in known:
            shown = _shorten(name)
            sentences.append(f"There is no setting {shown}; choose from {', '.join(known)}.")
            continue
        info = known[name]
        sentences.append(f"{info.label} ({name}) is {_shorten(problem['input'])}; it must be {info.range_text}.")
    return list(dict.fromkeys(sentences))


def _shorten(value: Any) -> str:
    text = "empty" if value is None or value == "" else str(value)
    return text if len(text) <= SHOWN_VALUE_CHARS else text[: SHOWN_VALUE_CHARS - 1] + "…"
