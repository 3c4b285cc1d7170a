"""What is asked of a cluster before work goes there, and what it holds: two nodes of one CPU."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster import ClusterError, Kind, Needs, RayPool, check_address, look_at, outlook
from cluster.status import main as status
from search.training.versions import versions
from tests.cluster.collect import finish, items, read
from tests.cluster.conftest import OURS, head, shared_data
from tests.cluster.tasks import Order, work

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = tuple(ROOT / name for name in ("kbn", "search", "cluster", "reports"))
MB = 10**6
STORE = 200 * MB


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Yield a cluster of a head and a node, each with one CPU; tests remove what they add."""
    with head(cpus=1, object_store_memory=STORE) as cluster:
        cluster.add_node(num_cpus=1, object_store_memory=STORE)
        yield cluster


@contextmanager
def another(nodes: Any, **how: Any) -> Iterator[None]:
    """Have one more node for a block."""
    node = nodes.add_node(object_store_memory=STORE, **how)
    try:
        yield
    finally:
        nodes.remove_node(node)


def test_the_head_says_what_there_is(nodes: Any) -> None:
    """Nodes, cores, memory and object stores, without joining; this machine is one of them."""
    found = look_at(nodes.address)
    assert [node.head for node in found.nodes] == [True, False]
    assert [node.total["CPU"] for node in found.nodes] == [1, 1]
    assert [node.total["object_store_memory"] for node in found.nodes] == [STORE, STORE]
    assert all(node.free == node.total for node in found.nodes)
    assert found.here in found.nodes
    assert found.ray == versions()["Ray"]


@pytest.mark.parametrize(
    ("needs", "shared", "limit", "slots", "said"),
    [
        (Needs(1), 0, None, 2, "room: 2 at once of 1 core each on 2 nodes; now free: 2"),
        (
            Needs(0.5),
            0,
            3,
            3,
            "room: 4 at once of 0.5 cores each on 2 nodes; now free: 4; at most 3",
        ),
        (Needs(2), 0, None, 1, "warning: none fits; the largest of 2 nodes has 1 cores and"),
        (Needs(1, 10**15), 0, None, 1, "warning: none fits"),
        (Needs(1), 2 * STORE, None, 2, "its object store of 200 MB is smaller than the 400 MB"),
    ],
)
def test_what_fits_is_said(
    nodes: Any, needs: Needs, shared: int, limit: int | None, slots: int, said: str
) -> None:
    """A task never spans nodes, and what cannot run or would go to disk is warned of."""
    found, lines = outlook(look_at(nodes.address), needs, shared=shared, max_concurrent=limit)
    assert found == slots
    assert said in "\n".join(lines)


def test_a_machine_that_is_no_node_is_sent_away(nodes: Any) -> None:
    """In a process that sees no raylet, as on another machine, one line says how to submit.

    Ray itself lets such a driver wait for a minute, or aborts it.
    """
    apart = ["unshare", "--pid", "--mount-proc", "--fork", "--"]
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user cannot make a process namespace")
    study = ["-m", "search.lambda_coarse_fine", "--data", "digits", "--address", nodes.address]
    done = subprocess.run(
        [*apart, sys.executable, *study, "--out", "/nonexistent-but-not-reached/.."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "this machine is no node of that cluster" in line
    assert "-- python -m search.lambda_coarse_fine --data digits" in line
    assert done.stdout == ""


@contextmanager
def claimed(nodes: Any, **words: str) -> Iterator[None]:
    """Let the head claim other versions for a block."""
    gcs = import_module("ray._raylet").GcsClient(address=nodes.address)
    key, space = b"CLUSTER_METADATA", b"cluster"
    true = gcs.internal_kv_get(key, space)
    gcs.internal_kv_put(key, json.dumps(json.loads(true) | words).encode(), True, space)
    try:
        yield
    finally:
        gcs.internal_kv_put(key, true, True, space)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"ray_version": "2.59.0"}, "the cluster runs Ray 2.59.0, and this is Ray 2.60"),
        ({"python_version": "3.10.1"}, "the cluster runs Python 3.10.1, and this is Python 3."),
    ],
    ids=["Ray", "Python"],
)
def test_another_version_is_named(nodes: Any, words: dict[str, str], said: str) -> None:
    """Ray refuses it as well, with a message of eight lines after it has joined."""
    with claimed(nodes, **words), pytest.raises(ClusterError) as caught:
        check_address(nodes.address)
    assert said in str(caught.value)


