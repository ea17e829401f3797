from collections.abc import Callable

import yaml

from medseg.planning.plan import Plan
from medseg.planning.train_text import train_text

Planned = Callable[..., Plan]


def test_the_text_holds_every_row_of_the_recipe(planned: Planned) -> None:
    plan = planned()
    flat = {row.key: row.value for row in plan.recipe[""]}
    sections = {title: {row.key: row.value for row in rows} for title, rows in plan.recipe.items() if title}
    assert yaml.safe_load(train_text(plan)) == flat | sections


def test_every_value_stands_beside_its_reason(planned: Planned) -> None:
    lines = train_text(planned()).splitlines()
    bare = [line for line in lines if ": " in line and "#" not in line]
    assert bare == []


def test_the_head_names_the_data_and_the_command(planned: Planned) -> None:
    head = train_text(planned()).split("\n\n")[0]
    assert "30 studies" in head
    assert "Invented" in head
    assert "python -m medseg.train --bundle invented --data DIR" in head
