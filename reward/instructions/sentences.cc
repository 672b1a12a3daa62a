#include "reward/instructions/sentences.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

#include "reward/style/characters.h"

namespace grpo {
namespace {

// Without the last full stop, lower case. What the reference program's model, learned from a
// newspaper, does not know is left out: "e.g." and "i.e." end sentences there.
constexpr char kAbbreviations[] =
    "mr mrs ms dr prof gen col lt maj adm sen rep st ave jr sr inc ltd co corp bros vs jan feb "
    "aug sep sept oct nov dec tues wed fri u.s u.k u.n u.s.a u.s.s.r d.c n.y l.a a.m p.m a.d "
    "ph.d m.b.a n.j n.h n.c s.c w.va calif conn colo fla ga ill kan ky mich minn nev okla ore "
    "pa tenn vt va wash wis ariz ala yr ft mg messrs";

// Words that begin a sentence where they have a capital after an abbreviation.
constexpr char kStarters[] =
    "although both but does either even finally he her here however if in it many most please "
    "since so some still such that the them there these they this though through thus under "
    "were when whether which while without yes yet your always furthermore indeed instead "
    "moreover otherwise sometimes therefore tomorrow unfortunately yesterday";

using WordSet = absl::flat_hash_set<std::string>;

WordSet WordsOf(const char* list) {
  WordSet words = absl::StrSplit(list, ' ');
  return words;
}

const WordSet& Abbreviations() {
  static const auto* const words = new WordSet(WordsOf(kAbbreviations));
  return *words;
}

const WordSet& Starters() {
  static const auto* const words = new WordSet(WordsOf(kStarters));
  return *words;
}

bool IsSentenceEnd(char c) { return c == '.' || c == '?' || c == '!'; }

// Marks that are words of their own wherever they stand.
bool IsSeparateMark(char c) {
  return absl::StrContains(")\";}]*:@'({[?!", absl::string_view(&c, 1));
}

// A word cannot begin with these, but may hold them.
bool CannotBegin(char c) {
  return absl::StrContains("(\"`{[:;&#*@)}]-,", absl::string_view(&c, 1));
}

bool IsEllipsis(absl::string_view text, size_t at) {
  return absl::StartsWith(text.substr(at), "..");
}
bool IsDash(absl::string_view text, size_t at) { return absl::StartsWith(text.substr(at), "--"); }

// The first word or mark of a piece without white space.
absl::string_view FirstToken(absl::string_view piece) {
  if (piece.empty()) return piece;
  if (IsEllipsis(piece, 0) || IsDash(piece, 0)) {
    return piece.substr(0, std::min(piece.find_first_not_of(piece[0]), piece.size()));
  }
  size_t end = Utf8CharacterSize(piece);
  if (CannotBegin(piece[0])) return piece.substr(0, end);
  while (end < piece.size() && !IsSeparateMark(piece[end]) && !IsEllipsis(piece, end) &&
         !IsDash(piece, end)) {
    const bool last_comma =
        piece[end] == ',' && (end + 1 == piece.size() || IsSeparateMark(piece[end + 1]) ||
                              IsEllipsis(piece, end + 1) || IsDash(piece, end + 1));
    if (last_comma) break;
    end += Utf8CharacterSize(piece.substr(end));
  }
  return piece.substr(0, end);
}

// What the word behind a full stop says about it.
enum class NextWord {
  kStarts,   // a sentence starter with a capital
  kCapital,  // another word with a capital
  kGoesOn,   // a word in lower case, or punctuation
  kSaysNothing
};

NextWord Classify(absl::string_view token) {
  if (token.empty()) return NextWord::kSaysNothing;
  if (token.size() == 1 && absl::StrContains(";:,.!?", token)) return NextWord::kGoesOn;
  const char32_t first = DecodeUtf8(token);
  if (IsLowerCase(first)) return NextWord::kGoesOn;
  if (!IsUpperCase(first)) return NextWord::kSaysNothing;
  absl::string_view word = token;
  while (!word.empty() && word.back() == '.') word.remove_suffix(1);
  return Starters().contains(Lower(word)) ? NextWord::kStarts : NextWord::kCapital;
}

bool IsInitial(absl::string_view token) {
  return Utf8CharacterSize(token) + 1 == token.size() && IsLetter(DecodeUtf8(token));
}

// Letters that rather number a list ("A.", "b.", "I.") or stand for themselves than begin a name.
bool NumbersLists(char letter) {
  return absl::StrContains("abioquxyz", absl::string_view(&letter, 1));
}

// "J.K.", "U.S.": capitals with a full stop each; but "P.S." begins its own text.
bool AreInitials(absl::string_view token) {
  if (token.size() < 4 || token.size() % 2 != 0 || absl::EndsWith(token, "P.S.")) return false;
  for (size_t i = 0; i < token.size(); i += 2) {
    if (!absl::ascii_isupper(static_cast<unsigned char>(token[i])) || token[i + 1] != '.') {
      return false;
    }
  }
  return true;
}

bool IsNumber(absl::string_view token) {
  if (absl::StartsWith(token, "-")) token.remove_prefix(1);
  if (!token.empty() && (token[0] == '.' || token[0] == ',')) token.remove_prefix(1);
  return !token.empty() && absl::ascii_isdigit(static_cast<unsigned char>(token[0])) &&
         token.find_first_not_of("0123456789.,-") == absl::string_view::npos;
}

bool IsAbbreviation(absl::string_view token) {
  const std::string word = Lower(token.substr(0, token.size() - 1));
  return Abbreviations().contains(word) ||
         Abbreviations().contains(word.substr(word.rfind('-') + 1));
}

// Whether the token, which ends with a full stop, ends a sentence before `next`. `at_line_start`:
// it is the first of its line, as the number or letter of a list item is.
bool StopEnds(absl::string_view token, NextWord next, bool at_line_start) {
  if (absl::EndsWith(token, "..")) return next == NextWord::kStarts;
  if (IsInitial(token)) {
    if (next == NextWord::kGoesOn || !NumbersLists(absl::ascii_tolower(token[0]))) return false;
    return next != NextWord::kCapital || at_line_start;
  }
  if (IsAbbreviation(token) || AreInitials(token)) return next == NextWord::kStarts;
  return !IsNumber(token) || next != NextWord::kGoesOn;
}

// Whether a sentence ends in `piece`, text without white space whose last character is '.', '?' or
// '!', given what follows.
bool EndsSentence(absl::string_view piece, absl::string_view next_piece, bool at_line_start) {
  const NextWord next = Classify(FirstToken(next_piece));
  bool first = at_line_start;
  while (!piece.empty()) {
    const absl::string_view token = FirstToken(piece);
    piece.remove_prefix(token.size());
    if (token == "?" || token == "!") return true;
    if (token.back() == '.') {
      const NextWord behind = piece.empty() ? next : Classify(FirstToken(piece));
      if (StopEnds(token, behind, first)) return true;
    }
    first = false;
  }
  return false;
}

// Reads pieces of text between white space, and counts where a sentence ends inside or behind one.
class SentenceCounter {
 public:
  explicit SentenceCounter(absl::string_view text) : text_(text) {}

