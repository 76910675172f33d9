from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
import time
import warnings
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backends.data import own_pictures
from backends.data.own_pictures import MAX_CLASSES, MAX_NAME_CHARS, NO_FOLDER, read_picture, read_zip
from backends.data.pictures import PictureError, PictureSet
from backends.data.splits import at_training_size, load_split

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (255, 255, 255)
ROOT = Path(__file__).resolve().parents[3]


def picture(colour=RED, size=(24, 24), kind="PNG", **options) -> bytes:
    mode = "RGB" if len(colour) == 3 else "RGBA"
    return saved(Image.new(mode, size, colour), kind, **options)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def quarters(size=40, mode="RGB") -> Image.Image:
    """Red, green, blue, white: upper left, upper right, lower left, lower right."""
    image = Image.new("RGB", (size, size))
    for i, colour in enumerate((RED, GREEN, BLUE, WHITE)):
        image.paste(colour, (i % 2 * size // 2, i // 2 * size // 2, (i % 2 + 1) * size // 2, (i // 2 + 1) * size // 2))
    return image.convert(mode)


def corners(image: np.ndarray) -> list[tuple[int, ...]]:
    """The middles of the four quarters, in the order of `quarters`."""
    a, b = image.shape[0] // 4, 3 * image.shape[0] // 4
    return [tuple(int(value) for value in image[y, x]) for y in (a, b) for x in (a, b)]


def assert_colours(found, wanted, tolerance=3):
    assert np.abs(np.array(found) - np.array(wanted)).max() <= tolerance, (found, wanted)


GOOD = {
    "cats/1.png": picture(RED),
    "cats/2.png": picture((200, 40, 40)),
    "dogs/1.png": picture(BLUE),
    "dogs/2.png": picture((40, 40, 200)),
}


@pytest.fixture
def packed(tmp_path):
    """Write an archive: from names (or ZipInfos) to bytes."""

    def write(files, name="own.zip", method=zipfile.ZIP_DEFLATED) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", method) as archive:
            for member, data in files.items() if isinstance(files, dict) else files:
                archive.writestr(member, data)
        return tmp_path / name

    return write


@pytest.fixture
def single(tmp_path):
    def write(data: bytes, size=32) -> np.ndarray:
        (tmp_path / "picture").write_bytes(data)
        return read_picture(tmp_path / "picture", size)

    return write


def only_note(pictures: PictureSet) -> str:
    assert len(pictures.notes) == 1, pictures.notes
    return pictures.notes[0]


def one_sentence(error: pytest.ExceptionInfo) -> str:
    """What a visitor reads: one sentence, no path, no code."""
    message = str(error.value)
    assert message.endswith(".")
    assert message[0].isupper()
    assert ". " not in message
    assert "/tmp" not in message
    return message


# What is good


def test_folders_are_the_classes_and_pictures_follow_their_paths(packed):
    shuffled = {name: GOOD[name] for name in ("dogs/2.png", "cats/1.png", "dogs/1.png", "cats/2.png")}
    pictures = read_zip(packed(shuffled), size=32)
    assert pictures.images.shape == (4, 32, 32, 3)
    assert pictures.images.dtype == np.uint8
    assert pictures.factors["folder"].classes == ("cats", "dogs")
    assert pictures.factors["folder"].values.tolist() == [0, 0, 1, 1]
    assert pictures.names == ("1.png", "2.png", "1.png", "2.png")
    assert_colours(pictures.images[:, 5, 5], [RED, (200, 40, 40), BLUE, (40, 40, 200)], 0)
    assert pictures.notes == ()
    assert np.array_equal(pictures.images, read_zip(packed(GOOD), size=32).images)
    train, held_out = pictures.split(0.25, seed=0)
    assert (len(train), len(held_out)) == (3, 1)


def test_the_class_is_the_folder_right_above_the_file(packed):
    files = {"all/train/cats/1.png": GOOD["cats/1.png"], "all/test/cats/1.png": GOOD["cats/2.png"]}
    files |= {"./dogs/1.png": GOOD["dogs/1.png"], "loose.png": GOOD["dogs/2.png"], "./loose too.png": picture(WHITE)}
    folder = read_zip(packed(files)).factors["folder"]
    assert folder.classes == (NO_FOLDER, "cats", "dogs")
    assert np.bincount(folder.values).tolist() == [2, 2, 1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_every_format_is_read_whatever_its_ending(single, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    assert_colours(corners(single(saved(quarters(), kind, **options))), [RED, GREEN, BLUE, WHITE], 12)


def test_a_name_that_macos_wrote_without_saying_how_is_read(packed):
    path = packed({f"a{i}/x.png": data for i, data in enumerate(GOOD.values())})
    raw = path.read_bytes().replace(b"a0/x.png", "ä/x.png".encode())
    path.write_bytes(raw)
    assert "ä" in read_zip(path).factors["folder"].classes


def test_copies_are_held_out_together(packed):
    files = GOOD | {"cats/copy.png": GOOD["cats/1.png"], "dogs/copy.png": GOOD["cats/1.png"]}
    pictures = read_zip(packed(files))
    assert only_note(pictures) == "2 pictures are copies of another one; copies are held out together."
    assert pictures.groups is not None
    assert len(set(pictures.groups[[0, 2, 5]])) == 1
    assert len(np.unique(pictures.groups)) == 4


def test_many_threads_read_at_once(packed, single):
    path = packed(GOOD)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: read_zip(path).images, range(12)))
    assert all(np.array_equal(result, results[0]) for result in results)


# Kinds of pictures


def test_cmyk_becomes_rgb(single):
    assert_colours(corners(single(saved(quarters(mode="CMYK"), "JPEG", quality=95))), [RED, GREEN, BLUE, WHITE], 12)


def test_sixteen_bits_are_scaled_and_not_clipped(single):
    grey = np.full((40, 40), 10_000, np.uint16)
    grey[:, 20:] = 40_000
    image = single(saved(Image.fromarray(grey), "PNG"))
    assert_colours(corners(image), [(39, 39, 39), (156, 156, 156)] * 2, 1)
    assert_colours(corners(single(png_16_bit_colour())), [(39, 78, 156)] * 4, 1)


def png_16_bit_colour() -> bytes:
    row = b"\0" + struct.pack(">3H", 10_000, 20_000, 40_000) * 8
    return png_of(8, 8, row * 8, depth=16)


def png_of(width: int, height: int, rows: bytes, depth=8, level=9) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    data = zlib.compress(rows, level)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("orientation", "order"),
    [(1, "RGBW"), (2, "GRWB"), (3, "WBGR"), (4, "BWRG"), (5, "RBGW"), (6, "BRWG"), (7, "WGBR"), (8, "GWRB")],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_stand_upright_by_their_exif(single, orientation, order, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = single(saved(quarters(), kind, exif=exif, quality=95))
    named = {"R": RED, "G": GREEN, "B": BLUE, "W": WHITE}
    assert_colours(corners(image), [named[letter] for letter in order], 12)


def test_a_damaged_exif_says_nothing(single):
    image = single(saved(quarters(), "JPEG", exif=b"Exif\0\0MM\0*" + b"\xff" * 30))
    assert_colours(corners(image), [RED, GREEN, BLUE, WHITE], 12)


def test_transparency_is_laid_on_white(single):
    half = quarters().convert("RGBA")
    half.putalpha(128)
    on_white = [tuple(round(0.5 * value + 127.5) for value in colour) for colour in (RED, GREEN, BLUE, WHITE)]
    assert_colours(corners(single(saved(half, "PNG"))), on_white)
    assert_colours(corners(single(saved(half.convert("LA"), "PNG")))[3], WHITE)
    assert_colours(single(picture((0, 0, 0, 0)))[5, 5], WHITE)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palette_with_a_transparent_colour_is_laid_on_white(single, kind):
    palette = quarters().quantize(4)
    red = palette.getpixel((2, 2))
    assert_colours(corners(single(saved(palette, kind, transparency=red))), [WHITE, GREEN, BLUE, WHITE])


def test_transparency_by_a_colour_and_black_and_white_are_read(single):
    assert_colours(corners(single(saved(quarters(), "PNG", transparency=RED))), [WHITE, GREEN, BLUE, WHITE])
    assert set(np.unique(single(saved(quarters(mode="1"), "PNG", optimize=True)))) <= set(range(256))
    assert_colours(corners(single(saved(quarters(mode="L"), "PNG")))[3], WHITE)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_shown_and_said(packed, kind):
    frames = [Image.new("RGB", (24, 24), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    moving = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    pictures = read_zip(packed(GOOD | {f"cats/3.{kind.lower()}": moving}))
    assert_colours(pictures.images[2][5, 5], RED)
    assert "1 animated picture is shown by the first frame." in pictures.notes


def test_the_second_picture_in_a_phones_jpeg_is_no_animation(packed):
    phone = saved(quarters(), "MPO", save_all=True, append_images=[Image.new("RGB", (40, 40))])
    pictures = read_zip(packed(GOOD | {"cats/3.jpg": phone}))
    assert_colours(corners(pictures.images[2]), [RED, GREEN, BLUE, WHITE], 12)
    assert pictures.notes == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2), (65, 64), (4999, 257)])
def test_any_shape_becomes_a_square(single, size):
    assert_colours(single(picture(BLUE, size))[[0, 15, 31], [0, 15, 31]], [BLUE] * 3, 0)


def test_the_middle_of_a_wide_picture_is_kept(single):
    wide = Image.new("RGB", (4000, 1000), WHITE)
    wide.paste(quarters(1000), (1500, 0))
    for kind in ("PNG", "JPEG"):
        image = single(saved(wide, kind), 64)
        assert_colours(corners(image), [RED, GREEN, BLUE, WHITE], 8)
        assert_colours(image[8, [0, 63]], [RED, GREEN], 8)
        assert_colours(image[[30, 33], 16], [RED, BLUE], 8)


def test_shrinking_in_bands_is_the_mean_of_the_pixels(single, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (192, 192, 4), dtype=np.uint8)
    monkeypatch.setattr(own_pictures, "BAND_PIXELS", 192 * 12)
    image = single(saved(Image.fromarray(noise), "PNG"), 8)
    alpha = noise[..., 3:] / 255
    on_white = noise[..., :3] * alpha + 255 * (1 - alpha)
    wanted = on_white.reshape(8, 24, 8, 24, 3).mean((1, 3))
    assert np.abs(image - wanted).max() <= 1.5


# Large and dangerous pictures


def in_a_process_of_its_own(call: str) -> tuple[float, float]:
    """CPU seconds, and MB of memory beyond what importing takes; 0 where the system doesn't tell (it isn't Linux).

    A child's ru_maxrss would begin at its parent's.
    """
    code = f"""
import os, time
from backends.data.own_pictures import read_picture, read_zip
from backends.data.pictures import PictureError
def peak():
    lines = open("/proc/self/status") if os.path.exists("/proc/self/status") else ["VmHWM: 0 kB"]
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
before, start = peak(), time.process_time()
{call}
print(time.process_time() - start, (peak() - before) / 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def test_a_60_megapixel_photo_takes_little_time_and_memory(tmp_path):
    Image.new("RGB", (9500, 6400), GREEN).save(tmp_path / "photo.jpg", quality=85)
    call = f"assert abs(int(read_picture({str(tmp_path / 'photo.jpg')!r})[9, 9, 1]) - 200) < 4"
    seconds, megabytes = in_a_process_of_its_own(call)
    assert megabytes < 60
    assert seconds < 3


def test_a_bomb_of_13000_by_13000_pixels_is_refused_by_its_header(tmp_path):
    with open(tmp_path / "bomb.png", "wb") as file:
        file.write(png_of(13_000, 13_000, bytes(13_000), level=9))
    call = f"""
try:
    read_picture({str(tmp_path / "bomb.png")!r})
    raise SystemExit("the bomb was read")
except PictureError as error:
    assert "megapixels" in str(error), error
"""
    seconds, megabytes = in_a_process_of_its_own(call)
    assert megabytes < 30
    assert seconds < 2


@pytest.mark.parametrize("side", [8_001, 13_000, 15_000, 65_000])
def test_the_sentence_for_too_many_pixels_says_what_to_do(single, side):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with pytest.raises(PictureError, match=r"megapixels.*make it smaller") as error:
            single(png_of(side, side, bytes(100)))
    one_sentence(error)


def test_in_an_archive_too_large_pictures_are_left_out(packed):
    pictures = read_zip(packed(GOOD | {"cats/bomb.png": png_of(13_000, 13_000, bytes(100))}))
    assert len(pictures) == 4
    assert only_note(pictures) == "1 file was left out: too many pixels; make it smaller."


def test_pixels_are_counted_over_the_whole_archive(packed, monkeypatch):
    monkeypatch.setattr(own_pictures, "MAX_TOTAL_PIXELS", 5 * 24 * 24)
    pictures = read_zip(packed(GOOD | {f"dogs/{i}.png": picture((i, 0, 0)) for i in range(3, 7)}))
    assert len(pictures) == 5
    assert only_note(pictures).startswith("3 files were left out: only ")


def test_a_jpeg_with_thousands_of_scans_is_refused(single):
    data = saved(quarters(), "JPEG", progressive=True)
    start = data.index(b"\xff\xda")
    end = data.index(b"\xff", start + 2)
    with pytest.raises(PictureError, match="in more pieces than a JPEG has") as error:
        single(data[:end] + data[start:end] * 2_000 + data[end:])
    one_sentence(error)


def test_nobody_in_the_process_opens_a_bomb_by_accident():
    assert Image.MAX_IMAGE_PIXELS == 100_000_000
    code = """
import io, sys
import backends.data.own_pictures
from PIL import Image
try:
    Image.open(io.BytesIO(sys.stdin.buffer.read()))
except Image.DecompressionBombWarning:
    print("refused")
"""
    bomb = png_of(13_000, 13_000, bytes(100))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=bomb, capture_output=True, check=True)
    assert done.stdout.strip() == b"refused"


# Damaged and false pictures

DAMAGED = {
    "cut.png": saved(Image.effect_noise((64, 64), 50), "PNG")[:900],
    "cut.jpg": saved(Image.effect_noise((64, 64), 50), "JPEG")[:900],
    "corrupt.png": GOOD["cats/1.png"][:40] + b"\0\xff" * 20 + GOOD["cats/1.png"][80:],
    "cut.gif": saved(Image.effect_noise((64, 64), 50), "GIF")[:1200],
    "cut.webp": saved(Image.effect_noise((64, 64), 50), "WEBP")[:300],
    "cut.bmp": picture(kind="BMP")[:300],
    "header.png": GOOD["cats/1.png"][:20],
    "text.png": b"This is not a picture.\n" * 9,
    "empty.png": b"",
    "page.png": b"<html><script>alert(1)</script></html>",
    "drawing.jpg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>',
    "archive.png": b"PK\x03\x04" + b"\0" * 40,
    "tiff.jpg": saved(quarters(), "TIFF"),
    "icon.png": saved(quarters(), "ICO"),
    "postscript.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_or_false_picture_is_refused_in_a_sentence(single, name):
    with pytest.raises(PictureError) as error:
        single(DAMAGED[name])
    one_sentence(error)


def test_in_an_archive_damaged_pictures_are_left_out_and_counted(packed):
    pictures = read_zip(packed(GOOD | {f"cats/{name}": data for name, data in DAMAGED.items()}))
    assert len(pictures) == 4
    assert only_note(pictures).startswith(f"{len(DAMAGED)} files were left out: damaged, cut off or no JPEG")


def test_html_and_svg_inside_are_not_read(packed):
    files = GOOD | {"cats/a.svg": DAMAGED["drawing.jpg"], "index.html": DAMAGED["page.png"], "cats/a.py": b"1"}
    assert only_note(read_zip(packed(files))) == "3 files were left out: by its name no JPEG, PNG, WebP, GIF or BMP."


def test_hidden_files_and_what_systems_leave_behind_are_passed_over(packed):
    clutter = ("__MACOSX/cats/._1.png", "cats/.DS_Store", "cats/._1.png", ".git/x.png", "cats/Thumbs.db", "desktop.ini")
    assert read_zip(packed(GOOD | dict.fromkeys(clutter, GOOD["cats/1.png"]) | {"empty/": b""})).notes == ()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_picture_with_any_bytes_changed_gives_a_picture_or_a_sentence(single, kind):
    raw = saved(quarters(), kind)
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        broken = bytearray(raw)
        broken[random.integers(len(raw))] ^= random.integers(1, 256)
        try:
            assert single(bytes(broken), 8).shape == (8, 8, 3)
        except PictureError:
            refused += 1
    assert refused < 60


@pytest.mark.parametrize("size", [0, 7, 257, -1])
def test_a_size_out_of_range_is_refused(packed, single, size):
    with pytest.raises(PictureError, match="8 to 256"):
        read_zip(packed(GOOD), size)
    with pytest.raises(PictureError, match="8 to 256"):
        single(GOOD["cats/1.png"], size)


def test_a_file_that_is_gone_or_too_big_is_refused(tmp_path, monkeypatch):
    for reader in (read_picture, read_zip):
        with pytest.raises(PictureError, match="could not be opened") as error:
            reader(tmp_path / "gone")
        one_sentence(error)
    monkeypatch.setattr(own_pictures, "MAX_FILE_BYTES", 1 << 20)
    (tmp_path / "big").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(PictureError, match="more than 1 MB") as error:
        read_picture(tmp_path / "big")
    one_sentence(error)


# Dangerous archives


def test_a_bomb_of_190_kb_is_never_unpacked(packed):
    bomb = zipfile.ZipInfo("cats/bomb.png")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    path = packed([(bomb, bytes(200_000_000))])
    assert path.stat().st_size < 200_000
    start = time.process_time()
    with pytest.raises(PictureError, match=r"No picture was found.*times its packed size") as error:
        read_zip(path)
    assert time.process_time() - start < 0.5
    one_sentence(error)


def test_a_bomb_beside_good_pictures_is_left_out(packed):
    pictures = read_zip(packed(GOOD | {"cats/bomb.png": bytes(30_000_000)}))
    assert only_note(pictures).startswith("1 file was left out: more than 64 MB or 100 times its packed size")


def test_many_small_bombs_are_refused_together(packed):
    path = packed({f"cats/{i}.png": bytes(1 << 20) for i in range(30)})
    with pytest.raises(PictureError, match="more than 50 times its size") as error:
        read_zip(path)
    one_sentence(error)


def test_more_bytes_than_fit_are_refused(packed, monkeypatch):
    path = packed({f"cats/{i}.bmp": picture((i, 0, 0), (99, 99), "BMP") for i in range(40)}, method=zipfile.ZIP_STORED)
    monkeypatch.setattr(own_pictures, "MAX_TOTAL_BYTES", 1 << 20)
    with pytest.raises(PictureError, match="when unpacked, more than 1: pack fewer") as error:
        read_zip(path)
    one_sentence(error)
    monkeypatch.setattr(own_pictures, "MAX_ARCHIVE_BYTES", 1 << 20)
    with pytest.raises(PictureError, match="The archive has 1 MB, more than 1: pack fewer") as error:
        read_zip(path)
    one_sentence(error)


def patched(path: Path, name: str, offset: int, value: int) -> Path:
    """Overwrite a 4-byte number of a member in the archive's directory: 20 packed, 24 unpacked, 42 where it lies."""
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(name.encode()) - 46
    assert raw[entry : entry + 4] == b"PK\x01\x02"
    raw[entry + offset : entry + offset + 4] = struct.pack("<I", value)
    path.write_bytes(raw)
    return path


def test_a_directory_that_lies_about_sizes_gets_no_more_than_it_said(packed, monkeypatch):
    taken = []
    unpack = own_pictures._unpack
    monkeypatch.setattr(own_pictures, "_unpack", lambda *a: taken.append(unpack(*a)) or taken[-1])
    path = packed(GOOD | {"cats/lie.png": bytes(30_000_000)})
    pictures = read_zip(patched(path, "cats/lie.png", 24, 1_000))
    assert only_note(pictures).startswith("1 file was left out: damaged")
    assert len(taken) == 4
    larger = patched(packed(GOOD | {"cats/lie.png": GOOD["cats/1.png"]}), "cats/lie.png", 24, 60 << 10)
    assert only_note(read_zip(larger)).startswith("1 file was left out: damaged")
    huge = patched(packed(GOOD | {"cats/lie.png": GOOD["cats/1.png"]}), "cats/lie.png", 24, (1 << 32) - 2)
    assert only_note(read_zip(huge)).startswith("1 file was left out: more than 64 MB")


def test_files_that_overlap_are_refused(packed):
    path = packed(GOOD, method=zipfile.ZIP_STORED)
    for name in GOOD:
        patched(path, name, 20, 1_000)
    with pytest.raises(PictureError, match="overlap") as error:
        read_zip(path)
    one_sentence(error)


@pytest.mark.parametrize(
    "name",
    ["../x.png", "cats/../../x.png", "/etc/x.png", "C:/x.png", "c:x.png", "cats\\x.png", "..\\x.png", "//x/y.png"],
)
def test_a_path_that_leads_elsewhere_is_left_out(packed, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    pictures = read_zip(packed([*GOOD.items(), (info, picture(GREEN))]))
    assert len(pictures) == 4
    assert only_note(pictures) == (
        "1 file was left out: absolute path, path that leads out of the archive, or path with a backslash."
    )
    assert sorted(tmp_path.rglob("*")) == [*before, tmp_path / "own.zip"]


def test_a_link_is_left_out(packed):
    link = zipfile.ZipInfo("cats/link.png")
    link.external_attr = 0o120777 << 16
    pictures = read_zip(packed([*GOOD.items(), (link, "/etc/passwd")]))
    assert only_note(pictures) == "1 file was left out: link, not a file."


def test_an_archive_inside_is_left_out(packed):
    inner = packed(GOOD, "inner.zip").read_bytes()
    pictures = read_zip(packed(GOOD | {"more.zip": inner, "cats/more.tar.gz": gzip.compress(inner)}))
    assert only_note(pictures) == "2 files were left out: archive inside the archive; unpack it first."


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_whose_output_has_no_bound_are_not_read(packed, method):
    with pytest.raises(PictureError, match="zip again with the ordinary settings") as error:
        read_zip(packed(GOOD, method=method))
    one_sentence(error)


def test_an_encrypted_archive_is_refused(packed):
    path = packed(GOOD)
    raw = bytearray(path.read_bytes())
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.index(marker)
        raw[at + offset] |= 1
    path.write_bytes(raw)
    with pytest.raises(PictureError, match="encrypted: pack the pictures without a password") as error:
        read_zip(path)
    one_sentence(error)


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"not an archive" * 99, b"PK\x05\x06" + b"\xff" * 18, b"\x1f\x8b" + bytes(99), GOOD["cats/1.png"]],
)
def test_what_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(PictureError, match=r"not a \.zip archive, or it is damaged|too many files") as error:
        read_zip(tmp_path / "x.zip")
    one_sentence(error)


def test_an_archive_cut_anywhere_or_with_any_byte_changed_gives_pictures_or_a_sentence(packed, tmp_path):
    raw = packed(GOOD).read_bytes()
    random = np.random.default_rng(0)
    for round_number in range(300):
        broken = bytearray(raw)
        for at in random.integers(0, len(raw), 1 + round_number % 4):
            broken[at] = random.integers(256)
        if round_number % 3 == 0:
            broken = broken[: random.integers(len(raw))]
        (tmp_path / "broken.zip").write_bytes(broken)
        with suppress(PictureError):
            assert len(read_zip(tmp_path / "broken.zip", 8)) == 4


def test_an_endless_list_of_files_is_refused_before_it_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for i in range(700):
            archive.writestr(f"{i}" + "x" * 9_000, b"")
    with pytest.raises(PictureError, match="lists too many files: pack fewer") as error:
        read_zip(tmp_path / "x.zip")
    one_sentence(error)


# captions.csv

CAPTIONED = "file,caption\ncats/1.png,a red cat\ndogs/2.png,a dark blue dog\ncats/1.png,red fur\n"
GIVEN = (("a red cat", "red fur"), (), (), ("a dark blue dog",))


def test_captions_are_read_beside_the_pictures_and_nothing_else_changes(packed):
    pictures = read_zip(packed(GOOD | {"captions.csv": CAPTIONED}))
    assert pictures.captions == GIVEN
    assert only_note(pictures) == "2 pictures have no caption in captions.csv and are not used by CLIP."
    plain = read_zip(packed(GOOD))
    assert plain.captions == ()
    assert np.array_equal(pictures.images, plain.images)
    assert pictures.factors["folder"].values.tolist() == plain.factors["folder"].values.tolist()


def test_captions_follow_their_pictures_into_subsets_and_splits(packed):
    pictures = read_zip(packed(GOOD | {"captions.csv": CAPTIONED}), 32)
    assert pictures.subset([3, 0, 1]).captions == (GIVEN[3], GIVEN[0], GIVEN[1])
    assert read_zip(packed(GOOD)).subset([3, 0]).captions == ()
    train, held_out = pictures.split(0.25, seed=0)
    assert sorted(train.captions + held_out.captions) == sorted(GIVEN)
    for side in (train, held_out, at_training_size(train, 16)):
        assert len(side.captions) == len(side)
        for image, ways in zip(side.images, side.captions, strict=True):
            original = next(i for i, other in enumerate(pictures.images) if np.array_equal(other[0, 0], image[0, 0]))
            assert ways == GIVEN[original]


@pytest.mark.parametrize("name", ["captions.csv", "Captions.CSV", "./captions.csv"])
def test_everything_may_lie_in_one_top_folder(packed, name):
    files = {f"mine/{path}": data for path, data in GOOD.items()} | {f"mine/{name}": CAPTIONED}
    assert read_zip(packed(files)).captions == GIVEN
    from_root = CAPTIONED.replace("cats/", "mine/cats/").replace("dogs/", "./mine/dogs/")
    assert read_zip(packed(files | {f"mine/{name}": from_root})).captions == GIVEN


def test_all_pictures_may_lie_in_one_folder_with_the_captions(packed):
    files = {f"mine/{i}.png": picture((40 * i, 0, 0)) for i in range(5)}
    rows = "".join(f"{i}.png;number {i}\n" for i in range(5))
    pictures = read_zip(packed(files | {"mine/captions.csv": f"\ufefffile;caption\n{rows}"}), 32)
    assert pictures.captions == tuple((f"number {i}",) for i in range(5))
    assert only_note(pictures).startswith("All pictures are in one folder, so there is nothing to probe;")
    split = load_split("own", 32, pictures)
    assert (len(split.train), len(split.held_out)) == (4, 1)
    at_root = {path.removeprefix("mine/"): data for path, data in files.items()}
    assert read_zip(packed(at_root | {"captions.csv": f"file;caption\n{rows}"}), 32).captions == pictures.captions


def test_of_several_the_one_nearest_to_the_root_is_used_and_said(packed):
    other = CAPTIONED.replace("a red cat", "never")
    files = GOOD | {"a/b/captions.csv": other, "z/captions.csv": CAPTIONED, "__MACOSX/captions.csv": other}
    pictures = read_zip(packed(files))
    assert pictures.captions == GIVEN
    assert pictures.notes[0] == (
        "The archive holds 2 files called captions.csv; only the one nearest to its root is used, 'z/captions.csv'."
    )
    assert len(pictures.notes) == 2


def test_rows_for_pictures_that_are_not_there_or_not_read_are_left_out_with_a_note(packed):
    rows = CAPTIONED + "cats/<b>.png,x\n../x.png,y\ncats/broken.png,z\n"
    pictures = read_zip(packed(GOOD | {"captions.csv": rows, "cats/broken.png": b"x"}))
    assert pictures.captions == GIVEN
    assert pictures.notes[0].startswith("1 file was left out: damaged")
    assert pictures.notes[1] == (
        "3 rows of captions.csv were left out for naming no picture that could be read here; the first is "
        "'cats/<b>.png'."
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", r"captions\.csv is empty"),
        (b"name,text\na,b\n", "needs the columns file and caption; its first line has 'name', 'text'"),
        (b"file,caption\n\xff,x\n", "is not UTF-8"),
        (b"file,caption\n../cats/1.png,x\n", "No row of captions.csv gives a caption to a picture .* such as 'cats/1"),
        (b"file,caption\n" + b"\n" * (1 << 20), "more than 1 MB when unpacked"),
    ],
)
def test_captions_that_can_not_be_used_are_refused_in_a_sentence(packed, data, sentence):
    with pytest.raises(PictureError, match=sentence) as error:
        read_zip(packed(GOOD | {"captions.csv": data}))
    message = str(error.value)
    assert message.endswith(".")
    assert ". " not in message


