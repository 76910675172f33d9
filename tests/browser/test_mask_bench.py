"""The bench, the strip and the film in a Gradio page of their own, with a model that paints flat colours."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from playground import shell
from playground.components import mask_bench as component
from playground.components.mask_bench import Masked, lacks_frames, pack_bench, pack_film, pack_strip, read_hidden
from tests.browser.conftest import Lent, wait_for

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror=window.hacked=1>"
SIZE, PATCH, SIDE = 32, 4, 8
COUNT = SIDE * SIDE
PAINT = (0.9, 0.5, 0.1)
"""What the model paints everywhere."""
AT_ONCE_MS = 150
WIDTH = 900

NUMBERS = itertools.count()

Bits = np.ndarray


def picture(seed: int = 0, size: int = SIZE) -> np.ndarray:
    """(size, size, 3) uint8: a red disc on a slope, somewhere."""
    y, x = np.mgrid[:size, :size] / size
    shift = 0.04 * seed
    colours = np.stack([0.45 + 0.4 * y, 0.5 + 0.4 * y, 0.55 + 0.4 * y], axis=-1)
    colours[(x - 0.5 + shift) ** 2 + (y - 0.5) ** 2 < 0.1] = (0.8, 0.15, 0.12)
    return (255 * colours).astype(np.uint8)


def some(count: int, seed: int = 0, of: int = COUNT) -> Bits:
    hidden = np.zeros(of, bool)
    hidden[np.random.default_rng(seed).permutation(of)[:count]] = True
    return hidden


def bench(hidden: Bits, **changes: Any) -> str:
    """Error of patch i: i / 1000."""
    given: dict[str, Any] = {
        "original": picture(),
        "painted": np.broadcast_to(np.array(PAINT), (SIZE, SIZE, 3)),
        "errors": np.arange(COUNT) / 1000,
        "patch": PATCH,
        "id": "one",
        "name": "an apple",
        "baseline": 0.1,
    }
    return pack_bench(hidden=hidden, **{**given, **changes})


FRAMES = np.stack(
    [np.full((6, SIZE, SIZE, 3), int(255 * share), np.uint8) for share in np.linspace(0, 1, 60)]
)  # frame f is one grey
ORIGINALS = np.stack([picture(k) for k in range(6)])
STEPS = list(range(0, 600, 10))


def reel(steps: list[int], *, run: str = "r", newest: int | None = None) -> str:
    """The film of these steps; the frame of step s is grey s / 10 of 59, whatever other frames there are."""
    return pack_film(ORIGINALS, some(48), PATCH, steps, FRAMES[[step // 10 for step in steps]], run=run, newest=newest)


@dataclass
class Shown:
    """The page, and the server's part: `answer` is what a mask is answered with, after `delay` seconds."""

    page: Page
    answer: Callable[[Any], Any] = lambda data: gr.skip()
    delay: float = 0.0
    asked: list[Any] = field(default_factory=list)
    lacking: list[Any] = field(default_factory=list)
    whole: Callable[[Any], Any] = lambda data: gr.skip()
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(
            "() => { const of = (id) => document.querySelector(`#${id} .mb-root`).view;"
            f" const b = of('bench'), s = of('strip'), f = of('film'); return {expression}; }}"
        )

    def give(self, value: str, part: str = "b") -> None:
        """Show a value as if it had come from the server, and wait until it is drawn."""
        before = self.ask(f"{part}.drawn")
        self.page.evaluate(
            "([id, value]) => document.querySelector(`#${id} .mb-root`).view.show(JSON.parse(value))",
            [{"b": "bench", "s": "strip", "f": "film"}[part], value],
        )
        wait_for(lambda: self.ask(f"{part}.drawn") > before, "the drawing")

    def hidden(self) -> Bits:
        return np.array(self.ask("b.hidden")).astype(bool)

    def colour(self, panel: str, patch: int) -> tuple[int, ...]:
        """The colour of a patch as it is drawn: of the pixel right below its middle."""
        row, column = divmod(patch, SIDE)
        row, column = row + 0.5 / PATCH, column + 0.5 / PATCH
        script = (
            f"((c) => Array.from(c.getContext('2d').getImageData(Math.round(c.width * {(column + 0.5) / SIDE}),"
            f" Math.round(c.height * {(row + 0.5) / SIDE}), 1, 1).data))(b.panels.{panel}.canvas)"
        )
        return tuple(self.ask(script))[:3]

    def place(self, patch: int, panel: str = "masked") -> tuple[float, float]:
        box = self.page.locator(f"[data-panel={panel}] canvas").bounding_box()
        assert box
        row, column = divmod(patch, SIDE)
        return box["x"] + box["width"] * (column + 0.5) / SIDE, box["y"] + box["height"] * (row + 0.5) / SIDE

    def click(self, patch: int, panel: str = "masked") -> None:
        self.page.mouse.click(*self.place(patch, panel))

    def caption(self, panel: str) -> str:
        return self.page.inner_text(f"[data-panel={panel}] .mb-caption")

    def said(self) -> str:
        return self.page.inner_text("#bench .mb-said")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, dict[str, Shown]]]:
    """One server for all; whoever is looked at stands in the box."""
    box: dict[str, Shown] = {}

    def on_mask(event: gr.EventData) -> Any:
        shown = box["now"]
        shown.asked.append(event._data)
        time.sleep(shown.delay)
        return shown.answer(event._data)

    def on_lacking(event: gr.EventData) -> Any:
        box["now"].lacking.append(event._data)
        return box["now"].whole(event._data)

    gr.set_static_paths([*component.SCRIPTS.values(), component.STYLE])
    with gr.Blocks(analytics_enabled=False) as demo:
        area = component.mask_bench("One picture", "bench")
        component.ratio_strip("One picture at several ratios", "strip")
        reels = component.film("Held-out pictures", "film")
        area.mask(on_mask, None, area, trigger_mode="multiple", show_progress="hidden", api_name=False)
        reels.lacking(on_lacking, None, reels, show_progress="hidden", api_name=False)
    options = {**shell.launch_options(), "head": component.head()}
    options["css"] = f"#bench, #strip, #film {{ max-width: {WIDTH}px }}"
    _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **options)
    yield address, box
    demo.close()


