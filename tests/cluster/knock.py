"""A script that asks addresses, without Ray's token, what they have; it prints their answers.

At each it tries a question of every service that Ray has, and the paths of its web servers.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request

import grpc

QUESTIONS = (
    "NodeInfoGcsService/GetAllNodeInfo",
    "InternalKVGcsService/InternalKVGet",
    "JobInfoGcsService/GetAllJobInfo",
    "NodeManagerService/GetNodeStats",
    "CoreWorkerService/PushTask",
    "CoreWorkerService/GetCoreWorkerStats",
    "ObjectManagerService/Pull",
    "ReporterService/ReportOCMetrics",
)
PATHS = ("/", "/metrics", "/api/local_raylet_healthz", "/get_or_create_runtime_env")
SECONDS = 5


def by_grpc(address: str) -> set[str]:
    """Return the states with which an address answers calls; OK would be an answer."""
    states = set()
    with grpc.insecure_channel(address) as channel:
        for question in QUESTIONS:
            try:
                channel.unary_unary(f"/ray.rpc.{question}")(b"", timeout=SECONDS)
                states.add("OK")
            except grpc.RpcError as error:
                states.add(error.code().name)
    return states


def by_http(address: str) -> set[str]:
    """Return the codes with which an address answers a browser; 200 would be an answer."""
    codes = set()
    for path in PATHS:
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=SECONDS) as reply:
                codes.add(str(reply.status))
        except urllib.error.HTTPError as error:
            codes.add(str(error.code))
        except Exception:  # noqa: BLE001, S112 - no web server
            continue
    return codes


if __name__ == "__main__":
    found = {address: sorted(by_grpc(address) | by_http(address)) for address in sys.argv[1:]}
    sys.stdout.write(json.dumps(found))