def elsewhere(folder: Path, text: str) -> dict[str, str]:
    """Return the environment of a node on which Python starts with some text."""
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


OTHER = f"{np.__version__}.post1"
"""A version that every library takes which takes ours: Ray's workers import those that it finds."""
OTHER_NUMPY = f"import numpy\nnumpy.__version__ = '{OTHER}'\n"
NO_THREADPOOLCTL = "import sys\nsys.modules['threadpoolctl'] = None\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OTHER_NUMPY, f"NumPy {OTHER} there and {np.__version__} here"),
        pytest.param(NO_THREADPOOLCTL, "threadpoolctl", marks=pytest.mark.slow),
    ],
    ids=["another NumPy", "a package missing"],
)
def test_a_node_that_differs_is_named(nodes: Any, tmp_path: Path, text: str, said: str) -> None:
    """Before the first trial, with the way out; the nodes that agree are not named."""
    probe = needs_threadpoolctl if text == NO_THREADPOOLCTL else versions
    with (
        another(nodes, num_cpus=1, env_vars=elsewhere(tmp_path, text)),
        pytest.raises(ClusterError, match="nodes differ from this driver") as caught,
        RayPool(work, None, address=nodes.address, py_modules=PACKAGES, versions=probe),
    ):
        pass
    message = str(caught.value)
    assert said in message
    assert message.count(" there and ") + message.count("import of") == 1
    assert "cluster/requirements.txt" in message


def needs_threadpoolctl() -> dict[str, str]:
    """Stand for a program that needs a package."""
    return {"threadpoolctl": import_module("threadpoolctl").__version__}


def test_a_node_whose_workers_die_is_named(nodes: Any, tmp_path: Path) -> None:
    """A library that does not fit the others there ends Ray's workers, which import it."""
    (tmp_path / "pyarrow.py").write_text("raise ImportError('wants another NumPy')\n")
    with (
        another(nodes, num_cpus=1, env_vars={"PYTHONPATH": str(tmp_path)}),
        pytest.raises(ClusterError, match="workers die of their first task") as caught,
        RayPool(work, None, address=nodes.address, py_modules=PACKAGES, versions=versions),
    ):
        pass
    assert str(caught.value).count("workers die") == 1


@pytest.mark.slow
@pytest.mark.parametrize("how", ["at once", "workers first"])
def test_a_node_that_goes_away_when_asked_is_left_alone(
    nodes: Any, tmp_path: Path, how: str
) -> None:
    """The others answer, and the work runs there: nothing is wrong with what is installed."""
    leaving = {"LEAVES": how, "MARK": str(tmp_path / "asked")}
    with (
        another(nodes, num_cpus=1, env_vars=leaving),
        RayPool(
            work, shared_data(), address=nodes.address, py_modules=OURS, versions=leaves
        ) as pool,
    ):
        pool.submit("a", Order("count", 2))
        assert items(finish(pool, "a"), "a") == [0, 1]


def leaves() -> dict[str, str]:
    """Tell nothing; on a node that is meant to, end the node, which is the worker's parent.

    Its workers may end a moment before it, as they do on a machine that is shut down.
    """
    how, raylet = os.environ.get("LEAVES"), os.getppid()
    if how == "workers first":
        mark = Path(os.environ["MARK"])
        if mark.exists():  # asked again, and not a third time
            kill = f"sleep 1; kill -KILL {raylet}"
            subprocess.Popen(["/bin/sh", "-c", kill], start_new_session=True)
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "at once":
        os.kill(raylet, signal.SIGKILL)
        time.sleep(600)
    return {}


def test_nodes_that_agree_pass(nodes: Any) -> None:
    """The packages are sent, every node answers, and the work runs."""
    with RayPool(
        work, shared_data(), address=nodes.address, py_modules=PACKAGES, versions=versions
    ) as pool:
        pool.submit("a", Order("count", 2))
        assert items(finish(pool, "a"), "a") == [0, 1]


def stored(node: Any) -> dict[str, int]:
    """Return what a node's object store says of itself."""
    stats = import_module("ray._private.internal_api").node_stats(
        node["NodeManagerAddress"], node["NodeManagerPort"], include_memory_info=False
    )
    return {
        "created": stats.store_stats.cumulative_created_bytes,
        "held": stats.store_stats.object_store_bytes_used,
    }


