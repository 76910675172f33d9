"""Pictures in patches: what is hidden, what a masked autoencoder paints, and how far off it is.

Three components: the bench with its five panels, whose patches are clicked to hide them (`bench.js`), the same picture
at several ratios (`strip.js`), and the film of held-out pictures that sharpen in training (`film.js`). All three get
the original, the hidden patches and what was painted, and make the masked picture, the one with the visible patches
copied in and the error map of them in the page, with `pixels.js`: so a click shows before any model has answered.
"""

from __future__ import annotations

import base64
import html
import io
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from playground.components.figure_save import saveable
from playground.components.plotly_view import head_tags
from playground.components.sprites import sprite_of

FOLDER = Path(__file__).parent
SCRIPTS = {name: FOLDER / f"{name}.js" for name in ("pixels", "bench", "strip", "film")}
"""In the order in which the page must load them."""
STYLE = FOLDER / "mask.css"
BENCH_HEIGHT, STRIP_HEIGHT, FILM_HEIGHT = 290, 176, 260
MAX_SIDE = 512
"""Pixels; ViT-MAE's pictures have 224."""
MAX_PATCHES = 1024
LARGEST_EXACT = 96
"""Pixels a side up to which pictures travel without loss; larger ones would take 100 KB each."""
MAX_ID_CHARACTERS = 64
MAX_NAME_CHARACTERS = 60
"""Longer names are cut."""
MAX_RATIOS = 8
MAX_FRAMES, MAX_FILM_PICTURES = 120, 12
NEWEST_FRAMES = 4
"""Frames that an update in training brings: more than one, so that a page which misses an update still has all."""
FILM_QUALITY = 88
"""WebP's, of frames: measured, see `_frames_sheet`."""
NO_MODEL = "There is no model yet: train one, and it paints here."

_VIEW = """
(function whenReady() {
  const root = element.querySelector(".mb-root");
  if (!window.CLASS || !root) { setTimeout(whenReady, 50); return; }
  const on = { onMask: (what) => trigger("mask", what), onLacking: (what) => trigger("lacking", what) };
  const view = root.view = new CLASS(root, on);
  const show = () => view.show(props.value ? JSON.parse(props.value) : null);
  watch("value", show);
  show();
})();
"""


@dataclass(frozen=True, eq=False)
class Masked:
    """One column of the strip.

    Attributes:
        hidden: (L,) bool, True where the model may not see.
        painted: (S, S, 3) float in [0, 1], the decoder's output for every patch.
        error: mean squared error of the hidden patches, in the target's own space; None where there is none.
    """

    hidden: np.ndarray
    painted: np.ndarray
    error: float | None = None


def mask_bench(label: str, elem_id: str, value: str | None = None) -> gr.HTML:
    """Make the five panels where they are created. Their value is a `pack_bench`; None: a sentence says what will come.

    Its event is `mask` (the visitor has hidden or uncovered patches: {id, hidden: [indices]}; read it with
    `read_hidden`, it comes from the page and must be checked). A `pack_bench` with the same id and these hidden patches
    is to follow. The page asks one question at a time and draws no answer to an earlier one, so the event's
    `trigger_mode` is "multiple": the other modes drop questions.

    Args:
        label: what is shown, for screen readers; ours, never a visitor's.
        elem_id: of the bench.
        value: the first one.
    """
    return _html("MaskBench", label, elem_id, value, BENCH_HEIGHT)


def ratio_strip(label: str, elem_id: str, value: str | None = None) -> gr.HTML:
    """Make a strip of one picture at several ratios where it is created. Its value is a `pack_strip`, or None."""
    return _html("RatioStrip", label, elem_id, value, STRIP_HEIGHT)


def film(label: str, elem_id: str, value: str | None = None) -> gr.HTML:
    """Make a film to scrub where it is created. Its value is a `pack_film`, or None: a sentence says what will come.

    Its event is `lacking` (the page has not all frames that the last value names: {run}; read it with `lacks_frames`).
    A whole `pack_film` is to follow.
    """
    return _html("MaskFilm", label, elem_id, value, FILM_HEIGHT)


def head() -> str:
    """What the page's head must hold for all three; `SCRIPTS` and `STYLE` must be among the static paths."""
    return head_tags("mask", SCRIPTS, STYLE)


