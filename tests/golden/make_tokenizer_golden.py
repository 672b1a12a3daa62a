"""Writes tokenizer.json and tokenizer_cases.json: what the `tokenizers` package makes of a few texts.

Run by hand (pip install tokenizers==0.23.*; python3 tests/golden/make_tokenizer_golden.py) when a case is added; the
tests read the two files alone. tokenizer.json is a byte-level BPE tokenizer of 400 tokens. tokenizer_cases.json lists
variants of it, each with the pre_tokenizer that replaces its own, and the token ids of each text under each.
"""

import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).parent

CORPUS = [
    "Compute 47+85. The answer is 132, because 7+5=12 and 4+8+1=13.",
    "What is the sum of 128 and 256? The sum of the two numbers is 384.",
    "Let x be the number. Then 3*x + 4 = 19, so 3*x = 15 and x = 5. The answer is 5.",
    "    return the answer\n\n    return the number\n\n\n        return 0;\n",
    "I'll say that it's what they've said; don't you think we're done? She'd agree.",
    "答案是一百三十二。这个数字的答案是三。答案是五。",
    "Ответ: число равно пяти. Ответ: число равно трём.",
] * 3

TEXTS = [
    "",
    " ",
    "The answer is 132.",
    "  The  answer   is\t132 \n\n next line\r\n  ",
    "<think>4+8=12</think> the answer<eos>",
    "<pad><pad>a<eos >",
    "x=1234567890;y=3.14159",
    "I'll don't we're IT'S they've",
    "答案是132。这个数字！",
    "Ответ: число — 5",
    "café naïve e\u0301 ½ ² Ⅻ ٣",
    "😀 👩‍👧 🇩🇪 \u200b\u00a0\u2003\u3000\u180e\u0085end",
    "aaaaaaaaaaaaaaaaa the the the thethethe",
    "return return  return\n\n\nreturn",
    "a,b;c:d!e?f(g)h[i]j{k}l<m>n/o\\p|q`r~s@t#u$v%w^x&y*z",
]

DEEPSEEK = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def variants():
    split = pre_tokenizers.Split
    yield "ByteLevel", pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    yield "ByteLevelPrefixSpace", pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)
    yield "NoSplit", BYTE_LEVEL
    yield "DeepSeek", pre_tokenizers.Sequence(
        [
            split(Regex(r"\p{N}{1,3}"), "isolated"),
            split(Regex("[一-龥\u3040-ゟ゠-ヿ]+"), "isolated"),
            split(Regex(DEEPSEEK), "isolated"),
            BYTE_LEVEL,
        ]
    )
    yield "PrefixSpaceAfterSplit", pre_tokenizers.Sequence(
        [split(Regex(r"\p{N}"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)]
    )
    for individual in (False, True):
        yield f"Digits{individual}", pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=individual), BYTE_LEVEL]
        )
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        for invert in (False, True):
            yield f"{behavior}{invert}", pre_tokenizers.Sequence(
                [split(Regex(r"[\sa-e]|\p{N}"), behavior, invert=invert), BYTE_LEVEL]
            )
    yield "String", pre_tokenizers.Sequence([split("the", "merged_with_next"), BYTE_LEVEL])
    yield "LineEnds", pre_tokenizers.Sequence([split(Regex(r"\s+$|^[a-z]|\S+"), "isolated"), BYTE_LEVEL])


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens([AddedToken("<think>"), AddedToken("</think>")])
    return tokenizer


def main():
    tokenizer = train()
    tokenizer.save(str(FOLDER / "tokenizer.json"), pretty=False)
    cases = []
    for name, pre_tokenizer in variants():
        tokenizer.pre_tokenizer = pre_tokenizer
        described = json.loads(tokenizer.to_str())["pre_tokenizer"]
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
        cases.append({"name": name, "pre_tokenizer": described, "ids": ids})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    text = f'{{"texts":{json.dumps(TEXTS)},\n"variants":[\n{lines}\n]}}\n'
    (FOLDER / "tokenizer_cases.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
