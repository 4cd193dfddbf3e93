"""A corpus in each published layout: folders, spreadsheet and traps are theirs, the recordings are ours.

No row of a licensed table is in here. What each layout looks like, and which traps it holds, was read in the
code of those who use it; docs/evaluation.md names the sources.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.evaluate.intervals import FrameInterval

# puts the pictures of a take into a folder; the name of each is made of its number from 0
Draw = Callable[["Take", Path, Callable[[int], str]], None]


@dataclass(frozen=True, slots=True)
class Take:
    """A recording of ours: how long, and what moves in it, frames counted from 0."""

    n_frames: int
    events: tuple[FrameInterval, ...]

    def of(self, kind: str) -> list[FrameInterval]:
        """Its events of one kind."""
        return [event for event in self.events if event.kind == kind]


@dataclass(slots=True)
class Planted:
    """What a reader should make of a corpus.

    Attributes
    ----------
    events : dict of str to list of FrameInterval
        By video, frames from 0.
    remarks : list of str
        A piece of each remark that must be made.
    """

    events: dict[str, list[FrameInterval]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def write_sheets(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> None:
    """A workbook with these sheets."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def touch(take: Take, folder: Path, name_of: Callable[[int], str]) -> None:
    """Empty files: enough for whoever only reads names."""
    folder.mkdir(parents=True)
    for number in range(take.n_frames):
        (folder / name_of(number)).touch()


def casme2(root: Path, takes: Sequence[Take], draw: Draw) -> Planted:
    """Pictures begin at another number than 1; a slash stands for an apex; a clip is missing."""
    header = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units"]
    rows: list[list[object]] = [[*header, "Estimated Emotion"]]
    planted = Planted()
    for subject, take in enumerate(takes, 1):
        first, name = 40 + subject, f"EP02_{subject:02d}f"
        folder = root / "CASME2-RAW" / f"sub{subject:02d}" / name
        draw(take, folder, lambda number, first=first: f"img{number + first}.jpg")
        (event,) = take.of("micro")[:1]
        apex = "/" if subject == 1 else (event.apex_frame or 0) + first
        cell: object = f"{subject:02d}" if subject % 2 else subject
        rows.append(
            [
                cell,
                name,
                None,
                event.onset_frame + first,
                apex,
                event.offset_frame + first,
                None,
                "4",
                "others",
            ]
        )
        lost_apex = FrameInterval(event.onset_frame, event.offset_frame, "micro")
        planted.events[f"sub{subject:02d}/{name}"] = [lost_apex if subject == 1 else event]
    rows.append([26, "EP99_01", None, 10, 20, 30, None, "12", "happiness"])
    write_sheets(root / "CASME2-coding-20140508.xlsx", {"Sheet1": rows})
    planted.remarks += ["apex /", "no recording of sub26/EP99_01", "where the literature has 255"]
    return planted


def samm(root: Path, takes: Sequence[Take], draw: Draw) -> Planted:
    """Notes above the header; frame numbers of the whole session; an apex outside."""
    rows: list[list[object]] = [[f"note {k}"] for k in range(13)]
    columns = ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame"]
    rows.append([*columns, "Duration", "Micro", "Action Units", "Estimated Emotion", "Notes"])
    planted = Planted()
    for number, take in enumerate(takes, 6):
        name, first = f"{number:03d}_1_2", 5000 + 100 * number
        draw(take, root / f"{number:03d}" / name, lambda k, n=number, f=first: f"{n:03d}_{k + f:05d}.jpg")
        (event,) = take.of("micro")[:1]
        onset, offset = event.onset_frame + first, event.offset_frame + first
        apex = offset + 40 if number == 6 else (event.apex_frame or 0) + first
        rows.append([f"{number:03d}", name, 1, onset, apex, offset, offset - onset + 1, "Micro - 1/2", "4"])
        lost_apex = FrameInterval(event.onset_frame, event.offset_frame, "micro")
        planted.events[name] = [lost_apex if number == 6 else event]
    write_sheets(root / "SAMM_Micro_FACS_Codes_v2.xlsx", {"README": [["x"]], "MICRO_ONLY": rows})
    planted.remarks += ["does not lie in", "where the literature has 159"]
    return planted


