"""The lecture as data: a readable file of steps, each with one sentence to say, one thing to click, one thing to see.

A lecturer may reorder or extend the steps (`--lecture FILE`). What is wrong in a file is said with its line.
"""

from __future__ import annotations

import re
import tomllib
import urllib.parse
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from backends.recordings.recipes import NAMES as RECORDINGS
from playground.links import TAB_PARAMETER, Link, LinkTarget, quoted, read_query

SHIPPED = Path(__file__).resolve().parents[1] / "assets" / "lecture" / "lecture.toml"
MAX_FILE_BYTES = 256_000
MAX_STEPS = 100
STEP_PARAMETER = "step"
VIEW_SEPARATOR = " / "
FOCUSES = ("all", "views")
"""What of a tab is seen: all of it, or its views without the settings at the left."""
MAX_CHARACTERS = {
    "id": 40,
    "tab": 40,
    "view": 120,
    "settings": 600,
    "title": 80,
    "say": 400,
    "click": 240,
    "see": 400,
    "target": 200,
    "recording": 40,
    "focus": 10,
}
"""Of each key of a step."""
REQUIRED = ("id", "tab", "title", "say", "click", "see")
_ID = re.compile(r"[a-z][a-z0-9-]*")
_TARGET = re.compile(r"[\w#.\[\]='\"\- >:()*^$~|,]+")
"""Characters of a CSS selector; none with which a rule could be ended."""


class LectureError(ValueError):
    """A lecture file can't be used. The message names the file, the line, and what to do."""


@dataclass(frozen=True)
class Step:
    """One step of the lecture.

    Attributes:
        id: names the step in a link, as in `?step=id`.
        tab: of the page.
        title, say, click, see: plain text.
        view: labels of the sub-tabs that are opened, from the outside in.
        settings: what a link to the tab would set, as a query.
        target: CSS selector of what is to be clicked, or "".
        recording: name of the recorded run that plays, or "".
        focus: one of `FOCUSES`.
        line: where it stands in its file.
    """

    id: str
    tab: str
    title: str
    say: str
    click: str
    see: str
    view: tuple[str, ...] = ()
    settings: str = ""
    target: str = ""
    recording: str = ""
    focus: str = "all"
    line: int = 0


@dataclass(frozen=True)
class Lecture:
    """All steps of a file, in their order."""

    name: str
    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Staged:
    """The steps that a page can show.

    Attributes:
        steps: in their order.
        links: what each step with settings sets, by its id.
        notes: a sentence for every step that was left out.
    """

    steps: tuple[Step, ...]
    links: Mapping[str, Link]
    notes: tuple[str, ...]


@lru_cache(maxsize=1)
def shipped() -> Lecture:
    """The lecture of this project."""
    return read_lecture(SHIPPED)


def read_lecture(path: Path) -> Lecture:
    """Read a lecture file.

    Raises:
        LectureError: it can't be read, or something in it is wrong.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise LectureError(f"{path.name} is larger than {MAX_FILE_BYTES // 1000} KB: no lecture has so many steps.")
        text = path.read_bytes().decode("utf-8")
    except OSError:
        raise LectureError(f"--lecture needs a file that can be read; {path.name} is none.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise LectureError(f"{path.name}, line {line}: this is no UTF-8; save the file as UTF-8.") from None
    return parse_lecture(text, path.name)


def parse_lecture(text: str, name: str) -> Lecture:
    """Read a lecture from its text; `name` is what the file is called in messages.

    Raises:
        LectureError: something in it is wrong.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LectureError(_syntax_sentence(text, name, str(error))) from None
    except RecursionError:
        raise LectureError(f"{name}, line 1: the file is nested too deeply; a step holds plain texts only.") from None
    lines = text.splitlines()
    unknown = [key for key in content if key not in ("title", "step")]
    if unknown:
        raise LectureError(
            f"{name}, line {_line_of(lines, unknown[0])}: there is no key {quoted(unknown[0])} outside of a step; "
            "choose from title, step."
        )
    title = content.get("title", "Lecture")
    if not isinstance(title, str) or len(title) > MAX_CHARACTERS["title"]:
        raise LectureError(
            f"{name}, line {_line_of(lines, 'title')}: the title must be a text of up to {MAX_CHARACTERS['title']} "
            "characters."
        )
    steps = content.get("step", [])
    starts = [number for number, line in enumerate(lines, 1) if re.match(r"\s*\[\[\s*step\s*\]\]", line)]
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise LectureError(f"{name}, line 1: there is no step; begin each step with a line [[step]].")
    if len(steps) > MAX_STEPS:
        line = starts[MAX_STEPS] if len(starts) > MAX_STEPS else 1
        raise LectureError(f"{name}, line {line}: a lecture has up to {MAX_STEPS} steps; this one has {len(steps)}.")
    read: list[Step] = []
    for place, fields in enumerate(steps):
        start = starts[place] if place < len(starts) else 1
        end = starts[place + 1] - 1 if place + 1 < len(starts) else len(lines)
        step = _step(fields, lines[:end], start, name)
        earlier = next((other for other in read if other.id == step.id), None)
        if earlier is not None:
            raise LectureError(
                f"{name}, line {_line_of(lines[:end], 'id', start)}: the id {quoted(step.id)} is that of line "
                f"{earlier.line} too; give each step an id of its own."
            )
        read.append(step)
    return Lecture(name, title, tuple(read))


