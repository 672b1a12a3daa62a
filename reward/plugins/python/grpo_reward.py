#!/usr/bin/env python3
"""Serves a Python reward to grpo over standard input and output. Needs nothing but Python 3.8.

    process:python3 grpo_reward.py --score FILE:FUNCTION     function(item) -> score
    process:python3 grpo_reward.py --verl FILE:FUNCTION      verl's compute_score, unchanged
    process:python3 grpo_reward.py --trl FILE:FUNCTION       a TRL reward function, unchanged
    process:python3 grpo_reward.py --nemo-gym URL            a NeMo-Gym resource server's /verify

A score is a number; None means "does not apply to this completion" (the sample becomes invalid); a
dictionary holds "score", and its other numbers become parts; an exception makes the sample an error
with the exception's message. What the function prints goes to standard error. README.md beside the
folder has the protocol and examples.
"""

import argparse
import asyncio
import concurrent.futures
import importlib.util
import inspect
import json
import math
import os
import sys
import traceback
import urllib.error
import urllib.request


def load_function(place):
    """The function of "file.py:function"."""
    path, colon, name = place.rpartition(":")
    if not colon or not path:
        raise ValueError(f"expected FILE:FUNCTION, found {place!r}")
    if not os.path.isfile(path):
        raise ValueError(f"there is no file {path}")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    module_name = "reward_" + os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None:
        raise ValueError(f"{path} is no Python file; its name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    if not callable(getattr(module, name, None)):
        raise ValueError(f"{path} has no function {name}")
    return getattr(module, name)


def text(value):
    """A string that can be written as UTF-8."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def error(message):
    return {"status": "error", "reason": text(message)}


def describe(exception):
    """An exception and the line of the reward that raised it."""
    frames = traceback.extract_tb(exception.__traceback__)
    frames = [frame for frame in frames if frame.filename != __file__]
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(exception).__name__}: {exception}{place}"


def number(value):
    """A finite float, or an exception. Takes what float() takes, but no text."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"expected a number as score, found the text {value!r}")
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number as score, found {value}")
    return value


def result(value):
    """The protocol's result for what a reward function returned."""
    if value is None:
        return {"status": "invalid", "reason": "not applicable"}
    if not isinstance(value, dict):
        return {"status": "scored", "score": number(value)}
    if "score" not in value:
        raise ValueError(f"the dictionary has no \"score\", only {sorted(map(str, value))}")
    if value["score"] is None:
        return {"status": "invalid", "reason": text(value.get("reason", "not applicable"))}
    parts = {
        text(key): float(part)
        for key, part in value.items()
        if key != "score" and isinstance(part, (bool, int, float)) and math.isfinite(part)
    }
    return {"status": "scored", "score": number(value["score"]), "parts": parts,
            "reason": text(value.get("reason", ""))}


def attempt(function, *arguments):
    """The result of a call, or the error that it raised. sys.exit() is an error like any other."""
    try:
        return result(wait_for(function(*arguments)))
    except (Exception, SystemExit) as exception:
        return error(describe(exception))


LOOP = asyncio.new_event_loop()


def wait_for(value):
    """The value of an asynchronous function's call; any other value as it is."""
    return LOOP.run_until_complete(value) if inspect.isawaitable(value) else value


class ScoreReward:
    """function(item) -> number, None or {"score": …}; `item` has the protocol's keys."""

    group = False

    def __init__(self, options):
        self.function = load_function(options.score)
        self.name = self.function.__name__

    def score(self, items):
        return [attempt(self.function, item) for item in items]


class VerlReward:
    """compute_score(data_source, solution_str, ground_truth, extra_info=None)."""

    group = False

    def __init__(self, options):
        self.function = load_function(options.verl)
        self.name = self.function.__name__

    def call(self, item):
        metadata = item["metadata"]
        reward_model = metadata.get("reward_model")
        if not isinstance(reward_model, dict):
            reward_model = {}
        return self.function(
            data_source=metadata.get("data_source", item["family"]),
            solution_str=item["completion"],
            ground_truth=reward_model.get("ground_truth", item["ground_truth"]),
            extra_info=metadata.get("extra_info", metadata),
        )

    def score(self, items):
        return [attempt(self.call, item) for item in items]


class TrlReward:
    """f(prompts, completions, **columns) -> list[float | None], synchronous or not.

    Called once for each group. The columns are the keys of the records' metadata and the ground
    truth under the name --answer-column.
    """

    def __init__(self, options):
        self.function = load_function(options.trl)
        self.name = self.function.__name__
        self.group = not options.each
        self.conversational = options.conversational
        self.answer_column = options.answer_column
        parameters = inspect.signature(self.function).parameters.values()
        self.takes_all = any(p.kind == p.VAR_KEYWORD for p in parameters)
        self.known = {p.name for p in parameters}
        if "completion_ids" in self.known:
            raise ValueError(f"{self.name} asks for completion_ids; grpo hands over text only")

    def messages(self, role, content):
        return [{"role": role, "content": content}] if self.conversational else content

    def arguments(self, items):
        columns = {key for item in items for key in item["metadata"]}
        arguments = {key: [item["metadata"].get(key) for item in items] for key in columns}
        arguments.setdefault(self.answer_column, [item["ground_truth"] for item in items])
        arguments["prompts"] = [self.messages("user", item["prompt"]) for item in items]
        arguments["completions"] = [self.messages("assistant", i["completion"]) for i in items]
        arguments["trainer_state"] = None
        arguments["log_extra"] = arguments["log_metric"] = lambda *unused: None
        if self.takes_all:
            return arguments
        return {key: value for key, value in arguments.items() if key in self.known}

    def call(self, items):
        scores = list(wait_for(self.function(**self.arguments(items))))
        if len(scores) != len(items):
            raise ValueError(f"expected {len(items)} scores, found {len(scores)}")
        return scores

    def score_group(self, items):
        try:
            scores = self.call(items)
        except (Exception, SystemExit) as exception:
            if self.group or len(items) == 1:
                return [error(describe(exception))] * len(items)
            return [self.score_group([item])[0] for item in items]
        return [attempt(lambda score=score: score) for score in scores]

    def score(self, items):
        groups = {}
        for place, item in enumerate(items):
            groups.setdefault(item["group_id"], []).append(place)
        results = [None] * len(items)
        for places in groups.values():
            for place, one in zip(places, self.score_group([items[p] for p in places])):
                results[place] = one
        return results


class NemoGymReward:
    """POST {URL}/verify with the record, the request and the response; the answer has "reward"."""

    group = False
    name = "nemo_gym"

    def __init__(self, options):
        url = options.nemo_gym.rstrip("/")
        self.url = url if url.endswith("/verify") else url + "/verify"
        self.timeout = options.timeout
        self.pool = concurrent.futures.ThreadPoolExecutor(options.connections)

    def body(self, item):
        metadata = item["metadata"]
        body = {"expected_answer": item["ground_truth"], "verifier_metadata": metadata, **metadata}
        body.setdefault("responses_create_params",
                        {"input": [{"role": "user", "content": item["prompt"]}]})
        content = {"type": "output_text", "text": item["completion"], "annotations": []}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                   "content": [content]}
        body["response"] = {"id": "resp_1", "object": "response", "created_at": 0, "model": "grpo",
                            "output": [message], "parallel_tool_calls": False,
                            "tool_choice": "auto", "tools": []}
        return body

    def call(self, item):
        request = urllib.request.Request(self.url, json.dumps(self.body(item)).encode("utf-8"),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as exception:
            said = exception.read(300).decode("utf-8", "replace")
            raise RuntimeError(f"{self.url}: {exception.code} {exception.reason}: {said}") from None
        except OSError as exception:
            raise RuntimeError(f"{self.url}: {exception}") from None
        if not isinstance(answer, dict) or "reward" not in answer:
            raise ValueError(f"{self.url}: the answer has no \"reward\"")
        return {"score": answer["reward"]}

    def score(self, items):
        return list(self.pool.map(lambda item: attempt(self.call, item), items))


def take_standard_descriptors():
    """The protocol's streams. The function finds an empty input, and prints to standard error."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8", newline="\n")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def parse_options():
    parser = argparse.ArgumentParser(description="Serves a Python reward to grpo.")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--score", metavar="FILE:FUNCTION", help="function(item) -> score")
    kind.add_argument("--verl", metavar="FILE:FUNCTION", help="verl's compute_score")
    kind.add_argument("--trl", metavar="FILE:FUNCTION", help="a TRL reward function")
    kind.add_argument("--nemo-gym", metavar="URL", help="a NeMo-Gym resource server")
    parser.add_argument("--answer-column", default="answer",
                        help="--trl: the argument that receives the ground truth")
    parser.add_argument("--conversational", action="store_true",
                        help="--trl: prompts and completions as lists of messages")
    parser.add_argument("--each", action="store_true",
                        help="--trl: the function scores each completion by itself")
    parser.add_argument("--timeout", type=float, default=8, help="--nemo-gym: seconds a request")
    parser.add_argument("--connections", type=int, default=8, help="--nemo-gym: requests at once")
    return parser.parse_args()


def make_reward(options):
    if options.score:
        return ScoreReward(options)
    if options.verl:
        return VerlReward(options)
    if options.trl:
        return TrlReward(options)
    return NemoGymReward(options)


def main():
    options = parse_options()
    requests, answers = take_standard_descriptors()

    def answer(value):
        answers.write(json.dumps(value, allow_nan=False) + "\n")
        answers.flush()

    try:
        reward = make_reward(options)
    except (Exception, SystemExit) as exception:
        answer({"error": text(describe(exception))})
        return 1
    for line in requests:
        request = json.loads(line)
        if request["op"] == "hello":
            flags = ["group"] if reward.group else []
            answer({"name": reward.name, "version": "", "flags": flags, "max_batch": 0})
        else:
            answer({"id": request["id"], "results": reward.score(request["items"])})
    return 0


if __name__ == "__main__":
    sys.exit(main())
