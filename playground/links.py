"""Links that open a tab with its settings: written from configs, read with distrust."""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field

from backends.engine.config import ConfigError, MethodConfig
from playground.link_texts import MAX_LINK_TEXT, KeptText

TAB_PARAMETER = "tab"
MAX_PARAMETERS = 64
MAX_VALUE_CHARACTERS = 200
LINK_KEY = "link"
"""Where in `Session.uploads` the link stands that the page was opened by, or whose address it has."""
VIEW_PARAMETER = "view"
IGNORED = ("__theme", "logs", "__sign")
"""Parameters of Gradio and of hosts, which are no settings."""
GRADIO_VIEWS = ("api", "settings")
"""What Gradio itself shows where a link's view is one of these."""


@dataclass(frozen=True)
class LinkTarget:
    """What a tab takes from a link.

    Attributes:
        configs: the classes of its settings, by the prefix that their names have in a link; "" for the method's own.
        texts: further parameters that are plain text.
        kept: further ones that the session keeps, such as what was typed into a tab's fields.
        views: names of the tab's parts, one of which a link may open; the page's frame fills them in.
    """

    configs: Mapping[str, type[MethodConfig]]
    texts: tuple[str, ...] = ()
    kept: tuple[KeptText, ...] = ()
    views: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """A link that was opened.

    Attributes:
        tab: the tab it names, or None.
        configs: the settings by prefix, defaults where the link says nothing or nonsense.
        texts: the plain texts it sets.
        problems: a sentence for everything that could not be used.
        query: the link itself, in a fixed order, without the part that it opens.
        view: the part of the tab that it opens, or None.
    """

    tab: str | None = None
    configs: dict[str, MethodConfig] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    query: str = ""
    view: str | None = None


def query_of(tab: str, configs: Mapping[str, MethodConfig], texts: Mapping[str, str] | None = None) -> str:
    """Write a query string: the tab, the settings that differ from the defaults, and texts."""
    settings = {
        prefix + name: mine
        for prefix, config in configs.items()
        for name, (mine, _) in config.differences(type(config)()).items()
    }
    return urllib.parse.urlencode({TAB_PARAMETER: tab, **settings, **(texts or {})})


def read_query(parameters: Mapping[str, str], targets: Mapping[str, LinkTarget], unnamed: str | None = None) -> Link:
    """Read a link's parameters; whatever can't be used is said and its default kept.

    Args:
        parameters: of the query string, unchecked.
        targets: what each tab takes, by the tab's name.
        unnamed: the tab of a link that names none; None: the first.
    """
    few = list(parameters.items())[:MAX_PARAMETERS]
    given = {str(name): str(value)[:MAX_LINK_TEXT] for name, value in few if str(name) not in IGNORED}
    view = given.pop(VIEW_PARAMETER, None)
    query = urllib.parse.urlencode(sorted(given.items()))
    if not given:
        return Link()
    tab = given.pop(TAB_PARAMETER, unnamed or next(iter(targets)))
    if tab not in targets:
        return Link(problems=[f"The link names the tab {quoted(tab)}; there is {', '.join(targets)}."], query=query)
    target, problems = targets[tab], []
    values: dict[str, dict[str, str]] = {prefix: {} for prefix in target.configs}
    texts, said = _texts_of(given, target)
    problems += said
    kept = {text.name for text in target.kept}
    for name, value in given.items():
        prefix = _prefix_of(name, target)
        if name in kept or name in target.texts:
            continue
        if prefix is None:
            problems.append(f"The link sets {quoted(name)}, which is no setting here; it was left out.")
        else:
            values[prefix][name[len(prefix) :]] = value[:MAX_VALUE_CHARACTERS]
    configs = {}
    for prefix, config in target.configs.items():
        configs[prefix], refused = _config_of(config, values[prefix])
        problems += refused
    if view in GRADIO_VIEWS or view in target.views:
        view = None if view in GRADIO_VIEWS else view
    elif view is not None:
        problems.append(f"The link names the part {quoted(view)}; there is {', '.join(target.views) or 'none'}.")
        view = None
    return Link(tab, configs, texts, problems, query, view)


def _texts_of(given: Mapping[str, str], target: LinkTarget) -> tuple[dict[str, str], list[str]]:
    """The texts that a link sets, and what is wrong with others."""
    texts = {name: given[name][:MAX_VALUE_CHARACTERS] for name in target.texts if name in given}
    problems = []
    for kept in target.kept:
        if kept.name in given:
            problem = kept.check(given[kept.name])
            if problem:
                problems.append(problem)
            else:
                texts[kept.name] = given[kept.name]
    return texts, problems


def _prefix_of(name: str, target: LinkTarget) -> str | None:
    fitting = [
        prefix
        for prefix, config in target.configs.items()
        if name.startswith(prefix) and name[len(prefix) :] in config.model_fields
    ]
    return max(fitting, key=len, default=None)


def _config_of(config: type[MethodConfig], values: Mapping[str, str]) -> tuple[MethodConfig, list[str]]:
    """Take all values together if they are allowed; else, in the order of the settings, those that go together."""
    with contextlib.suppress(ConfigError):
        return config.parse(values), []
    taken = config()
    good: dict[str, str] = {}
    problems: dict[str, str] = {}
    waiting = [name for name in config.model_fields if name in values]
    while True:  # what one needs may come after it
        for name in waiting:
            try:
                taken = config.parse({**good, name: values[name]})
            except ConfigError as error:
                problems[name] = f"{error} The default was kept."
            else:
                good[name] = values[name]
        before, waiting = waiting, [name for name in waiting if name not in good]
        if waiting == before:
            return taken, [problems[name] for name in waiting]


def quoted(text: str) -> str:
    """A text that came from outside, in quotes, cut where it is long."""
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
