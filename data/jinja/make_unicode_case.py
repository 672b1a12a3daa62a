"""Writes unicode_case_tables.h: the case mappings of the Unicode version that this Python knows.

    python3 data/jinja/make_unicode_case.py | clang-format > data/jinja/unicode_case_tables.h
"""

import unicodedata

CHARACTERS = [chr(c) for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000]


def runs(mapping):
    """Groups {code point: mapped} into (first, last, stride, delta)."""
    result = []
    for point, mapped in sorted(mapping.items()):
        delta = mapped - point
        if result and result[-1][3] == delta:
            first, last, stride, _ = result[-1]
            gap = point - last
            if gap in (1, 2) and (first == last or gap == stride):
                result[-1] = (first, point, gap, delta)
                continue
        result.append((point, point, 1, delta))
    return result


def print_table(name, function, same_as=lambda c: c):
    mapped = {ord(c): function(c) for c in CHARACTERS if function(c) != same_as(c)}
    single = {point: ord(text) for point, text in mapped.items() if len(text) == 1}
    several = {point: text for point, text in mapped.items() if len(text) > 1}
    print(f"constexpr CaseRun k{name}Runs[] = {{")
    for first, last, stride, delta in runs(single):
        print(f"    {{{first:#x}, {last:#x}, {stride}, {delta}}},")
    print("};")
    print(f"constexpr CaseExpansion k{name}Expansions[] = {{")
    for point, text in several.items():
        escaped = "".join(f"\\x{byte:02x}" for byte in text.encode())
        print(f'    {{{point:#x}, "{escaped}"}},')
    print("};")


print(f"""// Case mappings of Unicode {unicodedata.unidata_version}, written by make_unicode_case.py. ASCII is left out.
#pragma once

namespace grpo::jinja {{

// Every stride-th character from first to last maps to itself plus delta.
struct CaseRun {{
  char32_t first;
  char32_t last;
  int stride;
  int delta;
}};

// A character that maps to several.
struct CaseExpansion {{
  char32_t character;
  const char* text;
}};
""")
print_table("Upper", str.upper)
print_table("Lower", str.lower)
# Only where it differs from upper case.
print_table("Title", str.title, same_as=str.upper)
print("""
}  // namespace grpo::jinja""")
