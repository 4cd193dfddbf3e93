"""What several commands' tests need."""

import pytest

from edge.cli import main


@pytest.fixture
def microcue(data_dir, capsys):
    """Runs a command on the module's own `data_dir`: (exit code, standard output, standard error)."""

    def run(*words):
        try:
            code = main([*words, "--data", str(data_dir)])
        except SystemExit as exit_:
            code = exit_.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
