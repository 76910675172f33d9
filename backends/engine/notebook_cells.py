"""What every method's notebook is made of: cells, settings as literals, and the file (nbformat 4.5)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backends.engine.checkpoints import write_text
from backends.engine.config import MethodConfig

Cell = dict[str, Any]

BEFORE_THE_FIRST_CELL = """**Before the first cell**: clone the project, install what it needs, and start Jupyter in \
its folder.

```
git clone <the address of the project> ssl-playground
cd ssl-playground
python -m venv .venv
.venv/bin/pip install -r requirements.txt jupyterlab
.venv/bin/jupyter lab
```

Put this notebook into the same folder, beside `requirements.txt`, and run the cells from top to bottom."""
"""How to run a notebook that imports this project; goes into its first cell."""

OWN_PICTURES_FILE = "my_pictures.zip"
"""Stands in a notebook for the file that a visitor brought."""


def markdown(source: str) -> Cell:
    """A cell of text."""
    return {"cell_type": "markdown", "metadata": {}, "source": source.strip().splitlines(keepends=True)}


def code(source: str) -> Cell:
    """A cell of code that has not been run."""
    lines = source.strip().splitlines(keepends=True)
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": lines}


def settings_call(config: MethodConfig, call: str, **changes: object) -> str:
    """Code that makes a config by calling `call`, every setting as a keyword and what it does beside it.

    Args:
        config: validated; its values are written as literals.
        call: the name of the class or function.
        changes: values that are written instead.
    """
    info = {setting.name: setting for setting in type(config).settings()}
    values = {**config.model_dump(), **changes}
    lines = [f"    {name}={literal(value)},  # {info[name].label}" for name, value in values.items()]
    return "\n".join([f"config = {call}(", *lines, ")"])


def literal(value: object) -> str:
    """A text, a number or a tuple of numbers as Python code.

    Raises:
        TypeError: it is anything else.
    """
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple) and all(isinstance(part, int | float) for part in value):
        return repr(value)
    raise TypeError(f"A setting of type {type(value).__name__} can't be written into a notebook.")


def own_pictures_cells(more: str = "") -> list[Cell]:
    """Cells that read what a visitor brought as `pictures`; the text names the file, and `more` goes on from there."""
    said = (
        "## Your pictures\n\nThe pictures that you brought are not in this notebook. Put the path of the same .zip of "
        f"folders in place of `{OWN_PICTURES_FILE}`. {more}"
    )
    read = (
        "from pathlib import Path\n\nfrom backends.data.own_pictures import read_zip\n\n"
        f'pictures = read_zip(Path("{OWN_PICTURES_FILE}"))\nprint(f"{{len(pictures):,}} pictures")'
    )
    return [markdown(said), code(read)]


def sizes_cells(sizes: Sequence[tuple[str, object, str]]) -> list[Cell]:
    """Cells that name what is no setting of the page: name, value and what it is, of each."""
    said = "## The sizes\n\nThe page has no controls for these. You can change them here."
    lines = [f"{name} = {literal(value)}  # {told}" for name, value, told in sizes]
    return [markdown(said), code("\n".join(lines))]


def fill(template: str, **parts: str) -> str:
    """Put parts into their places; all other braces, such as those of f-strings, stay."""
    for name, part in parts.items():
        template = template.replace(f"{{{name}}}", part)
    return template


def one_line(text: str) -> str:
    """A text without line breaks and repeated spaces."""
    return " ".join(text.split())


def notebook(cells: Sequence[Cell]) -> dict[str, Any]:
    """The notebook of these cells, as JSON's types."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "cells": [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)],
    }


def write(made: dict[str, Any], path: Path) -> Path:
    """Write a notebook; the file is whole or not there."""
    return write_text(path, json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
