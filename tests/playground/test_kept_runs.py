"""Pinned runs: light, bounded, named, and a stranger's file does no harm."""

from __future__ import annotations

import json
import math

import pytest

from backends.engine.trainer import Snapshot
from playground import kept_files
from playground.kept_files import MAX_FILE_BYTES, from_bytes, read_file, to_csv, to_json
from playground.kept_runs import (
    MAX_KEPT,
    MAX_NAME,
    MAX_NUMBERS,
    MAX_POINTS,
    KeptError,
    add_from_file,
    keep,
    kept_of,
    light,
    remove,
    rename,
    toggle,
    unique_name,
)
from tests.playground.fakes import fake_run


def trained(store, slices=3, **settings):
    run = fake_run(store, **settings)
    for _ in range(slices):
        run.pull()
    return run


def document(*runs):
    return json.loads(to_json(runs))


def changed(store, **changes):
    whole = document(light(trained(store)))
    whole["runs"][0] |= changes
    return json.dumps(whole).replace("Infinity", "1e999").encode()  # a number that is none only once it is read


def test_an_untrained_run_can_not_be_kept(store, session):
    for run in (None, fake_run(store)):
        with pytest.raises(KeptError, match="press Train first"):
            keep(session, run)
    assert kept_of(session) == []


def test_a_kept_run_stays_as_it_was_when_its_run_goes_on(store, session):
    run = trained(store, 2)
    kept = keep(session, run)
    run.pull()
    assert kept.run.steps == (1, 2)
    assert kept.run.metrics["loss"] == tuple(snapshot.metrics["loss"] for snapshot in run.history[:2])
    assert kept.run.final == {"loss": run.history[1].metrics["loss"]}


def test_a_run_is_kept_once_until_it_has_trained_on(store, session):
    run = trained(store, 1)
    keep(session, run)
    with pytest.raises(KeptError, match="pinned already"):
        keep(session, run)
    run.pull()
    keep(session, run)
    assert [kept.run.name for kept in kept_of(session)] == ["fake", "fake (2)"]


def test_a_full_list_says_so_and_lets_nothing_go(store, session):
    first = keep(session, trained(store))
    for seed in range(2, MAX_KEPT + 1):
        keep(session, trained(store, seed=seed))
    with pytest.raises(KeptError, match=f"{MAX_KEPT} runs are pinned"):
        keep(session, trained(store, seed=99))
    assert kept_of(session)[0] == first
    remove(session, first.id)
    keep(session, trained(store, seed=99))


def test_long_curves_are_thinned_and_keep_their_ends(store):
    run = trained(store, 1)
    run.history = [Snapshot(i, 5000, i / 10, {"loss": 1 / i}) for i in range(1, 1001)]
    run.snapshot = Snapshot(1001, 5000, 100.1, {"loss": 0.5})
    kept = light(run)
    assert len(kept.steps) == MAX_POINTS
    assert (kept.steps[0], kept.steps[-1], kept.metrics["loss"][-1]) == (1, 1001, 0.5)
    many = {f"m{i}": 1.0 for i in range(100)}
    run.history = [Snapshot(i, 5000, i / 10, many) for i in range(1, 1001)]
    run.snapshot = run.history[-1]
    assert len(light(run).steps) * 100 <= MAX_NUMBERS


def test_what_is_not_finite_becomes_a_gap(store):
    run = trained(store, 1)
    run.history = [Snapshot(i, 3, i, {"loss": value}) for i, value in enumerate([1.0, math.nan, math.inf], 1)]
    run.snapshot = run.history[-1]
    assert light(run).metrics["loss"] == (1.0, None, None)
    assert light(run).final == {"loss": 1.0}


def test_names_are_unique_bounded_and_on_one_line(store, session):
    one, other = keep(session, trained(store)), keep(session, trained(store, rate=0.1))
    assert other.run.name == "fake, rate 0.1"
    assert rename(session, one.id, "  red\n\tapples\x00 ").run.name == "red apples"
    for name, said in (("", "empty"), ("x" * (MAX_NAME + 1), "fit"), ("FAKE, rate 0.1", "another run’s name")):
        with pytest.raises(KeptError, match=said):
            rename(session, one.id, name)
    with pytest.raises(KeptError, match="not pinned any more"):
        rename(session, "nobody", "x")
    assert kept_of(session)[0].run.name == "red apples"
    names = ["a" * MAX_NAME]
    for _ in range(12):
        names.append(unique_name("a" * 100, names))
    assert len({name.casefold() for name in names}) == len(names)
    assert max(map(len, names)) <= MAX_NAME


