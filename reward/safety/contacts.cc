#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

#include "reward/safety/secrets.h"

namespace grpo {
namespace {

constexpr size_t kMaxLocal = 64, kMaxDomain = 253;  // bytes, RFC 5321

bool IsDigit(unsigned char c) { return absl::ascii_isdigit(c); }
bool IsLocalByte(unsigned char c) {
  return absl::ascii_isalnum(c) || absl::StrContains("._%+-", static_cast<char>(c));
}
bool IsDomainByte(unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-'; }

// Reserved for examples (RFC 2606).
bool IsExampleDomain(absl::string_view domain) {
  const std::string lower = absl::AsciiStrToLower(domain);
  for (const absl::string_view name :
       {"example.com", "example.org", "example.net", "example", "test", "invalid", "localhost"}) {
    const bool ends = absl::EndsWith(lower, name);
    if (ends && (lower.size() == name.size() || lower[lower.size() - name.size() - 1] == '.')) {
      return true;
    }
  }
  return false;
}

bool IsDomain(absl::string_view domain) {
  const std::vector<absl::string_view> labels = absl::StrSplit(domain, '.');
  const absl::string_view top = labels.back();
  return labels.size() >= 2 && top.size() >= 2 &&
         std::all_of(top.begin(), top.end(), absl::ascii_isalpha) &&
         std::all_of(labels.begin(), labels.end(), [](absl::string_view label) {
           return !label.empty() && label.front() != '-' && label.back() != '-';
         });
}

// The address around an '@', empty where there is none.
absl::string_view AddressAt(absl::string_view text, size_t at) {
  size_t begin = at;
  while (begin > 0 && at - begin < kMaxLocal && IsLocalByte(text[begin - 1])) --begin;
  while (begin < at && text[begin] == '.') ++begin;
  size_t end = at + 1;
  while (end < text.size() && end - at <= kMaxDomain && IsDomainByte(text[end])) ++end;
  while (end > at + 1 && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  const absl::string_view domain = text.substr(at + 1, end - at - 1);
  if (begin == at || !IsDomain(domain) || IsExampleDomain(domain)) return "";
  return text.substr(begin, end - begin);
}

// The bytes of the number that begins at the start of `text`, with what separates its groups; 0
// where none does.
size_t PhoneSize(absl::string_view text) {
  const bool international = text[0] == '+';
  size_t digits = 0, size = 0;
  for (size_t i = international ? 1 : 0; i < text.size(); ++i) {
    const unsigned char c = text[i];
    if (IsDigit(c)) {
      ++digits;
      size = i + 1;
    } else if (!absl::StrContains(" -().", static_cast<char>(c)) || i - size > 1) {
      break;
    }
    if (digits > 15) return 0;
  }
  return international && digits >= 8 ? size : 0;
}

// (ddd) ddd-dddd or ddd-ddd-dddd.
size_t NationalPhoneSize(absl::string_view text) {
  for (const absl::string_view shape : {"(ddd) ddd-dddd", "ddd-ddd-dddd"}) {
    size_t i = 0;
    while (i < shape.size() && i < text.size() &&
           (shape[i] == 'd' ? IsDigit(text[i]) : text[i] == shape[i])) {
      ++i;
    }
    if (i == shape.size() && (i == text.size() || !IsDigit(text[i]))) return i;
  }
  return 0;
}

}  // namespace

std::string FindEmail(absl::string_view text, absl::string_view known) {
  for (size_t at = text.find('@'); at != absl::string_view::npos; at = text.find('@', at + 1)) {
    const absl::string_view address = AddressAt(text, at);
    if (!address.empty() && !absl::StrContains(known, address)) return "an e-mail address";
  }
  return "";
}

std::string FindPhoneNumber(absl::string_view text, absl::string_view known) {
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '+' && c != '(' && !IsDigit(c)) continue;
    if (at > 0 && absl::ascii_isalnum(static_cast<unsigned char>(text[at - 1]))) continue;
    const absl::string_view rest = text.substr(at, 40);
    const size_t size = c == '+' ? PhoneSize(rest) : NationalPhoneSize(rest);
    if (size > 0 && !absl::StrContains(known, rest.substr(0, size))) return "a phone number";
  }
  return "";
}

}  // namespace grpo