def opened(lent: Lent, address: str, dark: bool = False) -> Shown:
    shown = Shown(lent.page, errors=lent.errors, requests=lent.requests)
    shown.page.goto(f"{address}?__theme={'dark' if dark else 'light'}")
    for part in ("bench", "strip", "film"):
        shown.page.wait_for_function(f"() => document.querySelector('#{part} .mb-root')?.view")
    return shown


def check(shown: Shown, address: str) -> None:
    assert shown.errors == []
    assert all(url.startswith((address, "data:", "blob:")) for url in shown.requests)
    assert shown.page.evaluate("() => window.hacked ?? null") is None


@pytest.fixture
def open_page(served: tuple[str, dict[str, Shown]], lend_page: Callable[..., Lent]) -> Iterator[Callable[..., Shown]]:
    """Pages of their own."""
    address, box = served
    pages: list[Shown] = []

    def make(dark: bool = False, width: int = 1280) -> Shown:
        pages.append(opened(lend_page(width=width), address, dark))
        box["now"] = pages[-1]
        return pages[-1]

    yield make
    for shown in pages:
        check(shown, address)


@pytest.fixture(scope="module")
def kept_page(served: tuple[str, dict[str, Shown]], browser: Browser) -> Iterator[Shown]:
    """One page for most of the tests: opening one takes longer than using it."""
    page = browser.new_context().new_page()
    shown = opened(Lent(page, 1280, 720), served[0])
    yield shown
    shown.page.context.close()


@pytest.fixture
def shown(kept_page: Shown, served: tuple[str, dict[str, Shown]]) -> Iterator[Shown]:
    served[1]["now"] = shown = Shown(kept_page.page, errors=kept_page.errors, requests=kept_page.requests)
    shown.ask("(b.show(null), s.show(null), f.show(null), document.activeElement.blur())")
    shown.page.mouse.move(0, 0)
    yield shown
    check(shown, served[0])


def answered(data: Any) -> str:
    """The right answer to a question; no two are equal, for Gradio does not deliver what is there already."""
    hidden = read_hidden(data, COUNT)
    assert hidden is not None
    return bench(hidden, name=f"answer {next(NUMBERS)}")


def near(colour: tuple[int, ...], other: Any, within: int = 3) -> bool:
    return bool(np.abs(np.array(colour) - np.array(other)).max() <= within)