def pack_bench(
    original: np.ndarray,
    painted: np.ndarray | None,
    errors: np.ndarray | None,
    hidden: np.ndarray,
    patch: int,
    *,
    normalised: bool = False,
    id: str = "",
    name: str = "",
    baseline: float | None = None,
    empty: str = NO_MODEL,
) -> str:
    """Turn a picture and its reconstruction into a bench's value.

    Args:
        original: (S, S, 3) uint8.
        painted: (S, S, 3) float in [0, 1], the decoder's output for every patch; None: there is no model.
        errors: (L,) mean squared error per patch in the target's own space; only the hidden ones' are shown.
        hidden: (L,) bool, True where the model may not see; L is (S / patch)².
        patch: pixels a side.
        normalised: the targets were normalised, so `painted` holds normalised patches.
        id: comes back with a mask. A new one says that the server has changed the picture, the model or the
            mask, and is drawn whatever the visitor has clicked since.
        name: of the picture; untrusted, shown as text.
        baseline: the error of guessing the visible mean, in the same space.
        empty: the sentence that stands where there is no model.

    Raises:
        ValueError: the arrays do not belong together, or the id is too long.
    """
    side = _checked_patches(original[None], hidden, patch)
    if painted is not None and painted.shape != original.shape:
        raise ValueError(f"The painted picture has shape {painted.shape}; the original has {original.shape}.")
    if errors is not None and errors.shape != hidden.shape:
        raise ValueError(f"There are {errors.shape} errors for {len(hidden)} patches.")
    finite = painted is None or bool(np.isfinite(painted).all())
    pictures = [original] if painted is None or not finite else [original, _levels(painted)]
    return _packed(
        {
            "id": _checked_id(id),
            "side": side,
            "name": _cut(name),
            "normalised": bool(normalised),
            "hidden": _bits(hidden),
            "errors": None if errors is None or not finite else _figures(errors, hidden),
            "baseline": None if baseline is None else _figure(baseline),
            "painted": len(pictures) > 1,
            "empty": empty if finite else "The model's output is not a number: its training has diverged.",
            "sheet": _sheet(np.stack(pictures)),
        }
    )


def read_hidden(event_data: Any, patches: int, id: str | None = None) -> np.ndarray | None:
    """Read what a `mask` brought.

    Args:
        event_data: `gr.EventData._data`, which may be anything.
        patches: L, how many there are.
        id: of the value that the server takes to be shown; None: any.

    Returns:
        (L,) bool, True where the visitor hides; None: what came is no mask of these patches.
    """
    if not isinstance(event_data, dict) or (id is not None and event_data.get("id") != id):
        return None
    indices = event_data.get("hidden")
    if not isinstance(indices, list) or len(indices) > patches:
        return None
    if not all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < patches for i in indices):
        return None
    hidden = np.zeros(patches, bool)
    hidden[indices] = True
    return hidden


def pack_strip(original: np.ndarray, columns: Sequence[Masked], patch: int, *, normalised: bool = False) -> str:
    """Turn one picture at several ratios into a strip's value.

    Args:
        original: (S, S, 3) uint8.
        columns: one a ratio, in the order in which they are shown; up to `MAX_RATIOS`.
        patch: pixels a side.
        normalised: as for `pack_bench`.

    Raises:
        ValueError: the arrays do not belong together, or there are no columns or too many.
    """
    if not 1 <= len(columns) <= MAX_RATIOS:
        raise ValueError(f"A strip has 1 to {MAX_RATIOS} ratios; {len(columns)} came.")
    side = 0
    for column in columns:
        side = _checked_patches(original[None], column.hidden, patch)
        if column.painted.shape != original.shape:
            raise ValueError(f"A painted picture has shape {column.painted.shape}, the original {original.shape}.")
    return _packed(
        {
            "side": side,
            "normalised": bool(normalised),
            "columns": [
                {
                    "hidden": _bits(column.hidden),
                    "error": None if column.error is None else _figure(column.error),
                }
                for column in columns
            ],
            "sheet": _sheet(np.stack([original, *(_levels(column.painted) for column in columns)])),
        }
    )


