from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from filelock import FileLock

from search.experiments.range_test import RangeTest
from search.service.place import Place
from search.service.prepared import Prepared
from search.service.requests import Driver, keep, read_request
from search.settings.execution import Execution
from search.settings.spec import StudySpec
from tests.search.service.conftest import DONE
from tests.search.studies import SMALL


def wish(**specification: object) -> dict[str, Any]:
    """Return what is sent to submit a small study."""
    plain = SMALL.plain() | specification
    return {"kind": SMALL.kind, "specification": plain, "who": "ann", "message": "a look"}


def files(root: Path) -> dict[str, bytes]:
    """Return all that lies under a folder."""
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_study_is_submitted_once(server: httpx.Client, place: Place) -> None:
    """Its folder says who asked for it, when and why; the same again is the same study."""
    answer = server.post("/studies", json=wish(seed=1))
    assert answer.status_code == 201, answer.text
    name = answer.json()["name"]
    folder = place.root / name
    request = read_request(folder)
    assert request is not None
    assert (request.who, request.message, request.wanted) == ("ann", "a look", True)
    assert request.when is not None
    assert server.get(f"/studies/{name}/summary").json()["state"] == "queued"
    before = files(place.root)
    again = server.post("/studies", json=wish(seed=1) | {"name": "other", "who": "bob"})
    assert (again.status_code, again.json()) == (200, {"name": name, "created": False})
    assert files(place.root) == before


def test_one_that_was_run_by_hand_is_the_same_study(server: httpx.Client) -> None:
    """Its specification and data are the key, not who began it or what it is called."""
    assert server.post("/studies", json=wish()).json() == {"name": DONE, "created": False}


def test_a_study_of_its_own_command_goes_on_by_hand(server: httpx.Client, place: Place) -> None:
    """What it prints as its command names this folder and this specification."""
    name = server.post("/studies", json=wish(seed=1) | {"name": "ann's"}).json()["name"]
    command = server.get(f"/studies/{name}").json()["command"]
    assert command.startswith("python -m search.lambda_coarse_fine --data digits --seed 1 ")
    assert command.endswith(f""" --name 'ann'"'"'s' --out {place.root}""")


def test_a_name_of_another_study_shows_how_they_differ(server: httpx.Client, place: Place) -> None:
    """And the other stays as it is; a name that is made gives way instead."""
    before = files(place.root)
    answer = server.post("/studies", json=wish(seed=1, epochs=4) | {"name": DONE})
    assert answer.status_code == 409
    assert "seed 0 → 1" in answer.json()["detail"]
    assert "epochs 3 → 4" in answer.json()["detail"]
    assert files(place.root).items() >= before.items()
    names = {server.post("/studies", json=wish(seed=seed)).json()["name"] for seed in (1, 2)}
    assert len(names) == 2


def test_a_study_that_ended_early_goes_on_when_it_is_submitted_again(
    server: httpx.Client, place: Place
) -> None:
    """As its command does that is given again."""
    name = server.post("/studies", json=wish(seed=1)).json()["name"]
    keep(place.root / name, Driver(turn=0, code=130))
    assert server.get(f"/studies/{name}/summary").json()["state"] == "unfinished"
    assert not server.post("/studies", json=wish(seed=1)).json()["created"]
    assert server.get(f"/studies/{name}/summary").json()["state"] == "queued"


def test_what_is_wrong_is_said_field_by_field(server: httpx.Client, place: Place) -> None:
    """All of it at once, each with where it is and the sentence that its flag meets."""
    sent = wish(eta_max=-1, cylce=3, hidden="x") | {"execution": {"retries": -1, "out": "/"}}
    before = files(place.root)
    answer = server.post("/studies", json=sent)
    assert answer.status_code == 422
    said = {tuple(each["loc"]): each["msg"] for each in answer.json()["detail"]}
    assert said.keys() == {
        ("body", "specification", "eta_max"),
        ("body", "specification", "cylce"),
        ("body", "specification", "hidden"),
        ("body", "execution", "retries"),
        ("body", "execution", "out"),
    }
    assert said["body", "specification", "eta_max"].startswith("--eta-max -1: ")
    assert "the nearest is 'cycle'" in said["body", "specification", "cylce"]
    assert files(place.root) == before


