"""Writes data/unicode_tables.cc: where `tokenizers` differs from PCRE2 10.42 (Unicode 14) and utf8proc in what a character is.

Run by hand (pip install tokenizers==0.23.*; python3.11 tests/golden/make_unicode_tables.py) when `tokenizers` moves to
a newer Unicode. `tokenizers` is asked about every code point; Python 3.11's unicodedata stands for Unicode 14.
"""

import pathlib
import sys
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

OUTPUT = pathlib.Path(__file__).parents[2] / "data" / "unicode_tables.cc"
POINTS = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
CATEGORIES = "Cf Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs".split()
SCRIPTS = ["Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Georgian", "Greek", "Hangul", "Han", "Hebrew"]
SCRIPTS += ["Hiragana", "Katakana", "Latin", "Tamil", "Thai"]

FIND_RANGE = """const CodePointRange* FindRange(const std::vector<CodePointRange>& ranges, char32_t code_point) {
  const auto after = std::upper_bound(
      ranges.begin(), ranges.end(), code_point,
      [](char32_t point, const CodePointRange& range) { return point < range.first; });
  if (after == ranges.begin() || std::prev(after)->last < code_point) return nullptr;
  return &*std::prev(after);
}
"""


def chunks(points):
    for start in range(0, len(points), 20000):
        yield "".join(map(chr, points[start : start + 20000]))


def matched(pattern, points=POINTS):
    """The code points that a pattern of one character matches."""
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    return {ord(c) for text in chunks(points) for piece, _ in split.pre_tokenize_str(text) for c in piece}


def removed(pre_tokenizer):
    return {
        ord(c)
        for text in chunks(POINTS)
        for c in set(text) - {c for piece, _ in pre_tokenizer.pre_tokenize_str(text) for c in piece}
    }


def ranges(points):
    result = []
    for point in sorted(points):
        if result and result[-1][1] == point - 1:
            result[-1][1] = point
        else:
            result.append([point, point])
    return result


def unknown_to_normalizer():
    """Characters with a mapping or a combining class in Unicode 15 that `tokenizers` does not apply."""
    nfkd, nfd = normalizers.NFKD(), normalizers.NFD()
    unknown = set()
    for point in POINTS:
        character = chr(point)
        if unicodedata.normalize("NFKD", character) != nfkd.normalize_str(character):
            unknown.add(point)
        combining = unicodedata.combining(character)
        if combining == 0:
            continue
        text = f"x\u0301{character}" if combining == 1 else f"x{character}\u0334"
        if unicodedata.normalize("NFD", text) != nfd.normalize_str(text):
            unknown.add(point)
    # Marks and mappings of Unicode 15 and 16, which `tokenizers` cannot know either.
    later = [point for point in POINTS if unicodedata.category(chr(point)) == "Cn"]
    return unknown | matched(r"\p{M}", later) | set(range(0x1E030, 0x1E06E))


def lowercase_additions():
    """Characters that `tokenizers` lowercases and Unicode 14 does not, with the distance to the lower one."""
    lowercase = normalizers.Lowercase()
    for point in POINTS:
        lower = lowercase.normalize_str(chr(point))
        if unicodedata.category(chr(point)) == "Cn" and lower != chr(point):
            yield point, ord(lower)


def array(comment, declaration, rows):
    lines = [f"// {line}" for line in comment.split("\n")]
    lines.append(f"const std::vector<{declaration}() {{")
    element, name = declaration.split(">& ")
    lines.append(f"  static const auto* const table = new std::vector<{element}>{{")
    line = "     "
    for row in rows:
        if len(line) + len(row) + 2 > 99:
            lines.append(line)
            line = "     "
        line += f" {row},"
    return "\n".join(lines + [line, "  };", "  return *table;", "}", ""])


def hexed(first, last):
    return f"{{0x{first:x}, 0x{last:x}}}"


def main():
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"expected a Python with Unicode 14 (3.11), found {unicodedata.unidata_version}")
    unassigned = [point for point in POINTS if unicodedata.category(chr(point)) == "Cn"]
    classes = []
    for name in CATEGORIES:
        classes += [(name, r) for r in ranges(matched(rf"\p{{{name}}}", unassigned))]
    for name in ["Alphabetic"] + SCRIPTS:
        classes += [(name, r) for r in ranges(matched(rf"\p{{{name}}}", unassigned))]
    # One character changed its category in Unicode 15; its class M is the same.
    punctuation, marks = matched(r"\p{P}"), matched(r"\p{M}")
    splits_at = removed(pre_tokenizers.Punctuation("removed"))
    ascii_marks = {ord(c) for c in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}
    assert splits_at - punctuation - ascii_marks == {0x166D, 0x111C9}
    accents = {
        point for point in marks if normalizers.StripAccents().normalize_str(chr(point)) == ""
    }
    parts = [
        "// Written by tests/golden/make_unicode_tables.py.\n"
        '#include "data/unicode_tables.h"\n\n#include <algorithm>\n#include <iterator>\n\nnamespace grpo {\n',
        array(
            "Unicode 15 and 16, as Oniguruma has them.",
            "ClassRange>& AddedToClasses",
            [f'{{"{name}", 0x{a:x}, 0x{b:x}}}' for name, (a, b) in classes],
        ),
        array("", "CodePointRange>& NotPunctuation", [hexed(*r) for r in ranges(punctuation - splits_at)]),
        array("", "CodePointRange>& NotAccents", [hexed(*r) for r in ranges(marks - accents)]),
        array("", "CodePointRange>& NotNormalized", [hexed(*r) for r in ranges(unknown_to_normalizer())]),
        array("", "CodePointRange>& AddedLowercase", [hexed(*pair) for pair in lowercase_additions()]),
        FIND_RANGE + "\n}  // namespace grpo\n",
    ]
    OUTPUT.write_text("\n".join(part.replace("// \n", "") for part in parts), encoding="utf-8")


if __name__ == "__main__":
    main()
