"""Commands submitted as Ray jobs, to a head with a real dashboard, from a process of their own."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.jobs.fetch import MARK
from cluster.submit import main
from tests.cluster.collect import until
from tests.cluster.conftest import head

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import argparse, pathlib, time
parser = argparse.ArgumentParser()
parser.add_argument("--out", type=pathlib.Path)
parser.add_argument("--wait-for")
parser.add_argument("--code", type=int, default=0)
given = parser.parse_args()
folder = given.out / "study"
folder.mkdir(exist_ok=True)
print("first line", flush=True)
while given.wait_for and not pathlib.Path(given.wait_for).exists():
    time.sleep(0.05)
print("last line", flush=True)
(folder / "result.txt").write_text("done")
raise SystemExit(given.code)
"""


@pytest.fixture(scope="module")
def dashboard() -> Iterator[str]:
    """Yield the address of a dashboard."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The agent's usual port may be another Ray's, and without it the head starts no jobs.
    ports = {"dashboard_port": port, "dashboard_agent_listen_port": 0}
    with head(cpus=1, include_dashboard=True, **ports) as cluster:
        yield f"http://{cluster.head_node.webui_url}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder of code like a checkout of this project, with a program in it."""
    folder = tmp_path / "checkout"
    jobs = folder / "cluster" / "jobs"
    jobs.mkdir(parents=True)
    shutil.copy(ROOT / "cluster" / "jobs" / "job.py", jobs)
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    return folder


class Submission:
    """`python -m cluster.submit`, running."""

    def __init__(self, dashboard: str, folder: Path, *words: str) -> None:
        self.log = folder / f"submission-{len(list(folder.glob('submission-*')))}.log"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cluster.submit", "--address", dashboard, *words],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        """What it has printed."""
        return self.log.read_text(encoding="utf-8")

    @property
    def job(self) -> str:
        """The job's ID, once it is printed."""
        (found,) = re.findall(r"^job (\S+) at", self.text, re.MULTILINE)
        return str(found)

    def shows(self, line: str) -> None:
        """Wait until it has printed a line, or ended."""
        until(lambda: line in self.text or self.process.poll() is not None, what=line, seconds=120)
        assert line in self.text, self.text

    def code(self) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(timeout=120)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.jobs