@pytest.mark.parametrize(
    ("changed", "where", "said"),
    [
        ({"kind": "nonsense"}, ("body",), "kind"),
        ({"name": "../x"}, ("body", "name"), "plain folder name"),
        ({"name": "x" * 101}, ("body", "lambda_coarse_fine", "name"), "at most 100"),
        ({"message": "x" * 2001}, ("body", "lambda_coarse_fine", "message"), "at most 2000"),
        ({"extra": 1}, ("body", "lambda_coarse_fine", "extra"), "not permitted"),
    ],
)
def test_what_is_around_the_specification_is_checked_too(
    server: httpx.Client, changed: dict[str, object], where: tuple[str, ...], said: str
) -> None:
    """In the same form."""
    answer = server.post("/studies", json=wish(seed=1) | changed)
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert tuple(error["loc"]) == where
    assert said in error["msg"]


def test_what_is_left_out_has_its_default(
    server: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the specification, too."""
    asked: list[StudySpec] = []

    def note(spec: StudySpec, how: Execution, *, forecast: bool) -> Prepared:
        asked.append(spec)
        return Prepared({}, "name")

    monkeypatch.setattr("search.service.submissions.prepared", note)
    answer = server.post("/studies", params={"dry_run": True}, json={"kind": "range_test"})
    assert answer.status_code == 200, answer.text
    assert asked == [RangeTest()]


def test_settings_that_do_not_go_together_are_refused(server: httpx.Client) -> None:
    """With the sentence of the specification, as the whole of it is wrong."""
    answer = server.post("/studies", json=wish(eta_min=0.2, eta_max=0.1))
    (error,) = answer.json()["detail"]
    assert error["loc"] == ["body", "specification"]
    assert "is above --eta-max" in error["msg"]


def test_a_dry_run_writes_nothing(server: httpx.Client, place: Place) -> None:
    """It says what the study would do."""
    before = files(place.root)
    answer = server.post("/studies", params={"dry_run": True}, json=wish(seed=1))
    assert answer.json()["forecast"] == {"trials": 4}
    assert files(place.root) == before


@pytest.mark.parametrize(
    "data",
    [
        *("npz:/etc/passwd", "npz:../x.npz", "npz:absent.npz", "npz:", "nonsense"),
        *("csv:/etc/passwd", "parquet:/etc/passwd", "idx:/etc", "folder:/etc", "csv:mine.npz"),
    ],
)
def test_files_of_the_server_are_not_named(server: httpx.Client, place: Place, data: str) -> None:
    """But for those that were uploaded, in whatever form their data would be."""
    (place.root / ".data").mkdir()
    (place.root / ".data" / "mine.npz").touch()
    answer = server.post("/studies", json=wish(data=data))
    (error,) = answer.json()["detail"]
    assert error["loc"] == ["body", "specification", "data"]
    assert "upload a file first" in error["msg"]


def test_a_data_set_is_uploaded_and_named(
    server: httpx.Client, place: Place, tmp_path: Path
) -> None:
    """Read in another process first; the same file again changes nothing, another is refused."""
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.npz"
    np.savez(path, X=rng.normal(size=(200, 6)), y=np.arange(200) % 3)
    for _ in range(2):
        with path.open("rb") as file:
            answer = server.post("/data", files={"file": file})
        assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["data"], found["inputs"], found["images"]) == ("npz:mine.npz", 6, 160)
    assert server.get("/data").json() == ["npz:mine.npz"]
    name = server.post("/studies", json=wish(data="npz:mine.npz", batch_size=20)).json()["name"]
    assert server.get(f"/studies/{name}/summary").json()["data"] == "npz:mine.npz"
    np.savez(path, X=rng.normal(size=(200, 6)), y=np.arange(200) % 3)
    with path.open("rb") as file:
        assert server.post("/data", files={"file": file}).status_code == 409
    names = {entry.name for entry in (place.root / ".data").iterdir()}
    assert names == {"mine.npz"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("x.npz", "no .npz file"), ("x.txt", "ends in .npz"), ("../x.npz", "plain folder name")],
)
def test_what_is_no_data_set_is_not_kept(
    server: httpx.Client, place: Place, name: str, said: str
) -> None:
    """Nothing is left of it, and the sentence says what it is not."""
    answer = server.post("/data", files={"file": (name, b"nonsense")})
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert said in error["msg"]
    assert ".part" not in error["msg"]
    assert not list((place.root / ".data").glob("*"))


def test_a_pickle_is_never_read(server: httpx.Client, tmp_path: Path) -> None:
    """Labels that are objects would be made by running what the file says."""
    path = tmp_path / "evil.npz"
    np.savez(path, X=np.zeros((20, 2)), y=np.array([{}] * 20, dtype=object))
    with path.open("rb") as file:
        answer = server.post("/data", files={"file": file})
    assert answer.status_code == 422
    assert "allow_pickle" in answer.json()["detail"][0]["msg"]


def test_all_of_a_study_is_shown(server: httpx.Client) -> None:
    """Its row, settings, findings, stages and trials."""
    found = server.get(f"/studies/{DONE}").json()
    assert found["summary"] == server.get(f"/studies/{DONE}/summary").json()
    assert found["specification"]["driver"] == SMALL.kind
    assert found["report"]["finished"] is True
    assert [(s["name"], s["trials"], s["ended"]) for s in found["stages"]] == [
        ("coarse", 2, 2),
        ("fine", 2, 2),
        ("final", 1, 1),
    ]
    assert [trial["state"] for trial in found["trials"]] == ["completed"] * 4
    assert found["request"] is None
    assert server.get("/studies/absent").status_code == 404


def test_damage_that_the_list_does_not_see_is_seen_by_who_reads_all(
    server: httpx.Client, place: Place
) -> None:
    """A flipped bit: the study is shown as damaged from then on, without its trials."""
    store = place.root / DONE / "study.db"
    content = bytearray(store.read_bytes())
    at = content.index(b'"accuracy"')
    content[at + 3] ^= 1
    store.write_bytes(content)
    found = server.get(f"/studies/{DONE}").json()
    assert found["summary"]["state"] == "damaged"
    assert found["problem"]
    assert found["trials"] == []
    (row,) = server.get("/studies").json()["studies"]
    assert row["state"] == "damaged"


def test_a_study_is_put_away_and_taken_back(server: httpx.Client) -> None:
    """Lists leave it out unless they are asked for it."""

    def listed(**query: object) -> list[str]:
        rows = server.get("/studies", params=query).json()["studies"]  # type: ignore[arg-type]
        return [row["name"] for row in rows]

    server.post(f"/studies/{DONE}/archive")
    assert (listed(), listed(archived=True)) == ([], [DONE])
    assert server.get(f"/studies/{DONE}/summary").json()["state"] == "finished"
    server.post(f"/studies/{DONE}/archive", params={"away": False})
    assert (listed(), listed(archived=True)) == ([DONE], [])


def test_a_study_is_deleted_and_restored(server: httpx.Client, place: Place) -> None:
    """Whole, and under a name of its own where another one has it meanwhile."""
    before = files(place.root / DONE)
    assert server.delete(f"/studies/{DONE}").json() == {"deleted": DONE}
    assert server.get("/bin").json() == [DONE]
    assert server.get(f"/studies/{DONE}").status_code == 404
    server.post("/studies", json=wish(seed=1) | {"name": DONE})
    assert server.post(f"/bin/{DONE}/restore").json()["name"] == f"{DONE}-2"
    after = files(place.root / f"{DONE}-2")
    assert (
        after.items() >= {path.replace(DONE, f"{DONE}-2"): b for path, b in before.items()}.items()
    )
    assert server.get("/bin").json() == []
    assert server.post(f"/bin/{DONE}/restore").status_code == 404


def test_a_study_that_runs_is_neither_deleted_nor_put_away(
    server: httpx.Client, place: Place
) -> None:
    """Nor tried again, whoever runs it; one that was started by hand is not cancelled from here."""
    with FileLock(place.root / DONE / "study.lock"):
        assert server.delete(f"/studies/{DONE}").status_code == 409
        for verb in ("archive", "retry", "cancel"):
            assert server.post(f"/studies/{DONE}/{verb}").status_code == 409, verb
        assert server.post(f"/studies/{DONE}/stop").json()["state"] == "stopping"
    assert (place.root / DONE / "spec.json").is_file()


def test_one_that_neither_runs_nor_waits_is_not_stopped(server: httpx.Client) -> None:
    """The answer says what it is instead."""
    for verb in ("stop", "cancel"):
        answer = server.post(f"/studies/{DONE}/{verb}")
        assert answer.status_code == 409
        assert "finished" in answer.json()["detail"]


def test_one_that_waits_is_stopped_and_tried_again(server: httpx.Client, place: Place) -> None:
    """Then it waits anew, first if it is to be."""
    name = server.post("/studies", json=wish(seed=1)).json()["name"]
    assert server.post(f"/studies/{name}/stop").json()["state"] == "unfinished"
    answer = server.post(f"/studies/{name}/retry", json={"first": True})
    assert (answer.json()["state"], answer.json()["first"]) == ("queued", True)
    assert server.post(f"/studies/{name}/retry").status_code == 409
    request = read_request(place.root / name)
    assert request is not None
    assert (request.turn, request.who) == (1, "ann")


def test_one_that_was_run_by_hand_can_be_taken_over(server: httpx.Client, place: Place) -> None:
    """A retry queues it, and it stays the study of who ran it."""
    assert server.post(f"/studies/{DONE}/retry", json={"who": "bob"}).json()["state"] == "queued"
    request = read_request(place.root / DONE)
    assert request is not None
    assert request == replace(request, who="bob", when=None, turn=1, wanted=True)


def test_a_list_is_filtered_sorted_and_paged(server: httpx.Client) -> None:
    """By what its query says."""
    for seed in (1, 2, 3):
        server.post("/studies", json=wish(seed=seed) | {"name": f"s{seed}", "who": f"u{seed}"})

    def names(**query: object) -> list[str]:
        rows = server.get("/studies", params=query).json()["studies"]  # type: ignore[arg-type]
        return [row["name"] for row in rows]

    assert names(sort="name", direction="up") == [DONE, "s1", "s2", "s3"]
    assert names(state="queued", sort="name", direction="down") == ["s3", "s2", "s1"]
    assert names(sort="name", direction="up", page=2, size=3) == ["s3"]
    assert names(sort="best", direction="up")[0] == DONE
    assert names(who="u2") == ["s2"]
    assert names(text="S1") == ["s1"]
    assert names(kind="paper") == []
    assert names(data="digits", state="finished") == [DONE]
    assert server.get("/studies", params={"size": 0}).status_code == 422
    assert server.get("/studies", params={"sort": "x"}).status_code == 422


def test_its_health_and_its_numbers_are_told(server: httpx.Client, place: Place) -> None:
    """For whoever runs it: studies by state, in Prometheus' own form."""
    server.post("/studies", json=wish(seed=1))
    assert server.get("/health").json()["well"] is True
    text = server.get("/metrics").text
    assert 'kbn_studies{state="queued"} 1.0' in text
    assert 'kbn_studies{state="finished"} 1.0' in text


def test_its_documentation_is_the_specifications(server: httpx.Client) -> None:
    """Each setting with its help and default, of each command; and none of where a study runs."""
    found = json.dumps(server.get("/openapi.json").json())
    schemas = server.get("/openapi.json").json()["components"]["schemas"]
    settings = schemas["LambdaSearch"]["properties"]
    assert settings["eta_max"] == {
        "title": "Eta Max",
        "type": ["number", "string", "null"],
        "description": "Largest learning rate.",
        "default": "0.1",
    }
    assert settings["preset"]["enum"] == ["standard", "paper", None]
    assert (
        not {"out", "overwrite", "dry_run", "data_dir"} & schemas["Execution"]["properties"].keys()
    )
    assert all(f"{name}Submission" in found for name in ("CoarseFine", "Paper", "RangeTest"))
