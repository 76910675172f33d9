"""What is loaded and compiled in the background, so that the first page comes fast and the first click too."""

from __future__ import annotations

import contextlib
import logging
import time
import urllib.request

PAGE_SECONDS = 30.0

log = logging.getLogger(__name__)


def first_page(address: str) -> None:
    """Have the page made and kept (`playground.kept_answers`), so that the first visitor doesn't wait for that."""
    request = urllib.request.Request(address, headers={"Accept-Encoding": "br"})
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    with contextlib.suppress(OSError), ask(request, timeout=PAGE_SECONDS) as answer:
        answer.read()


def warm_up() -> None:
    """Read the default text, compile the kernels, then UMAP. Whoever comes earlier waits for the text or sees PCA."""
    from backends.analysis import projection
    from backends.data.corpora import load_corpus
    from backends.language import sentences
    from backends.language import shipped as language
    from backends.pretext import compare
    from backends.pretext import shipped as pretext
    from backends.simclr import shipped
    from backends.start import shipped as creatures
    from backends.word2vec.config import Word2VecConfig

    begun = time.perf_counter()
    try:
        creatures.load()
        load_corpus(Word2VecConfig().corpus)
        projection.warm_up()
        shipped.load(shipped.FIRST)
        for task in pretext.MODELS:
            pretext.load(task)
        for method in language.MODELS:
            language.load(method)
        sentences.read_news(language.load("bert"))
        compare.compare_shipped()
    except Exception:
        log.exception("warming up failed")
    log.info("warm after %.1f s", time.perf_counter() - begun)
