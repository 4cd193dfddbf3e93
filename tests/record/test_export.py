import csv
import io
import json

import pytest

from edge.record.cue_rows import CUE_COLUMNS
from edge.record.errors import OutputNeeded, OutputUnwritable
from edge.record.formats.text import write_csv, write_jsonl
from edge.record.output import output_file, output_folder, output_path
from edge.record.reading import LogReader


@pytest.fixture
def rows(scene, recorder, data_dir):
    """Rows of a session with awkward texts in them."""
    session_id = scene.start(recorder)
    recorder.append(scene.cue(10, 20, score=float("nan")))
    recorder.append(scene.cue(30, 40))
    recorder.append(scene.blink(60, 80))
    recorder.close()
    with LogReader(data_dir) as log:
        rows = [list(row) for row in log.cues(session_id, blinks=True)]
    rows[1][-1] = 'said "no", then\nlooked away — ü'
    return [tuple(row) for row in rows]


def test_csv_has_the_columns_and_gives_the_values_back(rows):
    file = io.StringIO()
    assert write_csv(rows, file) == 3
    header, *back = csv.reader(io.StringIO(file.getvalue()))
    assert tuple(header) == CUE_COLUMNS
    assert back == [["" if value is None else str(value) for value in row] for row in rows]


def test_json_lines_give_the_values_back_with_their_types(rows):
    file = io.StringIO()
    assert write_jsonl(rows, file) == 3
    lines = file.getvalue().splitlines()
    records = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [tuple(record) for record in records] == [CUE_COLUMNS] * 3
    assert [tuple(record.values()) for record in records] == rows


def test_rows_are_written_as_they_come():
    file = io.StringIO()

    def endless():
        for number in range(1000):
            # what was written so far, in front of a buffer of one row
            assert file.getvalue().count("\n") >= number
            yield (number,) * len(CUE_COLUMNS)

    write_jsonl(endless(), file)


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "cues.csv"
    with output_file(str(path)) as file:
        file.write("ü\n")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "ü\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["cues.csv"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "cues.csv"
    path.write_text("old")
    with pytest.raises(TypeError, match="must be str"), output_file(str(path)) as file:
        file.writelines(["new", None])
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["cues.csv"]


@pytest.mark.parametrize(("output", "reason"), [("", "directory"), ("absent/cues.csv", "No such file")])
def test_an_impossible_output_is_refused(tmp_path, output, reason):
    with pytest.raises(OutputUnwritable, match=reason), output_file(str(tmp_path / output)):
        pytest.fail("opened")


def test_a_disk_that_fills_up_is_said():
    with pytest.raises(OSError, match="No space"), open("/dev/full", "w") as full:  # noqa: PTH123
        write_csv([], full)


def test_a_dash_is_standard_output(capsys):
    with output_file("-") as file:
        file.write("here\n")
    assert capsys.readouterr().out == "here\n"


def test_what_is_no_text_needs_a_name(tmp_path):
    for output in (output_path, output_folder):
        with pytest.raises(OutputNeeded, match="give --output"), output("-", "elan"):
            pytest.fail("opened")


def test_a_folder_appears_only_when_it_is_complete_and_takes_no_other_s_place(tmp_path):
    path = tmp_path / "dataset"
    with output_folder(str(path), "bids") as folder:
        (folder / "file").write_text("x")
        assert not path.exists()
    assert [entry.name for entry in path.iterdir()] == ["file"]
    with pytest.raises(OutputUnwritable, match="exists already"), output_folder(str(path), "bids"):
        pytest.fail("opened")
    with pytest.raises(RuntimeError, match="on the way"), output_folder(str(tmp_path / "b"), "bids"):
        raise RuntimeError("on the way")
    assert [entry.name for entry in tmp_path.iterdir()] == ["dataset"]