def captions_packed(method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("captions.csv")
    info.compress_type = method
    return info


def test_a_bomb_of_captions_is_never_unpacked(packed, monkeypatch):
    taken = []
    unpack = own_pictures._unpack
    monkeypatch.setattr(own_pictures, "_unpack", lambda *a: taken.append(unpack(*a)) or taken[-1])
    path = packed([*GOOD.items(), (captions_packed(zipfile.ZIP_DEFLATED), bytes(30_000_000))])
    with pytest.raises(PictureError, match="more than 1 MB when unpacked") as error:
        read_zip(path)
    assert "keep only the columns file and caption" in str(error.value)
    with pytest.raises(PictureError, match="damaged in the archive"):
        read_zip(patched(path, "captions.csv", 24, 1_000))
    assert taken == []


def test_captions_that_are_packed_strangely_or_encrypted_or_overlap_are_refused(packed):
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with pytest.raises(PictureError, match="packed by a method that is not read"):
            read_zip(packed([*GOOD.items(), (captions_packed(method), CAPTIONED)]))
    path = packed(GOOD | {"captions.csv": CAPTIONED})
    raw = bytearray(path.read_bytes())
    raw[raw.rindex(b"captions.csv") - 46 + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(PictureError, match=r"captions\.csv is encrypted"):
        read_zip(path)
    with pytest.raises(PictureError, match="overlap"):
        read_zip(patched(packed(GOOD | {"captions.csv": CAPTIONED}), "captions.csv", 20, 100_000))


def test_captions_behind_a_link_or_a_path_that_leads_elsewhere_are_not_read(packed):
    link = zipfile.ZipInfo("captions.csv")
    link.external_attr = 0o120777 << 16
    outside = zipfile.ZipInfo("placeholder")
    outside.filename = "../captions.csv"
    pictures = read_zip(packed([*GOOD.items(), (link, "/etc/passwd"), (outside, CAPTIONED)]))
    assert pictures.captions == ()
    assert {note.split(":")[1].split(",")[0].strip(" .") for note in pictures.notes} == {"link", "absolute path"}


# Too few, too many, odd names


def test_too_few_pictures_are_refused_with_their_number(packed):
    sentences = {0: "No picture was found", 1: "only one picture: bring at least four", 3: "only 3 pictures: bring at"}
    for count, sentence in sentences.items():
        with pytest.raises(PictureError, match=sentence) as error:
            read_zip(packed(dict(list(GOOD.items())[:count])))
        one_sentence(error)


def test_too_few_because_of_damage_is_said_so(packed):
    files = dict(list(GOOD.items())[:2]) | {"a/1.png": b"x", "a/2.png": b"y"}
    with pytest.raises(PictureError, match=r"only 2 pictures \(2 files were left out: damaged") as error:
        read_zip(packed(files))
    one_sentence(error)


def test_one_folder_is_read_and_its_limits_are_said(packed):
    pictures = read_zip(packed({f"cats/{i}.png": picture((i, 0, 0)) for i in range(5)}))
    assert pictures.factors["folder"].classes == ("cats",)
    assert only_note(pictures).startswith("All pictures are in one folder, so there is nothing to probe;")


def test_at_most_so_many_pictures_are_kept_evenly_from_every_folder(packed, monkeypatch):
    monkeypatch.setattr(own_pictures, "MAX_PICTURES", 10)
    files = {f"a/{i:02}.png": picture((i, 0, 0)) for i in range(30)}
    files |= {f"b/{i:02}.png": picture((0, i + 1, 0)) for i in range(2)} | {
        f"c/{i}.png": picture((0, 0, i)) for i in (1, 2)
    }
    pictures = read_zip(packed(files), 8)
    assert np.bincount(pictures.factors["folder"].values).tolist() == [6, 2, 2]
    assert pictures.names[:6] == tuple(f"{i:02}.png" for i in range(6))
    assert only_note(pictures).startswith("24 files were left out: only ")


def test_two_thousand_pictures_are_the_most_and_are_read_quickly(packed):
    small = [picture((i, 0, 0), (8, 8)) for i in range(256)]
    files = {f"{i % 9}/{i:04}.png": small[i % 256] for i in range(2_100)}
    pictures = read_zip(packed(files, method=zipfile.ZIP_STORED), 32)
    assert len(pictures) == 2_000
    assert "100 files were left out: only 2,000 pictures are kept, spread evenly over the folders." in pictures.notes


def test_the_largest_folders_are_kept(packed):
    files = {f"{i:02}/{n}.png": picture((i, n, 0), (8, 8)) for i in range(MAX_CLASSES + 3) for n in range(1 + (i > 5))}
    pictures = read_zip(packed(files), 8)
    assert pictures.factors["folder"].classes == tuple(f"{i:02}" for i in [0, 1, 2, *range(6, MAX_CLASSES + 3)])
    assert only_note(pictures) == "3 files were left out: only the 50 largest folders are kept."


def test_odd_names_are_cut_and_cleaned_but_told_apart(packed):
    long = "x" * 60
    names = [
        "<img src=x onerror=alert(1)>",
        "a\u202eb\x07c\u200d",
        "Äpfel 🍎",
        long + "1",
        long + "2",
        "\x01",
        NO_FOLDER,
    ]
    files = {f"{name}/{i}.png": picture((i, 0, 0)) for i, name in enumerate(names)} | {"top.png": picture(GREEN)}
    files["a/" + "y" * 99 + "\x1b[2J.png"] = picture(BLUE)
    pictures = read_zip(packed(files))
    classes = pictures.factors["folder"].classes
    assert {"<img src=x onerror=alert(1)>", "abc", "Äpfel 🍎", "(no name)", NO_FOLDER, f"{NO_FOLDER} (2)"} < set(
        classes
    )
    assert len(set(classes)) == len(names) + 2
    assert all(len(text) <= MAX_NAME_CHARS and text.isprintable() for text in (*classes, *pictures.names))


def test_of_two_files_with_one_path_the_last_is_read_as_unzip_does(packed):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = packed([*GOOD.items(), ("cats/1.png", picture(GREEN))])
    pictures = read_zip(path)
    assert only_note(pictures) == "1 file was left out: same path as another file."
    assert_colours(pictures.images[0][5, 5], GREEN)
