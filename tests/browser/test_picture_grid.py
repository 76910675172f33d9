"""A grid of pictures in the page: what is seen, what a click and a key do, and a visitor's own pictures coming in."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page

from backends.data.pictures import Factor, PictureSet
from backends.data.splits import Split, load_split
from backends.simclr.config import SimCLRConfig
from playground import controls, shell
from playground.components import picture_grid
from playground.own_pictures import own_pictures, take_own_pictures
from playground.session import Session, SessionStore
from playground.tabs import pictures as tab
from playground.tabs.simclr_pictures import USE
from playground.tabs.simclr_state import picked
from tests.browser.conftest import Lent, wait_for

pytestmark = pytest.mark.browser

GRID, CELL = "#simclr-pic-grid", "#simclr-pic-grid .pg-cell"
ATTACK = "<img src=x onerror=window.hacked=1>"
PANEL_WIDTH = 904
SMEARED = 20
"""Levels by which compression may change a plain colour near its edge; a neighbour would change it by over 100."""
COLOURS = np.array([(200, 40, 40), (40, 160, 60), (40, 70, 200), (230, 180, 40)], np.uint8)
KINDS = ("red", "green", ATTACK, "yellow")


def plain(count: int) -> PictureSet:
    """Pictures of one colour each; picture i has the i-th of four, and its class says which."""
    values = np.arange(count, dtype=np.int64) % 4

    def draw(some: np.ndarray, size: int) -> np.ndarray:
        return np.broadcast_to(COLOURS[values[some]][:, None, None], (len(some), size, size, 3)).copy()

    names = tuple(f"{ATTACK} {i}" for i in range(count))
    kind = {"kind": Factor("kind", "kind", KINDS, values)}
    return PictureSet("apples", draw(np.arange(count), 8), kind, names, f"Made up {ATTACK}.", "CC0", draw=draw)


SPLIT = Split(plain(200), plain(40))


def split_of(session: Session, config: SimCLRConfig, size: int | None = None) -> Split:
    return load_split("own", size or 32, own_pictures(session)) if config.data == "own" else SPLIT


@dataclass
class Served:
    address: str
    store: SessionStore


@dataclass
class Pictures:
    """A visitor of the pictures."""

    page: Page
    served: Served
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def grid(self, expression: str) -> Any:
        script = f"() => {{ const g = document.querySelector('{GRID} .picture-grid').grid; return {expression}; }}"
        return self.page.evaluate(script)

    def session(self) -> Session:
        """Of the last page that was opened."""
        return list(self.served.store._sessions.values())[-1]

    def names(self) -> list[str]:
        return [str(cell.get_attribute("aria-label")) for cell in self.page.query_selector_all(CELL)]

    def wait_for_others(self, act: Callable[[], Any]) -> None:
        """Do something, and wait until other pictures are drawn."""
        before = self.grid("g.root.dataset.shown")
        act()
        wait_for(lambda: self.grid("g.root.dataset.shown") != before, "other pictures")

    def wait_for_rest(self) -> None:
        """Wait until no other pictures come: where two events ask for them, each may send some."""
        seen: list[str] = []

        def rests() -> bool:
            self.page.wait_for_timeout(400)
            seen.append(self.grid("g.root.dataset.shown"))
            return seen[-1:] == seen[-2:-1]

        wait_for(rests, "rest")

    def wait_for_text(self, selector: str, text: str) -> None:
        """Notes come with the pictures, but not in the same moment."""
        wait_for(lambda: text in self.page.inner_text(selector), text)

    def choose(self, name: str, option: str) -> None:
        self.page.click(f"#simclr-{name} input")
        self.page.locator("ul[role=listbox] li").get_by_text(option, exact=False).click()

    def colour_of(self, index: int) -> list[int]:
        """In the middle of a thumbnail."""
        at = f"g.cells[{index}].firstChild"
        return list(
            self.grid(f"Array.from({at}.getContext('2d').getImageData({at}.width / 2, {at}.width / 2, 1, 1).data)")
        )[:3]

    def focused(self) -> int:
        return int(self.grid("g.cells.indexOf(document.activeElement)"))


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    patch = pytest.MonkeyPatch()
    patch.setattr(tab, "split_of", split_of)
    store = SessionStore(1, "cpu")
    gr.set_static_paths([*picture_grid.SCRIPTS.values(), picture_grid.STYLE])
    with gr.Blocks(title="Pictures", analytics_enabled=False, fill_width=True) as demo:
        with gr.Column(elem_classes=["view-column"]), gr.Tabs():
            with gr.Tab("Settings"):
                widgets = controls.build_essential(SimCLRConfig, "simclr")
                widgets |= controls.build_advanced(SimCLRConfig, "simclr")
            with gr.Tab("Pictures"):
                part = tab.lay_out_pictures(USE, store.limits)
        tab.wire_pictures(store, USE, part, controls.in_config_order(SimCLRConfig, widgets))
    options = {**shell.launch_options(), "head": picture_grid.head()}
    _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **options)
    yield Served(address, store)
    demo.close()
    store.close()
    patch.undo()


@pytest.fixture
def open_page(served: Served, lend_page: Callable[..., Lent]) -> Iterator[Any]:
    opened: list[Pictures] = []

    def make(theme: str = "light", width: int = PANEL_WIDTH + 40, **options: Any) -> Pictures:
        lent = lend_page(width=width, **options)
        shown = Pictures(lent.page, served, lent.errors, lent.requests)
        opened.append(shown)
        shown.page.goto(f"{served.address}?__theme={theme}")
        shown.page.get_by_role("tab", name="Pictures").click()
        shown.page.wait_for_selector(f"{GRID} .picture-grid[data-shown]")
        return shown

    yield make
    for shown in opened:
        assert shown.errors == []
        assert all(url.startswith((served.address, "data:", "blob:")) for url in shown.requests)
        assert shown.page.evaluate("window.hacked ?? null") is None
        assert shown.page.query_selector("img[src='x']") is None


@pytest.fixture
def pictures(open_page: Callable[..., Pictures]) -> Pictures:
    return open_page()


@pytest.mark.slow
def test_each_place_shows_its_own_picture_at_the_pixels_of_the_screen(open_page):
    for ratio, tile in ((1, picture_grid.TILE), (2, picture_grid.SHARP_TILE)):
        shown = open_page(device_scale_factor=ratio)
        assert shown.grid("g.shown.sprite.tile") == tile
        for index, name in enumerate(shown.names()):
            expected = COLOURS[int(name.rsplit(" ", 1)[1]) % 4]
            assert np.abs(np.array(shown.colour_of(index)) - expected).max() <= 8
        side, box = shown.grid("g.cells[0].firstChild.width"), shown.page.locator(CELL).first.bounding_box()
        assert 72 <= box["width"] <= 80
        assert side == round(ratio * box["width"])
        assert side <= tile


def test_a_thumbnail_shows_no_edge_of_its_neighbours(pictures):
    """All four colours lie side by side in the sheet."""
    script = (
        "g.cells.map((cell) => { const c = cell.firstChild, p = c.getContext('2d'), last = c.width - 1;"
        " return [[0, 0], [last, 0], [0, last], [last, last]].map(([x, y]) =>"
        " Array.from(p.getImageData(x, y, 1, 1).data).slice(0, 3)); })"
    )
    for name, corners in zip(pictures.names(), pictures.grid(script), strict=True):
        expected = COLOURS[int(name.rsplit(" ", 1)[1]) % 4]
        assert np.abs(np.array(corners) - expected).max() <= SMEARED, name


def test_a_click_picks_marks_and_says_so(pictures):
    pictures.page.locator(CELL).nth(5).click()
    number = int(pictures.names()[5].rsplit(" ", 1)[1])
    wait_for(lambda: picked(pictures.session(), "apples") == number, "the pick")
    wait_for(lambda: f"Picked: {ATTACK} {number}." in pictures.page.inner_text("#simclr-pic-picked"), "the note")
    assert pictures.page.locator(f"{CELL}[aria-selected=true]").count() == 1
    assert pictures.page.locator(CELL).nth(5).get_attribute("aria-selected") == "true"


def test_the_keyboard_goes_from_picture_to_picture_and_picks(pictures):
    assert pictures.page.locator(f"{CELL}[tabindex='0']").count() == 1, "one stop of the Tab key"
    pictures.grid("g.cells[0].focus()")
    columns = pictures.grid("g.columns()")
    assert columns == 11
    for key, at in (
        ("ArrowRight", 1),
        ("ArrowDown", 12),
        ("ArrowLeft", 11),
        ("ArrowUp", 0),
        ("ArrowLeft", 0),
        ("ArrowUp", 0),
        ("End", 59),
        ("ArrowRight", 59),
        ("ArrowDown", 59),
        ("Home", 0),
        ("ArrowRight", 1),
    ):
        pictures.page.keyboard.press(key)
        assert pictures.focused() == at, key
        assert pictures.page.locator(f"{CELL}[tabindex='0']").count() == 1
    assert pictures.page.inner_text(f"{GRID} .pg-line") == pictures.names()[1]
    pictures.page.keyboard.press("Enter")
    number = int(pictures.names()[1].rsplit(" ", 1)[1])
    wait_for(lambda: picked(pictures.session(), "apples") == number, "the pick")
    pictures.page.keyboard.press("ArrowRight")
    pictures.page.keyboard.press("Space")
    number = int(pictures.names()[2].rsplit(" ", 1)[1])
    wait_for(lambda: picked(pictures.session(), "apples") == number, "the second pick")


def test_tab_leaves_the_grid_at_once(pictures):
    pictures.grid("g.cells[7].focus()")
    pictures.page.keyboard.press("Tab")
    assert pictures.focused() == -1


def test_names_and_captions_are_text(pictures):
    pictures.wait_for_others(lambda: pictures.choose("pic-factor", "Kind"))
    captions = pictures.grid("g.cells.map((cell) => cell.lastChild.textContent)")
    assert captions == sorted(captions, key=KINDS.index)
    assert set(captions) == set(KINDS)
    pictures.page.locator(CELL).nth(59).hover()
    assert pictures.page.inner_text(f"{GRID} .pg-line").startswith(ATTACK)
    assert str(pictures.page.locator(CELL).nth(59).get_attribute("title")).startswith(ATTACK)


@pytest.mark.slow
def test_a_class_filters_and_others_are_others(pictures):
    pictures.wait_for_others(lambda: pictures.choose("pic-factor", "Kind"))
    pictures.wait_for_others(lambda: pictures.choose("pic-class", f"{ATTACK} (50)"))
    pictures.wait_for_text("#simclr-pic-matching", "50 of 200 training pictures match.")
    pictures.wait_for_rest()
    assert {int(name.rsplit(" ", 1)[1]) % 4 for name in pictures.names()} == {2}
    assert pictures.page.is_disabled("#simclr-pic-others")
    pictures.wait_for_others(lambda: pictures.choose("pic-factor", "any"))
    before = set(pictures.names())
    pictures.wait_for_others(lambda: pictures.page.click("#simclr-pic-others"))
    assert not before & set(pictures.names())


def test_held_out_pictures_can_be_looked_at_but_not_picked(pictures):
    pictures.wait_for_others(lambda: pictures.page.get_by_text("held out").click())
    assert len(pictures.names()) == 40
    pictures.page.locator(CELL).nth(3).click()
    assert pictures.page.locator(f"{CELL}[aria-selected=true]").count() == 0
    assert "Held-out pictures only measure" in pictures.page.inner_text("#simclr-pic-picked")
    assert picked(pictures.session(), "apples") == 0


def test_nothing_moves_when_the_pictures_come(open_page, served, monkeypatch):
    import threading

    gate = threading.Event()
    monkeypatch.setattr(tab, "split_of", lambda *_: gate.wait(20) and SPLIT)
    gate.set()
    shown = open_page()
    gate.clear()
    shown.page.reload()
    shown.page.get_by_role("tab", name="Pictures").click()
    shown.page.wait_for_selector(f"{GRID} .pg-cell")
    places = [GRID, "#simclr-pic-picked", "#simclr-pic-others"]
    boxes = [shown.page.locator(place).bounding_box() for place in places]
    assert "Drawing the pictures" in shown.page.inner_text("#simclr-pic-matching")
    gate.set()
    shown.page.wait_for_selector(f"{GRID} .picture-grid[data-shown]")
    assert [shown.page.locator(place).bounding_box()["y"] for place in places] == [box["y"] for box in boxes]
    assert shown.page.locator(GRID).bounding_box() == boxes[0]


@pytest.mark.parametrize("width", [420, *(pytest.param(width, marks=pytest.mark.slow) for width in (640, 944))])
def test_nothing_sticks_out_of_a_narrow_panel(open_page, width):
    shown = open_page(width=width)
    shown.wait_for_others(lambda: shown.choose("pic-factor", "Kind"))
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    script = (
        f"() => [...document.querySelectorAll('{GRID} *')].filter((n) =>"
        f" n.getBoundingClientRect().right > document.querySelector('{GRID}').getBoundingClientRect().right + 1).length"
    )
    assert shown.page.evaluate(script) == 0


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, theme):
    shown = open_page(theme)
    shown.wait_for_others(lambda: shown.choose("pic-factor", "Kind"))
    shown.page.locator(CELL).nth(2).click()
    found = Axe().run(shown.page).response["violations"]
    serious = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


def test_pictures_that_are_late_do_not_replace_newer_ones(pictures):
    given = json.loads(picture_grid.pack_pictures(np.zeros((2, 16, 16, 3), np.uint8), ["old", "old"], grid_id="old"))
    newer = {**given, "id": "newer", "names": ["new", "new"]}
    script = (
        "(g.show(" + json.dumps(given) + "), g.show(" + json.dumps(newer) + "),"
        " new Promise((done) => setTimeout(() => done(g.names?.length ?? g.shown.id), 500)))"
    )
    assert pictures.grid(script) == "newer"
    assert pictures.names() == ["new", "new"]


def test_a_sheet_that_can_not_be_decoded_leaves_the_names(pictures):
    broken = {
        "id": "broken",
        "names": ["a", "b"],
        "captions": None,
        "chosen": None,
        "pickable": True,
        "empty": "",
        "sprite": {"src": "data:image/webp;base64,AAAA", "tile": 16, "columns": 10},
    }
    pictures.grid(f"g.show({json.dumps(broken)})")
    wait_for(lambda: pictures.names() == ["a", "b"], "the names")


def zip_of(path: Path, folders: dict[str, int]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for seed, (folder, count) in enumerate(folders.items()):
            for i in range(count):
                file = io.BytesIO()
                pixels = np.random.default_rng([seed, i]).integers(0, 256, (24, 24, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(file, "PNG")
                archive.writestr(f"{folder}/{i}.png", file.getvalue())
        archive.writestr("notes.txt", "no picture")
    return path


def test_own_pictures_come_in_are_shown_and_their_file_is_gone(pictures, tmp_path, monkeypatch):
    read: list[Path] = []
    take = tab.take_pictures

    def watched(session: Session, path: str | None) -> tuple[str, bool]:
        read.append(Path(str(path)))
        return take(session, path)

    monkeypatch.setattr(tab, "take_pictures", watched)
    archive = zip_of(tmp_path / "own.zip", {ATTACK: 10, "cats": 10})
    pictures.wait_for_others(lambda: pictures.page.set_input_files("#simclr-pic-own input", archive))
    pictures.wait_for_text("#simclr-pic-own-note", "20 pictures in 2 folders.")
    pictures.wait_for_text("#simclr-pic-own-note", "1 file was left out")
    pictures.wait_for_text("#simclr-pic-matching", "16 training pictures.")
    assert len(pictures.names()) == 16
    assert pictures.page.locator("#simclr-data input").input_value() == "Your own (.zip)"
    (path,) = read
    assert not path.exists()
    assert not list(path.parent.glob("*"))
    pictures.wait_for_others(lambda: pictures.choose("pic-factor", "Folder"))
    assert set(pictures.grid("g.cells.map((cell) => cell.lastChild.textContent)")) == {ATTACK, "cats"}

    again = zip_of(tmp_path / "again.zip", {"dogs": 10, "cats": 20})
    pictures.wait_for_others(lambda: pictures.page.set_input_files("#simclr-pic-own input", again))
    pictures.wait_for_text("#simclr-pic-matching", "24 training pictures.")


def test_pictures_brought_in_another_tab_are_shown_on_coming_back_and_the_same_ones_are_not_sent_again(
    pictures, tmp_path
):
    def go_to(name: str) -> None:
        pictures.page.get_by_role("tab", name=name).click()
        pictures.page.wait_for_timeout(600)

    archive = zip_of(tmp_path / "own.zip", {"dogs": 10, "cats": 10})
    pictures.wait_for_others(lambda: pictures.page.set_input_files("#simclr-pic-own input", archive))
    pictures.wait_for_rest()
    before = pictures.grid("g.shown.id")
    go_to("Settings")
    go_to("Pictures")
    assert pictures.grid("g.shown.id") == before
    go_to("Settings")
    take_own_pictures(pictures.session(), plain(40))
    pictures.page.get_by_role("tab", name="Pictures").click()
    wait_for(lambda: pictures.grid("g.shown.id") != before, "the other pictures")
    pictures.wait_for_text("#simclr-pic-matching", "32 training pictures.")
    pictures.wait_for_text("#simclr-pic-own-note", "40 pictures in 4 folders.")


def test_a_bad_file_is_refused_in_a_sentence_and_everything_stays(pictures, tmp_path):
    before = pictures.names()
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    pictures.page.set_input_files("#simclr-pic-own input", tmp_path / "bad.zip")
    pictures.page.wait_for_selector("#simclr-pic-own-note .problem")
    assert "not a .zip archive" in pictures.page.inner_text("#simclr-pic-own-note")
    assert pictures.names() == before
    assert "200 training pictures" in pictures.page.inner_text("#simclr-pic-matching")
    assert pictures.page.locator("#simclr-data input").input_value() == "Apples"