def test_a_killed_submission_is_taken_up_again(
    dashboard: str, checkout: Path, tmp_path: Path
) -> None:
    """The job goes on; `--attach` shows its whole log, has its exit code and brings its folder.

    The address is the dashboard's alone, and `python` is the cluster's.
    """
    gate = tmp_path / "gate"
    out = tmp_path / "runs"
    command = ["python", "program.py", "--wait-for", str(gate), "--code=7", "--out", str(out)]
    first = Submission(dashboard, checkout, "--", *command)
    first.shows("first line\n")
    first.process.send_signal(signal.SIGKILL)
    assert first.code() == -signal.SIGKILL
    gate.touch()
    again = Submission(dashboard, tmp_path, "--attach", first.job)
    assert again.code() == 7, again.text
    assert again.text.count("first line\n") == again.text.count("last line\n") == 1
    assert f"brought back: {out / 'study'}\n" in again.text
    assert {path.name for path in (out / "study").iterdir()} == {MARK, "result.txt"}


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.jobs
def test_a_job_that_nobody_knows_is_refused(
    dashboard: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the command that lists those that are known."""
    message = refused(["--address", dashboard, "--attach", "nonsense"], capsys)
    assert "--attach nonsense: the cluster knows no such job" in message
    assert f"ray job list --address {dashboard}" in message


class Line:
    """A connection to the dashboard that can be cut: a proxy in this process."""

    def __init__(self, dashboard: str) -> None:
        host, _, port = dashboard.removeprefix("http://").rpartition(":")
        self._target = host, int(port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.whole = True
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            caller, _ = self._server.accept()
            if not self.whole:
                caller.close()
                continue
            other = socket.create_connection(self._target)
            self._open += [caller, other]
            for source, sink in ((caller, other), (other, caller)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self.whole = False
        for end in self._open:
            end.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.jobs
def test_a_cut_line_is_taken_up_again(dashboard: str, checkout: Path, tmp_path: Path) -> None:
    """Nothing of the log is lost or shown twice, and the folder comes back all the same."""
    gate, line = tmp_path / "gate", Line(dashboard)
    command = ["python", "program.py", "--wait-for", str(gate), "--out", str(tmp_path / "runs")]
    submission = Submission(line.address, checkout, "--", *command)
    submission.shows("first line\n")
    line.cut()
    submission.shows("the dashboard does not answer")
    gate.touch()
    line.whole = True
    assert submission.code() == 0, submission.text
    assert "the dashboard answers again" in submission.text
    assert submission.text.count("first line\n") == submission.text.count("last line\n") == 1
    assert (tmp_path / "runs" / "study" / "result.txt").read_text(encoding="utf-8") == "done"


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.jobs
def test_a_stopped_job_still_brings_its_folder(
    dashboard: str, checkout: Path, tmp_path: Path
) -> None:
    """What was made until then is there; the exit code is that of a stopped command."""
    from ray.job_submission import JobSubmissionClient  # noqa: PLC0415 - after the settings

    out = tmp_path / "runs"
    command = ["python", "program.py", "--wait-for", str(tmp_path / "never"), "--out", str(out)]
    submission = Submission(dashboard, checkout, "--", *command)
    submission.shows("first line\n")
    JobSubmissionClient(dashboard).stop_job(submission.job)
    assert submission.code() == 130, submission.text
    assert (out / "study").is_dir()


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.jobs
def test_ctrl_c_leaves_the_job(dashboard: str, checkout: Path, tmp_path: Path) -> None:
    """It says how to come back and how to stop the job, which goes on."""
    gate = tmp_path / "gate"
    command = ["python", "program.py", "--wait-for", str(gate), "--out", str(tmp_path / "runs")]
    submission = Submission(dashboard, checkout, "--", *command)
    submission.shows("first line\n")
    submission.process.send_signal(signal.SIGINT)
    assert submission.code() == 130
    assert f"--attach {submission.job}" in submission.text
    assert f"ray job stop --address {dashboard} {submission.job}" in submission.text
    assert "Traceback" not in submission.text
    gate.touch()
    again = Submission(dashboard, tmp_path, "--attach", submission.job)
    assert again.code() == 0, again.text


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.jobs
@pytest.mark.timeout(600)
def test_a_study_comes_back(dashboard: str, tmp_path: Path) -> None:
    """A study submitted from this checkout: its report is here, and again it trains nothing."""
    study = ["python", "-m", "search.lambda_coarse_fine", "--data=digits", "--coarse=1e-3"]
    study += ["--fine=1", "--epochs=1", "--final-epochs=1", "--cycle=1", f"--out={tmp_path}"]
    study += ["--lambda-bounds=off", "--replicate-top=off", "--fresh=0", f"--seed={os.getpid()}"]
    for trained in (True, False):
        submission = Submission(dashboard, tmp_path, "--working-dir", str(ROOT), "--", *study)
        assert submission.code() == 0, submission.text
        assert "on the Ray cluster at" in submission.text
        assert ("[1/2]" in submission.text) == trained
        assert (tmp_path / "lambda-coarse-fine-digits" / "report.md").is_file()


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line with which the command refuses; its exit code is 2."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out) == (2, "")
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give either a command, after `--`, or --attach ID"),
        (["--attach", "x", "--", "ls"], "give either a command, after `--`, or --attach ID"),
        (["--address", "http://127.0.0.1:1", "--", "ls"], "nothing answers there"),
        (["--address", "head:8265", "--", "ls"], "give the dashboard's address, as in http://"),
        (["--address", "ray://head:10001", "--", "ls"], "give the dashboard's address"),
        (["--", "ls"], "--address is missing"),
        (["-m", "search"], "-m"),
    ],
    ids=str,
)
def test_bad_input_is_refused(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line says what and the way out."""
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    assert said in refused(words, capsys)


@pytest.fixture
def web() -> Iterator[str]:
    """Yield the address of a web server that is no dashboard."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.ray
def test_another_web_server_is_refused(web: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said that what listens there is no dashboard."""
    message = refused(["--address", web, "--", "ls"], capsys)
    assert "does not answer as Ray's dashboard does" in message


@pytest.mark.ray
def test_a_missing_extra_is_named(web: str) -> None:
    """Where plain `ray` is installed, the line names what to install."""
    text = "import sys; sys.modules['aiohttp'] = None; from cluster.submit import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", text, "--address", web, "--", "ls"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert "pip install --editable '.[jobs]'" in done.stderr


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.jobs
def test_a_folder_without_our_code_is_refused(
    dashboard: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What travels has to hold the script that runs there."""
    words = ["--address", dashboard, "--working-dir", str(tmp_path), "--", "ls"]
    assert "holds no cluster/jobs/job.py: name a checkout" in refused(words, capsys)
