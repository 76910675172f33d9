"""A visitor's own pictures: a .zip of folders or with a captions.csv, or a single picture. Nothing in it is trusted.

Members of an archive are read as a stream and never written anywhere. What an archive says of itself is checked before
anything is unpacked, and again while it is unpacked. How many pixels a picture has is read from its header and checked
before it is decoded. TIFF is not read: what decoding it takes memory for is the size of its tiles, which has nothing to
do with the size of the picture in its header.

Every picture becomes a square: upright by its EXIF orientation, the middle cut out of what is longer than wide or wider
than long (of 1 × 5,000 pixels one remains), transparency laid on white, 16 bits scaled to 8, of animations the first
frame. Colour profiles are not applied.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import threading
import unicodedata
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from backends.data.captions_file import (
    CAPTIONS_FILE,
    MAX_CAPTIONS_BYTES,
    CaptionRow,
    Matched,
    match_captions,
    plain_text,
    read_rows,
)
from backends.data.pictures import Factor, PictureError, PictureSet, resize

MIN_PICTURES, MAX_PICTURES = 4, 2_000
MAX_CLASSES = 50
MAX_NAME_CHARS = 40
MIN_SIZE, MAX_SIZE = 8, 256
"""Sides in pixels at which pictures can be had."""

MAX_ARCHIVE_BYTES = 200 << 20
MAX_DIRECTORY_BYTES = 4 << 20
"""The list of an archive's files, read whole: about 30,000 of them."""
MAX_FILE_BYTES = 64 << 20
"""One picture's file, unpacked."""
MAX_TOTAL_BYTES = 600 << 20
"""All pictures' files of an archive, unpacked."""
MAX_FILE_RATIO, FREE_FILE_BYTES = 100, 1 << 20
"""Unpacked to packed bytes of one file; small ones may have more (a plain BMP has 1,000)."""
MAX_TOTAL_RATIO, FREE_TOTAL_BYTES = 50, 20 << 20
"""Unpacked bytes to bytes of the archive; small archives may have more."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MEGAPIXELS = {"JPEG": 100, "MPO": 100, "PNG": 64, "BMP": 64, "GIF": 64, "WEBP": 24}
"""Most megapixels by format. JPEG is decoded at a fraction of its size; of the others the whole is in memory, of WebP
three times over. MPO is the JPEG of many phones, with a second picture behind the first."""
PROGRESSIVE_MEGAPIXELS = 64
"""A progressive JPEG's coefficients are all in memory, 3 to 6 bytes a pixel."""
MAX_SCANS = 40
"""A progressive JPEG has about ten scans; a small file with thousands takes hours."""
MAX_TOTAL_PIXELS = 2_000_000_000
"""Of an archive's pictures together: about 20 s of decoding."""
LARGE_PIXELS = 4_000_000
"""Pictures beyond this are decoded one at a time, whoever brought them."""
BAND_PIXELS = 1 << 20
"""Pixels that are converted at a time."""

NO_FOLDER = "(no folder)"
_EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp")
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_CLUTTER = ("thumbs.db", "desktop.ini")
_KINDS = "JPEG, PNG, WebP, GIF or BMP"

_UNSAFE_PATH = "absolute path, path that leads out of the archive, or path with a backslash"
_LINK = "link, not a file"
_NESTED = "archive inside the archive; unpack it first"
_NO_PICTURE = f"by its name no {_KINDS}"
_TOO_MANY_BYTES = f"more than {MAX_FILE_BYTES >> 20} MB or {MAX_FILE_RATIO} times its packed size when unpacked"
_PACKING = "packed by a method that is not read here; zip again with the ordinary settings"
_SAME_PATH = "same path as another file"
_UNREADABLE = f"damaged, cut off or no {_KINDS} in spite of its name"
_TOO_MANY_PIXELS = "too many pixels; make it smaller"
_OVER_CLASSES = f"only the {MAX_CLASSES} largest folders are kept"
_OVER_COUNT = f"only {MAX_PICTURES:,} pictures are kept, spread evenly over the folders"
_OVER_PIXELS = f"only {MAX_TOTAL_PIXELS // 1_000_000:,} megapixels in all are read; make the pictures smaller"