# ---- The bench


def test_every_panel_shows_what_its_title_says(shown):
    hidden = some(48)
    shown.give(bench(hidden))
    paint, original = 255 * np.array(PAINT), picture()
    for patch in range(COUNT):
        row, column = divmod(patch, SIDE)
        own = original[row * PATCH + 2, column * PATCH + 2]
        assert near(shown.colour("original", patch), own), patch
        assert near(shown.colour("painted", patch), paint)
        assert near(shown.colour("copied", patch), paint if hidden[patch] else own), patch
        assert near(shown.colour("masked", patch), own) != hidden[patch]
    worst, best = np.flatnonzero(hidden)[-1], np.flatnonzero(hidden)[0]
    assert worst == 62, "so that the scale ends at the next round number, 0.08"
    assert near(shown.colour("errors", worst), (108, 204, 89), 8), "viridis at 0.775"
    assert shown.page.inner_text("#bench .mb-high") == "0.08"
    assert near(shown.colour("errors", best), (68, 1, 84), 25), "viridis' violet"
    assert shown.caption("masked") == "48 of 64 patches hidden (75 %); the encoder sees 16."
    assert "copied, not predicted" in shown.caption("copied")
    assert f"{np.arange(COUNT)[hidden].mean() / 1000:.2g}" in shown.caption("errors")
    assert "guessing the visible mean: 0.10" in shown.caption("errors")


def test_the_five_panels_stand_in_one_row_and_wrap_on_a_narrow_screen(open_page):
    tops = "Object.values(b.panels).map(({ stage }) => Math.round(stage.getBoundingClientRect().top))"
    wide = open_page()
    wide.give(bench(some(48)))
    assert len(set(wide.ask(tops))) == 1
    narrow = open_page(width=420)
    narrow.give(bench(some(48)))
    assert len(set(narrow.ask(tops))) == 3
    assert narrow.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_click_shows_at_once_and_the_answer_follows(shown):
    shown.answer, shown.delay = answered, 0.6
    shown.give(bench(some(0)))
    shown.click(9)
    assert shown.hidden()[9], "shown before the server has answered"
    assert shown.caption("masked").startswith("1 of 64")
    assert "not painted yet" in shown.said()
    wait_for(lambda: shown.asked == [{"id": "one", "hidden": [9]}], "the event")
    wait_for(lambda: shown.page.get_attribute("#bench .mb-root", "data-waiting") is not None, "the dimming")
    wait_for(lambda: near(shown.colour("copied", 9), 255 * np.array(PAINT)), "the answer")
    assert "error 0.009" in shown.said()
    assert shown.page.get_attribute("#bench .mb-root", "data-waiting") is None
    shown.click(9, "original")
    wait_for(lambda: len(shown.asked) == 2 and shown.asked[1]["hidden"] == [], "the second event")


def test_an_answer_to_an_earlier_mask_is_not_drawn_and_the_last_one_is_asked_for(open_page):
    shown, clicked = open_page(), threading.Event()
    shown.answer = lambda data: clicked.wait(20) and answered(data)
    shown.give(bench(some(0)))
    shown.page.evaluate(
        "() => { const b = document.querySelector('#bench .mb-root').view; window.drawnMasks = [];"
        " const draw = b.drawAnswered.bind(b);"
        " b.drawAnswered = () => { window.drawnMasks.push(b.answered.join('')); draw(); }; }"
    )
    for patch in (0, 1, 2):
        shown.click(patch)
    clicked.set()
    wait_for(lambda: shown.ask("b.open === null && !b.ahead"), "rest")
    asked = [data["hidden"] for data in shown.asked]
    assert asked == [[0], [0, 1, 2]], "one at a time, and none for a mask that was gone before it could be sent"
    drawn = shown.page.evaluate("() => window.drawnMasks")
    assert drawn[-1] == "111" + "0" * 61
    assert "1" + "0" * 63 not in drawn, "what a late first layout draws again is the mask from before"
    assert list(np.flatnonzero(shown.hidden())) == [0, 1, 2]


def test_a_value_with_another_id_counts_whatever_is_being_asked(shown):
    shown.give(bench(some(0)))
    shown.click(5)
    assert shown.ask("b.ahead")
    other = some(30, seed=4)
    shown.give(bench(other, id="two"))
    assert (shown.hidden() == other).all()
    assert shown.ask("b.open === null && !b.ahead")


