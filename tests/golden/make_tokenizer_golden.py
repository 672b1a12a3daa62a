"""Writes tokenizer*.json: what the `tokenizers` package makes of a few texts.

Run by hand (pip install tokenizers==0.23.*; python3 tests/golden/make_tokenizer_golden.py) when a case is added; the
tests read the written files alone.
- tokenizer.json: a byte-level BPE tokenizer of 400 tokens.
- tokenizer_sentencepiece.json: one of characters with byte fallback, as Llama 2's file is written.
- tokenizer_cases.json: variants of these two, each with the parts that replace the file's own; the ids of each text
  under each, without and with the ends; and what lists of ids decode to.
"""

import json
import pathlib
import random

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

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
    "▁the ▁ answer▁▁is",
    " <think> the  </think>\n thethink <think>the",
    "The ANSWER IS İSTANBUL ΣΊΣΥΦΟΣ ǅ ẞ",
    "ﬁve ① ㍿ ½ ﷺ Å\u0301 A\u030a\u0301 한국어 \u1112\u1161\u11ab が か\u3099 e\u0323\u0307 e\u0307\u0323",
    "x\u0308y\u0334\u0301 \u0344 \u0958 \u2126 \ufb1d \U0001d15e \u1e9b\u0323",
    "HelloWorld'S caféΔΙΑ ÀÉ中文English混排 テスト１２３４五 ﬀ 'ſ 'LL 'Ve",
    "a\u200db \u200c क्षि ที่ العربية ١٢٣ עברית हिन्दी ௧௨",
    "\U0001fae8\U000105c0\U00031350\u1c89\U00016ff4\u166d\U000111c9\u2e5d x",  # newer than Unicode 14, and disputed
    "\x00\x01\x7f\x85\u2028\u2029\ufeff\ufffd\ufffe\U0010ffff",
    "²³¹¼ a²b _x_ ‿ ⁀ x̲ 3.14 1,000 ９９",
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


def byte_level_after(*patterns):
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns] + [BYTE_LEVEL]
    )


CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA_3 = (
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
UPPER, LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]*[{LOWER}]+|[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]+[{LOWER}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
KIMI = (
    rf"[\p{{Han}}]+|[^\r\n\p{{L}}\p{{N}}]?[{UPPER}&&[^\p{{Han}}]]*[{LOWER}&&[^\p{{Han}}]]+{CONTRACTIONS}?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?[{UPPER}&&[^\p{{Han}}]]+[{LOWER}&&[^\p{{Han}}]]*{CONTRACTIONS}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK_V2 = ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+"]


def pre_tokenizer_variants():
    yield from variants()
    yield "Llama3", byte_level_after(LLAMA_3)
    yield "Qwen2", byte_level_after(LLAMA_3.replace("{1,3}", ""))
    yield "Tekken", byte_level_after(TEKKEN)
    yield "Kimi", byte_level_after(KIMI)
    yield "Repeated", byte_level_after(r"(?:a|\p{N}){1,2}+|e{,2}t|[^\S\n]+|[a-c[x-z]\P{L}&&[^\d]]")
    yield "Classes", byte_level_after(r"\w+|[[:punct:]]+|[^\w\s[:punct:]]|\b\d|\h\H")
    steps = byte_level_after(*DEEPSEEK_V2)
    yield "DeepSeekV2", pre_tokenizers.Sequence(
        [steps[i] for i in range(4)] + [pre_tokenizers.Digits(individual_digits=True), BYTE_LEVEL]
    )
    yield "SmolLM", pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    for name in ("Whitespace", "WhitespaceSplit", "Punctuation"):
        yield name, pre_tokenizers.Sequence([getattr(pre_tokenizers, name)(), BYTE_LEVEL])
    for behavior in ("removed", "merged_with_previous", "contiguous"):
        yield f"Punctuation{behavior}", pre_tokenizers.Sequence(
            [pre_tokenizers.Punctuation(behavior), BYTE_LEVEL]
        )
    yield "ByteLevelFirst", pre_tokenizers.Sequence(
        [
            pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Split(Regex("[a-c]|Ġ|\u00e4"), "merged_with_next"),
        ]
    )
    yield "MetaspaceFirst", pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(replacement="_", prepend_scheme="first"), BYTE_LEVEL]
    )