def stage(lecture: Lecture, targets: Mapping[str, LinkTarget], known: Collection[str]) -> Staged:
    """Choose the steps that a page can show, and check their settings.

    Args:
        lecture: all steps.
        targets: what each tab of this page takes from a link, by its name.
        known: names of all tabs that there can be; a step whose tab is not on this page is left out.

    Raises:
        LectureError: a step names a tab that can't be, or a setting that is refused.
    """
    steps, links, notes = [], {}, []
    for step in lecture.steps:
        where = f"{lecture.name}, line {step.line}, step {step.id}"
        if step.tab not in known:
            raise LectureError(f"{where}: there is no tab {quoted(step.tab)}; choose from {', '.join(known)}.")
        if step.tab not in targets:
            notes.append(f"{where}: the tab {step.tab} is not on this page; the step was left out.")
            continue
        if step.settings:
            link = link_of(step, targets)
            if link.problems:
                raise LectureError(f"{where}, settings: {' '.join(link.problems)}")
            links[step.id] = link
        steps.append(step)
    return Staged(tuple(steps), links, tuple(notes))


def link_of(step: Step, targets: Mapping[str, LinkTarget]) -> Link:
    """What a step's settings are as a link, with a sentence for everything that is refused."""
    given = dict(urllib.parse.parse_qsl(step.settings, keep_blank_values=True))
    link = read_query({**given, TAB_PARAMETER: step.tab}, targets)
    return Link(link.tab, link.configs, link.texts, link.problems, query_of_step(step))


def query_of_step(step: Step) -> str:
    """The query that opens a step."""
    return urllib.parse.urlencode({STEP_PARAMETER: step.id})


def find_step(steps: Sequence[Step], asked: str) -> Step | None:
    """The step of this id, or of this number from 1 on; None where there is none."""
    if asked.isascii() and asked.isdecimal() and len(asked) < 6:
        number = int(asked)
        return steps[number - 1] if 1 <= number <= len(steps) else None
    return next((step for step in steps if step.id == asked), None)


def unknown_step(steps: Sequence[Step], asked: str) -> str:
    """What to say where a link names a step that there is not."""
    if not steps:
        return "The link opens a step of the lecture; this page has none of its tabs."
    return f"The link opens step {quoted(asked)}; the lecture has the steps 1 to {len(steps)}."


def _step(fields: Mapping[str, Any], lines: Sequence[str], start: int, name: str) -> Step:
    """Check one step's fields; `lines` are the file's until the step ends, `start` is its first, from 1 on."""

    def refuse(key: str, problem: str) -> LectureError:
        return LectureError(f"{name}, line {_line_of(lines, key, start)}: {problem}")

    for key, value in fields.items():
        if key not in MAX_CHARACTERS:
            raise refuse(key, f"a step has no key {quoted(key)}; choose from {', '.join(MAX_CHARACTERS)}.")
        if not isinstance(value, str):
            raise refuse(key, f"{key} must be a text in quotes.")
        if len(value) > MAX_CHARACTERS[key]:
            raise refuse(key, f"{key} has {len(value)} characters; it may have up to {MAX_CHARACTERS[key]}.")
    for key in REQUIRED:
        if not fields.get(key, "").strip():
            raise LectureError(f'{name}, line {start}: this step lacks {key}; write {key} = "…" below [[step]].')
    if not _ID.fullmatch(fields["id"]):
        raise refuse("id", "an id is made of small letters, digits and hyphens, and begins with a letter.")
    if fields.get("target") and not _TARGET.fullmatch(fields["target"]):
        raise refuse("target", "target must be a CSS selector, as in #simclr-train.")
    if fields.get("recording") and fields["recording"] not in RECORDINGS:
        raise refuse("recording", f"there is no such recording; choose from {', '.join(RECORDINGS)}.")
    if fields.get("focus", "all") not in FOCUSES:
        raise refuse("focus", f"focus must be one of {', '.join(FOCUSES)}.")
    view = tuple(part.strip() for part in fields.get("view", "").split(VIEW_SEPARATOR) if part.strip())
    return Step(**{**{key: value.strip() for key, value in fields.items()}, "view": view, "line": start})


def _line_of(lines: Sequence[str], key: str, start: int = 1) -> int:
    """The line, from 1 on, of a key at or after line `start`; `start` where it isn't found."""
    pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    for number, line in enumerate(lines, 1):
        if number >= start and pattern.match(line.replace("[", " ")):
            return number
    return start


def _syntax_sentence(text: str, name: str, error: str) -> str:
    found = re.search(r"\(at line (\d+), column (\d+)\)", error)
    line = found[1] if found else str(text.count("\n") + 1)
    what = error.split(" (at ")[0].rstrip(".")
    return f'{name}, line {line}: {what[:1].lower()}{what[1:]}. Put texts in quotes, one key = "text" a line.'
