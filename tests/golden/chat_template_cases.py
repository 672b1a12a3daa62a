"""Expressions and templates whose outcome make_chat_template_golden.py asks Jinja2 for."""

CONTEXT = {
    "n": 5,
    "f": 2.5,
    "s": "banana split",
    "u": "Grüße, Ωmega 中文 🙂",
    "yes": True,
    "no": False,
    "nothing": None,
    "items": [3, 1, 2],
    "words": ["pear", "Apple", "fig", "apple"],
    "d": {"b": 1, "a": "two", "items": "hidden", "nested": {"x": [10, 20, {"y": "deep"}]}},
    "users": [
        {"name": "Ann", "age": 31, "admin": True, "home": {"city": "Oslo"}},
        {"name": "bob", "age": 25, "admin": False, "home": {"city": "bern"}},
        {"name": "Cyd", "age": 31, "home": {"city": "Oslo"}},
    ],
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi\nthere"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}]},
    ],
    "html": "<a href=\"x\">T & 'q'</a>",
    "empty": "",
    "none_list": [None, 1],
}

EXPRESSIONS = """
1
1.0
-1
1e3
1e16
1e15
123456789.123
1e-5
0.0001
1.5e300
1_000
0x1f
0b101
0o17
1e400
0.1 + 0.2
true
True
false
none
None
'a' 'b'
"it's"
'say "hi"'
'tab\\tnew\\nline'
'\\x41\\u00e9\\U0001f642\\101'
'\\q \\\\ \\''
'é\\é'
'line \\
continued'
''
[]
[1, 'two', 3.0, none, true]
['it\\'s', "\\"q\\"", '\\n', 'é', '\\x7f\\x00', '\\u200b', '\\u00a0', '🙂']
(1,)
()
(1, 2)
1, 2
{}
{'a': 1, 'b': [1, {'c': none}]}
{1: 'x', 1.0: 'y', true: 'z'}
{'a': 1, 'a': 2}
{(1, 2): 'tuple'}
{[1]: 2}
{'k': undefined_name}
[undefined_name]
n + f
n - 10
n * 2
n / 2
4 / 2
n // 2
-n // 2
n % 3
-n % 3
n % -3
-5.5 // 2
-5.5 % 2
5.5 % -2
7 // 0
7 % 0
7 / 0
7.0 // 0
2 ** 10
2 ** -1
2 ** 0.5
-2 ** 2
2 ** 3 ** 2
0 ** 0
0 ** -1
2 * 3 + 4 * 5
(2 + 3) * 4
10 - 4 - 3
100 / 10 / 5
2 + 3 ~ 4
'a' + 'b'
'a' + 1
1 + 'a'
'a' * 3
3 * 'ab'
'a' * -1
[1, 2] * 2
[1] + [2]
(1,) + (2,)
[1] + (2,)
'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1]
'a' ~ undefined_name
undefined_name + 1
1 + undefined_name
undefined_name * 2
-undefined_name
+undefined_name
-'a'
+n
-true
true + true
none + 1
not true
not n
not not n
yes and no
yes or no
0 or 'default'
'' or none or 'last'
1 and 2 and 3
1 and 0 and 3
n == 5
n == 5.0
n == '5'
n != 5
1 == true
1.0 == 1
'a' == 'a'
[1, 2] == [1, 2]
[1, 2] == (1, 2)
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
none == none
none == false
undefined_name == none
undefined_name == other_undefined
undefined_name == ''
1 < 2
1 < 2 < 3
1 < 3 < 2
3 > 2 >= 2
1 < 2 == 2
'a' < 'b'
'Z' < 'a'
'é' > 'z'
[1, 2] < [1, 3]
[1] < [1, 0]
(1, 'a') < (1, 'b')
1 < 'a'
'a' < 1
none < 1
[1] < (2,)
{} < {}
true < 2
1 < undefined_name
9007199254740993 == 9007199254740992.0
9007199254740993 > 9007199254740992.0
1 in [1, 2]
4 not in [1, 2]
'an' in s
'' in s
'x' not in s
1 in s
'a' in d
'z' in d
1 in d
[1] in d
none in none_list
undefined_name in [1]
1 in undefined_name
'a' in undefined_name
'a' in n
2 in range(5)
1.0 in [1]
'a' in 'abc' in ['abc']
1 if yes else 2
1 if no else 2
1 if no
(1 if no) is defined
'a' if no else 'b' if no else 'c'
'x' if n > 3
n if n is defined else 'u'
d.b
d['b']
d.a
d.missing
d.missing is defined
d.missing.deeper
d['missing']
d['missing']['deeper']
d.items
d['items']
d.items()
d.items() | list
d.keys()
d.keys() | list
d.values() | list
d.keys() | length
d.items()[0]
d.get('b')
d.get('zz')
d.get('zz', 'dflt')
d.get('zz', default='x')
d.get([1])
d.nested.x[2].y
d.nested['x'][2]['y']
d.nested.x.0
d.nested.x[5]
d.nested.x[5] is undefined
d.nested.x[-1]
d.nested.x[-9] is defined
d.nested.x['a'] is defined
d.update({'q': 1})
d.update is defined
d.update
d.pop('a')
d.clear()
d.setdefault('a', 1)
d.copy()
d.__class__
d.__class__ is defined
d.__class__.mro
''.__class__.__mro__
items.append(4)
items.append
items.append is defined
items.sort()
items.index(2)
items.index(9)
items.count(1)
items.copy()
items.length
items[0]
items[-1]
items[1:]
items[:-1]
items[::-1]
items[::2]
items[5:]
items[-100:100]
items[::0]
items['0'] is defined
items[1.0] is defined
items[true]
items[none:2]
items[undefined_name] is defined
items[0, 1] is defined
items[undefined_name:]
items['a':]
n[1:]
d[1:2]
nothing[:1]
undefined_name[1:]
range(10)[2::3]
range(10)[-3:]
words | sort(reverse=undefined_name)
words | sort(reverse=1)
words | sort(reverse='x')
dict(undefined_name)
namespace(undefined_name)
s[0]
s[-1]
s[100] is defined
s[2:5]
s[::-1]
s[::3]
s[5:2]
s[-3:]
s['upper']()
u[7]
u[7:12]
u[-1]
u[::-1]
u | length
u | upper
u | lower
u | title
u | capitalize
u.swapcase()
'ß' | upper
'ŉ' | upper
'ﬁne' | upper
'ﬁne' | title
'ﬁne'.title()
'İ' | lower
'ΑΣ' | lower
'ΑΣ Σ' | lower
'ǆ'.title()
'ǆ' | title
'straße'.capitalize()
s | upper
s | title
s | capitalize
'hello-world (foo) [bar] <baz> {qux}' | title
"they're bill's friends" | title
"they're bill's friends".title()
s.split()
s.split('a')
s.split('a', 1)
s.split('a', maxsplit=2)
s.split(sep='n')
s.split(none)
s.split('')
s.rsplit('a', 1)
'  a  b  c '.split()
'  a  b  c '.split(none, 1)
'  a  b  c '.rsplit(none, 1)
'  a  b  c '.split(' ')
''.split()
''.split(',')
'a,b,,c'.split(',')
'a\\nb\\r\\nc\\u2028d'.splitlines()
'a\\nb\\n'.splitlines(true)
''.splitlines()
'  x '.strip()
'xxhixx'.strip('x')
'xyhiyx'.lstrip('xy')
'xyhiyx'.rstrip('xy')
'\\u00a0\\u3000x\\u2003'.strip()
'x\\x1c'.strip()
'héé'.rstrip('é')
'a'.strip(none)
'a'.strip(1)
s.startswith('ban')
s.startswith(('x', 'ban'))
s.startswith(['ban'])
s.startswith('nan', 2)
s.startswith('nan', 2, 4)
s.startswith('', 99)
s.endswith('lit')
s.endswith(('q', 't'))
s.endswith('ban', 0, 3)
s.find('n')
s.find('zz')
s.find('n', 3)
s.find('', 99)
s.rfind('n')
u.find('中')
s.index('zz')
s.index('n')
s.count('a')
s.count('')
s.count('an', 2)
'aaa'.count('aa')
s.replace('a', 'o')
s.replace('a', 'o', 2)
s.replace('', '-')
'ab'.replace('', '-', 2)
s.replace('a')
s.replace(old='a', new='b')
s.upper(1)
s.nosuch is defined
s.nosuch()
','.join(['a', 'b'])
','.join([1])
','.join('abc')
','.join(d)
'a=b=c'.partition('=')
'a=b=c'.rpartition('=')
'abc'.partition('x')
'abc'.rpartition('x')
'prefix-x'.removeprefix('prefix-')
'x.py'.removesuffix('.py')
'x'.center(5)
'x'.center(6, '*')
'xy'.center(5)
'ab'.center(5, '*')
'x'.ljust(3) ~ '|'
'x'.rjust(3, '0')
'x'.rjust(3, 'ab')
'-5'.zfill(4)
'abc'.isalpha()
'123'.isdigit()
'12a'.isalnum()
' '.isspace()
''.isspace()
'ABC'.isupper()
'aBc'.islower()
'é'.isalpha()
'é'.isascii()
'a1'.isalpha()
'%s and %d' % ('x', 3)
'%s' % 'solo'
'%s' % none
'%s' % [1, 'a']
'%s' % undefined_name
'%d' % 3.9
'%d' % 'x'
'%5d|%-5d|%05d|%+d' % (1, 2, 3, 4)
'%.2f %e %g' % (3.14159, 12345.678, 0.0001)
'%x %X %o %#x' % (255, 255, 8, 255)
'%5s|%-5s|%.2s' % ('a', 'b', 'cdef')
'%r %%' % 'q'
'%c%c' % ('a', 98)
'%(a)s-%(b)d' % {'a': 'x', 'b': 2}
'%s %s' % 'one'
'%s' % ('a', 'b')
'none' % 1
'none' % {}
'%' % 1
'%q' % 1
'{} {}'.format('a', 1)
'{1} {0}'.format('a', 'b')
'{name}!'.format(name='Bo')
'{0.name}'.format(users[0])
'{0[name]}'.format(users[0])
'{:>5}|{:<5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd')
'{:5d}|{:05d}|{:+d}|{:,}'.format(1, 2, 3, 1234567)
'{:.2f} {:e} {:g} {:%}'.format(3.14159, 1234.5, 0.5, 0.25)
'{:x} {:#x} {:b} {:o}'.format(255, 255, 5, 8)
'{!r}'.format('q')
'{{}}'.format()
'{}'.format()
'{'.format(1)
'}'.format(1)
'{} {0}'.format(1)
'{}'.format([1, none])
'%s, %s!' | format('Hello', 'you')
'%(x)s' | format(x=3)
n.nosuch is defined
n.real is defined or true
nothing.foo
nothing.foo is defined
nothing['foo'] is defined
nothing[0] is defined
nothing.foo.bar
n[0] is defined
n()
s()
undefined_name
undefined_name.foo
undefined_name['foo']
undefined_name[0]
undefined_name()
undefined_name | default('d')
undefined_name | d('d')
nothing | default('d')
nothing | default('d', true)
'' | default('d', boolean=true)
undefined_name | default
undefined_name.x | default('d')
d.zz | default('d')
d.zz.yy | default('d')
undefined_name | length
undefined_name | upper
undefined_name | list
undefined_name | join(',')
undefined_name | first is defined
undefined_name | int
undefined_name | tojson
undefined_name | trim
undefined_name | string
undefined_name | items | list
undefined_name | sort
undefined_name | sum
undefined_name | replace('a', 'b')
undefined_name | abs
undefined_name | dictsort
undefined_name | indent
undefined_name | map('upper') | list
undefined_name is iterable
undefined_name is sequence
undefined_name is mapping
undefined_name is string
undefined_name is none
undefined_name is callable
undefined_name is undefined
undefined_name < 1
n is defined
n is number
n is integer
n is float
f is float
f is integer
f is number
yes is boolean
yes is number
yes is integer
yes is true
n is true
no is false
nothing is none
nothing is not none
s is string
n is string
items is sequence
s is sequence
d is sequence
d is mapping
items is mapping
d is iterable
n is iterable
s is iterable
nothing is iterable
range(3) is sequence
d.items() is sequence
d.items() is iterable
(items | map('string')) is sequence
(items | map('string')) is iterable
n is odd
n is even
4 is divisibleby 2
4 is divisibleby(3)
s is odd
n is eq 5
n is equalto 5
n is ne 5
n is gt 4
n is ge 5
n is lt 5
n is le 5
n is greaterthan 4
n is lessthan 4
n is sameas 5
yes is sameas true
s is sameas 'x'
n is in [5, 6]
n is in 'x'
'abc' is lower
'ABC' is upper
'aBC' is upper
1 is lower
range is callable
s.upper is callable
s is callable
'upper' is filter
'nosuch' is filter
'odd' is test
'nosuch' is test
s is escaped
n is not defined
not n is defined
n is defined and s is defined
n is nosuchtest
n is defined == true
n is divisibleby 5 and yes
s | nosuchfilter
s | length
items | length
items | count
d | length
n | length
range(5) | length
(items | map('string')) | length
s | trim
'  x ' | trim
'xx-xx' | trim('x')
5 | trim
items | join
items | join('-')
items | join(1)
users | join(', ', attribute='name')
users | join('|', 'home.city')
none_list | join(',')
'abc' | join('.')
5 | join
s | replace('an', 'AN')
s | replace('an', 'AN', 1)
555 | replace(5, 6)
s | replace('a')
items | first
items | last
'abc' | first
'abc' | last
[] | first
[] | first is defined
[] | last is defined
d | first
d | last
(items | map('string')) | first
(items | map('string')) | last
5 | first
'abc' | list
d | list
items | list
5 | list
items | map('string') | list
words | map('upper') | join(',')
users | map(attribute='name') | list
users | map(attribute='home.city') | list
users | map(attribute='admin') | list | length
users | map(attribute='admin', default='none') | list
words | map('replace', 'p', 'P') | list
words | map('nosuch') | list
[] | map('nosuch') | list
words | map | list
words | map(attribute=0) | list
items | select('odd') | list
items | select('gt', 1) | list
items | select('>', 1) | list
items | select | list
[0, 1, '', 'x', none] | select | list
items | reject('odd') | list
[0, 1, '', 'x', none] | reject | list
none_list | reject('none') | list
users | selectattr('admin') | map(attribute='name') | list
users | selectattr('age', 'equalto', 31) | map(attribute='name') | list
users | selectattr('age', 'eq', 31) | list | length
users | rejectattr('admin') | map(attribute='name') | list
users | rejectattr('admin', 'defined') | map(attribute='name') | list
users | selectattr('home.city', '==', 'Oslo') | map(attribute='name') | join
users | selectattr | list
users | selectattr('age', 'nosuch') | list
words | sort
words | sort(reverse=true)
words | sort(case_sensitive=true)
words | sort(true, true)
items | sort
users | sort(attribute='age') | map(attribute='name') | list
users | sort(attribute='age,name') | map(attribute='name') | list
users | sort(attribute='age', reverse=true) | map(attribute='name') | list
[1, 'a'] | sort
d | sort
'banana' | sort
words | unique | list
words | unique(true) | list
users | unique(attribute='age') | map(attribute='name') | list
[1, 1.0, true, 2] | unique | list
[[1], [1]] | unique | list
'hello' | unique | join
items | min
items | max
words | min
words | max
[] | min
[] | max is defined
users | max(attribute='age')
users | min(attribute='name')
[1, 'a'] | max
items | sum
users | sum(attribute='age')
items | sum(start=10)
[] | sum
['a'] | sum
[[1], [2]] | sum(start=[])
[1.5, 2] | sum
items | reverse | list
s | reverse
d | reverse | list
(items | map('string')) | reverse
5 | reverse
range(3) | reverse | list
items | batch(2) | list
items | batch(2, 'x') | list
items | slice(2) | list
items | slice(2, 'x') | list
range(10) | slice(3) | list
d | dictsort
{'b': 1, 'A': 2, 'c': 0} | dictsort
{'b': 1, 'A': 2, 'c': 0} | dictsort(true)
{'b': 1, 'A': 2, 'c': 0} | dictsort(by='value')
{'b': 1, 'A': 2, 'c': 0} | dictsort(false, 'value', true)
items | dictsort
{1: 2, 'a': 3} | dictsort
d | items | list
items | items | list
users | groupby('age')
users | groupby('home.city') | map('first') | list
users | groupby('age') | map(attribute='list') | map('length') | list
users | groupby('admin', default=false) | map(attribute=0) | list
5 | string
5.0 | string
none | string
items | string
'3' | int
'3.7' | int
'x' | int
'x' | int(7)
'x' | int(default=-1)
'0x1f' | int(base=16)
'1f' | int(0, 16)
' 12 ' | int
'1_000' | int
'1__0' | int
'0b11' | int(0, 0)
3.99 | int
-3.99 | int
true | int
none | int
items | int
'inf' | int
'1e3' | int
'3.5' | float
'x' | float
'x' | float(1.5)
'1e3' | float
'.5' | float
'5.' | float
' -2.5e-3 ' | float
'inf' | float
'-inf' | float
'nan' | float
'1_0.5' | float
3 | float
none | float
2.5 | round
3.5 | round
-2.5 | round
2.675 | round(2)
1234.5678 | round(-2)
1234.5678 | round(2, 'floor')
1234.5678 | round(2, 'ceil')
2.1 | round(method='ceil')
5 | round
15 | round(-1)
25 | round(-1)
5 | round(1)
5 | round(0, 'floor')
'x' | round
2.5 | round(0, 'nosuch')
0.5 | round
1e20 | round
-5 | abs
-5.5 | abs
'x' | abs
true | abs
html | e
html | escape
html | safe
5 | e
'a\\nb\\n\\nc' | indent
'a\\nb\\n\\nc' | indent(2)
'a\\nb\\n\\nc' | indent(2, true)
'a\\nb\\n\\nc' | indent(2, true, true)
'a\\nb\\n\\nc' | indent(width='>>')
'a\\n' | indent
'' | indent
5 | indent
s | wordcount
'a-b c_d é1 中文' | wordcount
'x' | center(5)
'long text here that goes on' | truncate(10)
'long text here that goes on' | truncate(10, true)
'long text here that goes on' | truncate(10, false, '…', 0)
'short' | truncate(10)
users[0] | attr('name')
users[0] | attr('items') is defined
s | attr('upper')
s | attr('nosuch') is defined
1 | tojson
1.0 | tojson
none | tojson
true | tojson
s | tojson
u | tojson
u | tojson(ensure_ascii=true)
html | tojson
'a"b\\\\c\\n\\t\\r\\b\\f\\x00\\x1f\\x7f\\u2028' | tojson
'\\x7f é 🙂' | tojson(ensure_ascii=true)
items | tojson
d | tojson
(1, 2) | tojson
[] | tojson
{} | tojson
[[], {}] | tojson(indent=2)
d | tojson(indent=2)
d | tojson(indent=0)
d | tojson(indent='--')
d | tojson(indent=2, sort_keys=true)
d | tojson(sort_keys=true)
d | tojson(separators=(',', ':'))
d | tojson(separators=[',', ':'], indent=1)
d | tojson(true, 2)
{1: 'a', 2.5: 'b', true: 'c', none: 'd'} | tojson
{(1, 2): 'a'} | tojson
range(3) | tojson
d.items() | tojson
namespace(a=1) | tojson
1e16 | tojson
1e400 | tojson
[undefined_name] | tojson
d | tojson(nosuch=1)
range(3)
range(1, 7, 2)
range(3) | list
range(2, 5) | list
range(5, 0, -2) | list
range(0) | list
range(3)[1]
range(3)[-1]
range(10)[2:8:3]
range(10)[::-1] | list
range(3)[7] is defined
range(1, 2, 0)
range()
range('a')
range(1.5)
range(100001)
range(100000) | length
range(3) == range(0, 3, 1)
range(0) == range(5, 5)
dict(a=1, b='x')
dict({'a': 1}, b=2)
dict([('a', 1), ('b', 2)])
dict([1])
dict()
namespace(a=1, b='x').a
namespace(a=1).zz is defined
namespace({'q': 2}).q
namespace(a=1)['a']
namespace(a=1)
cycler('a', 'b').next()
cycler()
joiner()()
lipsum is defined or true
raise_exception('stop')
raise_exception()
loop is defined
self is defined or true
messages[0].role
messages[1]['content']
messages[-1].tool_calls[0].id
messages[0]['content'] + '!'
messages[2]['content'] + '!'
messages | length - 1
messages | map(attribute='role') | join(' ')
messages | selectattr('role', 'in', ['user', 'system']) | list | length
messages[1:] | map(attribute='content') | list
(messages | first).role
(messages | last).role
messages == messages[:]
messages[0] == messages[-3]
messages[5].role
messages[5] is defined
'tool_calls' in messages[2]
'<%s>' % messages[0].role
s.upper().lower().title()
(s | upper).split('A')[0]
s[0:3] ~ s[-3:] | upper
-1 | abs
-n | abs
not n == 5
1 + 2 | string
1 ~ 2 + 3
'a' if 'x' in s else 'b' ~ 'c'
[1, 2, 3][1]
(1, 2, 3)[1]
{'a': 1}.a
{'a': 1}['a']
'abc'[1]
'abc'.upper()
[[1, 2], [3]][0][1]
[x for x in items]
lambda: 1
a = 1
1 +
* 2
(1
[1, 2
{'a': 1
{'a' 1}
1 2
'unterminated
foo.
foo.'a'
foo..bar
foo[
d.get(
d.get('a',)
[1, 2,]
{'a': 1,}
(1,2,)
s.replace('a', *['b'])
s.replace(*['a', 'b'])
d.get(*['zz'], **{})
dict(**{'a': 1})
dict(a=1, **{'b': 2})
dict(a=1, **{'a': 2})
dict(a=1, a=2)
dict(**[1])
dict(*items)
f(a=1, 2)
1 is
1 is not
x |
x | | y
'a' | upper | lower
'a' | upper() | lower()
items | join(d='-')
not
a b
a ? b : c
a && b
a || b
!a
a := 1
a @ b
$x
`x`
1.
.5
1.e5
1.5.real is defined or true
1e5
1E5
01
00
0_0
1__0
1e
0x
1_
é_name is defined
_private is defined
a.b.c is defined
true.foo is defined
none.foo is defined
""".strip("\n").replace("\\\\", "\0").replace("\\\n", "\1").split("\n")
EXPRESSIONS = [line.replace("\1", "\\\n").replace("\0", "\\") for line in EXPRESSIONS]

