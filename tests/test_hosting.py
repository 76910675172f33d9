"""What a host reads of this repository: the Space's front matter, the requirements, the Dockerfile."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
SPACE_COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def front_matter() -> dict[str, object]:
    opening, matter, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert opening == "", "the front matter stands first"
    return yaml.safe_load(matter)


@pytest.fixture(scope="module")
def requirements() -> dict[str, SpecifierSet]:
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    parsed = [Requirement(line) for line in lines if line]
    return {requirement.name: requirement.specifier for requirement in parsed}


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """The instructions: keyword and the rest, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def test_the_front_matter_says_all_that_a_space_needs(front_matter):
    assert {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "app_file", "license"} <= set(front_matter)
    assert front_matter["sdk"] == "gradio"
    assert {front_matter["colorFrom"], front_matter["colorTo"]} <= SPACE_COLOURS
    assert (ROOT / str(front_matter["app_file"])).is_file()
    assert len(str(front_matter["short_description"])) <= 60
    assert front_matter["license"] == "apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]


def test_the_spaces_gradio_is_one_that_the_requirements_allow(front_matter, requirements):
    assert str(front_matter["sdk_version"]) in requirements["gradio"]


def test_the_spaces_python_is_one_that_the_project_allows(front_matter):
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert isinstance(front_matter["python_version"], str), "3.10 without quotes would be 3.1"
    assert f"{front_matter['python_version']}.0" in SpecifierSet(project["requires-python"])


def test_no_requirement_is_a_path_or_an_address(requirements):
    text = (ROOT / "requirements.txt").read_text()
    assert requirements
    assert not re.search(r"://|^\s*[-./]", text, re.MULTILINE)


def test_what_is_installed_here_is_what_the_requirements_ask_for(requirements):
    from importlib.metadata import version

    assert [name for name, wanted in requirements.items() if version(name) not in wanted] == []


def test_everything_that_the_image_copies_is_there(dockerfile):
    copied = [
        source
        for keyword, rest in dockerfile
        if keyword == "COPY"
        for source in [part for part in shlex.split(rest) if not part.startswith("--")][:-1]
    ]
    assert {"app.py", "requirements.txt", "assets/", "backends/", "playground/"} <= set(copied)
    assert [source for source in copied if not (ROOT / source).exists()] == []
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]
    assert [source for source in copied if any(fnmatch(source.rstrip("/"), pattern) for pattern in ignored)] == []


def test_the_image_runs_hosted_as_a_user_without_rights(dockerfile):
    by_keyword = dict(dockerfile)
    assert by_keyword["FROM"].startswith("python:3.11-slim")
    assert by_keyword["USER"] not in ("root", "0")
    assert any(f"useradd --create-home --uid 1000 {by_keyword['USER']}" in rest for _, rest in dockerfile)
    keywords = [keyword for keyword, _ in dockerfile]
    assert keywords.index("USER") < keywords.index("CMD")
    assert json.loads(by_keyword["CMD"]) == ["python", "app.py", "--hosted"]
    assert by_keyword["EXPOSE"] == "7860"


def test_the_image_needs_no_secret_and_no_address_but_torchs_own(dockerfile):
    text = " ".join(rest for _, rest in dockerfile)
    addresses = set(re.findall(r"https?://[\w.:]+", text))
    assert addresses == {"https://download.pytorch.org", "http://127.0.0.1:"}


class _Here(BaseHTTPRequestHandler):
    """Answers that it is here, and is quiet about it."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("name", ["PORT", "GRADIO_SERVER_PORT"])
def test_the_image_is_healthy_where_the_app_listens_and_nowhere_else(dockerfile, name):
    check = next(rest for keyword, rest in dockerfile if keyword == "HEALTHCHECK")
    python, *arguments = json.loads(check[check.index("[") :])
    assert python == "python"
    bare = {key: value for key, value in os.environ.items() if key not in ("PORT", "GRADIO_SERVER_PORT")}
    with ThreadingHTTPServer(("127.0.0.1", 0), _Here) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {**bare, name: str(server.server_port)}
        assert subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=False).returncode == 0
        server.shutdown()
    refused = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=False, capture_output=True)
    assert refused.returncode != 0