_ARCHIVE_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError,
    OverflowError, IndexError,
)  # fmt: skip
"""What zipfile raises at a damaged or strange archive."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF tag 0x0112: what turns a picture upright."""
_ORIENTATION = 0x0112

_large_pictures = threading.Lock()

# Once, for the whole process: whoever opens a picture with PIL, Gradio's own widgets included, is told no beyond this.
Image.MAX_IMAGE_PIXELS = max(MEGAPIXELS.values()) * 1_000_000
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class _Unreadable(PictureError):
    """Not a picture of these formats, or a damaged one."""


class _TooManyPixels(PictureError):
    """A picture that would take too much memory."""


@dataclass(frozen=True)
class _Member:
    """A file of the archive that may be a picture, or captions.csv; its path is untrusted."""

    info: zipfile.ZipInfo
    parts: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The one right above the file; "" at the root."""
        return self.parts[-2] if len(self.parts) > 1 else ""

    @property
    def name(self) -> str:
        """Of the file alone."""
        return self.parts[-1]

    @property
    def place(self) -> str:
        """The path in plain form."""
        return "/".join(self.parts)


@dataclass(frozen=True)
class _Read:
    """A picture of the archive: (S, S, 3) uint8."""

    member: _Member
    image: np.ndarray
    animated: bool


def read_zip(path: str | Path, size: int = 64) -> PictureSet:
    """Read the pictures of a .zip of folders; a picture's class is the folder that it lies in.

    The factor `folder` has the classes in alphabetical order, and the pictures follow their paths, whatever the order
    in the archive. Copies of one picture are one group. Where the archive holds a captions.csv, the pictures have its
    captions too. What is left out, and why, is in the notes; folders' and files' names and captions are cut and freed
    of control characters, but remain a visitor's text.

    Args:
        path: of the archive.
        size: side of the pictures in pixels, 8 to 256.

    Raises:
        PictureError: it is no archive or a dangerous one, it holds fewer than four pictures, or its captions.csv can't
            be used.
    """
    _check_size(size)
    left_out: Counter[str] = Counter()
    with _open_archive(path) as (archive, archive_bytes):
        captions_files = _captions_files(archive.infolist())
        for member in captions_files[:1]:
            _check_captions_file(member.info)
        members = _choose(archive.infolist(), left_out)
        _check_totals([*members, *captions_files[:1]], archive_bytes)
        rows = _read_captions(archive, captions_files[0]) if captions_files else []
        read = list(_read_members(archive, members, size, left_out))
    _check_count(len(read), left_out)
    return _picture_set(read, left_out, _match(rows, read, captions_files) if captions_files else None)


def read_picture(path: str | Path, size: int = 64) -> np.ndarray:
    """Read a single picture: (size, size, 3) uint8, sRGB.

    Args:
        path: of the file; its ending doesn't matter.
        size: side in pixels, 8 to 256.

    Raises:
        PictureError: it is no picture, damaged, or too large.
    """
    _check_size(size)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PictureError("The file could not be opened: choose it again.") from error
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(f"The file has more than {MAX_FILE_BYTES >> 20} MB: save the picture smaller or as JPEG.")
    return decode_picture(data, size)


def decode_picture(data: bytes, size: int = 64) -> np.ndarray:
    """The same for a file's bytes, which are taken to be few enough.

    Raises:
        PictureError: they are no picture, damaged, or have too many pixels.
    """
    _check_size(size)
    with _open_picture(data) as picture:
        return _decode(picture, size)


def _check_size(size: int) -> None:
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise PictureError(f"Pictures can be had with {MIN_SIZE} to {MAX_SIZE} pixels a side, not {size}.")


class _DirectoryGuard(io.BufferedReader):
    """A file that refuses to be read in large pieces: zipfile reads an archive's list of files in one, unasked."""

    def read(self, count: int | None = -1, /) -> bytes:
        if count is None or count < 0:
            count = MAX_DIRECTORY_BYTES + 1
            data = super().read(count)
            if len(data) < count:
                return data
        if count > MAX_DIRECTORY_BYTES:
            raise PictureError("The archive lists too many files: pack fewer.")
        return super().read(count)


