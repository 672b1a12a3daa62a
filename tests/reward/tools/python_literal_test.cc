#include "reward/tools/python_literal.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

using nlohmann::json;

// The value of the whole text as JSON, "refused" where it is none.
std::string Read(const std::string& text) {
  PythonReader reader(text);
  json value;
  if (!reader.ReadValue(&value) || !reader.AtEnd()) return "refused";
  return value.dump();
}

TEST(PythonLiteralTest, ReadsNumbers) {
  EXPECT_EQ(Read("0"), "0");
  EXPECT_EQ(Read("-12"), "-12");
  EXPECT_EQ(Read("+7"), "7");
  EXPECT_EQ(Read("1_000"), "1000");
  EXPECT_EQ(Read("0xFF"), "255");
  EXPECT_EQ(Read("0b101"), "5");
  EXPECT_EQ(Read("0o17"), "15");
  EXPECT_EQ(Read("1.5"), "1.5");
  EXPECT_EQ(Read("-.5"), "-0.5");
  EXPECT_EQ(Read("5."), "5.0");
  EXPECT_EQ(Read("1e3"), "1000.0");
  EXPECT_EQ(Read("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Read("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(Read("18446744073709551615"), "18446744073709551615");
}

TEST(PythonLiteralTest, RefusesWhatIsNoNumber) {
  for (const char* text :
       {"", "-", ".", "1e", "0x", "01", "1__0", "1_", "1j", "1+2", "--1", "2*3",
        "18446744073709551616", "-9223372036854775809", "1e999", "12abc", "nan", "inf", "1.2.3"}) {
    EXPECT_EQ(Read(text), "refused") << text;
  }
  EXPECT_EQ(Read(std::string(100000, '9')), "refused");
}

TEST(PythonLiteralTest, ReadsStrings) {
  EXPECT_EQ(Read("'a'"), R"("a")");
  EXPECT_EQ(Read("\"it's\""), R"("it's")");
  EXPECT_EQ(Read("'''a\n'b'''"), R"("a\n'b")");
  EXPECT_EQ(Read("\"\"\"x\"\"\""), R"("x")");
  EXPECT_EQ(Read("''"), R"("")");
  EXPECT_EQ(Read(R"('a\n\t\\\'\x41\u00e9\U0001F600\101')"), "\"a\\n\\t\\\\'A\u00E9\U0001F600A\"");
  EXPECT_EQ(Read(R"(r'a\n\'')"), R"("a\\n\\'")");
  EXPECT_EQ(Read("u'a'"), R"("a")");
  EXPECT_EQ(Read("'a' 'b'\n\"c\""), R"("abc")");
  EXPECT_EQ(Read(R"('a\q')"), R"("a\\q")");
  EXPECT_EQ(Read("'a\\\nb'"), R"("ab")");
}

TEST(PythonLiteralTest, RefusesBrokenAndOtherStrings) {
  for (const char* text : {"'a", "'a\nb'", "'''a''", R"('\x4')", R"('\ud800')", R"('\U00110000')",
                           R"('\N{DASH}')", "b'a'", "f'a'", "'\\", "\""}) {
    EXPECT_EQ(Read(text), "refused") << text;
  }
}

TEST(PythonLiteralTest, ReadsContainers) {
  EXPECT_EQ(Read("[]"), "[]");
  EXPECT_EQ(Read("[1, 'a', None, True, False,]"), R"([1,"a",null,true,false])");
  EXPECT_EQ(Read("()"), "[]");
  EXPECT_EQ(Read("(1,)"), "[1]");
  EXPECT_EQ(Read("(1, 2)"), "[1,2]");
  EXPECT_EQ(Read("(1)"), "1");
  EXPECT_EQ(Read("{1, 2}"), "[1,2]");
  EXPECT_EQ(Read("{}"), "{}");
  EXPECT_EQ(Read("{'a': [1, {'b': (2, 3)}], 5: 'c',}"), R"({"5":"c","a":[1,{"b":[2,3]}]})");
}

TEST(PythonLiteralTest, RefusesWhatIsNoLiteral) {
  for (const char* text : {"x", "true", "null", "f(1)", "[1", "[1 2]", "[,]", "(,)", "{'a': 1",
                           "{'a' 1}", "{'a': 1, 2}", "{'a': 1, 'a': 2}", "{1.5: 2}", "{[1]: 2}",
                           "[x for x in y]", "lambda: 1", "*a", "..."}) {
    EXPECT_EQ(Read(text), "refused") << text;
  }
}

TEST(PythonLiteralTest, RefusesDeepNesting) {
  EXPECT_NE(Read(std::string(60, '[') + std::string(60, ']')), "refused");
  for (const char open : {'[', '(', '{'}) {
    EXPECT_EQ(Read(std::string(1 << 20, open)), "refused");
  }
}

TEST(PythonLiteralTest, ReadsCalls) {
  PythonReader reader("[a.b(x=1, y='z',), c()]tail");
  std::vector<ToolCall> calls;
  ASSERT_TRUE(reader.ReadCallList(&calls)) << reader.fault();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].name, "a.b");
  EXPECT_EQ(calls[0].arguments, json::parse(R"({"x": 1, "y": "z"})"));
  EXPECT_EQ(calls[1].name, "c");
  EXPECT_TRUE(calls[1].arguments.empty());
  EXPECT_EQ(reader.position(), 23u);
}

TEST(PythonLiteralTest, RefusesCallsThatAreNotKeywordsAndLiterals) {
  for (const char* text :
       {"[]", "[f]", "[f(1)]", "[f(x=1, x=2)]", "[f(x=y)]", "[f(**{})]", "[f(x=1]", "[f(x=g(y=1))]",
        "f(x=1)", "[f(x=1) g()]", "[f.(x=1)]", "[(x=1)]"}) {
    PythonReader reader(text);
    std::vector<ToolCall> calls;
    EXPECT_FALSE(reader.ReadCallList(&calls)) << text;
    EXPECT_FALSE(reader.fault().empty()) << text;
  }
}

}  // namespace
}  // namespace grpo
