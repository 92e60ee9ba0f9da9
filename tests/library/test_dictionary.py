"""The contract as a page of the documentation."""

from conftest import CONTRACT
from lockstep.core.contract import Contract
from lockstep.core.project import Project
from lockstep.docs.dictionary import describe_contract, dictionary_page
from made_up_sequences import CONTRACT as SWINGS


def cells(text: str, column: str) -> list[str]:
    """The cells of a column's row, without the signs that keep text from being markup."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {column} |")]
    return [cell.strip().replace("\\", "") for cell in row.strip("|").split("|")]


def test_each_column_is_described() -> None:
    columns = CONTRACT["columns"] | {
        "code": {"type": "identifier", "unique": True, "meaning": "name", "example": "A1"}
    }
    columns["seeds"] = columns["seeds"] | {"missing": ["?"]}
    contract = Contract.model_validate(
        CONTRACT | {"columns": columns, "group": "code", "drop": ["note"]}
    )
    text = describe_contract(contract)
    assert cells(text, "weight")[2:5] == ["a number from 0 to 500 g", "no", "weight"]
    assert cells(text, "seeds")[3] == "yes, also as ?"
    assert cells(text, "fruit")[1:3] == ["categorical, target", "one of apple, melon"]
    assert cells(text, "code")[1:] == [
        *("identifier, group", "a name, no value twice", "no", "name", "A1")
    ]
    assert "Known and not used: note." in text


def test_a_column_that_tells_sequences_apart_says_so() -> None:
    text = describe_contract(Contract.model_validate(SWINGS))
    assert cells(text, "swing")[1] == "identifier, sequence"
    assert cells(text, "second")[1] == "numeric, time"


def test_nothing_in_a_cell_is_markup() -> None:
    odd = {"type": "categorical", "categories": ["a|b", "<i>"], "meaning": "*x*\n`y`"}
    contract = Contract.model_validate(CONTRACT | {"columns": CONTRACT["columns"] | {"o|d": odd}})
    text = describe_contract(contract)
    assert r"| o\|d | categorical | one of a\|b, \<i\> | no | \*x\* \`y\` |" in text


def test_a_project_without_a_contract_has_a_page_that_says_so(project: Project) -> None:
    project.contract_file.write_text("# nothing\n")
    assert "There is none yet" in dictionary_page(project)
    assert "use FILE" in dictionary_page(project)