def test_an_answer_that_never_comes_does_not_end_the_clicking(open_page):
    shown = open_page()
    shown.page.evaluate(
        "() => { const then = window.setTimeout;"
        " window.setTimeout = (what, wait, ...rest) => then(what, wait === 8000 ? 400 : wait, ...rest); }"
    )
    shown.give(bench(some(0)))
    shown.click(3)
    wait_for(lambda: "No reconstruction came" in shown.said(), "the sentence")
    shown.answer = answered
    shown.click(4)
    wait_for(lambda: near(shown.colour("copied", 4), 255 * np.array(PAINT)), "the answer")
    assert shown.asked[-1]["hidden"] == [3, 4]


def test_a_drag_hides_every_patch_on_its_way_and_asks_when_it_rests(open_page):
    shown = open_page()
    shown.page.evaluate(
        "() => { const then = window.setTimeout;"
        " window.setTimeout = (what, wait, ...rest) => then(what, wait === 90 ? 2000 : wait, ...rest); }"
    )  # a slow machine's mouse rests longer than 90 ms on its way
    shown.answer = answered
    shown.give(bench(some(0)))
    shown.page.mouse.move(*shown.place(8))
    shown.page.mouse.down()
    shown.page.mouse.move(*shown.place(15))  # in one jump
    shown.page.mouse.move(*shown.place(23))
    shown.page.mouse.up()
    assert list(np.flatnonzero(shown.hidden())) == [*range(8, 16), 23]
    wait_for(lambda: shown.ask("!b.ahead"), "the answer")
    assert len(shown.asked) <= 2
    shown.page.mouse.move(*shown.place(8))  # a drag that begins on a hidden one uncovers
    shown.page.mouse.down()
    shown.page.mouse.move(*shown.place(10))
    shown.page.mouse.up()
    assert list(np.flatnonzero(shown.hidden())) == [*range(11, 16), 23]


def test_a_finger_that_scrolls_hides_nothing(shown):
    shown.give(bench(some(0)))
    shown.page.mouse.move(*shown.place(8))
    shown.page.mouse.down()
    assert shown.hidden()[8]
    shown.ask("b.panels.masked.canvas.dispatchEvent(new PointerEvent('pointercancel'))")
    assert not shown.hidden().any()
    shown.page.mouse.up()


def test_the_keyboard_alone_does_everything(shown):
    shown.answer = answered
    shown.give(bench(some(0)))
    cell = shown.page.locator("[data-panel=masked] .mb-cell")
    cell.focus()
    shown.press("ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp", "Space")
    assert list(np.flatnonzero(shown.hidden())) == [SIDE + 1]
    assert cell.get_attribute("aria-checked") == "true"
    assert str(cell.get_attribute("aria-label")).startswith("Row 2, column 2: hidden")
    wait_for(lambda: "error 0.009" in str(cell.get_attribute("aria-label")), "the error")
    shown.press("End", "Enter", "Home", "ArrowLeft", "ArrowUp", "ArrowUp", "Space")
    assert list(np.flatnonzero(shown.hidden())) == [0, SIDE + 1, 2 * SIDE - 1]
    wait_for(lambda: shown.ask("!b.ahead"), "the answer")
    assert list(shown.asked[-1]["hidden"]) == [0, SIDE + 1, 2 * SIDE - 1]
    for text, count in (("Hide all", COUNT), ("Show all", 0), ("Swap", COUNT)):
        shown.page.get_by_role("button", name=text).press("Enter")
        assert shown.hidden().sum() == count


def test_a_patch_under_the_pointer_is_ringed_in_every_panel_and_its_error_is_said(shown):
    hidden = some(48)
    shown.give(bench(hidden))
    patch = int(np.flatnonzero(hidden)[5])
    shown.page.mouse.move(*shown.place(patch, "errors"))
    assert f"error {patch / 1000:.3g}" in shown.said()
    assert shown.page.locator("#bench .mb-ring:visible").count() == 5
    assert f"error {patch / 1000:.3g}" in str(shown.page.get_attribute("[data-panel=errors] canvas", "title"))
    visible = int(np.flatnonzero(~hidden)[0])
    shown.page.mouse.move(*shown.place(visible, "errors"))
    assert "visible, copied" in shown.said()


