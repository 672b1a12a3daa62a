#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "reward/safety/secrets.h"

namespace grpo {
namespace {

bool IsDigit(unsigned char c) { return absl::ascii_isdigit(c); }

// Digits with single spaces or hyphens between the groups.
struct DigitGroups {
  std::vector<absl::string_view> groups;
  size_t end = 0;  // behind them
};

DigitGroups ReadGroups(absl::string_view text, size_t begin) {
  DigitGroups read;
  size_t at = begin;
  while (true) {
    size_t end = at;
    while (end < text.size() && IsDigit(text[end])) ++end;
    read.groups.push_back(text.substr(at, end - at));
    read.end = end;
    const bool goes_on =
        end + 1 < text.size() && (text[end] == ' ' || text[end] == '-') && IsDigit(text[end + 1]);
    if (!goes_on) return read;
    at = end + 1;
  }
}

bool PassesLuhn(absl::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit < 5 ? 2 * digit : 2 * digit - 9;
    sum += digit;
  }
  return sum % 10 == 0;
}

// Issuers by the first digits (ISO/IEC 7812) and the lengths of their numbers.
struct Issuer {
  int prefix_digits, first, last;
  size_t min_digits, max_digits;
};
constexpr Issuer kIssuers[] = {
    {1, 4, 4, 13, 13},       {1, 4, 4, 16, 16},       {1, 4, 4, 19, 19},    // Visa
    {2, 51, 55, 16, 16},     {4, 2221, 2720, 16, 16},                       // Mastercard
    {2, 34, 34, 15, 15},     {2, 37, 37, 15, 15},                           // American Express
    {4, 6011, 6011, 16, 19}, {3, 644, 649, 16, 19},   {2, 65, 65, 16, 19},  // Discover
    {3, 300, 305, 14, 14},   {2, 36, 36, 14, 14},     {2, 38, 39, 14, 14},  // Diners
    {4, 3528, 3589, 16, 19},                                                // JCB
    {2, 62, 62, 16, 19},                                                    // UnionPay
};

bool IsCard(absl::string_view digits) {
  const auto fits = [&](const Issuer& issuer) {
    int prefix = 0;
    if (!absl::SimpleAtoi(digits.substr(0, issuer.prefix_digits), &prefix)) return false;
    return prefix >= issuer.first && prefix <= issuer.last && digits.size() >= issuer.min_digits &&
           digits.size() <= issuer.max_digits;
  };
  return std::any_of(std::begin(kIssuers), std::end(kIssuers), fits) && PassesLuhn(digits);
}

// Groups as printed: 4-4-4-4 and 4-4-4-4-3, 4-6-5, 4-6-4, 6-13.
bool IsPrinted(const std::vector<size_t>& sizes) {
  static const auto& layouts = *new std::vector<std::vector<size_t>>{
      {4, 4, 4, 4}, {4, 4, 4, 4, 3}, {4, 6, 5}, {4, 6, 4}, {6, 13}};
  return std::find(layouts.begin(), layouts.end(), sizes) != layouts.end();
}

// A card number among the groups, which may have other numbers beside it.
bool HasCard(const std::vector<absl::string_view>& groups) {
  constexpr size_t kMaxGroups = 5;
  for (size_t first = 0; first < groups.size(); ++first) {
    if (IsCard(groups[first])) return true;
    std::string digits;
    std::vector<size_t> sizes;
    for (size_t i = first; i < std::min(groups.size(), first + kMaxGroups); ++i) {
      if (groups[i].size() > 13) break;
      absl::StrAppend(&digits, groups[i]);
      sizes.push_back(groups[i].size());
      if (IsPrinted(sizes) && IsCard(digits)) return true;
    }
  }
  return false;
}

// Whether a number that begins here is one of its own: no part of a word or of a decimal.
bool StartsNumber(absl::string_view text, size_t at) {
  if (!IsDigit(text[at])) return false;
  if (at == 0) return true;
  const unsigned char before = text[at - 1];
  const bool is_decimal = before == '.' && at >= 2 && IsDigit(text[at - 2]);
  return !absl::ascii_isalnum(before) && before != '_' && !is_decimal;
}

size_t IbanSize(absl::string_view country) {
  static const auto& sizes = *new std::map<absl::string_view, size_t>{
      {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16},
      {"BG", 22}, {"BH", 22}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28},
      {"CZ", 24}, {"DE", 22}, {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24},
      {"FI", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18},
      {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23},
      {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32},
      {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"MC", 27}, {"MD", 24}, {"ME", 22},
      {"MK", 19}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NL", 18}, {"NO", 15}, {"PK", 24},
      {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"SA", 24},
      {"SC", 31}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"ST", 25}, {"SV", 28},
      {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}};
  const auto found = sizes.find(country);
  return found == sizes.end() ? 0 : found->second;
}

// The remainder modulo 97 of the number that the account stands for: the first four characters go
// to the end, letters count from A = 10.
bool PassesMod97(absl::string_view account) {
  const std::string turned = absl::StrCat(account.substr(4), account.substr(0, 4));
  int remainder = 0;
  for (const unsigned char c : turned) {
    const int value = IsDigit(c) ? c - '0' : c - 'A' + 10;
    remainder = (remainder * (value < 10 ? 10 : 100) + value) % 97;
  }
  return remainder == 1;
}

bool IsIbanAt(absl::string_view text, size_t at) {
  if (at > 0 && absl::ascii_isalnum(static_cast<unsigned char>(text[at - 1]))) return false;
  const size_t size = IbanSize(text.substr(at, 2));
  std::string account;
  while (at < text.size() && account.size() < size) {
    const unsigned char c = text[at];
    if (IsDigit(c) || absl::ascii_isupper(c)) {
      account.push_back(static_cast<char>(c));
    } else if (c != ' ' || text[at - 1] == ' ') {
      return false;
    }
    ++at;
  }
  const bool ends = at == text.size() || !absl::ascii_isalnum(static_cast<unsigned char>(text[at]));
  return size > 0 && account.size() == size && ends && IsDigit(account[2]) && IsDigit(account[3]) &&
         PassesMod97(account);
}

}  // namespace

std::string FindCardNumber(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (!StartsNumber(text, at)) {
      ++at;
      continue;
    }
    const DigitGroups read = ReadGroups(text, at);
    if (HasCard(read.groups)) return "a card number";
    at = read.end;
  }
  return "";
}

std::string FindIban(absl::string_view text) {
  for (size_t at = 0; at + 15 <= text.size(); ++at) {
    const bool may_start = absl::ascii_isupper(static_cast<unsigned char>(text[at])) &&
                           absl::ascii_isupper(static_cast<unsigned char>(text[at + 1])) &&
                           IsDigit(text[at + 2]);
    if (may_start && IsIbanAt(text, at)) return "an IBAN";
  }
  return "";
}

}  // namespace grpo
