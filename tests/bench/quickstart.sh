#!/usr/bin/env bash
# The quickstart over three seeds, and once with the rewards shuffled within each group: JSON lines with the held-out pass
# rates (mean@8) before and after GRPO. About seven minutes a run on two cores.
#
#   tests/bench/quickstart.sh [SEED …]        default: 1 2 3
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seeds=("$@")
if ((${#seeds[@]} == 0)); then seeds=(1 2 3); fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { # NAME SEED OVERRIDE…
  local name=$1 seed=$2
  shift 2
  ./grpo train recipes/quickstart.toml --set run.dir="$work/$name" --set run.seed="$seed" "$@" >"$work/$name.log"
  python3 - "$name" "$work/$name/summary.json" <<'PYTHON'
import json, sys
summary = json.load(open(sys.argv[2]))
print(json.dumps({"run": sys.argv[1], "seed": summary["seed"], "before": summary["before"]["overall"],
                  "after": summary["after"]["overall"], "problems": summary["after"]["problems"],
                  "seconds": summary["seconds"]["total"]}), flush=True)
PYTHON
}

for seed in "${seeds[@]}"; do run "seed-$seed" "$seed"; done
run permuted "${seeds[0]}" --set grpo.permute_rewards=true
