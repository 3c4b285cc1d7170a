"""The files that users copy, held against what reads them and against our own command line."""

from __future__ import annotations

import functools
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from cluster import submit
from cluster.room import Needs, fitting
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.service.server import command as serve
from search.settings.execution import MEMORY_PER_TRIAL, Execution
from search.study.command import _command, _run
from tests.cluster.conftest import ray_settings
from tests.conftest import SHARED

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "cluster"
COPIED = ("rayjob.yaml", "launcher.yaml", "slurm.sh")
PAGES = (*(FILES / name for name in COPIED), ROOT / "docs" / "cluster.md")
GIBIBYTE = 2**30
KUBERAY = SHARED / "kuberay-rayjob-crd.yaml"
"""KubeRay's published schema, where a copy lies beside the repository."""


def studies(text: str) -> list[list[str]]:
    """Return the arguments of each study's command that a text shows."""
    joined = re.sub(r"\\\n", " ", text)
    found = re.findall(r"python3? -m search\.lambda_coarse_fine([^\n`']*)", joined)
    return [shlex.split(rest.replace('"$@"', "").replace("…", "")) for rest in found]


def check_study(arguments: list[str]) -> None:
    """Fail unless the study's own parser and settings take the arguments."""
    parsed = _command(LambdaSearch, _run).make_context("study", list(arguments)).params
    given = {name: value for name, value in parsed.items() if value is not None}
    own = {name: given.pop(name) for name in list(given) if name in LambdaSearch.__annotations__}
    Execution(**{name: value for name, value in given.items() if name in Execution.__annotations__})
    assert own.keys() | given.keys(), "a command without a flag checks nothing"