def normalizer_variants():
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"):
        yield name, getattr(normalizers, name)()
    yield "NFDStripAccents", normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])
    for left in (False, True):
        for right in (False, True):
            yield f"Strip{left}{right}", normalizers.Strip(left, right)
    yield "ReplaceRegex", normalizers.Replace(Regex(r"\s+|\p{P}"), "<x>")
    yield "ReplaceString", normalizers.Replace("the", "")
    yield "Prepend", normalizers.Prepend("the ")


def sentencepiece_variants():
    """Parts to change, for the tokenizer of characters."""
    metaspace = [(scheme, split) for scheme in ("always", "first", "never") for split in (True, False)]
    for scheme, split in metaspace:
        yield f"Metaspace {scheme} {split}", {
            "normalizer": None,
            "pre_tokenizer": pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=split),
            "decoder": decoders.Metaspace("▁", prepend_scheme=scheme, split=split),
        }
    for scheme in ("always", "first"):
        yield f"Metaspace {scheme} after NFKC and Strip", {
            "normalizer": normalizers.Sequence([normalizers.NFKC(), normalizers.Strip(True, False)]),
            "pre_tokenizer": pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=True),
        }
        yield f"Metaspace {scheme} after WhitespaceSplit", {
            "normalizer": None,
            "pre_tokenizer": pre_tokenizers.Sequence(
                [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=False)]
            ),
        }
    for name in ("Whitespace", "WhitespaceSplit", "Punctuation", "Digits"):
        yield name, {"normalizer": None, "pre_tokenizer": getattr(pre_tokenizers, name)()}
    yield "No decoder", {"decoder": None}
    yield "Strip each token", {"decoder": decoders.Sequence([decoders.Replace("▁", " "), decoders.Strip(" ", 2, 1)])}
    yield "Strip both ends", {
        "decoder": decoders.Sequence(
            [decoders.ByteFallback(), decoders.Fuse(), decoders.Strip("▁", 1, 0), decoders.Strip("e", 0, 2)]
        )
    }
    yield "Replace after Fuse", {
        "decoder": decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), decoders.Replace("▁the", "THE")])
    }
    yield "ByteLevel after ByteFallback", {"decoder": decoders.Sequence([decoders.ByteFallback(), decoders.ByteLevel()])}


def added_token_variants():
    flags = ("lstrip", "rstrip", "single_word", "normalized")
    for bits in range(16):
        chosen = {flag: bool(bits >> i & 1) for i, flag in enumerate(flags)}
        yield " ".join(flag for flag in flags if chosen[flag]) or "no flag", chosen


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


def train_sentencepiece():
    """Learns merges over characters; the vocabulary begins with the special tokens and the bytes, as Llama 2's."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True)
    corpus = [text for text in CORPUS if text.isascii()]
    learner.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=180, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    names += sorted(learned["vocab"], key=learned["vocab"].get)
    vocabulary = {name: place for place, name in enumerate(names)}
    merges = [tuple(merge) for merge in learned["merges"]]
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A <s> $B", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in names[:3]])
    tokenizer.add_tokens([AddedToken("<think>", normalized=True), AddedToken("</think>", normalized=False)])
    return tokenizer


def random_ids(tokenizer, seed):
    """Ids in which the runs of bytes break off at every place of a character."""
    generator = random.Random(seed)
    size = tokenizer.get_vocab_size()
    bytes_of = [tokenizer.token_to_id(f"<0x{byte:02X}>") for byte in "中é😀".encode() + b"\xff\xe4a"]
    if bytes_of[0] is None:
        alphabet = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        letters = [c for text in ("中é😀", "a") for c in alphabet.pre_tokenize_str(text)[0][0]]
        bytes_of = [tokenizer.token_to_id(letter) for letter in letters]
    for _ in range(12):
        ids = []
        for _ in range(generator.randrange(14)):
            if generator.random() < 0.5:
                begin = generator.randrange(len(bytes_of))
                ids += bytes_of[begin : begin + generator.randrange(5)]
            else:
                ids.append(generator.randrange(size))
        yield ids


def change(tokenizer, parts):
    """The tokenizer with these parts in place of its own, and the parts as its file would write them."""
    changed = json.loads(tokenizer.to_str())
    described = {}
    for name, part in parts.items():
        if name == "added_tokens":
            described[name] = changed[name] + part
        elif name == "model":
            described[name] = part
            changed[name].update(part)
            continue
        else:
            carrier = Tokenizer(models.BPE())
            if part is not None:
                setattr(carrier, name, part)
            described[name] = json.loads(carrier.to_str())[name]
        changed[name] = described[name]
    return Tokenizer.from_str(json.dumps(changed)), described


def unless_panic(function, *arguments, **options):
    """The function's value, or None where the package itself stops with a panic (Strip does on a short token)."""
    try:
        return function(*arguments, **options)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def encode(tokenizer, text, with_ends):
    encoding = unless_panic(tokenizer.encode, text, add_special_tokens=with_ends)
    return None if encoding is None else encoding.ids


