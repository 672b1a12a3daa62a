"""A reward in Python: 1 where the last line of the completion is the ground truth, else 0.

    grpo score --reward "process:python3 grpo_reward.py --score example_reward.py:last_line"
"""


def last_line(item):
    lines = item["completion"].strip().splitlines()
    if not item["ground_truth"]:
        return None  # nothing to compare with: the sample is invalid, not wrong
    found = lines[-1].strip() if lines else ""
    return {
        "score": float(found == item["ground_truth"].strip()),
        "lines": len(lines),
        "reason": f"the last line is {found!r}",
    }