def read(name: str) -> dict[str, Any]:
    """Return a YAML file."""
    found: dict[str, Any] = yaml.safe_load((FILES / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_shown_are_ours(page: Path) -> None:
    """Every study that a file runs is one that the command line takes: a renamed flag fails."""
    if page.name == "rayjob.yaml":
        text = read(page.name)["spec"]["entrypoint"]
    else:
        text = page.read_text(encoding="utf-8")
    found = studies(text)
    assert found
    for arguments in found:
        check_study(arguments)


def test_a_renamed_flag_would_be_noticed() -> None:
    """The check above refuses what the command line does not know."""
    with pytest.raises(click.UsageError):
        check_study(["--adress", "auto"])


def test_the_page_shows_flags_that_exist() -> None:
    """`cluster.submit` and `cluster.status` know each flag that the page gives them."""
    from cluster import status  # noqa: PLC0415 - beside the other command

    text = re.sub(r"\\\n", " ", (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8"))
    for name, module in {"submit": submit, "status": status}.items():
        known = {opt for parameter in module.command.params for opt in parameter.opts}
        lines = re.findall(rf"python -m cluster\.{name}([^\n`]*)", text)
        assert lines
        for line in lines:
            assert {*re.findall(r"--[a-z-]+[a-z]", line.partition(" -- ")[0])} <= known, line


@pytest.fixture(scope="module")
def ray_job_schema() -> dict[str, Any]:
    """Return KubeRay's own schema of a RayJob, in the version that ours names."""
    if not KUBERAY.exists():
        pytest.skip(f"{KUBERAY} does not exist: KubeRay's schema of a RayJob is not here")
    versions = yaml.safe_load(KUBERAY.read_text(encoding="utf-8"))["spec"]["versions"]
    name = read("rayjob.yaml")["apiVersion"].removeprefix("ray.io/")
    (schema,) = (each["schema"]["openAPIV3Schema"] for each in versions if each["name"] == name)
    closed: dict[str, Any] = close(schema)
    closed["properties"]["metadata"] = {"type": "object"}  # Kubernetes' own; KubeRay leaves it open
    return closed


def close(schema: Any) -> Any:
    """Return a schema that refuses fields it does not name, as Kubernetes does."""
    if isinstance(schema, list):
        return [close(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: close(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


def complaints(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what a schema finds wrong, with the places."""
    found = jsonschema.Draft7Validator(schema).iter_errors(value)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


def test_the_ray_job_is_one(ray_job_schema: dict[str, Any]) -> None:
    """KubeRay's own schema takes it, field by field."""
    assert complaints(read("rayjob.yaml"), ray_job_schema) == []


def test_the_service_s_cluster_is_one(ray_job_schema: dict[str, Any]) -> None:
    """A RayCluster is what KubeRay's schema of a RayJob has within: field by field."""
    cluster, _ = both("service.yaml")
    assert (cluster["apiVersion"], cluster["kind"]) == (
        read("rayjob.yaml")["apiVersion"],
        "RayCluster",
    )
    schema = ray_job_schema["properties"]["spec"]["properties"]["rayClusterSpec"]
    assert complaints(cluster["spec"], schema) == []
    del cluster["spec"]["headGroupSpec"]["template"]["spec"]["containers"][1]["name"]
    assert complaints(cluster["spec"], schema)


def both(name: str) -> list[dict[str, Any]]:
    """Return the documents of a YAML file."""
    return list(yaml.safe_load_all((FILES / name).read_text(encoding="utf-8")))


def test_the_service_s_cluster_fits_together() -> None:
    """What a schema cannot say: flags that there are, ports, volumes, names that have to agree."""
    cluster, service = both("service.yaml")
    template = cluster["spec"]["headGroupSpec"]["template"]
    head, server = template["spec"]["containers"]
    given = serve.make_context("serve", list(server["args"])).params
    assert (given["port"], given["host_names"][0]) == (8420, service["metadata"]["name"])
    assert given["address"].endswith(f":{head['ports'][0]['containerPort']}")
    places = {mount["mountPath"]: mount["name"] for mount in server["volumeMounts"]}
    assert {given["out"], given["data_dir"], str(Path(given["token_file"]).parent)} == set(places)
    shared = [mount for mount in server["volumeMounts"] if mount["name"] != "token"]
    assert head["volumeMounts"] == shared
    assert {volume["name"] for volume in template["spec"]["volumes"]} == set(places.values())
    assert template["metadata"]["labels"] == service["spec"]["selector"]
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] == server["ports"][0]["name"]
    job = read("rayjob.yaml")["spec"]["rayClusterSpec"]
    assert cluster["spec"]["rayVersion"] == job["rayVersion"]
    assert cluster["spec"]["workerGroupSpecs"] == job["workerGroupSpecs"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("spec.backoffLimits", 0),
        ("spec.backoffLimit", "0"),
        ("spec.rayClusterSpec.headGroupSpec.template.spec.containers", {}),
        ("spec.rayClusterSpec.headGroupSpec.rayStartParams.num-cpus", 0),
        ("spec.rayClusterSpec.headGroupSpec.template.spec.volume", []),
    ],
)
def test_a_ray_job_with_an_error_would_be_noticed(
    ray_job_schema: dict[str, Any], place: str, value: Any
) -> None:
    """The check above refuses unknown fields and wrong types, at any depth."""
    job = read("rayjob.yaml")
    *above, name = place.split(".")
    functools.reduce(lambda part, key: part[key], above, job)[name] = value
    assert complaints(job, ray_job_schema)


def test_the_ray_job_starts_one_cluster() -> None:
    """KubeRay makes another one after any exit code but 0: bad input must not be tried again.

    The field needs KubeRay 1.2, which the file and the page say.
    """
    assert read("rayjob.yaml")["spec"]["backoffLimit"] == 0
    for page in (FILES / "rayjob.yaml", ROOT / "docs" / "cluster.md"):
        versions = re.findall(r"KubeRay (\d[\d.]*\d)", page.read_text(encoding="utf-8"))
        assert set(versions) == {"1.2"}


def test_the_ray_job_fits_together() -> None:
    """What a schema cannot say: names, volumes and numbers that have to agree."""
    job = read("rayjob.yaml")
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", job["metadata"]["name"])
    ray = job["spec"]["rayClusterSpec"]
    for group in ray["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    for group in (ray["headGroupSpec"], *ray["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        names = {volume["name"] for volume in pod.get("volumes", ())}
        for container in pod["containers"]:
            assert container["image"].endswith(":0.1.0")
            assert {mount["name"] for mount in container.get("volumeMounts", ())} == names
            assert container["resources"]["limits"] == container["resources"]["requests"]


def test_the_workers_of_the_ray_job_hold_their_trials() -> None:
    """A pod's memory is enough for CIFAR-10 in the object store and a trial on every core."""
    for group in read("rayjob.yaml")["spec"]["rayClusterSpec"]["workerGroupSpecs"]:
        (container,) = group["template"]["spec"]["containers"]
        cpus, memory = (container["resources"]["limits"][name] for name in ("cpu", "memory"))
        size = float(memory.removesuffix("Gi")) * GIBIBYTE
        node = {"CPU": float(cpus), "memory": 0.7 * size}
        assert fitting([node], Needs(1, round(MEMORY_PER_TRIAL * 1e6))) == int(cpus)
        assert 0.3 * size > 700e6


def test_one_ray_everywhere() -> None:
    """Image, job, requirements and the project name the same Ray and the same dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (FILES / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    (ray,) = project["optional-dependencies"]["jobs"]
    ours = [ray if name.startswith("ray>") else name for name in project["dependencies"]]
    assert listed == ours
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (version,) = [line.removeprefix("ray==") for line in pins if line.startswith("ray==")]
    image = (FILES / "Dockerfile").read_text(encoding="utf-8")
    assert f"FROM rayproject/ray:{version}-py311" in image
    assert read("rayjob.yaml")["spec"]["rayClusterSpec"]["rayVersion"] == version


@pytest.mark.ray
def test_the_launcher_file_is_valid() -> None:
    """Ray's own launcher prepares and validates it, and its commands are ones `ray` takes.

    As it stands, before anything is filled in, Ray's schema takes it as well.
    """
    with ray_settings():
        from ray import autoscaler  # noqa: PLC0415 - after the settings
        from ray.autoscaler._private.util import (  # noqa: PLC0415 - after the settings
            prepare_config,
            validate_config,
        )

        prepared = prepare_config(read("launcher.yaml"))
        validate_config(prepared)
    schema = Path(str(autoscaler.__file__)).with_name("ray-schema.json").read_text(encoding="utf-8")
    launcher = read("launcher.yaml")
    assert complaints(launcher, json.loads(schema)) == []
    assert complaints(launcher | {"head_setup_command": []}, json.loads(schema))
    assert prepared["max_workers"] == len(read("launcher.yaml")["provider"]["worker_ips"])
    (*_, head), (*_, worker) = (
        prepared["head_start_ray_commands"],
        prepared["worker_start_ray_commands"],
    )
    assert "--head" in ray_start(head)
    assert "--address" in ray_start(worker)


def ray_start(line: str) -> set[str]:
    """Return the flags of a `ray start` in a shell line; fail when `ray start` lacks one."""
    with ray_settings():
        from ray.scripts.scripts import start  # noqa: PLC0415 - after the settings

        known = {option for parameter in start.params for option in parameter.opts}
    flags = {*re.findall(r"--[a-z-]+", line.partition("ray start")[2])}
    assert flags <= known
    return flags


SBATCH = {
    "--job-name": r"[\w-]+",
    "--nodes": r"\d+",
    "--ntasks-per-node": r"1",
    "--cpus-per-task": r"\d+",
    "--mem": r"\d+G",
    "--exclusive": r"",
    "--time": r"\d\d:\d\d:\d\d",
    "--output": r"\S+\.log",
}
"""Options of sbatch, and the form of their values; Ray wants one task a node."""


@pytest.mark.ray
def test_the_slurm_script_is_sound() -> None:
    """The shell reads it, its options are sbatch's, `ray symmetric-run` takes what it is given."""
    path = FILES / "slurm.sh"
    subprocess.run(["/bin/bash", "-n", path], check=True)
    text = path.read_text(encoding="utf-8")
    options = dict(
        line.removeprefix("#SBATCH ").partition("=")[::2]
        for line in text.splitlines()
        if line.startswith("#SBATCH")
    )
    assert options.keys() == SBATCH.keys()
    assert all(re.fullmatch(SBATCH[name], value) for name, value in options.items())
    words = shlex.split(re.sub(r"\\\n", " ", text).rpartition("ray symmetric-run")[2])
    before = words[: words.index("--")]
    with ray_settings():
        from ray.scripts.symmetric_run import (  # noqa: PLC0415 - after the settings
            curate_and_validate_ray_start_args,
        )

        rest = curate_and_validate_ray_start_args(before)
    assert ray_start(f"ray start {shlex.join(rest)}") == {"--num-cpus"}
