"""Runs of programs on a machine that should be quiet: what the benchmarks beside other programs share.

Each takes parsed arguments with `foreign`, the share of the machine that others may use, `patience`, seconds for which
a disturbed run is begun again, and sets `deadline`.
"""
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import time

BOUND = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}


def emit(record):
    print(json.dumps(record), flush=True)


class Load:
    """Shares of the machine that other processes used, and that its host took, from the start to shares()."""

    TICK_ERROR = 0.04  # seconds; matters where a run takes less than one

    def __init__(self):
        self.start = self.read(None)

    @staticmethod
    def read(child):
        """Seconds, of all cores: passed, used by others, taken by the host. A running child's are no others'."""
        first_line = pathlib.Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0]
        ticks = [int(word) for word in first_line.split()[1:9]]
        busy = sum(ticks) - ticks[3] - ticks[4] - ticks[7]
        if child is not None:
            words = pathlib.Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            busy -= int(words[11]) + int(words[12])
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        mine = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        hertz = os.sysconf("SC_CLK_TCK")
        return time.monotonic() * os.cpu_count(), busy / hertz - mine, ticks[7] / hertz

    def shares(self, child=None, least_seconds=0):
        """Of least_seconds of the machine, where less has passed."""
        total, foreign, stolen = (now - then for now, then in zip(self.read(child), self.start))
        total = max(total, least_seconds * os.cpu_count())
        return {"foreign": round(max(0.0, foreign - self.TICK_ERROR) / total, 3), "stolen": round(stolen / total, 3)}


class Disturbed(Exception):
    """Other processes took too much of the machine from a run, which has been stopped."""


class Failed(Exception):
    """A program ended with an error."""


def is_quiet(arguments, shares):
    return shares["foreign"] + shares["stolen"] <= arguments.foreign


def output_of(arguments, process):
    """Waits for it; while patience lasts, it is stopped where it is disturbed."""
    load = Load()
    while True:
        try:
            return process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            watched = time.monotonic() < arguments.deadline
            if watched and not is_quiet(arguments, load.shares(process.pid, least_seconds=10)):
                process.kill()
                process.communicate()
                raise Disturbed from None


def lines_of(arguments, command, environment):
    """Runs a command without this process's OpenMP variables, returns the JSON lines it prints."""
    inherited = {key: value for key, value in os.environ.items() if not re.match("(OMP|GOMP|KMP)_", key)}
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=inherited | environment) as process:
        output, errors = output_of(arguments, process)
    if process.returncode != 0:
        raise Failed(f"exit code {process.returncode}: {' '.join(map(str, command))}\n{errors[-3000:]}")
    return [json.loads(line) for line in output.splitlines() if line.startswith('{"')]


def wait_until_quiet(arguments):
    while time.monotonic() < arguments.deadline:
        load = Load()
        time.sleep(1)
        if is_quiet(arguments, load.shares()):
            return


def median_of(records):
    """Of each number, over records that are alike."""
    return {key: statistics.median(record[key] for record in records) for key in records[0]}


def run_once(arguments, variant, case, number):
    """Again where it was disturbed, while patience lasts; None where it fails."""
    arguments.deadline = time.monotonic() + arguments.patience
    while True:
        wait_until_quiet(arguments)
        load = Load()
        try:
            figures = variant.run(case)
        except Disturbed:
            continue
        except Failed as failure:
            emit({"failed": variant.name, "case": case, "round": number, "message": str(failure)})
            return None
        record = {"run": variant.name, "case": case, "round": number, **figures, **load.shares(),
                  "load_average": os.getloadavg()[0]}
        record["quiet"] = is_quiet(arguments, record)
        if record["quiet"] or time.monotonic() >= arguments.deadline:
            emit({key: round(value, 4) if isinstance(value, float) else value for key, value in record.items()})
            return record


def summary_of(records):
    """Medians of the quiet runs, or of all of them where fewer than two are, or fewer than half."""
    quiet = [record for record in records if record["quiet"]]
    used = quiet if len(quiet) >= 2 and 2 * len(quiet) >= len(records) or len(quiet) == len(records) else records
    numbers = [key for key, value in used[0].items() if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return median_of([{key: record[key] for key in numbers} for record in used]) | {
        "runs": len(used), "quiet_runs": len(quiet),
        "least": min(record["tokens_per_second"] for record in used),
        "most": max(record["tokens_per_second"] for record in used)}


def summaries_of(arguments, variants, case):
    """Runs each variant once a round, beginning with another one each time; of each that never failed, its summary."""
    records = {variant.name: [] for variant in variants}
    for number in range(arguments.rounds):
        first = number % max(len(variants), 1)
        for variant in variants[first:] + variants[:first]:
            if None not in records[variant.name]:
                records[variant.name].append(run_once(arguments, variant, case, number))
    return {name: summary_of(of_variant) for name, of_variant in records.items() if None not in of_variant}


def add_options(parser):
    """How runs are disturbed and repeated, and what all who sample or learn from groups share."""
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--prompt-tokens", type=int, default=64)
    parser.add_argument("--new-tokens", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--foreign", type=float, default=0.08, help="share of the machine that others may take")
    parser.add_argument("--patience", type=float, default=300, help="seconds in which a run is tried undisturbed")
