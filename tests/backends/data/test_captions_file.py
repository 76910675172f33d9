"""A visitor's captions.csv: what is read, what is left out with a note, and what is refused."""

from __future__ import annotations

import time

import pytest

from backends.clip.pairs import CAPTIONS
from backends.data.captions_file import (
    MAX_CAPTION_CHARS,
    MAX_CAPTIONS,
    MAX_CAPTIONS_BYTES,
    MAX_ROWS,
    CaptionRow,
    match_captions,
    read_rows,
)
from backends.data.pictures import PictureError

TWO = [CaptionRow("cats/1.png", "a red cat"), CaptionRow("dogs/1.png", "a blue dog")]
PATHS = ("cats/1.png", "cats/2.png", "dogs/1.png")


def refusal(data: bytes) -> str:
    with pytest.raises(PictureError) as error:
        read_rows(data)
    return one_sentence(str(error.value))


def one_sentence(message: str) -> str:
    assert message.endswith(".")
    assert ". " not in message
    assert message.isprintable()
    assert len(message) < 400
    return message


def captions(rows, paths=PATHS, folder="") -> tuple[tuple[str, ...], ...]:
    return match_captions(rows, paths, folder).captions


# Reading


@pytest.mark.parametrize(
    "text",
    [
        "file,caption\ncats/1.png,a red cat\ndogs/1.png,a blue dog\n",
        "file;caption\ncats/1.png;a red cat\ndogs/1.png;a blue dog",
        "file\tcaption\r\ncats/1.png\ta red cat\r\ndogs/1.png\ta blue dog\r\n",
        "Caption,FILE\na red cat,cats/1.png\na blue dog,dogs/1.png\n",
        '"id";"caption";"file"\n1;"a red cat";"cats/1.png"\n2;a blue dog;dogs/1.png\n',
        "file , caption , artist\ncats/1.png , a red cat , me\n\n , , \ndogs/1.png , a blue dog\n",
        "\n\r\nfile,caption\rcats/1.png,a red cat\rdogs/1.png,a blue dog\r",
        'file,caption\ncats/1.png, "a red cat"\ndogs/1.png,"a  blue\tdog"\n',
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_columns_may_stand_in_any_order_and_be_cut_by_comma_semicolon_or_tab(text, mark):
    assert read_rows(mark + text.encode()) == TWO


def test_commas_in_captions_do_not_make_a_comma_the_delimiter():
    rows = read_rows(b"file;caption\na.png;red, round, small\nb.png;blue, flat, large\n")
    assert [row.caption for row in rows] == ["red, round, small", "blue, flat, large"]


def test_a_quoted_caption_may_go_over_lines_and_hold_delimiters_and_quotes():
    rows = read_rows(b'file,caption\na.png,"a red,\nround ""cup""\r\non a table"\nb.png,a plate\n')
    assert rows == [CaptionRow("a.png", 'a red, round "cup" on a table'), CaptionRow("b.png", "a plate")]


def test_html_in_a_caption_stays_the_text_that_it_is():
    attack = "<img src=x onerror=alert(1)>&amp;"
    assert read_rows(f"file,caption\na.png,{attack}\n".encode()) == [CaptionRow("a.png", attack)]


def test_nul_control_and_format_characters_are_taken_out_of_captions():
    rows = read_rows("f\0ile,caption\na.png,\0a r\0ed\x07 c\u202eup\x1b\u200d \n".encode())
    assert rows == [CaptionRow("a.png", "a red cup")]


def test_a_nul_in_a_path_does_not_name_another_file():
    rows = read_rows(b"file,caption\ncats/1\0.png,a\ncats/2.png,b\n")
    assert captions(rows) == ((), ("b",), ())


def test_captions_are_cut_and_rows_without_one_are_passed_over():
    long = "ab " * 100
    rows = read_rows(f"file,caption\na.png,{long}\nb.png\nc.png,\nd.png, \0 \n".encode())
    assert [row.file for row in rows] == ["a.png"]
    assert rows[0].caption == long[:MAX_CAPTION_CHARS].rstrip()
    assert len(rows[0].caption) <= MAX_CAPTION_CHARS == 200


# What is refused


def test_an_empty_file_is_refused():
    for data in (b"", b"\xef\xbb\xbf", b" \r\n\n", b",,\n"):
        assert 'is empty: begin it with the line "file,caption"' in refusal(data)


def test_wrong_columns_are_named_cut_and_free_of_control_characters():
    assert refusal(b"name;text\na.png;a cup\n") == (
        "captions.csv needs the columns file and caption; its first line has 'name', 'text'."
    )
    assert "has 'file'." in refusal(b"file\na.png\n")
    message = refusal(("x" * 99 + ",\x1b[2J<b>,\u202ec,d,e,f\n").encode())
    assert "has '" + "x" * 39 + "…', '[2J<b>', 'c', 'd' and 2 more." in message
    assert refusal(b"," * 5_000 + b"x").endswith("and 4,997 more.")


@pytest.mark.parametrize(
    "data",
    [b"file,caption\na.png,caf\xe9\n", "file,caption\na.png,cup\n".encode("utf-16"), b"\x89PNG\r\n\x1a\n", b"\xff\xfe"],
)
def test_what_is_not_utf_8_is_refused(data):
    assert refusal(data) == 'captions.csv is not UTF-8: save it again as "CSV UTF-8".'


def test_too_many_bytes_and_rows_are_refused_and_as_many_as_fit_are_read():
    head = b"file,caption\n"
    full = head + b"a,b\n" * MAX_ROWS
    assert len(read_rows(full)) == MAX_ROWS == 20_000
    assert "more than 20,000 rows: keep" in refusal(full + b"a,b\n")
    padded = head + b"a.png,b\n" + b"\n" * (MAX_CAPTIONS_BYTES - len(head) - 8)
    assert len(read_rows(padded)) == 1
    assert "more than 1 MB: keep only the columns" in refusal(padded + b"\n")


def test_a_cell_without_end_is_refused():
    assert "can't be read as a table" in refusal(b'file,caption\na.png,"' + b"x" * 200_000)


@pytest.mark.parametrize("header", [b'"a";' + b'"' * 490 + b"x", b"\"'" * 400, b";" * 400_000, b",;\t" * 9_999])
def test_a_header_made_to_hold_the_sniffer_up_does_not(header):
    start = time.process_time()
    refusal(header + b"\na,b\n")
    assert time.process_time() - start < 1.5


# Matching


def test_each_picture_gets_its_captions_and_notes_say_what_is_missing():
    matched = match_captions([*TWO, CaptionRow("cats/1.png", "red fur")], PATHS, "")
    assert matched.captions == (("a red cat", "red fur"), (), ("a blue dog",))
    assert matched.notes == ("1 picture has no caption in captions.csv and is not used by CLIP.",)
    assert match_captions(TWO, ("cats/1.png", "dogs/1.png"), "").notes == ()


def test_at_most_four_different_captions_of_a_picture_are_kept():
    rows = [CaptionRow("cats/1.png", text) for text in "abacbde"] + [CaptionRow("cats/2.png", "x")] * 9
    matched = match_captions(rows, PATHS[:2], "")
    assert matched.captions == (("a", "b", "c", "d"), ("x",))
    assert matched.notes == ("1 picture has more than 4 captions, of which the first 4 are kept.",)
    assert MAX_CAPTIONS == CAPTIONS


@pytest.mark.parametrize("file", ["cats/1.png", "./cats/1.png", "cats\\1.png", ".//cats/./1.png", "top/cats/1.png"])
def test_paths_are_seen_from_the_folder_of_the_file_or_from_the_root(file):
    paths = ("top/cats/1.png", "top/cats/2.png")
    assert captions([CaptionRow(file, "a cat")], paths, "top") == (("a cat",), ())


def test_the_folder_of_the_file_goes_before_the_root():
    paths = ("a/1.png", "top/a/1.png")
    assert captions([CaptionRow("a/1.png", "near")], paths, "top") == ((), ("near",))
    assert captions([CaptionRow("a/1.png", "near")], paths, "") == (("near",), ())


def test_accents_match_however_they_are_written():
    assert captions([CaptionRow("a\u0308/1.png", "x")], ("ä/1.png",)) == (("x",),)


@pytest.mark.parametrize(
    "file", ["../cats/1.png", "cats/../cats/1.png", "C:/cats/1.png", "1.png", "CATS/1.png", "cats", ""]
)
def test_a_path_that_is_no_pictures_is_left_out_with_a_note(file):
    matched = match_captions([CaptionRow(file, "never"), CaptionRow("dogs/1.png", "a dog")], PATHS, "")
    assert matched.captions == ((), (), ("a dog",))
    assert matched.notes == (
        f"1 row of captions.csv was left out for naming no picture that could be read here; the first is {file!r}.",
        "2 pictures have no caption in captions.csv and are not used by CLIP.",
    )


def test_rows_that_name_nothing_are_counted_and_the_first_is_cut_and_cleaned():
    rows = [CaptionRow("<b>\x1b" + "x" * 99, "a"), CaptionRow("../../etc/passwd", "b"), CaptionRow("cats/1.png", "c")]
    note = match_captions(rows, PATHS[:1], "").notes[0]
    assert note == (
        "2 rows of captions.csv were left out for naming no picture that could be read here; the first is "
        f"'<b>{'x' * 36}…'."
    )
    one_sentence(note)


def test_where_no_row_names_a_picture_the_sentence_shows_how_to():
    for rows in ([], [CaptionRow("x.png", "a"), CaptionRow("../cats/1.png", "b")]):
        with pytest.raises(
            PictureError, match=r"No row of captions\.csv gives a caption.*such as 'cats/1\.png'"
        ) as error:
            match_captions(rows, PATHS, "")
        one_sentence(str(error.value))


def test_a_deep_folder_does_not_make_matching_slow():
    deep = "a/" * 30_000
    rows = [CaptionRow(f"{i}.png", "x") for i in range(MAX_ROWS)]
    start = time.process_time()
    assert match_captions(rows, (deep + "1.png", "2.png"), deep).captions == (("x",), ("x",))
    assert time.process_time() - start < 1
