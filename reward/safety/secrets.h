// Secrets and personal data by their shape.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace grpo {

// Each says what was found first, empty where nothing was. All take linear time.

// Keys of services by their published prefixes and lengths (AWS, GitHub, GitLab, Slack, Google,
// OpenAI, Anthropic, Stripe, Hugging Face, npm), JSON Web Tokens, PEM blocks of private keys.
// Placeholders (EXAMPLE inside, fewer than 8 different characters) are none.
std::string FindKey(absl::string_view text);

// Numbers of payment cards: 13 to 19 digits in one piece or in the groups printed on cards, a known
// issuer's prefix and length, the check digit of Luhn (ISO/IEC 7812). One in ten random numbers
// with such a prefix passes too.
std::string FindCardNumber(absl::string_view text);

// International bank account numbers: known country, its length, remainder 1 modulo 97 (ISO 13616);
// in one piece or in groups with spaces.
std::string FindIban(absl::string_view text);

// E-mail addresses, but for those of domains reserved for examples (RFC 2606) and those that
// `known` holds.
std::string FindEmail(absl::string_view text, absl::string_view known);

// Phone numbers: + and 8 to 15 digits (E.164), or (ddd) ddd-dddd and ddd-ddd-dddd; but for those
// that `known` holds.
std::string FindPhoneNumber(absl::string_view text, absl::string_view known);

}  // namespace grpo