def test_a_run_can_be_left_out_and_drawn_again(store, session):
    kept = keep(session, trained(store))
    toggle(session, kept.id)
    assert not kept_of(session)[0].shown
    toggle(session, kept.id)
    assert kept_of(session)[0] == kept


def test_saved_runs_are_read_back_as_they_were(store):
    runs = [light(trained(store)), light(trained(store, rate=0.1, seed=4))]
    assert from_bytes(to_json(runs).encode()) == runs
    assert document(*runs)["version"] == kept_files.VERSION


def test_the_table_has_a_row_for_each_number_and_no_formula(store):
    run = light(trained(store)).model_copy(update={"name": '=HYPERLINK("http://x")'})
    rows = to_csv([run]).splitlines()
    assert rows[0] == ",".join(kept_files.CSV_COLUMNS)
    assert len(rows) == 1 + len(run.steps)
    assert rows[1].startswith("\"'=HYPERLINK")
    assert float(rows[-1].split(",")[-1]) == run.metrics["loss"][-1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[1, 2]", "holds no runs"),
        (b'{"format": "ssl-playground-runs", "version": 1}', "holds no runs"),
        (b'{"format": "ssl-playground-runs", "version": 2, "runs": [1]}', "version is not 1"),
        (b'{"format": "ssl-playground-runs", "version": true, "runs": [1]}', "version is not 1"),
        (b'{"format": "ssl-playground-runs", "version": 1, "runs": []}', "holds 0 runs"),
        (b'{"format": "ssl-playground-runs", "version": 1, "runs": [5]}', "Run 1 of the file can’t be used"),
        (b'{"format": "ssl-playground-runs", "version": 1, "runs": [NaN]}', "NaN, which is no number"),
        (b'{"format": "ssl-playground-runs", "version": 1, "runs": [-Infinity]}', "-Infinity, which is no number"),
        (b'{"x": ' + b"9" * 10_000 + b"}", "no JSON"),
    ],
)
def test_what_is_no_file_of_runs_is_refused_with_a_sentence(data, said):
    with pytest.raises(KeptError, match=said):
        from_bytes(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * (MAX_NAME + 1)},
        {"name": 5},
        {"method": "<img src=x onerror=alert(1)>"},
        {"steps": []},
        {"steps": [3, 2, 1]},
        {"steps": [1, 2]},
        {"steps": [1, 2, -3]},
        {"steps": list(range(MAX_POINTS + 1))},
        {"seconds": [1, 2, "soon"]},
        {"seconds": [0.1, 0.2, 1e300]},
        {"metrics": {"loss": [1, 2]}},
        {"metrics": {"loss": [1, 2, 1e999]}},
        {"metrics": {"<b>": [1, 2, 3]}},
        {"metrics": {f"m{i}": [1, 2, 3] for i in range(1000)}},
        {"settings": {"rate": {"label": "Rate", "value": "x" * 1000}}},
        {"settings": {"rate": "0.5"}},
        {"model": "weights"},
        {"total": 10**40},
    ],
)
def test_a_run_that_is_not_as_it_should_be_is_refused_with_a_sentence(store, changes):
    with pytest.raises(KeptError, match="Run 1 of the file can’t be used") as refused:
        from_bytes(changed(store, **changes))
    assert len(str(refused.value)) < 400


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "runs.json"
    path.write_bytes(b" " * (MAX_FILE_BYTES + 1))
    with pytest.raises(KeptError, match="larger than"):
        read_file(path)


def test_a_file_adds_what_fits_and_its_runs_are_marked(store, session):
    run = light(trained(store))
    for seed in range(MAX_KEPT - 2):
        keep(session, trained(store, seed=seed))
    assert add_from_file(session, [run] * 5) == (2, 3)
    added = kept_of(session)[-2:]
    assert [kept.from_file for kept in added] == [True, True]
    assert len({kept.run.name for kept in kept_of(session)}) == MAX_KEPT