@contextmanager
def _open_archive(path: str | Path) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """Open an archive; with it comes how many bytes it has.

    Raises:
        PictureError: it is none, or too large.
    """
    try:
        file = _DirectoryGuard(io.FileIO(path))
    except (OSError, ValueError) as error:
        raise PictureError("The archive could not be opened: choose it again.") from error
    with file:
        archive_bytes = file.seek(0, io.SEEK_END)
        if archive_bytes > MAX_ARCHIVE_BYTES:
            raise PictureError(
                f"The archive has {archive_bytes >> 20:,} MB, more than {MAX_ARCHIVE_BYTES >> 20}: pack fewer pictures "
                "or smaller ones."
            )
        try:
            archive = zipfile.ZipFile(file)
        except PictureError:
            raise
        except _ARCHIVE_ERRORS as error:
            raise PictureError(
                "The file is not a .zip archive, or it is damaged: pack folders of pictures into a .zip."
            ) from error
        with archive:
            yield archive, archive_bytes


def _choose(infos: Sequence[zipfile.ZipInfo], left_out: Counter[str]) -> list[_Member]:
    """Pick the files to read, by what the archive says of them, in the order of their paths.

    Raises:
        PictureError: the pictures are encrypted.
    """
    members: dict[str, _Member] = {}
    for path, member in _listed(infos):
        why = _why_not(member.info, path)
        if why == _NO_PICTURE and _is_captions_file(member):
            continue
        if why:
            left_out[why] += 1
            continue
        if path in members:
            left_out[_SAME_PATH] += 1
        members[path] = member
    if any(member.info.flag_bits & 0x1 for member in members.values()):
        raise PictureError("The archive is encrypted: pack the pictures without a password.")
    in_order = [members[path] for path in sorted(members, key=lambda path: (path.casefold(), path))]
    return _spread(_largest_folders(in_order, left_out), left_out)


def _captions_files(infos: Sequence[zipfile.ZipInfo]) -> list[_Member]:
    """Every captions.csv with a path of its own, the one nearest to the root first."""
    found = {
        member.parts: member
        for path, member in _listed(infos)
        if _is_captions_file(member) and _why_not(member.info, path) == _NO_PICTURE  # neither a link nor unsafe
    }
    return sorted(found.values(), key=lambda member: (len(member.parts), member.place.casefold(), member.place))


def _is_captions_file(member: _Member) -> bool:
    return member.name.casefold() == CAPTIONS_FILE


def _listed(infos: Sequence[zipfile.ZipInfo]) -> Iterator[tuple[str, _Member]]:
    """The files that somebody put there, each with its path as it was meant."""
    for info in infos:
        path = _path(info)
        parts = tuple(part for part in path.split("/") if part not in ("", "."))
        if not info.is_dir() and parts and not _is_clutter(parts):
            yield path, _Member(info, parts)


def _path(info: zipfile.ZipInfo) -> str:
    """A file's path as it was meant: macOS writes UTF-8 without saying so, and apart from its accents."""
    path = info.orig_filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            path = path.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", path)


def _is_clutter(parts: Sequence[str]) -> bool:
    """Whether a file is hidden, or an operating system left it behind."""
    hidden = any(part.startswith(".") and not part.startswith("..") for part in parts)
    return hidden or "__MACOSX" in parts or parts[-1].casefold() in _CLUTTER


