#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

#include "reward/safety/secrets.h"

namespace grpo {
namespace {

constexpr int kMinDistinct = 8;

bool IsTokenByte(unsigned char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; }
bool IsUpperOrDigit(unsigned char c) { return absl::ascii_isupper(c) || absl::ascii_isdigit(c); }
bool IsAlphanumeric(unsigned char c) { return absl::ascii_isalnum(c); }

// Keys of one service: a prefix and so many more bytes of a kind.
struct KeyShape {
  absl::string_view prefix;
  size_t min_rest, max_rest;
  bool (*is_rest)(unsigned char);
  const char* what;
};

// From the services' documentation and the rules of public secret scanners.
constexpr KeyShape kShapes[] = {
    {"AKIA", 16, 16, IsUpperOrDigit, "an AWS access key"},
    {"ASIA", 16, 16, IsUpperOrDigit, "an AWS access key"},
    {"ghp_", 36, 255, IsAlphanumeric, "a GitHub token"},
    {"gho_", 36, 255, IsAlphanumeric, "a GitHub token"},
    {"ghu_", 36, 255, IsAlphanumeric, "a GitHub token"},
    {"ghs_", 36, 255, IsAlphanumeric, "a GitHub token"},
    {"ghr_", 36, 255, IsAlphanumeric, "a GitHub token"},
    {"github_pat_", 50, 255, IsTokenByte, "a GitHub token"},
    {"glpat-", 20, 255, IsTokenByte, "a GitLab token"},
    {"xoxb-", 20, 255, IsTokenByte, "a Slack token"},
    {"xoxp-", 20, 255, IsTokenByte, "a Slack token"},
    {"xoxa-", 20, 255, IsTokenByte, "a Slack token"},
    {"xoxr-", 20, 255, IsTokenByte, "a Slack token"},
    {"xoxs-", 20, 255, IsTokenByte, "a Slack token"},
    {"xapp-", 20, 255, IsTokenByte, "a Slack token"},
    {"AIza", 35, 35, IsTokenByte, "a Google key"},
    {"sk-", 32, 255, IsTokenByte, "an API key"},
    {"sk_live_", 16, 255, IsAlphanumeric, "a Stripe key"},
    {"rk_live_", 16, 255, IsAlphanumeric, "a Stripe key"},
    {"sk_test_", 16, 255, IsAlphanumeric, "a Stripe key"},
    {"hf_", 30, 255, IsAlphanumeric, "a Hugging Face token"},
    {"npm_", 36, 36, IsAlphanumeric, "an npm token"},
};

bool IsPlaceholder(absl::string_view rest) {
  const std::set<char> distinct(rest.begin(), rest.end());
  return distinct.size() < kMinDistinct || absl::StrContains(rest, "EXAMPLE");
}

// A token that a service would give out; words and names with hyphens have no digits.
bool HasShape(absl::string_view token, const KeyShape& shape) {
  if (!absl::ConsumePrefix(&token, shape.prefix)) return false;
  return token.size() >= shape.min_rest && token.size() <= shape.max_rest &&
         std::all_of(token.begin(), token.end(), shape.is_rest) &&
         std::any_of(token.begin(), token.end(), absl::ascii_isdigit) && !IsPlaceholder(token);
}

std::string KeyKind(absl::string_view token) {
  while (!token.empty() && absl::StrContains("_-", token.front())) token.remove_prefix(1);
  for (const KeyShape& shape : kShapes) {
    if (HasShape(token, shape)) return shape.what;
    // A hyphen or an underline of the text around it.
    if (HasShape(absl::StripSuffix(token, "_"), shape)) return shape.what;
  }
  return "";
}

// A header and a payload, each the base64 of {"…, and a signature, with dots between them.
bool IsJwt(absl::string_view header, absl::string_view payload, absl::string_view signature) {
  return absl::StartsWith(header, "eyJ") && absl::StartsWith(payload, "eyJ") &&
         header.size() >= 12 && payload.size() >= 12 && signature.size() >= 16 &&
         !IsPlaceholder(signature);
}

bool HasPrivateKeyBlock(absl::string_view text) {
  constexpr absl::string_view kBegin = "-----BEGIN ", kEnd = "PRIVATE KEY";
  for (size_t at = text.find(kBegin); at != absl::string_view::npos;
       at = text.find(kBegin, at + kBegin.size())) {
    const absl::string_view line = text.substr(at + kBegin.size(), 40);
    if (absl::StrContains(line.substr(0, line.find('\n')), kEnd)) return true;
  }
  return false;
}

}  // namespace

std::string FindKey(absl::string_view text) {
  if (HasPrivateKeyBlock(text)) return "a private key";
  absl::string_view before_last, last;  // tokens joined to the present one by dots
  for (size_t at = 0; at < text.size();) {
    if (!IsTokenByte(text[at])) {
      if (text[at] != '.' || last.end() != text.begin() + at) before_last = last = {};
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && IsTokenByte(text[end])) ++end;
    const absl::string_view token = text.substr(at, end - at);
    if (IsJwt(before_last, last, token)) return "a JSON Web Token";
    const std::string kind = KeyKind(token);
    if (!kind.empty()) return kind;
    before_last = last;
    last = token;
    at = end;
  }
  return "";
}

}  // namespace grpo