@pytest.mark.parametrize(
    ("hidden", "changes", "panel", "sentence"),
    [
        (some(0), {}, "painted", "Nothing is hidden, so there is nothing to paint."),
        (some(COUNT), {}, "painted", "The encoder saw nothing"),
        (some(COUNT), {}, "copied", "No patch is visible"),
        (some(48), {"normalised": True}, "painted", "brightness and contrast of each patch were not asked for"),
        (some(48), {"normalised": True}, "copied", "beside them the normalised ones"),
        (some(48), {"normalised": True}, "errors", "normalised units"),
        (some(48), {"painted": None, "errors": None, "empty": "No model yet."}, "painted", "No model yet."),
        (some(48), {"painted": np.full((SIZE, SIZE, 3), np.nan)}, "painted", "not a number"),
    ],
    ids=["none", "all", "all copied", "normalised", "normalised copied", "normalised error", "no model", "diverged"],
)
def test_what_there_is_to_see_is_said(shown, hidden, changes, panel, sentence):
    shown.give(bench(hidden, **changes))
    assert sentence in shown.page.inner_text(f"[data-panel={panel}]")


def test_texts_are_never_markup(shown):
    shown.give(bench(some(48), name=ATTACK, empty=ATTACK, painted=None, errors=None))
    assert ATTACK in shown.caption("original")
    assert shown.page.locator("#bench img").count() == 0


def test_without_a_value_a_sentence_says_what_will_come(shown):
    for part in ("bench", "strip", "film"):
        assert shown.page.locator(f"#{part} .mb-empty").is_visible()
    shown.give(bench(some(48)))
    assert not shown.page.locator("#bench .mb-empty").is_visible()
    shown.ask("b.show(null)")
    assert shown.page.locator("#bench .mb-empty").is_visible()


@pytest.mark.slow
def test_a_click_is_drawn_soon(shown):
    """Even with the most patches that the bench takes at 64 pixels."""
    of = 32 * 32
    value = pack_bench(picture(size=64), np.zeros((64, 64, 3)), np.zeros(of), some(768, of=of), 2, id="fine")
    shown.give(value)
    took = shown.ask(
        "((start) => { b.toggle(3); b.panels.masked.canvas.getContext('2d').getImageData(0, 0, 1, 1);"
        " return performance.now() - start; })(performance.now())"
    )
    assert took < AT_ONCE_MS


# ---- The strip


def test_the_strip_shows_each_ratio_with_its_error(shown):
    columns = [
        Masked(some(count), np.broadcast_to(np.array(PAINT), (SIZE, SIZE, 3)), error)
        for count, error in ((16, 0.01), (32, 0.02), (48, 0.03), (0, None))
    ]
    shown.give(pack_strip(picture(), columns, PATCH), "s")
    titles = shown.page.locator("#strip .mb-title").all_inner_texts()
    assert titles == ["25 % hidden", "50 % hidden", "75 % hidden", "0 % hidden"]
    captions = shown.page.locator("#strip .mb-caption").all_inner_texts()
    assert captions == ["error 0.010", "error 0.020", "error 0.030", "no error: nothing is hidden"]
    shares = shown.ask(
        "Array.from(s.list.children).map((c) => { const k = c.querySelectorAll('canvas')[1];"
        " const d = k.getContext('2d').getImageData(0, 0, k.width, k.height).data; let n = 0;"
        " for (let i = 0; i < d.length; i += 4) n += d[i] > 220 && d[i + 2] < 40; return 4 * n / d.length; })"
    )
    assert np.allclose(shares, [0.25, 0.5, 0.75, 0], atol=0.02), "so much of each is painted"


# ---- The film


def grey(shown: Shown) -> float:
    """The frame that is seen, by the grey of the first picture where it is painted."""
    patch = int(np.flatnonzero(some(48))[0])
    row, column = divmod(patch, SIDE)
    script = (
        f"((c) => c.getContext('2d').getImageData(Math.round(c.height * {(column + 0.5) / SIDE}),"
        f" Math.round(c.height * {(row + 0.5) / SIDE}), 1, 1).data[0])(f.rows.painted.canvas)"
    )
    return float(shown.ask(script)) / 255 * 59