def _why_not(info: zipfile.ZipInfo, path: str) -> str | None:
    """Why a file is not read; None if it is to be read."""
    ending = os.path.splitext(path)[1].casefold()
    packed = max(1, info.compress_size)
    if "\\" in path or "\0" in path or path.startswith("/") or ".." in path.split("/") or re.match("[A-Za-z]:", path):
        return _UNSAFE_PATH
    if stat.S_ISLNK(info.external_attr >> 16):
        return _LINK
    if ending in _ARCHIVES:
        return _NESTED
    if ending not in _EXTENSIONS:
        return _NO_PICTURE
    # What bzip2 and LZMA unpack to can't be bounded while they are read.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return _PACKING
    dense = info.file_size > FREE_FILE_BYTES and info.file_size > MAX_FILE_RATIO * packed
    return _TOO_MANY_BYTES if dense or info.file_size > MAX_FILE_BYTES else None


def _largest_folders(members: list[_Member], left_out: Counter[str]) -> list[_Member]:
    counts = Counter(member.folder for member in members)
    kept = set(sorted(counts, key=lambda folder: (-counts[folder], folder))[:MAX_CLASSES])
    left_out[_OVER_CLASSES] += sum(count for folder, count in counts.items() if folder not in kept)
    return [member for member in members if member.folder in kept]


def _spread(members: list[_Member], left_out: Counter[str]) -> list[_Member]:
    """Keep the first of each folder, then the second of each, and so on, until there are enough; in the old order."""
    seen: Counter[str] = Counter()
    turns = []
    for position, member in enumerate(members):
        turns.append((seen[member.folder], position))
        seen[member.folder] += 1
    left_out[_OVER_COUNT] += max(0, len(members) - MAX_PICTURES)
    return [members[position] for position in sorted(position for _, position in sorted(turns)[:MAX_PICTURES])]


def _check_totals(members: Sequence[_Member], archive_bytes: int) -> None:
    """Refuse an archive that would unpack to far more than it is.

    Raises:
        PictureError: it would, or it says that its files take more room than it has.
    """
    total = sum(member.info.file_size for member in members)
    if total > MAX_TOTAL_BYTES:
        raise PictureError(
            f"The archive's pictures have {total >> 20:,} MB when unpacked, more than {MAX_TOTAL_BYTES >> 20}: pack "
            "fewer or smaller ones."
        )
    dense = total > FREE_TOTAL_BYTES and total > MAX_TOTAL_RATIO * archive_bytes
    if dense or sum(member.info.compress_size for member in members) > archive_bytes:
        raise PictureError(
            f"The archive unpacks to more than {MAX_TOTAL_RATIO} times its size, or its files overlap, as pictures "
            "never do: pack it anew."
        )


