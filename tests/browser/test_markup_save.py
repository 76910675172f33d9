"""Figures that are no charts as files: what was saved looks like what stands on the page, and nothing in it acts."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from playground import shell
from playground.session import SessionStore
from tests.browser.conftest import Server, Visitor, wait_for

pytestmark = pytest.mark.browser
FIGURES = {
    "attention": "#attention-bench",
    "simclr": "#simclr-hand-bench",
    "mae": "#mae-bench",
    "pictures": "#mae-pic-grid",
}
VIEWS = {
    "attention": "?tab=attention&view=by-hand",
    "simclr": "?tab=simclr&view=by-hand",
    "mae": "?tab=mae&view=bench",
    "pictures": "?tab=mae&view=pictures",
}
MOST_UNLIKE = 0.02
"""Mean difference of colours, of 1."""
COARSE = 8
"""Pixels that are taken together: letters and lines fall elsewhere by parts of one."""
AIR = 16


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A page with three tabs that draw."""
    store = SessionStore(max_runs=2, device="cpu")
    demo = shell.build(store, ["attention", "simclr", "mae"])
    _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options())
    yield Server(address, store, demo, "attention")
    demo.close()
    store.close()


def pixels(png: bytes, size: tuple[int, int] | None = None) -> np.ndarray:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return np.asarray(image.resize(size or image.size), dtype=np.float64) / 255


def unlike(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two pictures of one size, without a look at what is finer than some pixels."""
    rows, columns = (side // COARSE * COARSE for side in one.shape[:2])
    difference = (one - other)[:rows, :columns].reshape(rows // COARSE, COARSE, columns // COARSE, COARSE, 3)
    return float(np.abs(difference.mean((1, 3))).mean())


def saved(visitor: Visitor, figure: str, kind: str, folder: Path) -> tuple[str, bytes]:
    host = visitor.page.locator(f"{figure} .figure-save-host")
    host.hover()
    host.locator("summary").click()
    with visitor.page.expect_download() as download:
        host.locator(f"[data-save={kind}]").click()
    path = folder / f"figure.{kind}"
    download.value.save_as(path)
    return download.value.suggested_filename, path.read_bytes()


ONE = "mae"
"""The figure that every run of the tests saves; the others take longer."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == ONE else pytest.mark.slow) for name in FIGURES]
)
def test_a_saved_figure_looks_like_the_one_on_the_page(visitor: Visitor, server: Server, name: str, tmp_path: Path):
    page, figure = visitor.page, FIGURES[name]
    page.goto(f"{server.address}{VIEWS[name]}")
    drawn = page.locator(f"{figure} [data-figure]")
    wait_for(lambda: drawn.is_visible() and drawn.evaluate("node => node.childElementCount > 0"), "the figure")
    visitor.errors.clear()  # of the page that was left
    page.wait_for_timeout(1_000)  # what slides into its place is there
    file, png = saved(visitor, figure, "png", tmp_path)
    page.mouse.move(0, 0)
    there = pixels(drawn.screenshot(animations="disabled", style=".figure-save { display: none }"))
    size = (there.shape[1] + 2 * AIR, there.shape[0] + 2 * AIR)
    here = pixels(png, size)[AIR:-AIR, AIR:-AIR]
    assert unlike(there, np.full_like(there, there.mean((0, 1)))) > 2 * MOST_UNLIKE, "there is something to compare"
    assert unlike(here, there) < MOST_UNLIKE
    assert file.endswith(".png")
    for kind, start in {"svg": b"<svg", "html": b"<!doctype html>"}.items():
        file, text = saved(visitor, figure, kind, tmp_path)
        assert file.endswith(f".{kind}")
        assert text.startswith(start)
        opened, asked = page.context.new_page(), []
        opened.on("request", lambda request, asked=asked: asked.append(request.url))
        opened.goto((tmp_path / f"figure.{kind}").as_uri())
        alone = pixels(opened.screenshot(clip={"x": AIR, "y": AIR, "width": there.shape[1], "height": there.shape[0]}))
        opened.close()
        assert [url for url in asked if url.startswith("http")] == []
        assert unlike(alone, there) < MOST_UNLIKE
    assert visitor.errors == []
