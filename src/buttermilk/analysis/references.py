"""What a report cites: the statistics whose names stand in it, the works they come from, and how each is written."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from buttermilk.analysis.page import Figure, Gallery, Grid, Heading, Section, Text

TEXTS = Path(__file__).parent / "texts"
Work = dict[str, Any]


class Statistic(NamedTuple):
    """`Statistic("Wilson's interval", "is that of a share, …", ("wilson1927",))`"""

    title: str
    said: str
    cites: tuple[str, ...]


@cache
def text(name: str) -> Any:
    """One of the files in `texts/`."""
    return yaml.safe_load((TEXTS / f"{name}.yaml").read_text(encoding="utf-8"))


def works() -> dict[str, Work]:
    return dict(text("statistics")["works"])


def used(sections: Iterable[Section]) -> list[Statistic]:
    """Those whose name stands in a caption, a column, a note or a sentence; so none is cited that is not there."""
    said = "\n".join(words_of(section) for section in sections)
    return [
        Statistic(one["title"], one["said"].strip(), tuple(one["cites"]))
        for one in text("statistics")["statistics"].values()
        if re.search(rf"\b(?:{'|'.join(map(re.escape, one['names']))})(?!\w)", said, re.IGNORECASE)
    ]


def words_of(section: Section) -> str:
    """What a report says in its own words; the cells of its tables are others' words."""
    found: list[str] = []
    for block in section.blocks:
        match block:
            case Text() | Heading():
                found.append(block.words)
            case Figure():
                found += [block.caption, *_of_grid(block.data)]
            case Grid():
                found += _of_grid(block)
            case Gallery():
                found += [block.caption, block.note]
    return "\n".join(found)


def _of_grid(table: Grid) -> list[str]:
    return [table.caption, table.note, *(column.title for column in table.columns)]


def cited_in(sections: Iterable[Section]) -> dict[str, Work]:
    """The works that are named there, as `cited` names them."""
    said = "\n".join(map(words_of, sections))
    return {key: work for key, work in works().items() if cited([key]) in said}


def cited(keys: Sequence[str]) -> str:
    """`Hayes and Krippendorff 2007; Krippendorff 2019`"""
    known = works()
    return "; ".join(f"{_short(known[key]['author'])} {known[key]['year']}" for key in keys)


def _short(author: str) -> str:
    names = [name.split(",")[0] for name in author.split(" and ")]
    return f"{names[0]} et al." if len(names) > 2 or names[-1] == "others" else " and ".join(names)


def line(work: Work) -> str:
    """`Efron, B. (1979). Bootstrap methods: another look at the jackknife. The Annals of Statistics 7(1), 1–26.`"""
    *first, last = str(work["author"]).split(" and ")
    last = "et al." if last == "others" else f"and {last}" if first else last
    dated = f"({str(work['year']).rstrip('ab')})"
    number = f"({work['number']})" if "number" in work else ""
    volume = f" {work['volume']}{number}" if "volume" in work else ""
    pages = f", {work['pages']}" if "pages" in work else ""
    place = work.get("journal") or work.get("booktitle") or work.get("publisher") or ""
    ends = [f"{place}{volume}{pages}", work.get("note", ""), f"https://doi.org/{work['doi']}" if "doi" in work else ""]
    title = str(work["title"]).rstrip(".")
    stop = "" if title.endswith("?") else "."
    return f"{', '.join([*first, last])} {dated}. {title}{stop} {'. '.join(filter(None, ends))}."


def bibtex(key: str, work: Work) -> str:
    """An entry for BibTeX; what would be a command of TeX is escaped, and the title keeps its capitals."""
    fields = {name: re.sub(r"([&%$#_{}])", r"\\\1", str(value)) for name, value in work.items() if name != "type"}
    fields |= {"year": fields["year"].rstrip("ab"), "title": f"{{{fields['title']}}}"}
    fields |= {"pages": fields["pages"].replace("–", "--")} if "pages" in fields else {}
    inner = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{work.get('type', 'misc')}{{{key},\n{inner}\n}}\n"
