"""Whether the tests notice: small faults put into the spotter and the tracker, one at a time.

    make mutants                                      60 of them, some hours on two cores
    .venv/bin/python tools/mutants.py --sample 10 --parts spot

cosmic-ray changes one operator, number, comparison or decorator in a copy of this folder and runs the tests
of that part. A fault that no test notices has *survived*: the tests have a gap there, or the change changes
nothing that anybody could see. Which of the two must be looked at; docs/decisions/0023 tells what was found.
Kernels are left out, since they are compiled and have references of their own.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = {
    "spot": (
        "tests/spot/test_cadence.py",
        "tests/spot/test_rate.py",
        "tests/spot",
        "tests/evaluate/test_respot.py",
    ),
    "track": ("tests/track/test_parts.py", "tests/track", "tests/test_pipeline.py"),
}
_NEEDED = ("edge", "tests", "tools", "models", "firmware_config", "pyproject.toml", "docs", "Makefile")
# in annotations, which nobody executes, | stands between types
_IN_TYPES = "ReplaceBinaryOperator_BitOr"
_CONFIG = """\
[cosmic-ray]
module-path = "edge/{part}"
timeout = {timeout_s}
excluded-modules = ["edge/{part}/simulated.py"]
test-command = "{python} -m pytest -x -q -p no:cacheprovider {tests}"
[cosmic-ray.distributor]
name = "local"
"""


def main() -> int:
    """Sample, run, print."""
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for name in _NEEDED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name)
            else:
                shutil.copy2(source, copy / name)
        n_survived = 0
        for part in arguments.parts:
            n_survived += run_part(part, copy, arguments)
    return 1 if n_survived else 0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=list(TESTS), default=list(TESTS))
    parser.add_argument("--sample", type=int, default=30, help="faults in each part (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default: 1)")
    parser.add_argument(
        "--timeout", type=float, default=3600.0, metavar="S", help="of the tests of one fault"
    )
    return parser.parse_args()


def run_part(part: str, copy: Path, arguments: argparse.Namespace) -> int:
    """Put faults into one part; how many survived."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    session, config = copy / f"{part}.sqlite", copy / f"{part}.toml"
    config.write_text(
        _CONFIG.format(
            part=part, timeout_s=arguments.timeout, python=sys.executable, tests=" ".join(TESTS[part])
        )
    )
    cosmic_ray = [sys.executable, "-c", "import sys; from cosmic_ray.cli import main; sys.exit(main())"]
    environment = {"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    subprocess.run([*cosmic_ray, "init", config, session], cwd=copy, env=environment, check=True)
    with use_db(str(session), WorkDB.Mode.open) as work:
        items = sorted(work.pending_work_items, key=lambda item: str(item.mutations[0]))
        worth = [item for item in items if _IN_TYPES not in item.mutations[0].operator_name]
        chosen = random.Random(arguments.seed).sample(worth, min(arguments.sample, len(worth)))
        names = {item.job_id for item in chosen}
        skipped = [item.job_id for item in items if item.job_id not in names]
        work.set_multiple_results(skipped, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))
    for item in chosen:
        print(f"{part}: {told(item)}", flush=True)
    running = subprocess.Popen([*cosmic_ray, "exec", config, session], cwd=copy, env=environment)
    try:
        running.wait()
    except KeyboardInterrupt:  # what is done counts
        running.wait()
    with use_db(str(session), WorkDB.Mode.open) as work:
        outcomes = {job: result for job, result in work.results if job in names}
        survivors = [
            item for item in chosen if item.job_id in outcomes and not outcomes[item.job_id].is_killed
        ]
    print(f"\n{part}: {len(worth)} faults possible, {len(outcomes)} tried, {len(survivors)} survived")
    for line in described(survivors, outcomes):
        print(line, flush=True)
    return len(survivors)


def told(item: object) -> str:
    """Where a fault is and what kind it is."""
    mutation = item.mutations[0]  # type: ignore[attr-defined]
    kind = mutation.operator_name.removeprefix("core/")
    return f"{mutation.module_path}:{mutation.start_pos[0]} {kind} #{mutation.occurrence}"


def described(survivors: list[object], outcomes: dict[str, object]) -> Iterator[str]:
    """Each survivor with what it changed."""
    for item in survivors:
        yield f"\n{told(item)}"
        yield str(outcomes[item.job_id].diff or outcomes[item.job_id].output)  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