  size_t Count() {
    for (size_t begin = SkipSpace(0); begin < text_.size();) {
      const size_t end = EndOfPiece(begin), next = SkipSpace(end);
      if (!OnlyClosesSentence(begin, end)) open_ = true;
      CountPiece(begin, end, next);
      at_line_start_ = absl::StrContains(text_.substr(end, next - end), '\n');
      begin = next;
    }
    return count_ + (open_ ? 1 : 0);
  }

 private:
  void CountPiece(size_t begin, size_t end, size_t next) {
    const size_t last = LastCandidate(begin, end, next);
    if (last == absl::string_view::npos) return;
    const absl::string_view behind =
        last + 1 < end ? text_.substr(last + 1, 1) : text_.substr(next, EndOfPiece(next) - next);
    if (!EndsSentence(text_.substr(begin, last + 1 - begin), behind, at_line_start_)) return;
    ++count_;
    // Closing marks belong to the sentence that they close; anything else begins the next.
    open_ = !ClosesSentence(text_.substr(last + 1, end - last - 1));
  }

  // The last '.', '?' or '!' of the piece that a mark or, at its end, another piece follows.
  size_t LastCandidate(size_t begin, size_t end, size_t next) const {
    for (size_t at = end; at-- > begin;) {
      if (!IsSentenceEnd(text_[at])) continue;
      if (at + 1 < end ? IsSeparateMark(text_[at + 1]) : next < text_.size()) return at;
    }
    return absl::string_view::npos;
  }

  static bool ClosesSentence(absl::string_view rest) {
    return rest.find_first_not_of("\"')]}") == absl::string_view::npos;
  }

  // Behind the end of a sentence a piece of closing marks alone is no sentence.
  bool OnlyClosesSentence(size_t begin, size_t end) const {
    return !open_ && count_ > 0 && ClosesSentence(text_.substr(begin, end - begin));
  }

  size_t SkipSpace(size_t at) const {
    while (at < text_.size() && IsSpace(DecodeUtf8(text_.substr(at)))) {
      at += Utf8CharacterSize(text_.substr(at));
    }
    return at;
  }

  size_t EndOfPiece(size_t at) const {
    while (at < text_.size() && !IsSpace(DecodeUtf8(text_.substr(at)))) {
      at += Utf8CharacterSize(text_.substr(at));
    }
    return at;
  }

  const absl::string_view text_;
  size_t count_ = 0;           // sentences that have ended
  bool open_ = false;          // text stands behind the last of them
  bool at_line_start_ = true;  // the piece is the first of its line
};

}  // namespace

size_t CountSentences(absl::string_view text) { return SentenceCounter(text).Count(); }

}  // namespace grpo