def samm_long(root: Path, takes: Sequence[Take], draw: Draw) -> Planted:
    """Onset 0, apex -1, a duration that does not fit, a type that is none, and a video without events."""
    rows: list[list[object]] = [[f"note {k}"] for k in range(9)]
    rows.append(["Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type"])
    rows[-1] += ["Action Units", "Notes"]
    planted = Planted()
    for number, take in enumerate(takes, 6):
        video = f"{number:03d}_1"
        draw(take, root / "SAMM_longvideos" / video, lambda k, v=video: f"{v}_{k + 1:04d}.jpg")
        planted.events[video] = []
        for count, event in enumerate(take.events, 1):
            onset, offset = event.onset_frame + 1, event.offset_frame + 1
            kind = "Macro" if event.kind == "macro" else "Micro - 1/2"
            apex = -1 if (number, count) == (6, 1) else (event.apex_frame or 0) + 1
            length = offset - onset + 1 + ((number, count) == (6, 2))
            rows.append([number, f"{video}_{count}", 1, onset, apex, offset, length, kind, "12", None])
            planted.events[video].append(
                FrameInterval(event.onset_frame, event.offset_frame, event.kind) if apex < 0 else event
            )
    rows.append([6, "006_1_98", 1, 0, 4, 9, 10, "Macro", "12", "began before the video"])
    planted.events["006_1"].insert(0, FrameInterval(0, 8, "macro", 3))
    rows.append([6, "006_1_99", 1, 20, 24, 29, 10, "Other", "12", None])
    empty = Take(takes[0].n_frames, ())
    draw(empty, root / "SAMM_longvideos" / "099_2", lambda k: f"099_2_{k + 1:04d}.jpg")
    planted.events["099_2"] = []
    write_sheets(root / "SAMM_LongVideos_V2_Release.xlsx", {"old": [["not this one"]]})
    write_sheets(root / "SAMM_LongVideos_V3_Release.xlsx", {"FACS": rows})
    planted.remarks += ["apex -1", "duration", "onset 0 lies before the first frame, 1", "type other"]
    planted.remarks += ["micro events, where", "macro events, where"]
    return planted


def cas2(root: Path, takes: Sequence[Take], draw: Draw) -> Planted:
    """No header, three sheets, an offset 0, a subject nobody knows; a code that lost its first nought."""
    codes = {"disgust1": "0101", "anger1": "0401", "happy4": "0508"}
    rows: list[list[object]] = []
    planted = Planted()
    stimuli = list(codes)
    for number, take in enumerate(takes):
        stimulus = stimuli[number % 3]
        folder = f"s{15 + number}"
        video = f"{15 + number}_{codes[stimulus]}girlcrashing"
        draw(take, root / "rawpic" / folder / video, lambda k: f"img_{k + 1}.jpg")
        planted.events[f"{folder}/{video}"] = []
        for count, event in enumerate(take.events, 1):
            is_open = number == 0 and event is next(iter(take.of("macro")), None)
            apex = (event.apex_frame or 0) + 1
            offset = 0 if is_open else event.offset_frame + 1
            kind = f"{event.kind}-expression"
            clip = f"{stimulus}_{count}"
            rows.append([float(number + 1), clip, event.onset_frame + 1, apex, offset, "4", "negative", kind])
            ended = FrameInterval(event.onset_frame, event.apex_frame or 0, event.kind, event.apex_frame)
            planted.events[f"{folder}/{video}"].append(ended if is_open else event)
    rows.append([77, "anger1_1", 10, 20, 30, "4", "negative", "macro-expression"])
    draw(Take(takes[0].n_frames, ()), root / "rawpic" / "s40" / "40_0102eggs", lambda k: f"img_{k + 1}.jpg")
    planted.events["s40/40_0102eggs"] = []
    sheets = {
        "CASFEcode_final": rows,
        "naming rule1": [[k, f"s{14 + k}", k] for k in range(1, len(takes) + 1)],
        "naming rule2": [[int(code), stimulus] for stimulus, code in codes.items()],
    }
    write_sheets(root / "CAS(ME)^2code_final(Updated).xlsx", sheets)
    write_sheets(root / "CAS(ME)^2code_final.xlsx", {"old": [["not this one"]]})
    planted.remarks += ["the end was not seen", "subject 77", "micro events, where", "macro events, where"]
    return planted