def pack_film(
    originals: np.ndarray,
    hidden: np.ndarray,
    patch: int,
    steps: Sequence[int],
    frames: np.ndarray,
    *,
    run: str,
    normalised: bool = False,
    newest: int | None = None,
) -> str:
    """Turn reconstructions over the steps into a film's value.

    The page keeps what it has by run and step, and drops what `steps` no longer names. In training send the `newest`
    few frames only; the page asks (`lacking`) where that leaves a gap.

    Args:
        originals: (K, S, S, 3) uint8, K up to `MAX_FILM_PICTURES`.
        hidden: (L,) bool, True where the model may not see, of all K pictures.
        patch: pixels a side.
        steps: (F,) rising, of all frames of the film; F up to `MAX_FRAMES`.
        frames: (F, K, S, S, 3) uint8, the decoder's output for every patch.
        run: names the run, so that frames of another one are not mixed in.
        normalised: the targets were normalised.
        newest: how many of the last frames travel; None: all, and the originals with them.

    Raises:
        ValueError: the arrays do not belong together, or there is too much of something.
    """
    side = _checked_patches(originals, hidden, patch)
    count = len(steps)
    if frames.shape != (count, *originals.shape) or frames.dtype != np.uint8:
        raise ValueError(f"Frames are uint8 of shape {(count, *originals.shape)}; {frames.dtype} {frames.shape} came.")
    if count > MAX_FRAMES or not 1 <= len(originals) <= MAX_FILM_PICTURES:
        raise ValueError(f"A film has up to {MAX_FRAMES} frames of 1 to {MAX_FILM_PICTURES} pictures.")
    if any(after <= before for before, after in itertools.pairwise(steps)):
        raise ValueError("The steps of a film must rise.")
    first = 0 if newest is None else max(0, count - max(1, newest))
    whole = first == 0
    return _packed(
        {
            "run": _checked_id(run),
            "side": side,
            "pictures": len(originals),
            "normalised": bool(normalised),
            "hidden": _bits(hidden),
            "steps": [int(step) for step in steps],
            "first": first,
            "frames": _frames_sheet(frames[first:]) if count else None,
            "originals": _sheet(originals) if whole else None,
        }
    )


def lacks_frames(event_data: Any, run: str) -> bool:
    """Whether a `lacking`, which may be anything, speaks of this run's film."""
    return isinstance(event_data, dict) and event_data.get("run") == run


def _html(view: str, label: str, elem_id: str, value: str | None, height: int) -> gr.HTML:
    return gr.HTML(
        value,
        html_template=saveable(f'class="mb-root" data-label="{html.escape(label)}"', label),
        js_on_load=_VIEW.replace("CLASS", view),
        apply_default_css=False,
        min_height=height,
        elem_id=elem_id,
    )


def _checked_patches(images: np.ndarray, hidden: np.ndarray, patch: int) -> int:
    """How many patches there are a side, or refuse."""
    shape, size = images.shape, images.shape[1] if images.ndim == 4 else 0
    if images.dtype != np.uint8 or shape[1:] != (size, size, 3) or not 1 <= size <= MAX_SIDE:
        raise ValueError(f"Pictures are square uint8 arrays of three colours, not {images.dtype} of shape {shape}.")
    if patch < 1 or size % patch:
        raise ValueError(f"Patches of {patch} pixels do not divide a picture of {size}.")
    side = size // patch
    if hidden.shape != (side * side,) or hidden.dtype != bool or len(hidden) > MAX_PATCHES:
        raise ValueError(f"{side} x {side} patches need one bool each; {hidden.dtype} {hidden.shape} came.")
    return side


def _checked_id(name: str) -> str:
    if len(name) > MAX_ID_CHARACTERS:
        raise ValueError(f"An id has up to {MAX_ID_CHARACTERS} characters; {len(name)} came.")
    return name


def _sheet(images: np.ndarray) -> dict[str, Any]:
    """(n, S, S, 3) uint8 side by side: without loss up to `LARGEST_EXACT`, so that no patch tints its neighbour."""
    if images.shape[1] > LARGEST_EXACT:
        return sprite_of(images, len(images))
    return {
        "src": _encoded(np.concatenate(list(images), axis=1), "PNG"),
        "tile": images.shape[1],
        "columns": len(images),
    }


def _frames_sheet(frames: np.ndarray) -> dict[str, Any]:
    """Frames (F, K, S, S, 3) uint8, one a row. What is smooth anyway may lose a little: a film has 360 pictures."""
    count, pictures, size = frames.shape[:3]
    sheet = frames.transpose(0, 2, 1, 3, 4).reshape(count * size, pictures * size, 3)
    return {"src": _encoded(sheet, "WEBP", quality=FILM_QUALITY, method=2), "tile": size, "columns": pictures}


def _encoded(pixels: np.ndarray, kind: str, **options: Any) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _levels(picture: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] as bytes; what is none is black."""
    return (255 * np.clip(np.nan_to_num(picture), 0, 1) + 0.5).astype(np.uint8)


def _bits(hidden: np.ndarray) -> str:
    return "".join("1" if one else "0" for one in hidden.tolist())


def _figure(value: float) -> float | None:
    """The three digits that are shown; None for what is no number."""
    return float(f"{float(value):.3g}") if np.isfinite(value) else None


def _figures(errors: np.ndarray, hidden: np.ndarray) -> list[float | None]:
    """The errors of the hidden patches; None for the visible ones, which are copied."""
    return [_figure(error) if one else None for error, one in zip(errors.tolist(), hidden.tolist(), strict=True)]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_NAME_CHARACTERS else text[: MAX_NAME_CHARACTERS - 1] + "…"


def _packed(value: dict[str, Any]) -> str:
    """One string, which the page hands on without looking inside, with nothing that anybody takes for a tag."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
