// Python's str on UTF-8: what counts positions counts code points. Texts given to these functions
// are valid UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo::jinja {

void AppendUtf8(char32_t character, std::string* text);
// The first character of a text that is not empty; `size` receives its bytes.
char32_t DecodeUtf8(absl::string_view text, size_t* size);

int64_t CountCharacters(absl::string_view text);
// The byte at which character number `index` starts; the text's size where it has no more than
// `index` characters.
size_t ByteOffset(absl::string_view text, int64_t index);
std::vector<absl::string_view> Characters(absl::string_view text);

bool IsSpace(char32_t character);
// A letter, a digit or an underscore: \w.
bool IsWordCharacter(char32_t character);
// Not shown as it is by repr().
bool IsPrintable(char32_t character);
bool IsAlphabetic(char32_t character);
bool IsDigit(char32_t character);

enum class Side { kBoth, kLeft, kRight };
// Without the characters of `characters` at its ends; without `characters`, without white space.
absl::string_view Strip(absl::string_view text, absl::optional<absl::string_view> characters,
                        Side side);

// Where `part` first stands in `text`, or npos. Takes time in proportion to both sizes, however
// alike their beginnings are.
size_t FindText(absl::string_view text, absl::string_view part);

// Parts between occurrences of `separator`, which is not empty; without one, between runs of white
// space, none of the parts empty. At most `limit` cuts where it is not negative, counted from the
// left or the right.
std::vector<absl::string_view> Split(absl::string_view text,
                                     absl::optional<absl::string_view> separator, int64_t limit);
std::vector<absl::string_view> SplitFromRight(absl::string_view text,
                                              absl::optional<absl::string_view> separator,
                                              int64_t limit);
std::vector<absl::string_view> SplitLines(absl::string_view text, bool keep_ends);

// At most `limit` replacements where it is not negative. An empty `from` stands between all
// characters.
std::string Replace(absl::string_view text, absl::string_view from, absl::string_view to,
                    int64_t limit);
// Occurrences that do not overlap.
int64_t CountOccurrences(absl::string_view text, absl::string_view part);

std::string ToUpper(absl::string_view text);
std::string ToLower(absl::string_view text);
std::string Capitalize(absl::string_view text);
std::string ToTitle(absl::string_view text);
std::string SwapCase(absl::string_view text);
// At least one letter with case, and none of the other case.
bool IsUpper(absl::string_view text);
bool IsLower(absl::string_view text);

// As repr() writes it: in single quotes unless only those occur within, what cannot be shown as
// \n, \xNN, \uNNNN.
std::string QuotePython(absl::string_view text);

// <, >, &, " and ' as entities.
std::string EscapeHtml(absl::string_view text);

}  // namespace grpo::jinja
