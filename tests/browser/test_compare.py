"""Compare and Share in a browser: pin, compare, save, open again; a chart as a file; a link to a part of a tab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from playground import shell
from playground.kept_runs import MAX_KEPT, add_from_file, kept_of
from playground.session import SessionStore
from tests.browser.conftest import Server, Visitor, wait_for
from tests.browser.test_accessibility import serious

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=window.evil=1>"
CHART = "#recall-accuracy"
STARTS = {"png": b"\x89PNG", "svg": b"<svg", "html": b"<!doctype html>"}
"""How files of these kinds begin, in the order of the menu."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A page with the tab that trains soonest, and with Compare."""
    store = SessionStore(max_runs=2, device="cpu")
    demo = shell.build(store, ["attention", "compare"])
    _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options())
    yield Server(f"{address}?tab=attention&view=recall&distance=3&steps=20&batch=16", store, demo, "attention")
    demo.close()
    store.close()


def setting(visitor: Visitor) -> str:
    return str(visitor.page.input_value("#recall-distance input[type=number]"))


def trained(visitor: Visitor) -> Visitor:
    """Train a little, from the settings of the link."""
    visitor.page.wait_for_selector("#recall-train:visible")
    wait_for(lambda: setting(visitor) == "3", "the link's settings")
    visitor.page.click("#recall-step")
    visitor.page.wait_for_selector(
        "#recall-status :is([data-phase=paused], [data-phase=done])"
    )  # 20 steps may be one slice
    visitor.page.wait_for_selector(f"{CHART} [data-traces='2']")
    return visitor


def tab(visitor: Visitor, name: str) -> None:
    visitor.page.locator(".techniques > .tab-wrapper").get_by_role("tab", name=name, exact=True).first.click()


def test_a_pinned_run_is_named_saved_removed_and_opened_again(visitor: Visitor, tmp_path: Path):
    page = trained(visitor).page
    page.click("#recall-keep")
    page.wait_for_selector("#recall-kept-note >> text=Pinned as “Recall, distance 3")
    tab(visitor, "Compare")
    page.wait_for_selector("#compare-list li")
    page.wait_for_selector("#compare-chart [data-traces='2']")
    page.locator("#compare-list").get_by_text("Rename").click()
    page.fill("#compare-name input, #compare-name textarea", EVIL)
    page.click("#compare-save-name")
    page.wait_for_selector(f"#compare-list b:has-text({json.dumps(EVIL)})")
    with page.expect_download() as download:
        page.click("#compare-json")
    saved = tmp_path / "runs.json"
    download.value.save_as(saved)
    assert json.loads(saved.read_text("utf-8"))["runs"][0]["name"] == EVIL
    page.locator("#compare-list").get_by_text("Remove").click()
    page.wait_for_selector("#compare-list >> text=Nothing is pinned yet")
    page.set_input_files("#compare-open input[type=file]", saved)
    page.wait_for_selector("#compare-list >> text=from a file")
    page.wait_for_selector("#compare-table td")
    page.wait_for_selector("#compare-chart [data-traces='2']")
    assert page.evaluate("window.evil") is None
    assert visitor.errors == []


def test_pins_survive_a_reload(visitor: Visitor):
    page = trained(visitor).page
    page.click("#recall-keep")
    page.wait_for_selector("#recall-kept-note >> text=Pinned")
    page.reload()
    page.wait_for_selector("#recall-train:visible")
    tab(visitor, "Compare")
    page.wait_for_selector("#compare-list b:has-text('Recall, distance 3')")


def test_a_chart_is_saved_by_keyboard_alone_and_asks_no_other_host(visitor: Visitor, tmp_path: Path):
    page = trained(visitor).page
    summary = page.locator(f"{CHART} .figure-save summary")

    def opacity() -> str:
        return str(summary.evaluate("node => getComputedStyle(node.parentElement).opacity"))

    assert opacity() == "0"
    for number, (kind, start) in enumerate(STARTS.items(), 1):
        summary.focus()
        page.keyboard.press("Enter")
        wait_for(lambda: opacity() == "1", "the menu to show")
        for _ in range(number):
            page.keyboard.press("Tab")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert download.value.suggested_filename == f"attention-held-out-accuracy-over-the-steps.{kind}"
        download.value.save_as(tmp_path / f"figure.{kind}")
        assert (tmp_path / f"figure.{kind}").read_bytes().startswith(start)
    opened = page.context.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    address = (tmp_path / "figure.html").as_uri()
    opened.goto(address)
    opened.wait_for_selector("#figure .scatterlayer path.js-line", state="attached")
    assert asked == [address]
    page.emulate_media(media="print")
    assert not summary.is_visible()
    page.emulate_media(media="screen")


@pytest.mark.slow
def test_a_chart_that_ends_a_script_is_saved_whole(visitor: Visitor):
    figure = {
        "data": [{"y": [1, 2], "name": "</script><script>window.evil=1</script><!--"}],
        "layout": {"title": {"text": "<"}},
    }
    made = trained(visitor).page.evaluate(
        "figure => FigureSave.page(FigureSave.standalone(figure), '<b>', 300)", figure
    )
    opened = visitor.context.new_page()
    opened.set_content(made)
    opened.wait_for_selector("#figure .scatterlayer", state="attached")
    assert opened.evaluate("figure.data[0].name") == figure["data"][0]["name"]
    assert opened.evaluate("window.evil") is None
    assert opened.title() == "<b>"


def test_a_copied_link_opens_the_part_in_sight(visitor: Visitor, server: Server):
    page = trained(visitor).page
    page.click("#recall-copy-link")
    wait_for(lambda: page.evaluate("location.href").endswith("&view=recall"), "the link in the address")
    page.goto(f"{server.address.partition('?')[0]}?tab=attention&view=how")
    page.wait_for_selector("#attention-views-tabs [data-tab-id=how][aria-selected=true]")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_for_those_who_do_not_see(visitor: Visitor, server: Server, theme):
    visitor.page.goto(f"{server.address}&__theme={theme}")
    page = trained(visitor).page
    page.click("#recall-keep")
    page.wait_for_selector("#recall-kept-note >> text=Pinned")
    page.locator(f"{CHART} .figure-save summary").focus()
    page.keyboard.press("Enter")
    assert serious(visitor) == []
    tab(visitor, "Compare")
    page.wait_for_selector("#compare-chart [data-traces='2']")
    session = next(each for each in server.store._sessions.values() if len(kept_of(each)) == 1)
    run = kept_of(session)[0].run
    add_from_file(session, [run] * (MAX_KEPT - 1))
    tab(visitor, "Attention")
    tab(visitor, "Compare")
    page.wait_for_selector(f"#compare-list >> text={MAX_KEPT} of {MAX_KEPT}")
    page.locator("#compare-list .cmp-show").nth(1).click()
    page.wait_for_selector("#compare-list [aria-pressed=false]")
    page.locator("#compare-list").get_by_text("Rename").first.click()
    page.wait_for_selector("#compare-save-name:visible")
    assert serious(visitor) == []