TEMPLATES = [
    # White space around tags.
    "a\n{% if true %}\nb\n{% endif %}\nc",
    "a\n  {% if true %}\n  b\n  {% endif %}\nc",
    "a\n  {%+ if true %}\n  b\n  {%+ endif %}\nc",
    "a\n  {% if true +%}\n  b\n  {% endif +%}\nc",
    "a \n {%- if true -%} \n b \n {%- endif -%} \n c",
    "a {{- 1 -}} b",
    "a \n {{ 1 }} \n b",
    "a\n\n{{- 1 }}\n\n{{ 2 -}}\n\nb",
    "  {{ 1 }}",
    "  {% if true %}x{% endif %}  ",
    "x  {% if true %}y{% endif %}",
    "{# comment #}\nx",
    "  {# comment #}  \nx",
    "a\n  {#- comment -#}\n  b",
    "a\n  {#+ comment +#}\n  b",
    "{#-#}x{# #}y{##}z",
    "{# {{ 1 }} {% if %} #}",
    "{# unclosed",
    "x\n",
    "x\n\n",
    "\n",
    "\r\nx\r\ny\rz",
    "{{ 'a\r\nb' }}",
    "\n\n{% set x = 1 %}\n\n{{ x }}\n",
    "{%set x=1%}{{x}}",
    "{%- set x = 1 -%}\n\n  {{ x }}",
    "{% set x = 1 %}\n{% set y = 2 %}\n{{ x }}{{ y }}",
    "\t{% if true %}\tx\t{% endif %}\ty",
    "a\u00a0{%- if true -%}\u3000b{%- endif %}",
    "a\x1c{%- if true %}b{% endif %}",
    "{% raw %}{{ x }} {% if %}{# c #}{% endraw %}",
    "{% raw %}\nx\n{% endraw %}\ny",
    "{%- raw -%}  x  {%- endraw -%}  y",
    "  {% raw %}  x\n  {% endraw %}  y",
    "{% raw %}{% endraw",
    "{% raw %}a{%+ endraw +%}\nb",
    "{%raw%}{%endraw%}",
    "a{% raw %} {%- endraw %}b",
    "{{ '}}' }}{{ '%}' }}",
    "{{ {'a': {'b': 1}} }}",
    "{{{'a': 1}}}",
    "{{ {'a': 1}['a']}}",
    "{ { x } }",
    "{",
    "{{",
    "}}",
    "%}",
    "#}",
    "{%",
    "{{ }}",
    "{% %}",
    "{{ 1 %}",
    "{% if 1 }}",
    "{{ 1",
    "{{ 'x }}",
    "{{ [1 }}",
    "{{ (1] }}",
    "{{ 1) }}",
    # if
    "{% if yes %}a{% elif no %}b{% else %}c{% endif %}",
    "{% if no %}a{% elif yes %}b{% else %}c{% endif %}",
    "{% if no %}a{% elif no %}b{% else %}c{% endif %}",
    "{% if no %}a{% endif %}",
    "{% if yes: %}a{% endif %}",
    "{% if %}a{% endif %}",
    "{% if yes %}a",
    "{% if yes %}a{% endfor %}",
    "{% else %}",
    "{% endif %}",
    "{% if yes %}a{% else %}b{% else %}c{% endif %}",
    "{% if 1, 2 %}a{% endif %}",
    "{% if yes if no else yes %}a{% endif %}",
    "{% if items | map('string') %}a{% endif %}",
    "{% if [] | map('string') %}a{% endif %}",
    "{% if false %}{{ x | nosuch }}{% endif %}ok",
    "{% if true %}{{ 1 | nosuch }}{% endif %}ok",
    "{% if false %}{% for i in [] %}{{ i | nosuch }}{% endfor %}{% endif %}ok",
    "{{ (1 | nosuch) if false else 2 }}",
    "{{ 2 if true else (1 | nosuch) }}",
    "{% for i in [] %}{{ i | nosuch }}{% endfor %}",
    "{% for i in [] %}{{ i is nosuch }}{% endfor %}",
    # for
    "{% for x in items %}{{ x }},{% endfor %}",
    "{% for x in [] %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in undefined_name %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in nothing %}{{ x }}{% endfor %}",
    "{% for x in 5 %}{{ x }}{% endfor %}",
    "{% for c in 'aé中' %}[{{ c }}]{% endfor %}",
    "{% for k in d %}{{ k }} {% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in d | items %}{{ k }};{% endfor %}",
    "{% for k, v in d %}{{ k }}{% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, in [(1,), (2,)] %}{{ a }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% for a, b in ['xy', 'zw'] %}{{ a }}-{{ b }} {% endfor %}",
    "{% for x in items if x > 1 %}{{ x }}{% endfor %}",
    "{% for x in items if x > 5 %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in items if x > 1 %}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% endfor %}",
    "{% for x in 1, 2, 3 %}{{ x }}{% endfor %}",
    "{% for x in items %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for x in items %}{{ loop.previtem }}<{{ x }}<{{ loop.nextitem }} {% endfor %}",
    "{% for x in items %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}",
    "{% for x in items %}{{ loop.previtem + 1 }}{% endfor %}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}",
    "{% for x in items %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in items %}{{ loop.cycle() }}{% endfor %}",
    "{% for x in items %}{{ loop.depth }}{{ loop.depth0 }}{% for y in [1] %}{{ loop.depth }}{% endfor %}{% endfor %}",
    "{% for x in items %}{{ loop }}{% endfor %}",
    "{% for x in items %}{{ loop['index'] }}{{ loop.nosuch is defined }}{% endfor %}",
    "{% for x in items %}{{ loop | length }}{% endfor %}",
    "{% for x in items %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}",
    "{% for x in items %}{% for y in items %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}",
    "{% for x in items %}{% endfor %}{{ x is defined }}{{ loop is defined }}",
    "{% for x in items | map('string') %}{{ x }}{{ loop.last }}{{ loop.length }}{% endfor %}",
    "{% set g = items | map('string') %}{% for x in g %}{{ x }}{% endfor %}|{% for x in g %}{{ x }}{% endfor %}",
    "{% for x in range(3) %}{{ x }}{% endfor %}",
    "{% for x in items %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in items %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in items %}{% for y in items %}{% if y == 1 %}{% break %}{% endif %}{{ y }}{% endfor %}{{ x }} {% endfor %}",
    "{% for x in items %}{% break %}{% else %}e{% endfor %}",
    "{% for x in items %}{% continue %}{% else %}e{% endfor %}",
    "{% break %}",
    "{% for x in items %}{% else %}{% break %}{% endfor %}",
    "{% for x in items %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
    "{% for x in items %}a{% filter upper %}b{% break %}{% endfilter %}{% endfor %}",
    "{% for x in items %}{% set y %}b{% continue %}{% endset %}{{ y }}{% endfor %}",
    "{% for loop in items %}{% endfor %}",
    "{% for x in items %}{% set loop = 1 %}{% endfor %}",
    "{% for x.y in items %}{% endfor %}",
    "{% for 1 in items %}{% endfor %}",
    "{% for x items %}{% endfor %}",
    "{% for x in %}{% endfor %}",
    "{% for x in items %}",
    "{% for x in items if x == 2 else [] %}{{ x }}{% endfor %}",
    "{% for x in (items if yes else []) %}{{ x }}{% endfor %}",
    "{% for x in items %}\n  {{ x }}\n{% endfor %}\nend",
    "{%- for x in items %}\n  {{- x }}\n{%- endfor %}\nend",
    "{% set ns = namespace(go=true) %}{% for x in items if ns.go %}{{ x }}{% if x == 1 %}{% set ns.go = false %}{% endif %}{% endfor %}",
    "{% for x in messages %}{{ x.role }}:{{ x.content }};{% endfor %}",
    "{% for x in messages[::-1] %}{{ loop.index0 }}{{ x.role }} {% endfor %}",
    "{% for group in users | groupby('age') %}{{ group.grouper }}:{{ group.list | map(attribute='name') | join(',') }} {% endfor %}",
    "{% for age, group in users | groupby('age') %}{{ age }}:{{ group | length }} {% endfor %}",
    "{% for row in range(5) | batch(2, '-') %}{{ row | join }}|{% endfor %}",
    # set and scopes
    "{% set x = 1 %}{{ x }}",
    "{% set x, y = 1, 2 %}{{ x }}{{ y }}",
    "{% set (x, y) = [1, 2] %}{{ x }}{{ y }}",
    "{% set x, (y, z) = 1, (2, 3) %}{{ x }}{{ y }}{{ z }}",
    "{% set x, y = 1 %}",
    "{% set x, y = [1] %}",
    "{% set x = 1, 2 %}{{ x }}",
    "{% set x = 1 if no else 2 %}{{ x }}",
    "{% set x %}a{{ n }}b{% endset %}{{ x }}",
    "{% set x | upper %}abc{% endset %}{{ x }}",
    "{% set x | replace('a', 'b') | upper %}abc{% endset %}{{ x }}",
    "{% set x %}{% set y = 1 %}{% endset %}{{ y is defined }}",
    "{% set x %}\n  a\n{% endset %}[{{ x }}]",
    "{% if yes %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% if no %}{% set x = 1 %}{% endif %}{{ x is defined }}",
    "{% if no %}{% set n = 1 %}{% endif %}{{ n }}",
    "{% set x = 1 %}{% for i in items %}{% set x = i %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 0 %}{% for i in items %}{{ x }}{% set x = x + i %}{% endfor %}",
    "{% for i in items %}{% set n = n + i %}{{ n }} {% endfor %}{{ n }}",
    "{% for i in items %}{% if loop.first %}{% set seen = 1 %}{% endif %}{{ seen is defined }}{% endfor %}",
    "{% set ns = namespace(x=0) %}{% for i in items %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b = ns.a + 1 %}{{ ns.b }}{{ ns }}",
    "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}",
    "{% set ns = namespace() %}{% set ns.t %}text{% endset %}{{ ns.t }}",
    "{% set d.x = 1 %}",
    "{% set nosuch.x = 1 %}",
    "{% set ns = namespace() %}{% set ns['a'] = 1 %}",
    "{% set ns = namespace(items=3) %}{{ ns.items }}",
    "{% set true = 1 %}",
    "{% set 1 = 1 %}",
    "{% set x %}",
    "{% set %}",
    "{% set x = %}",
    "{% set x == 1 %}",
    "{% set x = 1 y %}",
    "{% set n = 1 %}{{ n }}",
    "{% set messages = messages[1:] %}{{ messages | length }}",
    "{% set range = 5 %}{{ range }}",
    "{% with x = 1, y = 2 %}{{ x }}{{ y }}{% endwith %}{{ x is defined }}",
    "{% with x = 1 %}{% with y = x %}{{ y }}{% endwith %}{% endwith %}",
    "{% set x = 5 %}{% with x = 1, y = x %}{{ x }}{{ y }}{% endwith %}{{ x }}",
    "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z is defined }}",
    "{% filter upper %}a{{ s }}{% endfilter %}",
    "{% filter replace('a', 'b') | upper %}aha{% endfilter %}",
    "{% filter upper %}{% set q = 1 %}{% endfilter %}{{ q is defined }}",
    "{% filter nosuch %}{% endfilter %}",
    "{% filter indent(2) %}a\nb{% endfilter %}",
    "{% filter trim %}  x  {% endfilter %}.",
    "{% filter upper %}{% filter lower %}aB{% endfilter %}c{% endfilter %}",
    "{% print 1, 2 %}",
    "{% print %}",
    # macros
    "{% macro m() %}x{% endmacro %}{{ m() }}{{ m() }}",
    "{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m(1) }}{{ m('x') }}{{ m() }}",
    "{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=4, a=5) }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}",
    "{% macro m(a=b, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ m() }}",
    "{% macro m(a=n) %}{{ a }}{% endmacro %}{{ m() }}",
    "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}",
    "{% macro m(a) %}{{ a + 1 }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}{% endmacro %}{{ m(x=1) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
    "{% macro m(a) %}{{ a }}{{ varargs | join }}{% endmacro %}{{ m(1, 2, 3) }}",
    "{% macro m(a, b=1, c) %}{% endmacro %}",
    "{% macro m(a, a) %}{% endmacro %}",
    "{% macro m %}{% endmacro %}",
    "{% macro m( %}{% endmacro %}",
    "{% macro m() %}",
    "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}",
    "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}",
    "{% macro m() %}{% set x = 1 %}{% endmacro %}{{ m() }}{{ x is defined }}",
    "{% for i in items %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}{{ m is defined }}",
    "{% for i in items %}{{ m(i) }}{% endfor %}{% macro m(x) %}{{ x }}{% endmacro %}",
    "{% macro fact(n) %}{{ n * (fact(n - 1) | int) if n > 1 else 1 }}{% endmacro %}{{ fact(10) }}",
    "{% macro show(v) %}{% if v is mapping %}{% for k, x in v.items() %}{{ k }}({{ show(x) }}){% endfor %}{% elif v is string %}{{ v }}{% elif v is iterable %}{% for x in v %}{{ show(x) }},{% endfor %}{% else %}{{ v }}{% endif %}{% endmacro %}{{ show(d) }}",
    "{% macro m() %}  x  {% endmacro %}[{{ m() | trim }}]",
    "{% macro m() %}abc{% endmacro %}{{ m() | upper }}{{ m() ~ 1 }}{{ m()[0] }}{{ m() is string }}",
    "{% macro m() %}{% endmacro %}{{ m }}",
    "{% macro m() %}{% endmacro %}{{ m.name }}",
    "{%- macro m(a) -%}\n  {{ a }}\n{%- endmacro -%}\n{{ m(1) }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body{% endcall %}",
    "{% macro m() %}[{{ caller(1, 2) }}]{% endmacro %}{% call(a, b) m() %}{{ a }}-{{ b }}{% endcall %}",
    "{% macro m() %}{{ caller(x=1) }}{% endmacro %}{% call(x, y=5) m() %}{{ x }}{{ y }}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}body{% endcall %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}",
    "{% macro m(t) %}{{ t }}:{{ caller() }}{% endmacro %}{% for i in items %}{% call m(i) %}{{ i }}{{ loop.index }}{% endcall %} {% endfor %}",
    "{% call 5 %}{% endcall %}",
    "{% call nosuch() %}{% endcall %}",
    "{% macro outer() %}{% macro inner() %}i{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() }}{{ inner is defined }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}b{% endmacro %}{{ a() }}",
    "{% macro m(x) %}{{ x.y }}{% endmacro %}{{ m({'y': 1}) }}{{ m(d.nested.x[2]) }}",
    "{% macro m() %}{{ loop is defined }}{% endmacro %}{% for i in [1] %}{{ m() }}{% endfor %}",
    "{% set f = s.upper %}{{ f() }}",
    "{% set parts = s.split(' ') %}{{ parts[0] }}{{ parts | last }}",
    # cycler, joiner
    "{% set c = cycler('a', 'b', 'c') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.next() }}{% set _ = c.reset() %}{{ c.current }}",
    "{% set j = joiner(', ') %}{% for x in items %}{{ j() }}{{ x }}{% endfor %}",
    "{% set j = joiner() %}{{ j() }}{{ j() }}{{ j() }}",
    # generation
    "a{% generation %}b{{ n }}{% endgeneration %}c",
    "{% generation %}{% set q = 1 %}{{ q }}{% endgeneration %}{{ q is defined }}",
    "{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %}{% endfor %}",
    "{% for m in messages %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
    "{% generation %}",
    # tags that are no tags, or not ours
    "{% nosuch %}",
    "{% do items.append(1) %}",
    "{% 5 %}",
    "{% extends 'x' %}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% if yes %}{% set x = 1 %}{{ x }}{% endif %}{{ x }}{{ raise_exception('no ' ~ x) }}",
    "{% if messages[0].role != 'system' %}{{ raise_exception('first!') }}{% endif %}fine",
    "{% set text = '' %}{% for m in messages %}{% set text = text ~ m.role %}{% endfor %}[{{ text }}]",
    "{{ messages[0].content | trim }}\n{{ messages[1].content.split('\\n')[0] }}",
    "{%- if messages[0]['role'] == 'system' -%}\n  {%- set system = messages[0]['content'] -%}\n{%- else -%}\n  {%- set system = '' -%}\n{%- endif -%}\n{{ system }}",
    "{{- 'a' -}}\n{{- 'b' }}\n",
    "{%- for m in messages %}{{- m.role }}\n{% endfor %}",
    "{{ namespace is defined }}{{ nosuch is defined }}{{ range is defined }}",
    "{{ '\\n'.join(words) }}{{ words | join('\\n') }}",
    "{% set x = {'a': [1, 2]} %}{{ x.a[0] }}{{ x['a'][1] }}{{ x }}",
    "{% set a = [1] %}{% set b = a + [2] %}{{ a }}{{ b }}",
    "{% set k = 'b' %}{{ d[k] }}{{ d[k ~ ''] }}",
    "{{ d | tojson(indent=4) }}",
    "{{ users | tojson }}",
    "{{ users[0] }}",
    "{{ messages }}",
]