def case(base, tokenizer, name, parts, seed=0):
    changed, described = change(tokenizer, parts)
    result = {"name": name, "base": base, "parts": described}
    result["ids"] = [encode(changed, text, False) for text in TEXTS]
    if "post_processor" in parts or "added_tokens" not in parts and base == SENTENCEPIECE:
        result["ids_with_ends"] = [encode(changed, text, True) for text in TEXTS]
    if seed > 0:
        result["decoded"] = [
            {
                "ids": ids,
                "all": unless_panic(changed.decode, ids, skip_special_tokens=False),
                "visible": unless_panic(changed.decode, ids, skip_special_tokens=True),
            }
            for ids in list(random_ids(changed, seed)) + result["ids"][:6]
            if ids is not None
        ]
    return result


BYTES, SENTENCEPIECE = "tokenizer.json", "tokenizer_sentencepiece.json"


def cases():
    byte_level, sentencepiece = train(), train_sentencepiece()
    byte_level.save(str(FOLDER / BYTES), pretty=False)
    sentencepiece.save(str(FOLDER / SENTENCEPIECE), pretty=False)
    yield case(BYTES, byte_level, "as it is", {}, seed=1)
    yield case(SENTENCEPIECE, sentencepiece, "as it is", {}, seed=2)
    for name, part in pre_tokenizer_variants():
        yield case(BYTES, byte_level, name, {"pre_tokenizer": part})
    for name, part in normalizer_variants():
        yield case(BYTES, byte_level, name, {"normalizer": part})
    for seed, (name, parts) in enumerate(sentencepiece_variants()):
        yield case(SENTENCEPIECE, sentencepiece, name, parts, seed=10 + seed)
    for fuse in (False, True):
        for unknown in (None, "<unk>"):
            parts = {"model": {"byte_fallback": False, "fuse_unk": fuse, "unk_token": unknown}}
            yield case(SENTENCEPIECE, sentencepiece, f"no byte fallback, {fuse}, {unknown}", parts)
    for name, flags in added_token_variants():
        for base, tokenizer in ((BYTES, byte_level), (SENTENCEPIECE, sentencepiece)):
            token_id = tokenizer.token_to_id("The") or tokenizer.get_vocab_size()
            token = {"id": token_id, "content": "The", "special": False, **flags}
            lowercase = normalizers.Lowercase()
            parts = {"added_tokens": [token]}
            if base == BYTES:
                parts["normalizer"] = lowercase
            yield case(base, tokenizer, f"{name} {base}", parts, seed=100 if name == "normalized" else 0)
    ends = processors.TemplateProcessing(
        single="<pad> <eos> $A <eos>", pair="$A $B", special_tokens=[("<pad>", 0), ("<eos>", 1)]
    )
    both = processors.Sequence([processors.ByteLevel(trim_offsets=True), ends])
    yield case(BYTES, byte_level, "ends", {"post_processor": both})


def main():
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases())
    text = f'{{"texts":{json.dumps(TEXTS)},\n"variants":[\n{lines}\n]}}\n'
    (FOLDER / "tokenizer_cases.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