def test_the_film_is_scrubbed_by_its_slider(shown):
    shown.give(reel(STEPS), "f")
    assert shown.page.inner_text("#film .mb-step") == "step 590"
    assert abs(grey(shown) - 59) < 0.7
    slider = shown.page.locator("#film .mb-slider")
    slider.focus()
    shown.press("Home", "ArrowRight", "ArrowRight")
    assert shown.page.inner_text("#film .mb-step") == "step 20"
    assert slider.get_attribute("aria-valuetext") == "step 20 of 590, frame 3 of 60"
    assert abs(grey(shown) - 2) < 0.7
    slider.fill("30")
    assert abs(grey(shown) - 30) < 0.7
    assert shown.lacking == []


def test_the_film_follows_the_training_only_while_it_is_at_its_end(shown):
    shown.give(reel(STEPS[:10]), "f")
    shown.give(reel(STEPS[:11], newest=4), "f")
    assert shown.page.inner_text("#film .mb-step") == "step 100"
    assert abs(grey(shown) - 10) < 0.7
    shown.page.locator("#film .mb-slider").fill("4")
    shown.give(reel(STEPS[:12], newest=4), "f")
    assert shown.page.inner_text("#film .mb-step") == "step 40"
    thinned = [*STEPS[:12:2], 110, 120]
    shown.give(reel(thinned, newest=2), "f")
    assert shown.page.inner_text("#film .mb-step") == "step 40", "the same step at another index"
    assert abs(grey(shown) - 4) < 0.7
    shown.page.get_by_role("button", name="Newest").click()
    assert shown.page.inner_text("#film .mb-step") == "step 120"
    shown.give(reel([*thinned, 130], newest=1), "f")
    assert shown.page.inner_text("#film .mb-step") == "step 130"
    assert shown.lacking == []


def test_a_film_with_a_gap_asks_for_the_whole_and_is_whole_then(shown):
    shown.whole = lambda data: reel(STEPS[:20]) if lacks_frames(data, "r") else gr.skip()
    shown.give(reel(STEPS[:5]), "f")
    shown.give(reel(STEPS[:20], newest=4), "f")
    wait_for(lambda: shown.lacking == [{"run": "r"}], "the question")
    wait_for(lambda: shown.ask("f.steps.every((step) => f.kept.has(step))"), "the frames")
    shown.page.locator("#film .mb-slider").fill("9")
    assert abs(grey(shown) - 9) < 0.7


def test_another_run_starts_the_film_anew(shown):
    shown.give(reel(STEPS), "f")
    shown.page.locator("#film .mb-slider").fill("4")
    shown.give(reel(STEPS[:1], run="another"), "f")
    assert shown.ask("[f.kept.size, f.at, f.following]") == [1, 0, True]
    assert shown.page.inner_text("#film .mb-step") == "step 0"


def test_play_runs_from_the_start_to_the_end_at_ten_frames_a_second(shown):
    shown.give(reel(STEPS[:8]), "f")
    button = shown.page.locator("#film .mb-play")
    start = time.monotonic()
    button.press("Enter")
    assert button.inner_text() == "Pause"
    wait_for(lambda: button.inner_text() == "Play", "the end")
    assert time.monotonic() - start > 0.5, "not at once"
    assert shown.page.inner_text("#film .mb-step") == "step 70"
    assert shown.ask("f.following")


def test_the_visible_patches_of_the_film_can_be_left_as_the_decoder_has_them(shown):
    shown.give(reel(STEPS), "f")
    white = "((c) => { const d = c.getContext('2d').getImageData(0, 0, c.height, c.height).data; let n = 0;"
    white += (
        " for (let i = 0; i < d.length; i += 4) n += d[i] > 250; return 4 * n / d.length; })(f.rows.painted.canvas)"
    )
    assert abs(shown.ask(white) - 0.75) < 0.03
    shown.page.get_by_label("copy the visible patches in").uncheck()
    assert shown.ask(white) > 0.98
    assert "for every patch" in shown.page.inner_text("#film .mb-note")


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(open_page, dark):
    shown = open_page(dark=dark)
    shown.give(bench(some(48), normalised=True))
    shown.give(pack_strip(picture(), [Masked(some(16), picture() / 255, 0.01)], PATCH), "s")
    shown.give(reel(STEPS), "f")
    found = Axe().run(shown.page, context="#bench, #strip, #film").response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found if v["impact"] in ("serious", "critical")] == []
