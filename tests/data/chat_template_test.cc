#include "data/chat_template.h"

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using ::nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kGolden = std::string(GRPO_SOURCE_DIR) + "/tests/golden/";

std::vector<ordered_json> ReadJsonLines(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::vector<ordered_json> records;
  for (std::string line; std::getline(file, line);) records.push_back(ordered_json::parse(line));
  return records;
}

absl::StatusOr<std::string> Render(const std::string& source, const ordered_json& context,
                                   const ChatTemplateLimits& limits = {}) {
  const auto parsed = ChatTemplate::Parse(source, "t");
  if (!parsed.ok()) return parsed.status();
  return (*parsed)->Render(context, limits);
}

std::string TextOf(const std::string& source,
                   const ordered_json& context = ordered_json::object()) {
  const auto text = Render(source, context);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

std::string ErrorOf(const std::string& source,
                    const ordered_json& context = ordered_json::object()) {
  const auto text = Render(source, context);
  EXPECT_FALSE(text.ok()) << source << " gives " << text.value_or("");
  return std::string(text.status().message());
}

// `expected` is the text, or null for an error.
void ExpectOutcome(const absl::StatusOr<std::string>& outcome, const ordered_json& expected,
                   const std::string& what) {
  if (expected.is_null()) {
    EXPECT_FALSE(outcome.ok()) << what << "\n  gives: " << outcome.value_or("");
  } else if (!outcome.ok()) {
    ADD_FAILURE() << what << "\n  expected: " << expected << "\n  found: " << outcome.status();
  } else {
    EXPECT_EQ(*outcome, expected.get<std::string>()) << what;
  }
}

TEST(ChatTemplateTest, DoesWithEachConstructWhatJinjaDoes) {
  const std::vector<ordered_json> records = ReadJsonLines(kGolden + "chat_template_cases.jsonl");
  ASSERT_GT(records.size(), 1000u);
  const ordered_json& context = records[0]["context"];
  for (size_t i = 1; i < records.size(); ++i) {
    const std::string source = records[i]["template"];
    ExpectOutcome(Render(source, context), records[i]["text"], source);
  }
}

TEST(ChatTemplateTest, RendersConversationsAsJinjaDoes) {
  std::map<std::string, std::shared_ptr<const ChatTemplate>> templates;
  int renderings = 0;
  for (const ordered_json& record : ReadJsonLines(kGolden + "chat_template_conversations.jsonl")) {
    for (const auto& [name, expected] : record["rendered"].items()) {
      auto& parsed = templates[name];
      if (parsed == nullptr) {
        const std::string path = absl::StrCat(kGolden, "chat_templates/", name, ".jinja");
        const auto result = ChatTemplate::Parse(ReadFile(path).value_or(""), path);
        ASSERT_TRUE(result.ok()) << result.status();
        parsed = *result;
      }
      ExpectOutcome(parsed->Render(record["context"]), expected,
                    absl::StrCat(name, " of ", record["context"].dump()));
      ++renderings;
    }
  }
  EXPECT_EQ(renderings, 800);
  EXPECT_EQ(templates.size(), 9u);
}

TEST(ChatTemplateTest, SaysAtWhichLineItStumbled) {
  EXPECT_THAT(ErrorOf("a\n{% if x %}\nb"), AllOf(StartsWith("t:3: "), HasSubstr("endif"),
                                                 HasSubstr("found the end of the template")));
  EXPECT_THAT(ErrorOf("\n{{ 1 +\n }}"), AllOf(StartsWith("t:3: "), HasSubstr("an expression")));
  EXPECT_THAT(ErrorOf("\n\n{{ x.y }}"), AllOf(StartsWith("t:3: "), HasSubstr("'x' is undefined")));
  EXPECT_THAT(ErrorOf("{% macro m(a) %}\n{{ a.b.c }}{% endmacro %}\n{{ m({}) }}"),
              AllOf(StartsWith("t:2: "), HasSubstr("'dict object' has no attribute 'b'")));
  EXPECT_THAT(ErrorOf("{{ 1 | nosuch }}"), HasSubstr("no filter 'nosuch'"));
  EXPECT_THAT(ErrorOf("{% include 'x' %}"), HasSubstr("'include' is not supported"));
  EXPECT_THAT(ErrorOf("{{ [].append(1) }}"), HasSubstr("unsafe"));
  EXPECT_THAT(ErrorOf("{{ raise_exception('no user') }}"),
              AllOf(StartsWith("t:1: "), HasSubstr("refuses"), HasSubstr("no user")));
}

TEST(ChatTemplateTest, FindsEndAndBeginOfLinesForItsCount) {
  EXPECT_THAT(ErrorOf("a\r\nb\rc\n{{ x.y }}"), StartsWith("t:4: "));
  EXPECT_THAT(ErrorOf("{#\n\n#}{% raw %}\n{% endraw %}\n'{{ '\n' }}{{ x.y }}"),
              StartsWith("t:6: "));
}

TEST(ChatTemplateTest, FormatsTheTime) {
  const std::string year = TextOf("{{ strftime_now('%Y') }}");
  EXPECT_EQ(year.size(), 4u);
  EXPECT_THAT(year, StartsWith("20"));
}

TEST(ChatTemplateTest, RefusesIntegersOfMoreThan64Bits) {
  EXPECT_EQ(TextOf("{{ 9223372036854775807 }}"), "9223372036854775807");
  for (const char* expression :
       {"9223372036854775808", "9223372036854775807 + 1", "2 ** 63", "3 * 4611686018427387904",
        "-9223372036854775807 - 2", "'9223372036854775808' | int", "1e19 | int", "a + 1"}) {
    EXPECT_THAT(ErrorOf(absl::StrCat("{{ ", expression, " }}"), {{"a", INT64_MAX}}),
                HasSubstr("64 bits"))
        << expression;
  }
  EXPECT_THAT(ErrorOf("x", {{"a", UINT64_MAX}}), HasSubstr("'a'"));
}

TEST(ChatTemplateTest, GivesTheSameTextFromSeveralThreads) {
  const auto parsed = ChatTemplate::Parse(
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + m | length %}"
      "{% endfor %}{{ ns.n }}",
      "t");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  std::vector<std::thread> threads;
  std::vector<std::string> texts(4);
  for (std::string& text : texts) {
    threads.emplace_back([&text, &parsed] {
      for (int i = 0; i < 50; ++i) text = *(*parsed)->Render({{"messages", {"abc", "de"}}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : texts) EXPECT_EQ(text, "5");
}

std::string Repeated(absl::string_view text, int count) {
  std::string repeated;
  for (int i = 0; i < count; ++i) absl::StrAppend(&repeated, text);
  return repeated;
}

// Neither a crash nor an endless run: an error, soon.
TEST(ChatTemplateTest, EndsHostileTemplatesWithAnError) {
  const std::vector<std::string> hostile = {
      // Nesting of the text.
      "{{ " + Repeated("(", 100'000) + "1" + Repeated(")", 100'000) + " }}",
      "{{ " + Repeated("[", 100'000),
      "{{ " + Repeated("{1:", 100'000),
      "{{ " + Repeated("-", 100'000) + "1 }}",
      "{{ " + Repeated("not ", 100'000) + "1 }}",
      "{{ 1" + Repeated(" + 1", 100'000) + " }}",
      "{{ 1" + Repeated(" if 1 else 1", 50'000) + " }}",
      "{{ x" + Repeated(".a", 100'000) + " }}",
      "{{ x" + Repeated("[0]", 100'000) + " }}",
      "{{ x" + Repeated("|upper", 100'000) + " }}",
      "{{ x" + Repeated("()", 100'000) + " }}",
      "{{ 1" + Repeated(" is defined", 100'000) + " }}",
      Repeated("{% if 1 %}", 50'000),
      Repeated("{% for x in y %}", 50'000),
      Repeated("{% macro m() %}", 50'000),
      Repeated("{% set x %}", 50'000),
      "{% for " + Repeated("(", 100'000) + "x in y %}",
      // What is never closed.
      "{% if 1 %}",
      "{{ 'abc",
      "{# abc",
      "{% raw %}abc",
      "{{ 1",
      "{%",
      // What is no template.
      "\xff\xfe",
      "{{ '\xc3' }}",
      "{{ '\\ud83d' }}",
      "{{ '\\U00110000' }}",
      "{{ '\\x4' }}",
      std::string("{{ \0 }}", 7),
      std::string(2 << 20, 'a'),
      // Recursion without end.
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
      "{% macro m(x=m()) %}{% endmacro %}{{ m() }}",
      "{% macro m() %}{{ caller() }}{% call m() %}{% endcall %}{% endmacro %}"
      "{% call m() %}{% endcall %}",
      // Work without end.
      "{{ range(1000000000) }}",
      "{{ range(0, 9223372036854775807, 1) }}",
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
      "{% for a in range(100000) %}{% set x = range(100000) | list %}{% endfor %}",
      "{{ 'a' * 9223372036854775807 }}",
      "{{ 'a' * 1000000000000 }}",
      "{{ [1] * 1000000000000 }}",
      "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
      "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}",
      "{{ ('ab' * 1000000).split('a') | join('x' * 1000000) }}",
      "{% set a = 'a' * 4000000 %}{{ a.rfind(a[1:] ~ 'b') }}",
      "{{ 'x'.center(1000000000000) }}",
      "{{ 'x'.zfill(1000000000000) }}",
      "{{ '%1000000000d' % 1 }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ '\n\n' | indent(1000000000000, true, true) }}",
      "{{ [1] | batch(1000000000000, 0) | list }}",
      "{{ [1] | slice(1000000000000) | list }}",
      "{{ [1] | tojson(indent=1000000000) }}",
      "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}"
      "{% endfor %}",
      "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}"
      "{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}"
      "{% endfor %}",
      // Values within values: deep, or wide beyond measure when printed.
      "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}"
      "{% endfor %}{{ ns.x }}",
      "{% set ns = namespace(x=[]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}"
      "{% endfor %}{{ ns.x }}",
      "{% set ns = namespace(x=[]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}"
      "{% endfor %}{{ ns.x | tojson }}",
      "{% set ns = namespace(x=[], y=[]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}"
      "{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
      "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
      "{% set ns = namespace(x=(1,)) %}{% for i in range(150) %}{% set ns.x = (ns.x, ns.x) %}"
      "{% endfor %}{{ {ns.x: 1} }}",
      "{% set ns = namespace(f=range) %}{% for i in range(100000) %}{% set ns.f = [ns.f].index %}"
      "{% endfor %}",
      "{% set ns = namespace(c=1) %}{% for i in range(100000) %}{% set ns.c = cycler(ns.c) %}"
      "{% endfor %}",
  };
  ChatTemplateLimits limits;
  limits.work /= 8;  // some wait for it
  for (const std::string& source : hostile) {
    const auto outcome = Render(source, {{"x", "abc"}, {"y", {1, 2}}}, limits);
    EXPECT_FALSE(outcome.ok()) << source.substr(0, 200);
    EXPECT_THAT(std::string(outcome.status().message()), StartsWith("t")) << source.substr(0, 200);
  }
}

// What holds itself, or a long chain of its like, must be taken apart without recursion or leaks.
TEST(ChatTemplateTest, FreesValuesThatHoldThemselves) {
  EXPECT_EQ(TextOf("{% set ns = namespace() %}{% set ns.x = [ns] %}ok"), "ok");
  EXPECT_EQ(TextOf("{% set ns = namespace() %}{% for i in range(50000) %}"
                   "{% set ns = namespace(before=ns) %}{% endfor %}ok"),
            "ok");
  EXPECT_EQ(TextOf("{% set top = namespace() %}{% for i in range(50000) %}"
                   "{% set next = namespace(before=top.last) %}{% set top.last = next %}"
                   "{% endfor %}ok"),
            "ok");
  EXPECT_EQ(TextOf("{% set ns = namespace() %}{% for i in range(20000) %}{% set before = ns.m %}"
                   "{% macro m() %}{{ before }}{% endmacro %}{% set ns.m = m %}{% endfor %}ok"),
            "ok");
  EXPECT_EQ(TextOf("{% set ns = namespace() %}{% for i in [1, 2] %}{% set ns.loop = loop %}"
                   "{% endfor %}{{ ns.loop.index }}"),
            "2");
}

TEST(ChatTemplateTest, StopsAtTheLimitsItIsGiven) {
  ChatTemplateLimits limits;
  limits.output_bytes = 1000;
  EXPECT_TRUE(Render("{{ 'a' * 1000 }}", ordered_json::object(), limits).ok());
  const auto too_long = Render("{{ 'a' * 1001 }}", ordered_json::object(), limits);
  EXPECT_EQ(too_long.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(too_long.status().message()), HasSubstr("1000 bytes"));
  limits.work = 10'000;
  const auto too_much =
      Render("{% for i in range(1000) %}{% endfor %}", ordered_json::object(), limits);
  EXPECT_EQ(too_much.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(too_much.status().message()), HasSubstr("10000 units"));
}

TEST(ChatTemplateTest, RefusesAContextThatItCannotHold) {
  EXPECT_THAT(ErrorOf("x", ordered_json::array()), HasSubstr("must be an object"));
  EXPECT_THAT(ErrorOf("x", {{"a", "\xff"}}), AllOf(HasSubstr("'a'"), HasSubstr("UTF-8")));
  ordered_json deep = 1;
  for (int i = 0; i < 300; ++i) deep = ordered_json::array({deep});
  EXPECT_THAT(ErrorOf("x", {{"a", deep}}), HasSubstr("deep"));
}

class LoadChatTemplateTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(absl::StrCat(folder_.path(), "/", name), text).ok());
  }

  std::string Rendered(const ordered_json& context = ordered_json::object()) {
    const auto model = LoadChatTemplate(folder_.path());
    EXPECT_TRUE(model.ok()) << model.status();
    if (!model.ok()) return "";
    const auto text = model->Render(context);
    EXPECT_TRUE(text.ok()) << text.status();
    return text.value_or("");
  }

  std::string LoadError() {
    return std::string(LoadChatTemplate(folder_.path()).status().message());
  }

  ScratchFolder folder_;
};

TEST_F(LoadChatTemplateTest, TakesTheTemplateAndTheTokensOfTheTokenizerConfig) {
  Write("tokenizer_config.json",
        R"({"chat_template": "{{ bos_token }}x{{ eos_token }}{{ pad_token is defined }}",
            "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false},
            "pad_token": null})");
  EXPECT_EQ(Rendered(), "<s>x</s>False");
  EXPECT_EQ(Rendered({{"bos_token", "mine"}}), "minex</s>False");
}

TEST_F(LoadChatTemplateTest, TakesTheTemplateForToolsWhereThereAreTools) {
  Write("tokenizer_config.json",
        R"({"chat_template": [{"name": "default", "template": "plain"},
                              {"name": "tool_use", "template": "tools"}]})");
  EXPECT_EQ(Rendered(), "plain");
  EXPECT_EQ(Rendered({{"tools", nullptr}}), "plain");
  EXPECT_EQ(Rendered({{"tools", ordered_json::array()}}), "tools");
}

TEST_F(LoadChatTemplateTest, PrefersTheTemplateInAFileOfItsOwn) {
  Write("tokenizer_config.json", R"({"chat_template": "config", "bos_token": "<s>"})");
  Write("chat_template.jinja", "{{ bos_token }}file");
  EXPECT_EQ(Rendered(), "<s>file");
}

TEST_F(LoadChatTemplateTest, SaysWhatIsWrongWithTheFiles) {
  EXPECT_EQ(LoadChatTemplate(folder_.path()).status().code(), absl::StatusCode::kNotFound);
  Write("tokenizer_config.json", "{}");
  EXPECT_EQ(LoadChatTemplate(folder_.path()).status().code(), absl::StatusCode::kNotFound);
  Write("tokenizer_config.json", "[");
  EXPECT_THAT(LoadError(), HasSubstr("tokenizer_config.json:1"));
  Write("tokenizer_config.json", "[]");
  EXPECT_THAT(LoadError(), HasSubstr("expected an object"));
  Write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_THAT(LoadError(), HasSubstr("found the number 5"));
  Write("tokenizer_config.json", R"({"chat_template": [{"name": "rag", "template": ""}]})");
  EXPECT_THAT(LoadError(), HasSubstr("no template named \"default\""));
  Write("tokenizer_config.json", R"({"chat_template": "{{", "bos_token": "<s>"})");
  EXPECT_THAT(LoadError(), HasSubstr("chat_template:1: "));
  Write("tokenizer_config.json", R"({"chat_template": "", "bos_token": 1})");
  EXPECT_THAT(LoadError(), HasSubstr("bos_token must be a text"));
}

}  // namespace
}  // namespace grpo
