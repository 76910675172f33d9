"""Others' scripts, mended on the way to the browser: four places of Gradio's, and plotly.js with few charts.

Gradio's page walks all its components once for each target of each event and for each value that an event brings, and
all events once for each component. With 1,400 components and 700 events that held the browser for seven seconds before
the first page, and for half a second when it was filled (Gradio 6.31): these three loops are cut short. And a list
that is open while its choices become fewer draws one that is gone, which is an error. The places are known word for
word (names that a bundler gave aside): where a release has them, they are mended as the script is served; where it
hasn't, the script is served as it is. What is done to plotly.js stands in `playground.components.plotly_traces`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response

from playground.components.plotly_traces import plotly_script
from playground.components.plotly_view import plotly_js_path, static_url

ASSETS = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
ROUTE = "/assets/"
SCRIPT_NAMES = ("Blocks-*.js", "core-*.js", "Index-*.js")
"""The scripts that are looked through."""
CACHING = "max-age=0, must-revalidate"
"""As Gradio says of its own assets."""

_NAME = r"[\w$]+"
EVENT_ARGUMENTS = re.compile(
    rf"(?P<head>async set_event_args\((?P<target>{_NAME}),(?P<given>{_NAME})\)\{{)"
    rf"(?=let (?P<old>{_NAME})=\{{\}},(?P<state>{_NAME})=await this\.get_state_cb\?\.\((?P=target)\);"
    rf"if\(!(?P=state)\)return\(\)=>\{{\}};"
    rf"for\(let\[({_NAME})\]of Object\.entries\((?P=given)\)\).{{5,40}};"
    rf"return Object\.keys\((?P=given)\)\.length===0\?\(\)=>\{{\}}:)"
)
"""Looks a component up in the whole tree before it sees that there is nothing to set: now it sees that first."""
ATTACHED_EVENTS = re.compile(
    rf"(?P<head>find_attached_events\((?P<node>{_NAME}),(?P<events>{_NAME})\)\{{)"
    rf"(?=let (?P<names>{_NAME})=(?P=events)\.filter"
    rf"\(({_NAME})=>\5\.targets\.find\(\(\[({_NAME})\]\)=>\6===(?P=node)\.id\)\)"
    rf"\.map\(({_NAME})=>\{{let ({_NAME})=\7\.targets\.find\(\(\[({_NAME})\]\)=>\9===(?P=node)\.id\);"
    rf"return \8\?\8\[1\]:null\}}\)\.filter\(Boolean\);"
    rf"return (?P=node)\.props\.shared_props\.attached_events=(?P=names),(?P=node)\}})"
)
"""Goes through all events for each component: now it goes through them once, and keeps what it saw by component."""

FIND_COMPONENT = re.compile(
    rf"function (?P<find>{_NAME})\((?P<node>{_NAME}),(?P<id>{_NAME})\)\{{if\((?P=node)\.id===(?P=id)\)return (?P=node);"
    rf"if\((?P=node)\.children\)for\(let ({_NAME}) of (?P=node)\.children\)"
    rf"\{{let ({_NAME})=(?P=find)\(\4,(?P=id)\);if\(\5\)return \5\}}return null\}}"
)
"""Searches the tree for a component: now it goes where the component was found last, and searches if it isn't there."""
FIND_COMPONENT_MENDED = (
    r"function \g<find>(root,id){const trees=\g<find>.trees??=new WeakMap;let places=trees.get(root);"
    r"places||trees.set(root,places=new Map);"
    r"let node=root;for(const place of places.get(id)??[])node=node?.children?.[place];"
    r"if(node?.id===id)return node;"
    r"let found=null;const look=(node,path)=>{places.set(node.id,path);if(node.id===id)found=node;"
    r"else node.children?.some((child,place)=>(look(child,[...path,place]),found))};"
    r"look(root,[]);return found}"
)

DRAWN_CHOICE = re.compile(rf"(?<=\.choices\[)(?P<index>{_NAME}\({_NAME}\)\])(?=\[0\])")
"""Draws the label of a list's choice: now also where there is none any more."""


def mend(script: str) -> str:
    """A script with the known places mended; the same where it has none of them."""
    script = DRAWN_CHOICE.sub(r"\g<index>?.", script)
    script = EVENT_ARGUMENTS.sub(r"\g<head>if(Object.keys(\g<given>??{}).length===0)return()=>{};", script)
    script = FIND_COMPONENT.sub(FIND_COMPONENT_MENDED, script)
    return ATTACHED_EVENTS.sub(
        r"\g<head>if(this.events_listed!==\g<events>){this.events_listed=\g<events>;const found=new Map;"
        r"for(const event of \g<events>){const seen=new Set;for(const[id,name]of event.targets)"
        r"if(!seen.has(id)){seen.add(id);if(name)found.has(id)?found.get(id).push(name):found.set(id,[name])}}"
        r"this.events_by_component=found}"
        r"return \g<node>.props.shared_props.attached_events=this.events_by_component.get(\g<node>.id)??[],\g<node>;",
        script,
    )


@functools.cache
def mended_scripts() -> dict[str, str]:
    """Which scripts of the installed Gradio are served otherwise than they lie there, by file name."""
    read = {path.name: path.read_text("utf-8") for name in SCRIPT_NAMES for path in ASSETS.glob(name)}
    mended = {name: mend(script) for name, script in read.items()}
    return {name: script for name, script in mended.items() if script != read[name]}


def mended_script(path: str) -> str | None:
    """What is served at a path in place of the file; None: the file."""
    if ROUTE in path:
        return mended_scripts().get(path.rpartition(ROUTE)[2])
    return plotly_script() if path.endswith(_plotly_path()) else None


@functools.cache
def _plotly_path() -> str:
    return unquote(static_url(plotly_js_path()))


class MendedScripts:
    """ASGI middleware that serves `mended_script` in place of the file."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Answer a request for a mended script; pass on every other."""
        script = None
        if scope["type"] == "http" and scope["method"] == "GET":
            script = mended_script(scope["path"])
        if script is None:
            await self.app(scope, receive, send)
            return
        tag = f'"{hashlib.sha256(script.encode()).hexdigest()[:32]}"'
        headers = {"etag": tag, "cache-control": CACHING}
        if Request(scope).headers.get("if-none-match") == tag:
            await Response(status_code=304, headers=headers)(scope, receive, send)
        else:
            await Response(script, media_type="text/javascript", headers=headers)(scope, receive, send)