def cas3(root: Path, takes: Sequence[Take], draw: Draw) -> Planted:
    """Names in either case, an offset before its onset, an event of 115 s."""
    header = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"]
    brief: list[list[object]] = [header]
    lasting: list[list[object]] = [["sub", "seq", "onset", "apex", "offset", "AU", "emotion"]]
    planted = Planted()
    for number, take in enumerate(takes, 1):
        draw(take, root / "part_A" / f"spNO.{number}" / "a" / "color", lambda k: f"{k}.jpg")
        planted.events[f"spno.{number}/a"] = list(take.events)
        for event in take.events:
            frames = (event.onset_frame, event.apex_frame, event.offset_frame)
            if event.kind == "micro":
                brief.append([f"spNo.{number}", "a", *frames, "4", "I", "disgust"])
            else:
                lasting.append([f"spNO.{number}", "A", *frames, "12", "happy"])
    brief.append(["spNO.1", "a", 30, 34, 20, "4", "I", "fear"])
    brief.append(["spNO.1", "a", 30, 34, 3480, "4", "I", "fear"])
    write_sheets(root / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", {"label": brief})
    write_sheets(root / "cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx", {"Sheet1": lasting})
    planted.remarks += ["are -9 frames", "are 3451 frames", "where the literature has 860"]
    return planted


def smic(root: Path, takes: Sequence[Take], draw: Draw) -> Planted:
    """The camera's own counters; up to three events in a row of the table; remarks as its last rows."""
    header: list[object] = [
        "Subject",
        "Filename",
        None,
        "OnsetF",
        "OffsetF",
        "TotalMF1",
        "Onset2F",
        "Offset2F",
    ]
    header += ["TotalMF2", "Onset3F", "Offset3F", "TotalMF3", "FirstF", "LastF", "TotalVL", "Emotion"]
    rows = [header]
    planted = Planted()
    for number, take in enumerate(takes, 1):
        first, name = 17_581_000 + 1000 * number, f"s{number:02d}_ne_01"
        draw(take, root / "HS_long" / f"s{number:02d}" / name, lambda k, f=first: f"image{k + f}.jpg")
        cells: list[object] = []
        for event in take.of("micro")[:3]:
            cells += [event.onset_frame + first, event.offset_frame + first, event.n_frames]
        cells += [None] * (9 - len(cells))
        rows.append([number, name, None, *cells, first, first + take.n_frames - 1, take.n_frames, "negative"])
        planted.events[name] = [
            FrameInterval(e.onset_frame, e.offset_frame, "micro") for e in take.of("micro")
        ]
    rows.append(["Note: frames are counters of the camera"])
    write_sheets(root / "SMIC-HS-E_annotation_2019.xlsx", {"Sheet1": rows})
    planted.remarks += ["text, or no frame numbers"]
    return planted


def challenge(root: Path, takes: Sequence[Take], draw: Draw) -> Planted:
    """Two data sets of different frame rates, labels for some recordings."""
    lines = ["subject,video,onset,offset,emotion"]
    planted = Planted()
    for number, take in enumerate(takes, 1):
        part = "SAMM_Challenge" if number % 2 else "CAS_Test_cropped"
        video = f"{number:03d}_7"
        draw(take, root / part / video, lambda k: f"{k + 1:05d}.jpg")
        planted.events[f"{part}/{video}"] = []
        if number > 1:
            for event in take.of("micro"):
                lines.append(f"{number},{video},{event.onset_frame + 1},{event.offset_frame + 1},negative")
                planted.events[f"{part}/{video}"].append(
                    FrameInterval(event.onset_frame, event.offset_frame, "micro")
                )
    (root / "gt.csv").write_text("\n".join(lines) + "\n")
    return planted


LAYOUTS = {
    "casme2": casme2,
    "samm": samm,
    "samm-lv": samm_long,
    "cas2": cas2,
    "cas3": cas3,
    "smic-hs": smic,
    "megc": challenge,
}
