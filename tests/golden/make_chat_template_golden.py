"""Writes chat_template_cases.jsonl and chat_template_conversations.jsonl with Jinja2, set up as
transformers sets it up for chat templates. See README.md.

    python3 -m venv venv && venv/bin/pip install jinja2==3.1.6
    venv/bin/python tests/golden/make_chat_template_golden.py
"""

import json
import pathlib
import random

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.sandbox

from chat_template_cases import CONTEXT, EXPRESSIONS, TEMPLATES

FOLDER = pathlib.Path(__file__).parent
SEED = 20250122


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what the model said; here it only renders."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body)
        return call.set_lineno(line)

    @staticmethod
    def _render(caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                          sort_keys=sort_keys)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


def render(source, context):
    """The text, or None where Jinja2 raises anything."""
    try:
        return environment().from_string(source).render(**context)
    except Exception:  # whatever it is, a template may not get away with it
        return None


def write_lines(name, records):
    path = FOLDER / name
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(records)} lines, {path.stat().st_size} bytes")


# ---- Random expressions


class ExpressionMaker:
    """Expressions of the language, most of them of a sensible type."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, *choices):
        return self.rng.choice(choices)

    def any(self, depth):
        kind = self.pick(self.number, self.text, self.sequence, self.truth)
        return kind(depth)

    def number(self, depth):
        if depth <= 0:
            return self.pick("0", "1", "2", "-3", "7", "1.5", "-0.25", "1e3", "n", "f", "true", "10")
        left, right = self.number(depth - 1), self.number(depth - 1)
        return self.pick(
            f"({left} + {right})", f"({left} - {right})", f"{left} * {right}", f"({left} // {right})",
            f"({left} % {right})", f"({left} / {right})", f"({left})|abs", f"({left})|int",
            f"({left})|float", f"({left})|round(1)", f"-({left})", f"{self.text(depth - 1)}|length",
            f"{self.sequence(depth - 1)}|length", f"({left} if {self.truth(depth - 1)} else {right})",
            f"[{left}, {right}]|sum", f"[{left}, {right}]|max", f"({left} ** 2)",
            f"{self.text(depth - 1)}.find({self.text(0)})", f"{self.text(depth - 1)}.count('a')")

    def text(self, depth):
        if depth <= 0:
            return self.pick("''", "'a'", "'Hello, World'", "'äß中🙂'", "s", "u", "'  x y '", "'a-b-c'",
                             "'\\n'", "\"it's\"")
        text, number = self.text(depth - 1), self.number(depth - 1)
        return self.pick(
            f"({text} + {self.text(depth - 1)})", f"({text} ~ {self.any(depth - 1)})", f"{text}|upper",
            f"{text}|lower", f"{text}|title", f"{text}|capitalize", f"{text}|trim", f"{text}|reverse",
            f"{text}.strip()", f"{text}[{number}|int:]", f"{text}[:{number}|int]", f"{text}[::-1]",
            f"{text}|replace('a', 'bb')", f"{text}.split()|join('+')", f"{text}.title()",
            f"({number})|string", f"{self.sequence(depth - 1)}|join(',')",
            f"{self.any(depth - 1)}|tojson", f"({text} if {self.truth(depth - 1)} else 'z')",
            f"'%s|%s' % ({text}, {number})", f"{text}|indent(2, true)", f"{self.any(depth - 1)}|string",
            f"{text}.rjust(8, '*')", f"{text}.zfill(6)", f"{text} * 2")

    def sequence(self, depth):
        if depth <= 0:
            return self.pick("[]", "[1, 2, 3]", "['b', 'A', 'c']", "(1, 'x')", "items", "range(4)",
                             "{'k': 1, 'j': [2]}", "d")
        items = self.sequence(depth - 1)
        return self.pick(
            f"[{self.any(depth - 1)}, {self.any(depth - 1)}]", f"({items}|list + [1])",
            f"{items}|list|reverse|list", f"{items}|map('string')|list", f"({items}|list)[1:]",
            f"{items}|select('number')|list", f"{items}|list|unique|list", f"{items}|sort",
            f"({items}|list)[::2]", f"{items}|batch(2)|list", f"{self.text(depth - 1)}|list",
            f"{self.text(depth - 1)}.split('a')", f"{items}|map('upper')|list",
            f"{{'a': {self.any(depth - 1)}, 'b': {self.number(depth - 1)}}}",
            f"{{'a': {self.any(depth - 1)}}}.items()|list", f"({self.any(depth - 1)},)")

    def truth(self, depth):
        if depth <= 0:
            return self.pick("true", "false", "none", "missing", "n", "s")
        a, b = self.any(depth - 1), self.any(depth - 1)
        x, y = self.number(depth - 1), self.number(depth - 1)
        return self.pick(
            f"({a} == {b})", f"({a} != {b})", f"({x} < {y})", f"({x} >= {y})", f"({a} and {b})",
            f"({a} or {b})", f"(not {a})", f"({a} in {self.sequence(depth - 1)})",
            f"({self.text(depth - 1)} in {self.text(depth - 1)})", f"({a} is defined)",
            f"({a} is string)", f"({a} is iterable)", f"({a} is mapping)", f"({x} is even)",
            f"({a} is sequence)", f"({a} is number)", f"({a} is true)", f"({a} < {b})",
            f"({x} < {y} <= {x})", f"{self.text(depth - 1)}.startswith('a')", f"({a} is not none)")


def random_expressions(count):
    maker = ExpressionMaker(random.Random(SEED))
    seen = []
    while len(seen) < count:
        expression = maker.any(maker.rng.choice([1, 2, 2, 3]))
        text = render("{{ " + expression + " }}", CONTEXT)
        # Errors are worth little here, and longer integers than 64 bits are not ours.
        too_long = text is not None and any(len(word) > 17 for word in text.split())
        if (text is None and maker.rng.random() < 0.8) or too_long or expression in seen:
            continue
        if len(expression) < 160:
            seen.append(expression)
    return seen


# ---- Conversations

WORDS = ["hello", "world", "naïve", "中文字符", "🙂🚀", "Ω≠α", "don't", '"quoted"', "a\\b", "<tag>",
         "&amp;", "x < y", "{{ braces }}", "{% if %}", "tab\there", "two\nlines", "\u00a0nbsp", "100 %",
         "line\r\nend", "\u2028sep", "</think>", "e=mc²", "ﬁ", "null", "None", "true"]
TOOL_NAMES = ["get_weather", "search", "añadir", "code_interpreter", "sum_up"]


class ConversationMaker:
    def __init__(self, rng):
        self.rng = rng

    def maybe(self, probability):
        return self.rng.random() < probability

    def text(self):
        words = [self.rng.choice(WORDS) for _ in range(self.rng.choice([0, 1, 2, 3, 5, 8]))]
        text = self.rng.choice([" ", " ", "\n"]).join(words)
        if self.maybe(0.1):
            text = "\n " + text + " \n\n"
        return text

    def value(self, depth=2):
        choices = [self.rng.randint(-9, 10**9), self.text(), None, True, False, 1.5, 1e-7, 2.0, 1e22]
        if depth > 0:
            choices += [[self.value(depth - 1) for _ in range(self.rng.randint(0, 3))],
                        {word: self.value(depth - 1) for word in self.rng.sample(WORDS, 2)}, {}, []]
        return self.rng.choice(choices)

    def tool(self):
        parameters = {name: {"type": self.rng.choice(["string", "integer"]), "description": self.text()}
                      for name in self.rng.sample(["city", "query", "größe", "n"], self.rng.randint(0, 3))}
        function = {"name": self.rng.choice(TOOL_NAMES), "description": self.text(),
                    "parameters": {"type": "object", "properties": parameters,
                                   "required": list(parameters)[:1]}}
        if self.maybe(0.2):
            function["return"] = {"type": "string"}
        return {"type": "function", "function": function}

    def call(self):
        arguments = {name: self.value() for name in self.rng.sample(["city", "query", "n"],
                                                                    self.rng.randint(0, 3))}
        if self.maybe(0.4):
            arguments = json.dumps(arguments, ensure_ascii=False)
        call = {"type": "function", "function": {"name": self.rng.choice(TOOL_NAMES),
                                                 "arguments": arguments}}
        if self.maybe(0.7):
            call["id"] = self.rng.choice(["abcdefghi", "abcdefghi", "functions.search:0"])
        if self.maybe(0.1):
            call = call["function"]
        return call

    def content(self):
        kind = self.rng.random()
        if kind < 0.92:
            return self.text()
        if kind < 0.96:
            return None
        parts = [{"type": "text", "text": self.text()}, {"type": "image", "image": "x.png"}, self.text(),
                 {"output": self.text()}, {"type": "text"}]
        return self.rng.sample(parts, self.rng.randint(0, 3))

    def assistant(self):
        message = {"role": "assistant", "content": self.content()}
        if isinstance(message["content"], str):
            if self.maybe(0.4):
                message["content"] = "<think>\n" + self.text() + "\n</think>\n\n" + message["content"]
            elif self.maybe(0.1):
                message["content"] = self.text() + "</think>" + message["content"]
        if self.maybe(0.2):
            message["reasoning_content"] = self.rng.choice([self.text(), None])
        if self.maybe(0.1):
            message["tool_calls"] = None
        if self.maybe(0.35):
            message["tool_calls"] = [self.call() for _ in range(self.rng.choice([0, 1, 1, 1, 2]))]
        if self.maybe(0.1):
            message["prefix"] = True
        return message

    def messages(self):
        messages = []
        if self.maybe(0.5):
            messages.append({"role": "system", "content": self.content()})
        for _ in range(self.rng.choice([0, 1, 1, 2, 2, 3])):
            user = {"role": "user", "content": self.content()}
            if self.maybe(0.1):
                user["name"] = "Zoë"
            messages += [user, self.assistant()]
            while messages[-1].get("tool_calls") and self.maybe(0.8):
                for _ in range(self.rng.choice([1, 1, 2])):
                    answer = {"role": "tool", "content": self.content()}
                    if self.maybe(0.8):
                        answer["tool_call_id"] = "call_0"
                    messages.append(answer)
                messages.append(self.assistant())
        if self.maybe(0.6):
            messages.append({"role": "user", "content": self.content()})
        if self.maybe(0.1):
            messages.append({"role": self.rng.choice(["system", "developer", "tool"]),
                             "content": self.content()})
        if messages and self.maybe(0.08):
            self.rng.choice(messages).pop(self.rng.choice(["role", "content"]))
        return messages

    def context(self):
        context = {"messages": self.messages(), "bos_token": "<s>", "eos_token": "</s>"}
        if self.maybe(0.8):
            context["add_generation_prompt"] = self.maybe(0.6)
        # transformers always gives the tools, as None where there are none.
        context["tools"] = [self.tool() for _ in range(self.rng.choice([0, 1, 2]))]
        if self.maybe(0.65):
            context["tools"] = None
        if self.maybe(0.1):
            del context["tools"]
        if self.maybe(0.2):
            context["enable_thinking"] = self.maybe(0.5)
        if self.maybe(0.1):
            context["tools_in_user_message"] = False
        if self.maybe(0.1):
            context["builtin_tools"] = ["search", "code_interpreter"]
        return context


def conversations(count, templates_each):
    maker = ConversationMaker(random.Random(SEED))
    names = sorted(path.stem for path in (FOLDER / "chat_templates").glob("*.jinja"))
    sources = {name: (FOLDER / "chat_templates" / f"{name}.jinja").read_text("utf-8")
               for name in names}
    for index in range(count):
        context = maker.context()
        chosen = [names[(index + i) % len(names)] for i in range(templates_each)]
        yield {"context": context,
               "rendered": {name: render(sources[name], context) for name in chosen}}


def main():
    cases = [{"context": CONTEXT}]
    templates = (["{{ " + expression + " }}" for expression in EXPRESSIONS + random_expressions(300)] +
                 TEMPLATES)
    for source in templates:
        text = render(source, CONTEXT)
        has_address = text is not None and (" at 0x" in text or "<generator" in text)
        if not has_address:
            cases.append({"template": source, "text": text})
    write_lines("chat_template_cases.jsonl", cases)
    records = list(conversations(200, 4))
    write_lines("chat_template_conversations.jsonl", records)
    rendered = [text for record in records for text in record["rendered"].values()]
    print(f"conversations: {len(rendered)} renderings, {rendered.count(None)} of them errors")


if __name__ == "__main__":
    main()
