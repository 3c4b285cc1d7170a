from __future__ import annotations

import platform

import pytest

from cluster import ClusterError, check_address, chosen_address
from cluster.address import check_here, submission
from cluster.survey import Node, Survey
from search.training.versions import versions

PYTHON = "/usr/bin/python3"
STUDY = [PYTHON, "-m", "search.lambda_coarse_fine", "--data", "npz:my data.npz"]


@pytest.mark.parametrize(
    ("given", "variable", "address", "named"),
    [
        (None, None, None, "$RAY_ADDRESS"),
        (None, "", None, "$RAY_ADDRESS"),
        (None, "local", None, "$RAY_ADDRESS"),
        (None, "10.0.0.1:6379", "10.0.0.1:6379", "$RAY_ADDRESS"),
        (None, "auto", "auto", "$RAY_ADDRESS"),
        ("local", "10.0.0.1:6379", None, "--address"),
        ("auto", "10.0.0.1:6379", "auto", "--address"),
        ("10.0.0.2:6379", "10.0.0.1:6379", "10.0.0.2:6379", "--address"),
    ],
)
def test_what_was_given_wins_over_the_environment(
    given: str | None, variable: str | None, address: str | None, named: str
) -> None:
    """`$RAY_ADDRESS` counts where nothing else was said, and `local` means this machine."""
    environment = {} if variable is None else {"RAY_ADDRESS": variable}
    assert chosen_address(given, environment) == (address, named)


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ([], ""),
        (["--address", "auto", "--seed", "1"], " --seed 1"),
        (["--seed", "1", "--address=auto"], " --seed 1"),
    ],
)
def test_a_command_says_how_to_submit_itself(more: list[str], kept: str) -> None:
    """Quoted for a shell, with a dashboard's address in the place of the cluster's."""
    assert submission("head:8265", command=[*STUDY, *more]) == (
        "python -m cluster.submit --address http://head:8265 -- python -m "
        f"search.lambda_coarse_fine --data 'npz:my data.npz'{kept}"
    )


def test_a_program_of_its_own_says_the_form() -> None:
    """What was not started with `python -m` cannot be submitted word for word."""
    line = submission("head:8265", command=[PYTHON, "notebook.py"])
    assert line == "python -m cluster.submit --address http://head:8265 -- python -m …"


@pytest.mark.parametrize(
    ("address", "reason", "dashboard"),
    [
        ("ray://head:10001", "Ray Client cannot stream what tasks yield", "http://head:8265"),
        ("http://head:8265", "that is a dashboard", "http://head:8265"),
        ("https://ray.example.org", "that is a dashboard", "https://ray.example.org"),
    ],
)
def test_an_address_for_something_else_is_explained(
    address: str, reason: str, dashboard: str
) -> None:
    """The line says what the address is for and which command takes it; nothing is connected to."""
    with pytest.raises(ClusterError) as caught:
        check_address(address)
    message = str(caught.value)
    assert message.startswith(f"--address {address}: {reason}")
    assert f"python -m cluster.submit --address {dashboard} -- " in message
    assert "\n" not in message


def node(*, here: bool) -> Node:
    """Return a node."""
    return Node("1f", "10.0.0.1", "host", head=True, here=here, total={}, free={})


def surveyed(dashboard: str, *nodes: Node) -> Survey:
    """Return a cluster of nodes that run what this process runs."""
    return Survey("10.0.0.1:6379", versions()["Ray"], platform.python_version(), dashboard, nodes)


@pytest.mark.parametrize(
    ("dashboard", "line"),
    [
        ("10.0.0.1:8265", "--address http://10.0.0.1:8265 -- "),
        ("0.0.0.0:8266", "--address http://10.0.0.1:8266 -- "),
        ("127.0.0.1:8265", "first `ssh -N -L 8265:127.0.0.1:8265 10.0.0.1`"),
        ("", "no dashboard runs there: install `ray[default]` on the head"),
    ],
)
def test_a_stranger_is_told_how_to_reach_the_dashboard(dashboard: str, line: str) -> None:
    """Where it listens is known to the head, and decides what the line has to say."""
    with pytest.raises(ClusterError, match="this machine is no node of that cluster") as caught:
        check_here(surveyed(dashboard, node(here=False)), shown="--address auto")
    assert line in str(caught.value)


def test_a_node_of_the_cluster_passes() -> None:
    """With the same Ray and Python, nothing is said."""
    check_here(surveyed("", node(here=True)), shown="--address auto")