def _check_captions_file(info: zipfile.ZipInfo) -> None:
    """Refuse a captions.csv by what the archive says of it.

    Raises:
        PictureError: it is encrypted, packed in a strange way, or too large.
    """
    if info.flag_bits & 0x1:
        raise PictureError("captions.csv is encrypted: pack it without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise PictureError("captions.csv is packed by a method that is not read here: zip with the ordinary settings.")
    if info.file_size > MAX_CAPTIONS_BYTES:
        raise PictureError(
            f"captions.csv has more than {MAX_CAPTIONS_BYTES >> 20} MB when unpacked: keep only the columns file and "
            "caption, or shorten the captions."
        )


def _read_captions(archive: zipfile.ZipFile, member: _Member) -> list[CaptionRow]:
    """Unpack and read captions.csv, which has been checked.

    Raises:
        PictureError: it is damaged, or no table of captions.
    """
    try:
        data = _unpack(archive, member.info)
    except _ARCHIVE_ERRORS as error:
        raise PictureError("captions.csv is damaged in the archive: pack it anew.") from error
    return read_rows(data)


def _match(rows: Sequence[CaptionRow], read: Sequence[_Read], captions_files: Sequence[_Member]) -> Matched:
    """Give the pictures their captions, and say which captions.csv was taken where there are several.

    Raises:
        PictureError: no picture has a caption.
    """
    used = captions_files[0]
    matched = match_captions(rows, [picture.member.place for picture in read], "/".join(used.parts[:-1]))
    if len(captions_files) == 1:
        return matched
    several = (
        f"The archive holds {len(captions_files):,} files called captions.csv; only the one nearest to its root is "
        f"used, {_clean(used.place)!r}."
    )
    return replace(matched, notes=(several, *matched.notes))


def _read_members(
    archive: zipfile.ZipFile, members: Sequence[_Member], size: int, left_out: Counter[str]
) -> Iterator[_Read]:
    """Read and decode one after another; those that can't be are counted."""
    pixels_left = MAX_TOTAL_PIXELS
    for member in members:
        try:
            with _open_picture(_unpack(archive, member.info)) as picture:
                pixels_left -= picture.width * picture.height
                if pixels_left < 0:
                    left_out[_OVER_PIXELS] += 1
                    continue
                yield _Read(member, _decode(picture, size), _is_animated(picture))
        except _TooManyPixels:
            left_out[_TOO_MANY_PIXELS] += 1
        except (*_ARCHIVE_ERRORS, _Unreadable):
            left_out[_UNREADABLE] += 1


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack a file in memory; never more bytes than the archive said, which were checked.

    Raises:
        zipfile.BadZipFile: there would be more or fewer, or they are not those that were packed.
    """
    data = bytearray()
    with archive.open(info) as stream:
        while chunk := stream.read(1 << 16):
            data += chunk
            if len(data) > info.file_size:
                break
    if len(data) != info.file_size:
        raise zipfile.BadZipFile("not the size that the archive says")
    return bytes(data)


@contextmanager
def _open_picture(data: bytes) -> Iterator[Image.Image]:
    """Read a picture's header and check it; its pixels are not decoded yet.

    Raises:
        _Unreadable: it is no picture of these formats.
        _TooManyPixels: it is too large.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        most = max(MEGAPIXELS.values())
        raise _TooManyPixels(f"The picture has more than {most} megapixels: make it smaller.") from error
    except Exception as error:  # PIL's readers raise nearly anything at damaged files.
        raise _Unreadable(f"The file is not a picture that can be read here: bring a {_KINDS}.") from error
    with picture:
        most = MEGAPIXELS[str(picture.format)]
        if picture.info.get("progressive"):
            most = PROGRESSIVE_MEGAPIXELS
        if picture.width * picture.height > most * 1_000_000:
            raise _TooManyPixels(
                f"The picture has {picture.width:,} × {picture.height:,} pixels; {most} megapixels can be read of its "
                "kind: make it smaller."
            )
        if picture.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > MAX_SCANS:
            raise _Unreadable("The picture is in more pieces than a JPEG has: save it again.")
        yield picture


def _decode(picture: Image.Image, size: int) -> np.ndarray:
    """Turn an opened picture into (size, size, 3) uint8.

    Raises:
        _Unreadable: it is damaged or cut off.
    """
    large = picture.width * picture.height > LARGE_PIXELS
    try:
        with _large_pictures if large else nullcontext():
            square = _upright(picture, _middle_square(picture, size))
    except Exception as error:  # PIL's decoders raise nearly anything at damaged files.
        raise _Unreadable("The picture is damaged or cut off: save it again, or bring another one.") from error
    return resize(np.asarray(square)[None], size)[0]


def _middle_square(picture: Image.Image, size: int) -> Image.Image:
    """Cut the middle out and shrink it by whole pixels to no less than twice the size, a few rows at a time."""
    picture.draft(None, (2 * size, 2 * size))
    factor = max(1, min(picture.size) // (2 * size))
    side = min(picture.size) // factor * factor
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    rows = max(1, BAND_PIXELS // (side * factor)) * factor
    square = Image.new("RGB", (side // factor, side // factor))
    for row in range(0, side, rows):
        band = picture.crop((left, top + row, left + side, top + min(row + rows, side)))
        square.paste(_as_rgb(band).reduce(factor), (0, row // factor))
    return square


def _as_rgb(picture: Image.Image) -> Image.Image:
    """Convert any mode; transparency is laid on white, 16 bits are scaled."""
    if picture.mode.startswith("I"):
        grey = np.clip(np.asarray(picture).astype(np.int64), 0, 65_535)
        return Image.fromarray(((grey * 255 + 32_767) // 65_535).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _upright(picture: Image.Image, square: Image.Image) -> Image.Image:
    """Turn the square as the picture's EXIF says; a damaged EXIF says nothing."""
    try:
        turn = _UPRIGHT.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # PIL's EXIF reader raises nearly anything at damaged files.
        turn = None
    return square if turn is None else square.transpose(turn)


def _is_animated(picture: Image.Image) -> bool:
    """Whether there are more frames; the second picture of a phone's JPEG is none."""
    return picture.format in ("GIF", "WEBP", "PNG") and bool(getattr(picture, "is_animated", False))


def _check_count(count: int, left_out: Counter[str]) -> None:
    """Refuse fewer pictures than a method can be shown on.

    Raises:
        PictureError: there are too few.
    """
    if count >= MIN_PICTURES:
        return
    reason = ""
    if +left_out:
        why, files = left_out.most_common(1)[0]
        reason = f" ({files:,} {'file was' if files == 1 else 'files were'} left out: {why})"
    if count == 0:
        raise PictureError(f"No picture was found in the archive{reason}: pack folders of {_KINDS} files.")
    has = "only one picture" if count == 1 else f"only {count} pictures"
    raise PictureError(f"The archive holds {has}{reason}: bring at least four.")


def _picture_set(read: Sequence[_Read], left_out: Counter[str], matched: Matched | None) -> PictureSet:
    labels = _labels({picture.member.folder for picture in read})
    classes = tuple(sorted(labels.values(), key=lambda label: (label.casefold(), label)))
    class_idx = {folder: classes.index(label) for folder, label in labels.items()}
    values = np.array([class_idx[picture.member.folder] for picture in read], np.int64)
    images = np.stack([picture.image for picture in read])
    groups = _groups(images)
    return PictureSet(
        name="own",
        images=images,
        factors={"folder": Factor("folder", "Folder", classes, values)},
        names=tuple(_clean(picture.member.name) for picture in read),
        source="Pictures that you brought",
        licence="Yours",
        groups=groups,
        notes=(
            *_notes(read, classes, len(images) - len(np.unique(groups)), left_out),
            *(matched.notes if matched is not None else ()),
        ),
        captions=matched.captions if matched is not None else (),
    )


def _notes(read: Sequence[_Read], classes: Sequence[str], copies: int, left_out: Counter[str]) -> Iterator[str]:
    for why, count in (+left_out).items():
        yield f"{count:,} {'file was' if count == 1 else 'files were'} left out: {why}."
    if animated := sum(picture.animated for picture in read):
        yield f"{animated:,} animated {'picture is' if animated == 1 else 'pictures are'} shown by the first frame."
    if copies:
        has = "picture is a copy" if copies == 1 else "pictures are copies"
        yield f"{copies:,} {has} of another one; copies are held out together."
    if len(classes) == 1:
        yield (
            "All pictures are in one folder, so there is nothing to probe; sort them into folders, one per class, to "
            "see what the features know."
        )


def _groups(images: np.ndarray) -> np.ndarray:
    """Number the pictures, copies alike: (N,) int64."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(image.tobytes(), i) for i, image in enumerate(images)], np.int64)


def _labels(folders: Iterable[str]) -> dict[str, str]:
    """Return a different, clean label for each folder."""
    labels: dict[str, str] = {}
    for folder in sorted(folders):
        label = start = (_clean(folder) or "(no name)") if folder else NO_FOLDER
        number = 2
        while label in labels.values():
            label = f"{start[: MAX_NAME_CHARS - 5]} ({number})"
            number += 1
        labels[folder] = label
    return labels


def _clean(text: str) -> str:
    """Free a visitor's text of control and format characters and cut it; it may still look like HTML."""
    words = plain_text(text)
    return words if len(words) <= MAX_NAME_CHARS else words[: MAX_NAME_CHARS - 1] + "…"
