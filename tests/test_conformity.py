"""What conformity does to a panel, through the real engine: it agrees more and is right less often (METHODS 2.14)."""

import importlib.util
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.page import Text
from buttermilk.analysis.sections.arms import arms
from buttermilk.core.people import Coding, Draw, Opening, Sample
from buttermilk.stores.sqlite import SqliteStore

AT = datetime(2026, 11, 26, tzinfo=UTC)
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def conformity() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformity", ROOT / "bench" / "conformity.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_conformity_the_two_arms_say_the_same(conformity: ModuleType, tmp_path: Path) -> None:
    both = conformity.asked(tmp_path, 60, 0.0)
    assert both["priors"] == both["control"]


@pytest.mark.slow
def test_agreement_rises_with_conformity_while_the_majority_is_right_less_often(
    conformity: ModuleType, tmp_path: Path
) -> None:
    """Of 300 records. With 2,000 (python bench/conformity.py) the fall at .4 has p = .00001."""
    agreement, control = [], None
    for w in (0.4, 0.6):
        (folder := tmp_path / str(w)).mkdir()
        both = conformity.asked(folder, 300, w)
        control = control or both["control"]
        assert both["control"] == control  # who is shown nothing is moved by nothing
        assert 0.2 < control.alpha < 0.3
        assert 0.69 < control.single < 0.73
        assert 0.78 < control.majority < 0.83
        agreement.append(both["priors"].alpha)
        pairs = list(zip(control.right, both["priors"].right, strict=True))
        assert pairs.count((True, False)) > pairs.count((False, True))
        assert both["priors"].majority < control.majority
        assert both["priors"].single > control.single  # and whoever looks at single answers would call it progress
    assert control
    assert control.alpha + 0.1 < agreement[0] < agreement[1]
    assert "the answers have become more alike, not more right." in reported(conformity, tmp_path / "0.4", 300)


def reported(conformity: ModuleType, folder: Path, count: int) -> str:
    """What the report says of these arms, once a person has labelled all records."""
    records = conformity.records(count)
    draws = tuple(Draw(record_id=one.record_id, prob=1.0) for one in records)
    with closing(SqliteStore(folder / "jobs.db")) as store:
        run = store.run("run")
        assert run
        store.file(
            [
                Sample(
                    about="reports", name="all", dataset_fingerprint=run.dataset_fingerprint, codebook="harm@1",
                    codebook_hash=conformity.CODEBOOK.hash, how="random", seed=1, population=count, draws=draws,
                    drawn_at=AT,
                ),
                Opening(about="reports", sample="all", flow="study", locked={}, by="ana", opened_at=AT),
                *(
                    Coding(about="reports", record_id=one.record_id, question="harm", value=str(one.metadata["truth"]),
                           coder="ana", sample="all", coded_at=AT)
                    for one in records
                ),
            ]
        )  # fmt: skip
        section = arms(evidence(store, run))
    assert section
    return " ".join(block.words for block in section.blocks if isinstance(block, Text))