def test_data_travels_once_to_a_node(nodes: Any) -> None:
    """Six tasks on two nodes read 40 MB: each node's store was filled with them once."""
    data = {"name": "shared", "numbers": np.ones(5 * MB)}
    with RayPool(work, data, address=nodes.address, py_modules=OURS) as pool:
        ray: Any = pool._ray
        before = {node["NodeID"]: stored(node)["created"] for node in ray.nodes() if node["Alive"]}
        keys = [f"t{number}" for number in range(6)]
        for key in keys:
            pool.submit(key, Order("sum where", 0.3))
        events = finish(pool, *keys)
        after = {node["NodeID"]: stored(node) for node in ray.nodes() if node["Alive"]}
    seen = [value for key in keys for value in items(events, key)]
    assert {total for total, _ in seen} == {5.0 * MB}
    assert {node for _, node in seen} == after.keys()
    size = 40 * MB
    for node, store in after.items():
        assert size <= store["held"] < 1.5 * size
        assert store["created"] - before[node] < 1.5 * size


def idle() -> None:
    """Take a core and do nothing with it."""
    time.sleep(600)


def test_a_full_cluster_is_waited_for(nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once that the work waits, and what for, and once that it goes on."""
    monkeypatch.setattr("cluster.room.PATIENCE", 0.5)
    said: list[str] = []
    with RayPool(
        work, shared_data(), address=nodes.address, py_modules=OURS, say=said.append
    ) as pool:
        ray: Any = pool._ray
        others = [ray.remote(num_cpus=1)(idle).remote() for _ in range(2)]
        ray.wait(others, timeout=3)
        pool.submit("a", Order("count", 2))
        assert read(pool, lambda _: said) == []
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            pool.poll(0.2)
        for other in others:
            ray.cancel(other, force=True)
        events = finish(pool, "a")
    assert items(events, "a") == [0, 1]
    assert said == [
        said[0],
        "there is room: going on",
    ]
    assert said[0].startswith(
        "waiting for room: a task asks for 1 core; of the cluster's 2 cores 0"
    )


def test_a_node_with_more_memory_is_used_when_it_joins(
    nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim that no node can meet is waited for, with a line, and met at once by a new node."""
    monkeypatch.setattr("cluster.room.PATIENCE", 0.5)
    said: list[str] = []
    largest = max(node.total["memory"] for node in look_at(nodes.address).nodes)
    claim = int(2 * largest)
    with RayPool(
        work,
        shared_data(),
        address=nodes.address,
        py_modules=OURS,
        memory_per_task=claim,
        say=said.append,
    ) as pool:
        pool.submit("a", Order("count", 2))
        assert read(pool, lambda _: said) == []
        assert "waiting for a node: a task asks for 1 core and" in said[0]
        assert "the largest of 2 nodes has 1 cores" in said[0]
        with another(nodes, num_cpus=1, memory=claim):
            events = finish(pool, "a")
    assert items(events, "a") == [0, 1]
    assert [e.kind for e in events if e.kind is not Kind.ITEM] == [Kind.STARTED, Kind.DONE]
    assert said[1:] == ["there is room: going on"]


def test_the_status_command_says_it_all(nodes: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Nodes, totals, what fits, and the versions of all nodes in one line where they agree."""
    arguments = [f"--address={nodes.address}", "--trials=5", "--shared=500"]
    with pytest.raises(SystemExit) as ended:
        status(arguments)
    output = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"at {nodes.address}" in output
    assert output.count("object store of 200 MB is smaller than the 500 MB") == 2
    assert "trials: 5, in 3 rounds of up to 2" in output
    (line,) = [line for line in output.splitlines() if line.startswith("versions on ")]
    assert f"numpy {np.__version__}" in line
    assert "warning: the nodes differ" not in output


def test_the_study_honours_the_environments_address(nodes: Any, tmp_path: Path) -> None:
    """Without a flag it runs where `$RAY_ADDRESS` says, and says so."""
    study = [sys.executable, "-m", "search.lambda_coarse_fine", "--data=synthetic:300"]
    study += ["--coarse=1e-3", "--fine=1", "--epochs=1", "--final-epochs=1", "--cycle=1"]
    done = subprocess.run(
        [*study, f"--out={tmp_path}"],
        cwd=ROOT,
        env={**os.environ, "RAY_ADDRESS": nodes.address},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert f"on the Ray cluster at {nodes.address}, as $RAY_ADDRESS says" in done.stderr


@pytest.mark.slow
def test_an_embedded_ray_without_room_is_refused() -> None:
    """More cores than this machine has would be waited for for ever."""
    with pytest.raises(ClusterError, match="a task asks for 999 cores, and Ray has"):
        RayPool(work, None, cpus_per_task=999)
