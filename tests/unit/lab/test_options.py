from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.options import parse
from lab.run import stages_of
from lab.starter import starter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")


def test_without_options_all_nine_stages_are_judged_in_english() -> None:
    options = parse([])
    assert (len(stages_of(options)), options.language, options.runs) == (9, "en", 1)


def test_one_stage_or_the_readers_file_is_judged_alone(tmp_path: Path) -> None:
    assert [stage.number for stage in stages_of(parse(["--stage", "4"]))] == [4]
    file = tmp_path / "my_stage.py"
    file.write_text(starter(4))
    [mine] = stages_of(parse(["--mine", str(file)]))
    assert (mine.number, mine.file) == (0, file)


def test_korean_is_chosen_by_an_option_or_by_lang(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(["--ko"]).language == "ko"
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert parse([]).language == "ko"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stage", "10"], "must be 1 to 9"),
        (["--mine", "nowhere.py"], "make lab START=4 > my_stage.py"),
        (["--hold"], "--hold needs --stage or --mine"),
        (["--stage", "4", "--mine", __file__], "either --stage or --mine"),
    ],
)
def test_a_wrong_option_is_refused_with_a_sentence(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_starter_is_the_stage_with_a_head_that_explains_it() -> None:
    text = starter(4)
    assert text.startswith("# Your own stage, from stage 4.")
    assert 'redis().sadd("applied_user", user_id)' in text
    compile(text, "my_stage.py", "exec")
