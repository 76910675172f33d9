"""The captions.csv in a visitor's archive: which picture has which captions. Nothing in it is trusted.

It is UTF-8 with a header that has the columns `file` and `caption`, in any order and case; other columns are ignored.
Comma, semicolon and tab are told apart by the header alone: on a long text made for it, `csv.Sniffer` takes minutes. A
file's path is only compared with those of the archive's pictures, never opened.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backends.data.pictures import PictureError

CAPTIONS_FILE = "captions.csv"
FILE, CAPTION = "file", "caption"
"""The columns that are read."""
MAX_CAPTIONS_BYTES = 1 << 20
MAX_ROWS = 20_000
MAX_CAPTION_CHARS = 200
MAX_CAPTIONS = 4
"""Captions that are kept of one picture, as many as training has ways to put one."""

DELIMITERS = ",;\t"
SNIFFED_CHARS = 500
"""Of the header: enough for the columns of a caption file."""
SHOWN_COLUMNS, SHOWN_CHARS = 4, 40
"""How many of a wrong header's columns a message names, and at which length it cuts a name."""


@dataclass(frozen=True)
class CaptionRow:
    """A row: an untrusted path inside the archive, and a caption of 1 to 200 characters on one line, also untrusted."""

    file: str
    caption: str


@dataclass(frozen=True)
class Matched:
    """Captions by picture.

    Attributes:
        captions: (N,) of each picture 0 to 4, all different, in the order of the rows.
        notes: sentences about rows that name no picture and pictures that no row names.
    """

    captions: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def read_rows(data: bytes) -> list[CaptionRow]:
    """Read the file's rows; those without a caption are passed over.

    Args:
        data: the file, at most 1 MiB.

    Raises:
        PictureError: it is empty, too large, not UTF-8, no table, or has not the columns file and caption.
    """
    if len(data) > MAX_CAPTIONS_BYTES:
        raise PictureError(
            f"captions.csv has more than {MAX_CAPTIONS_BYTES >> 20} MB: keep only the columns {FILE} and {CAPTION}, or "
            "shorten the captions."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PictureError('captions.csv is not UTF-8: save it again as "CSV UTF-8".') from error
    try:
        return list(_rows(text))
    except csv.Error as error:
        raise PictureError("captions.csv can't be read as a table: save it again as CSV.") from error


def match_captions(rows: Sequence[CaptionRow], paths: Sequence[str], folder: str) -> Matched:
    """Give each picture its captions.

    Args:
        rows: of captions.csv.
        paths: (N,) where the pictures lie in the archive.
        folder: that captions.csv lies in, "" at the archive's root. Rows name files as seen from there, or else from
            the root.

    Raises:
        PictureError: no row gives a caption to any of the pictures.
    """
    places = [_parts(path) for path in paths]
    found: dict[tuple[str, ...], dict[str, None]] = {place: {} for place in places}
    start = _parts(folder)
    from_folder = {place[len(start) :]: place for place in places if place[: len(start)] == start}
    missing = []
    for row in rows:
        parts = _parts(row.file)
        place = from_folder.get(parts, parts if parts in found else None)
        if place is None:
            missing.append(row.file)
        else:
            found[place][row.caption] = None
    if not any(found.values()):
        example = _shown(paths[0]) if paths else "'picture.jpg'"
        raise PictureError(
            f"No row of captions.csv gives a caption to a picture of the archive: write in the column {FILE} where the "
            f"picture lies, such as {example}."
        )
    captions = [tuple(found[place]) for place in places]
    return Matched(tuple(ways[:MAX_CAPTIONS] for ways in captions), tuple(_notes(captions, missing)))


def plain_text(text: str) -> str:
    """A stranger's text on one line, without control and format characters; it may still look like HTML."""
    visible = "".join(letter for letter in text if letter.isspace() or unicodedata.category(letter)[0] != "C")
    return " ".join(visible.split())


def _rows(text: str) -> Iterator[CaptionRow]:
    """The rows that have a caption.

    Raises:
        PictureError: there is no header, a wrong one, or there are too many rows.
        csv.Error: a cell has more than 131,072 characters.
    """
    table = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), skipinitialspace=True)
    lines = (row for row in table if any(cell.strip() for cell in row))
    file_idx, caption_idx = _columns(next(lines, None))
    for number, row in enumerate(lines):
        if number == MAX_ROWS:
            raise PictureError(f"captions.csv has more than {MAX_ROWS:,} rows: keep those of the archive's pictures.")
        file, caption = (row[i] if i < len(row) else "" for i in (file_idx, caption_idx))
        if caption := plain_text(caption)[:MAX_CAPTION_CHARS].rstrip():
            yield CaptionRow(file.strip(), caption)


def _delimiter(text: str) -> str:
    """What stands between the columns of the header; quotes are taken away, as they are what makes the sniffer slow."""
    header = re.split("[\r\n]", text.lstrip("\r\n")[:SNIFFED_CHARS], maxsplit=1)[0]
    try:
        return csv.Sniffer().sniff(re.sub("[\"']", "", header), DELIMITERS).delimiter
    except csv.Error:
        return ","


def _columns(header: Sequence[str] | None) -> tuple[int, int]:
    """Where the file and the caption stand in a row.

    Raises:
        PictureError: there is no header, or it has not both.
    """
    if header is None:
        raise PictureError(
            f'captions.csv is empty: begin it with the line "{FILE},{CAPTION}" and write a line for each picture.'
        )
    names = [plain_text(name).casefold() for name in header]
    if FILE in names and CAPTION in names:
        return names.index(FILE), names.index(CAPTION)
    has = ", ".join(_shown(name) for name in header[:SHOWN_COLUMNS])
    more = f" and {len(header) - SHOWN_COLUMNS:,} more" if len(header) > SHOWN_COLUMNS else ""
    raise PictureError(f"captions.csv needs the columns {FILE} and {CAPTION}; its first line has {has}{more}.")


def _parts(path: str) -> tuple[str, ...]:
    """A path's folders and file, however its slashes and accents are written; ".." stays, and so matches nothing."""
    parts = unicodedata.normalize("NFC", path).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", "."))


def _notes(captions: Sequence[Sequence[str]], missing: Sequence[str]) -> Iterator[str]:
    if missing:
        rows = "1 row of captions.csv was" if len(missing) == 1 else f"{len(missing):,} rows of captions.csv were"
        yield f"{rows} left out for naming no picture that could be read here; the first is {_shown(missing[0])}."
    if bare := sum(not ways for ways in captions):
        has = "1 picture has" if bare == 1 else f"{bare:,} pictures have"
        yield f"{has} no caption in captions.csv and {'is' if bare == 1 else 'are'} not used by CLIP."
    if rich := sum(len(ways) > MAX_CAPTIONS for ways in captions):
        has = "1 picture has" if rich == 1 else f"{rich:,} pictures have"
        yield f"{has} more than {MAX_CAPTIONS} captions, of which the first {MAX_CAPTIONS} are kept."


def _shown(text: str) -> str:
    """A stranger's text in quotes and cut, for a message."""
    plain = plain_text(text)
    return repr(plain if len(plain) <= SHOWN_CHARS else plain[: SHOWN_CHARS - 1] + "…")
