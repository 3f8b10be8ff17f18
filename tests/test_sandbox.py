"""A template may be foolish or hostile: it is stopped within a moment, with its line, and reaches nothing."""

from time import process_time

import pytest

from buttermilk.core.errors import PromptError
from buttermilk.core.flows import Agent, Codebook, Prompt, Question, Section
from buttermilk.core.jobs import Job
from buttermilk.core.records import Part, Record
from buttermilk.prompts import render

ANY = Codebook(name="c", questions=(Question(name="q", ask="?", level="text"),))


def rendered(template: str, text: str = "hello", **includes: str) -> str:
    prompt = Prompt(name="one", sections=(Section(role="user", template=template),), includes=includes)
    record = Record(record_id="v1", parts=(Part(text=text),))
    agent = Agent(name="a", type="simulated")
    job = Job(step="judge", record=record, seen_hash="", agent=agent, prompt=prompt, codebook=ANY)
    return render(prompt, job)[0].text


DOUBLING = "{% set ns = namespace(x=START) %}{% for i in range(500) %}{% set ns.x = NEXT %}{% endfor %}{{ ns.x }}"
# A list that holds one list twice, which holds another twice, …: sixty names for more items than a disk can hold.
NESTED = (
    "{% set ns = namespace(x=[1], y=[1], t=(1,)) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
    "{% set ns.y = [ns.y, ns.y] %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}"
)
MACROS = "{% macro m0() %}{% endmacro %}" + "".join(
    f"{{% macro m{n}() %}}{{{{ m{n - 1}() }}}}{{{{ m{n - 1}() }}}}{{% endmacro %}}" for n in range(1, 40)
)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10**8 }}",
        "{{ [1] * 10**9 }}",
        "{{ 10 ** 10 ** 10 ** 10 }}",
        "{{ 2 ** 100000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ (5).to_bytes(1000000000, 'big') }}",
        "{{ record.text | indent(1000000000) }}",
        "{{ record.text | replace('', record.text) | replace('', record.text) | replace('', record.text) }}",
        "{{ range(100000) | join(record.text) }}",
        "{{ range(10000000) | list }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{{ j }}{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}" + "so much text " * 1000 + "{% endfor %}",
        "{% for i in range(100000) %}{% set x = range(100000) | list %}{% endfor %}",
        "{% for i in range(100000) %}{% set x = range(100000) | sum %}{% endfor %}",
        "{% for i in range(100000) %}{% set x = record.text.split('a') %}{% endfor %}",
        DOUBLING.replace("START", "'a'").replace("NEXT", "ns.x ~ ns.x"),
        DOUBLING.replace("START", "'a'").replace("NEXT", "ns.x + ns.x"),
        DOUBLING.replace("START", "[1]").replace("NEXT", "ns.x + ns.x"),
        DOUBLING.replace("START", "3").replace("NEXT", "ns.x * ns.x"),
        DOUBLING.replace("START", "3").replace("NEXT", "ns.x + ns.x"),
        "{% set a = 'aaaa' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60 + "{{ a }}",
        MACROS + "{{ m39() }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for i in [1] %}" * 30 + "x" + "{% endfor %}" * 30,
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "[" * 5000 + "]" * 5000 + " }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{{ " + " + ".join("1" * 1000) + " }}",
        "{{ record" + ".text" * 1000 + " }}",
        "{{ record.text" + " | upper" * 1000 + " }}",
        "{% if 0 %}" + "{% elif 0 %}" * 4000 + "{% endif %}",
        "{{ record.id }}" * 100_000,
        "{{ [" + "1, " * 200_000 + "] | length }}",
        "{{ " + "9" * 5000 + " }}",
        "{{ 1e999 }}",
        "{{ 1 | round(1000000000, 'ceil') }}",
        "{{ record.text | replace('a', '\n') | indent(record.text) }}",
        "{{ range(100000) | map('string') | map('list') | sum(start=[]) }}",
        "{{ range(100000) | map('string') | select('in', range(100000) | list) | list }}",
        "{% for i in range(100000) %}{% set x = record.text[1:] %}{% endfor %}",
        "{% for i in range(100000) %}{% set x = record.text == record.text %}{% endfor %}",
        "{% for i in range(100000) %}{% set x = 'a'.count(record.text) %}{% endfor %}",
        *(
            NESTED + f"{{{{ {use} }}}}"
            for use in (
                "ns.x",
                "ns.x | tojson",
                "'a' ~ ns.x",
                "[ns.x] | map('tojson') | join",
                "[1, 2] | join(d=ns.x)",
                "ns.x == ns.y",
                "ns.x is eq(ns.y)",
                "ns.x in [ns.y]",
                "[ns.x].index(ns.y)",
                "[ns.x, ns.y] | select | sort",
                "[{'a': ns.x}, {'a': ns.y}] | groupby('a')",
                "[ns.t, ns.t] | unique | list",
                "{ns.t: 1}",
                "{}[ns.t]",
                "{}[ns.x]",
            )
        ),
        NESTED + "{% for z in [1, 2] %}{{ loop.changed(ns.x if z == 1 else ns.y) }}{% endfor %}",
    ],
)
def test_a_template_that_runs_away_is_stopped(template: str) -> None:
    began = process_time()
    with pytest.raises(PromptError, match=r"prompts/one.md:\d"):
        rendered(template, text="a" * 3000)
    assert process_time() - began < 1  # of processor time; minutes or gigabytes were it not stopped


