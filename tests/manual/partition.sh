#!/bin/sh
# A network partition between a driver's node and another node of its cluster, in namespaces.
#
# Needs root, `ip` and the project's environment: sh tests/manual/partition.sh [PYTHON [plain]]
# With `plain`, Ray's own settings hold, and no operator's. Ends everything that it starts. Prints the
# figures of docs/reliability.md.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
python=${1:-$here/.venv/bin/python}
[ "$(id -u)" = 0 ] || { echo "error: network namespaces need root" >&2; exit 2; }

a=kbn-a-$$ b=kbn-b-$$
left() {
    for space in $a $b; do
        for pid in $(ip netns pids "$space" 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
        ip netns del "$space" 2>/dev/null || true
    done
}
trap left EXIT INT TERM

ip netns add $a
ip netns add $b
ip link add kbn-va-$$ netns $a type veth peer name kbn-vb-$$ netns $b
for end in "$a kbn-va-$$ 10.77.0.1" "$b kbn-vb-$$ 10.77.0.2"; do
    # shellcheck disable=SC2086 # three words
    set -- $end
    ip -n "$1" addr add "$3/24" dev "$2"
    ip -n "$1" link set "$2" up
    ip -n "$1" link set lo up
done

export RAY_USAGE_STATS_ENABLED=0 RAY_ENABLE_UV_RUN_RUNTIME_ENV=0
if [ "${2:-}" != plain ]; then
    export RAY_grpc_client_keepalive_time_ms=10000 RAY_grpc_client_keepalive_timeout_ms=5000
    export RAY_health_check_period_ms=2000 RAY_health_check_timeout_ms=3000
    export RAY_health_check_failure_threshold=3
fi
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export PYTHONPATH="$here"
cd "$here"
ray=$(dirname "$python")/ray
temporary=$(mktemp -d)
ip netns exec $a "$ray" start --head --node-ip-address=10.77.0.1 --port=6399 --num-cpus=0 \
    --include-dashboard=false --temp-dir="$temporary" --object-store-memory=100000000 >/dev/null
ip netns exec $b "$ray" start --address=10.77.0.1:6399 --node-ip-address=10.77.0.2 --num-cpus=1 \
    --object-store-memory=100000000 >/dev/null
ip netns exec $a "$python" tests/manual/partition.py 10.77.0.1:6399 $b kbn-vb-$$
rm -rf "$temporary"
