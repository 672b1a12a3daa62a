#include "reward/safety/secrets.h"

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

namespace grpo {
namespace {

// Tokens are put together here so that no scanner takes this file for a leak.
const char kLetters36[] = "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW1xY2";

TEST(SecretsTest, FindsKeys) {
  for (const std::string& text :
       {absl::StrCat("AWS_ACCESS_KEY_ID=", "AKIA", "Z7QW2E5RT6YU3IO1"),
        absl::StrCat("use ghp", "_", kLetters36, "."),
        absl::StrCat("github", "_pat_", kLetters36, "_", kLetters36),
        absl::StrCat("xox", "b-123456789012-123456789012-", "aB3dE5fG7hI9"),
        absl::StrCat("?key=AI", "za", std::string(kLetters36).substr(0, 35)),
        absl::StrCat("OPENAI_API_KEY='sk", "-proj-", kLetters36, "'"),
        absl::StrCat("sk", "-ant-api03-", kLetters36), absl::StrCat("sk", "_live_", kLetters36),
        absl::StrCat("hf", "_", kLetters36), absl::StrCat("glpat", "-", kLetters36),
        absl::StrCat("_ghp", "_", kLetters36, "_"),
        absl::StrCat("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE"),
        absl::StrCat("-----BEGIN ", "PRIVATE KEY-----"),
        absl::StrCat("eyJ", "hbGciOiJIUzI1NiJ9.eyJ", "zdWIiOiIxMjM0NTY3ODkwIn0.", kLetters36)}) {
    EXPECT_NE(FindKey(text), "") << text;
  }
}

TEST(SecretsTest, LeavesOtherTokensAlone) {
  for (const std::string& text :
       {std::string("AKIA"), absl::StrCat("AKIA", "IOSFODNN7EXAMPLE"),
        absl::StrCat("AKIA", "SHORT1"), std::string("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        std::string("sk-your-api-key-goes-here-please-and-thanks"),
        std::string("sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1"),
        std::string("a plain sentence."), std::string("-----BEGIN PUBLIC KEY-----"),
        std::string("-----BEGIN CERTIFICATE-----"), std::string("eyJhbGciOiJIUzI1NiJ9"),
        std::string("task-list-with-a-very-long-name-and-2-numbers-inside"),
        absl::StrCat("AKIA", "Z7QW2E5RT6YU3IO1", "LONGER")}) {
    EXPECT_EQ(FindKey(text), "") << text;
  }
}

TEST(SecretsTest, FindsCardNumbers) {
  for (const char* text :
       {"4242424242424242", "4242 4242 4242 4242", "card: 5555-5555-5555-4444.", "378282246310005",
        "3782 822463 10005", "6011111111111117", "3056 930902 5904", "3530111333300000",
        "2223003122003222", "4222222222222", "my number is 4242 4242 4242 4242 12 29"}) {
    EXPECT_NE(FindCardNumber(text), "") << text;
  }
}

TEST(SecretsTest, LeavesOtherNumbersAlone) {
  for (const char* text :
       {"4242424242424241", "1234567890123456", "0.4242424242424242", "42424242424242424242424242",
        "4242 4242", "x4242424242424242", "9999999999999995", "2024-11-22 18:05:33",
        "42 42 42 42 42 42 42 42", "", "4"}) {
    EXPECT_EQ(FindCardNumber(text), "") << text;
  }
}

TEST(SecretsTest, FindsIbans) {
  for (const char* text : {"DE89370400440532013000", "DE89 3704 0044 0532 0130 00",
                           "IBAN: GB82 WEST 1234 5698 7654 32.", "FR1420041010050500013M02606",
                           "NO9386011117947", "(CH9300762011623852957)"}) {
    EXPECT_NE(FindIban(text), "") << text;
  }
  for (const char* text :
       {"DE89370400440532013001", "DE8937040044053201300", "XX89370400440532013000",
        "ADE89370400440532013000", "DE893704004405320130001", "DEAD beef 1234 5678"}) {
    EXPECT_EQ(FindIban(text), "") << text;
  }
}

TEST(SecretsTest, FindsEmailAddresses) {
  for (const char* text : {"jane.doe@corp.co.uk", "<a+b@c-d.io>", "mail x_y@z.museum."}) {
    EXPECT_NE(FindEmail(text, ""), "") << text;
  }
  for (const char* text :
       {"a@b", "@user", "a@example.com", "a@sub.example.org", "a@b.test", "x @ y.com", "a@-b.com",
        "a@b..com", "user@host:22", "a@1.2.3.4", "@media (x)", "@"}) {
    EXPECT_EQ(FindEmail(text, ""), "") << text;
  }
  EXPECT_EQ(FindEmail("write to me@corp.com", "I am me@corp.com"), "");
  EXPECT_NE(FindEmail("me@corp.com and you@corp.com", "I am me@corp.com"), "");
}

TEST(SecretsTest, FindsPhoneNumbers) {
  for (const char* text :
       {"+49 170 1234567", "call +1-555-010-9999", "(212) 555-0123", "212-555-0123"}) {
    EXPECT_NE(FindPhoneNumber(text, ""), "") << text;
  }
  for (const char* text : {"1+2345678", "+1 2", "3 + 12345678901234567890", "2024-11-22",
                           "123-45-6789", "(1) 2-3", "+"}) {
    EXPECT_EQ(FindPhoneNumber(text, ""), "") << text;
  }
  EXPECT_EQ(FindPhoneNumber("call 212-555-0123", "I have 212-555-0123"), "");
}

TEST(SecretsTest, SurvivesHostileText) {
  for (const char* part :
       {"4", "4242 ", "4-", "a@", "@a.", "a.@", "AKIA", "eyJ.", "eyJ-", "-----BEGIN ", "DE89 ",
        "DE8", "+1 ", "(2", "sk-", "\xFF", "ghp_", "A1", "."}) {
    std::string text;
    while (text.size() < (1 << 20)) text += part;
    FindKey(text);
    FindCardNumber(text);
    FindIban(text);
    FindEmail(text, "");
    FindPhoneNumber(text, "");
  }
}

}  // namespace
}  // namespace grpo