def test_includes_that_multiply_are_counted_before_they_are_rendered() -> None:
    chain = {f"{n}.md": f'{{% include "{n + 1}.md" %}}' * 2 for n in range(18)} | {"18.md": ""}
    with pytest.raises(PromptError, match="with all it includes this section has"):
        rendered('{% include "0.md" %}', **chain)
    with pytest.raises(PromptError, match="that has no end"):
        rendered('{% include "a" %}', a='{% include "a" %}')
    with pytest.raises(PromptError, match="does not carry its text"):
        rendered('{% include "a" %}')
    with pytest.raises(PromptError, match="repeats itself"):
        rendered('{% for i in range(100000) %}{% include "a" %}{% endfor %}', a="long " * 1000)


def test_a_message_has_an_end() -> None:
    with pytest.raises(PromptError, match=r"this section became 2,000,004 characters for record 'v1'; the most is 2,0"):
        rendered("{{ record.text }}", text="a" * 2_000_004)
    assert len(rendered("{{ record.text }}", text="a" * 2_000_000)) == 2_000_000


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ record.__class__ }}",
        "{{ record['__class__'] }}",
        "{{ record.text['__class__']['__mro__'] }}",
        "{{ [record] | map(attribute='__class__') | list }}",
        "{{ [record.text] | sum(attribute='__class__', start='') }}",
        "{{ record | attr('__class__') }}",
        "{{ range.__globals__ }}",
        "{{ range['__globals__'] }}",
        "{{ namespace.__init__ }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ self['_TemplateReference__context'] }}",
        "{% macro m() %}{% endmacro %}{{ m['__call__'] }}",
        "{% for i in [1] %}{{ loop['__init__'] }}{% endfor %}",
        "{{ record.text.encode() }}",
        "{{ record.text.format_map(record) }}",
        "{{ record.update({'text': 'x'}) }}",
        "{{ [].append(1) }}",
        "{{ record['clear']() }}",
        "{{ record.text.__init__ }}",
        "{{ {}.__class__ }}",
        "{{ range(1).__class__ }}",
        "{{ codebook.questions.__len__ }}",
        "{{ lipsum() }}",
        "{{ joiner }}",
        "{{ cycler }}",
        "{{ dict(a=1) }}",
        "{{ [1, 2] | random }}",
        "{{ record.text | safe }}",
        "{{ record.text | escape }}",
        "{% autoescape true %}{{ record.text }}{% endautoescape %}",
        "{{ ' work left' }}{{ context }}",
    ],
)
def test_a_template_reaches_nothing_that_is_not_listed(template: str) -> None:
    with pytest.raises(PromptError, match=r"prompts/one.md:1"):
        rendered(template)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ record }}", "record is several things; say which: id, text, title, metadata, parts"),
        ("{{ record.text | map('upper') }}", r"if it is a sequence, add `\| join\(', '\)`"),
        ("{{ record.txt }}", r"record has no 'txt' \(there are: id, text, "),
        ("{{ record.text.txt }}", "'txt' cannot be reached from a prompt"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ record.text() }}", "used here as what it is not: 'str' object is not callable"),
        ("{{ 'a' + 1 }}", "used here as what it is not"),
        ("{{ nobody + 1 }}", "'nobody' is undefined"),
        ("{{ [nobody] | tojson }}", "used here as what it is not"),
        ("{{ nobody | tojson }}", "'nobody' is undefined"),
        ("{{ nobody | join }}", "'nobody' is undefined"),
        ("{{ [1][5] }}", "cannot be reached"),
    ],
)
def test_a_mistake_is_said_in_words(template: str, says: str) -> None:
    with pytest.raises(PromptError, match=says):
        rendered(template)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ record.text.upper() }} {{ record.text | title | replace('l', 'L', ) }}", "HELLO HeLLo"),
        ("{{ record.text[:2] ~ '-' ~ 3 ~ none }}", "he-3null"),
        ("{{ 2 ** 10 }} {{ 7 % 4 }} {{ 3 * 2.5 }} {{ 5 // 2 }} {{ 'a' + 'b' }}", "1024 3 7.5 2 ab"),
        ("{% for i in 'abc' %}{{ loop.index }}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}", "1a,2b,3c"),
        ("{% for i in range(4) if i is even %}{{ i }}{% else %}none{% endfor %}", "02"),
        ("{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "6"),
        ("{% macro q(x, y='?') %}<{{ x }}{{ y }}>{% endmacro %}{{ q('a') }}{{ q('b', '!') }}", "<a?><b!>"),
        ("{% set a | upper %}x{{ record.id }}{% endset %}{{ a }}{% filter upper %}y{% endfilter %}", "XV1Y"),
        ("{% for k, v in [{'k': 1}, {'k': 2}] | groupby('k') %}{{ k }}:{{ v | length }} {% endfor %}", "1:1 2:1 "),
        ("{{ [3, 1, 2] | sort | join('<') }} {{ [1, 2] | sum }} {{ [1, 2] | max }}", "1<2<3 3 2"),
        ("{{ [{'a': 1}, {'a': none}] | join('/', attribute='a') }}", "1/null"),
        ("{{ 'one\ntwo' | indent(2) }} {{ 'é' | tojson }}", 'one\n  two "é"'),
        ("{% if record.title %}x{% endif %}\n  {% if true %}\n  kept\n  {% endif %}\nend", "  kept\nend"),
        ("{% with a = 1 %}{{ a }}{% endwith %}{# gone #}{% raw %}{{ x }}{% endraw %}", "1{{ x }}"),
    ],
)  # fmt: skip
def test_what_templates_are_written_with_works(template: str, text: str) -> None:
    assert rendered(template) == text
