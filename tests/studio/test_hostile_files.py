"""Files that are made to do harm, brought to a real server: each gets its sentence, and the next musician is served."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from benchmarks import studio_rig
from musegen.studio.files import KINDS
from tests.midi.smf import C4, body, chunk, header, meta, off, on, track
from tests.midi.test_odd_files import REFUSED, REPAIRED

GOOD = header() + track(*C4)
LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[studio_rig.Studio]:
    with studio_rig.studio(tmp_path_factory.mktemp("studio")) as started:
        yield started


@pytest.fixture(scope="module")
def client(server: studio_rig.Studio) -> Iterator[httpx.Client]:
    token = server.url.partition("token=")[2]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.origin, headers=headers, timeout=120) as found:
        yield found


def bring(client: httpx.Client, name: str, data: bytes) -> httpx.Response:
    return client.post("/api/files", params={"name": name}, content=data)


def sentence(answer: httpx.Response) -> str:
    """The error that it must be: one sentence, without where anything lies on this machine."""
    assert 400 <= answer.status_code < 500, answer.text[:300]
    text = answer.json()["error"]
    assert isinstance(text, str)
    assert text[-1] in ".…"
    assert "\n" not in text
    assert "musegen-studio-" not in text
    assert "Traceback" not in text
    return text


def assert_serves(client: httpx.Client, server: studio_rig.Studio) -> None:
    """It is still there, reads files, and has said nothing on its terminal but where it is."""
    answer = bring(client, "good.mid", GOOD)
    assert answer.status_code == 201, answer.text
    assert answer.json()["notes"] == [[0, 24, 60, 80, 0, 0]]
    assert "Traceback" not in server.said


def bomb() -> bytes:
    """A compressed score that is half again as large as what reading may take."""
    container = '<container><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", container)
        with archive.open("score.xml", "w", force_zip64=True) as score:
            score.write(b'<?xml version="1.0"?><score-partwise>')
            for _ in range(1536):
                score.write(bytes([32]) * 2**20)
    return data.getvalue()


def nested() -> bytes:
    return b'<?xml version="1.0"?>' + b"<a>" * 500_000 + b"</a>" * 500_000


def entities() -> bytes:
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]><score-partwise>&a11;</score-partwise>'
    return text.encode()


def tiny_bars() -> bytes:
    """Bars of a sixty-fourth note for as long as a file may be."""
    return header() + track((0, meta(0x58, 1, 6, 24, 8)), (480 * 262_000, on(60)), (480, off(60)))


def note_flood() -> bytes:
    events = b"\0\x90\x3c\x50" + b"\x01\x3c\0\0\x3c\x50" * 300_000 + b"\x01\x3c\0"
    return header() + chunk(events + body((0, [0xFF, 0x2F, 0])))


def tempo_flood() -> bytes:
    two = body((1, meta(0x51, 7, 161, 32)), (1, meta(0x51, 7, 161, 200)))
    return header(division=24) + chunk(two * 170_000 + body(*C4, (0, [0xFF, 0x2F, 0])))


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a zip bomb": ("bomb.mxl", bomb),
    "entities within entities": ("laughs.xml", entities),
    "elements half a million deep": ("deep.musicxml", nested),
    "a score that is no score": ("table.xml", lambda: b"<html><body>hello</body></html>"),
    "a zip file that is none": ("broken.mxl", lambda: b"PK\x03\x04" + b"\xff" * 5000),
    "bars that last a tick": ("bars.mid", tiny_bars),
    "300,000 notes": ("notes.mid", note_flood),
    "340,000 tempos": ("tempos.mid", tempo_flood),
    **{f"5 MB of garbage as {kind}": (f"garbage{kind}", lambda: bytes(range(1, 256)) * 20_560) for kind in KINDS},
    **{f"nothing at all as {kind}": (f"empty{kind}", lambda: b"") for kind in KINDS},
}


WORDS = {
    "a zip bomb": "MemoryError",
    "bars that last a tick": "4,192,016 bars; the page shows up to",
    "300,000 notes": "300,001 notes",
    "340,000 tempos": "more changes of tempo",
}
"""By which it is seen that the right thing stopped them."""


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_gets_a_sentence(client: httpx.Client, server: studio_rig.Studio, case: str) -> None:
    name, make = HOSTILE[case]
    text = sentence(bring(client, name, make()))
    assert Path(name).stem in text
    assert WORDS.get(case, "") in text
    assert_serves(client, server)


def test_odd_midi_files_are_repaired_or_refused_in_a_sentence(client: httpx.Client, server: studio_rig.Studio) -> None:
    for data in (row[0] for row in REFUSED.values()):
        if len(data) <= 5 * 2**20:
            assert "odd.mid" in sentence(bring(client, "odd.mid", data))
    for case, (data, expected) in REPAIRED.items():
        answer = bring(client, "odd.mid", data)
        assert answer.status_code == (201 if expected["notes"] else 400), case
        if expected["notes"]:
            assert len(answer.json()["notes"]) == len(expected["notes"]), case
    assert_serves(client, server)


def test_a_score_cannot_read_other_files(client: httpx.Client, server: studio_rig.Studio) -> None:
    secret = server.folder / "secret.txt"
    secret.write_text("the secret of this test")
    text = f"""<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "{secret.as_uri()}">]>
    <score-partwise version="3.1"><work><work-title>&x;</work-title></work><part-list><score-part id="P1"><part-name>
    &x;</part-name></score-part></part-list><part id="P1"><measure number="1"><attributes><divisions>1</divisions>
    </attributes><note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note></measure></part>
    </score-partwise>"""
    assert "the secret" not in bring(client, "thief.musicxml", text.encode()).text
    assert_serves(client, server)


def test_more_than_may_be_is_refused(client: httpx.Client, server: studio_rig.Studio) -> None:
    answer = bring(client, "large.mid", GOOD + bytes(5 * 2**20))
    assert answer.status_code == 413
    assert "5 MB" in sentence(answer)
    answer = client.post("/api/files", files={"file": ("large.mid", GOOD + bytes(5 * 2**20))})
    assert answer.status_code == 413
    assert_serves(client, server)


@pytest.mark.parametrize("name", ["", "tune", "tune.exe", ".mid/", "mid", "a" * 900, "../../etc/passwd"])
def test_a_name_of_no_kind_is_refused(client: httpx.Client, name: str) -> None:
    assert ".musicxml" in sentence(bring(client, name, GOOD))


NAMES = {
    "../../../etc/cron.d/tune.mid": "tune.mid",
    "..\\..\\windows\\tune.MID": "tune.mid",
    "/etc/tune.mid": "tune.mid",
    'a"; rm -rf ~; ".mid': 'a"; rm -rf ~; ".mid',
    "a\r\nSet-Cookie: x=y.mid": "a Set-Cookie: x=y.mid",
    "\u202edim.enut.mid": "dim.enut.mid",
    "Für Élise 🎹.mid": "Für Élise 🎹.mid",
    f"{'long' * 60}.mid": f"{'long' * 20}.mid",
    "<script>.mid": "<script>.mid",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_for_people_only(client: httpx.Client, server: studio_rig.Studio, name: str) -> None:
    answer = bring(client, name, GOOD)
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == NAMES[name]
    answer = client.get(f"/api/files/{answer.json()['id']}/mid")
    assert answer.content == GOOD
    assert "set-cookie" not in answer.headers
    disposition = answer.headers["content-disposition"]
    assert re.fullmatch(r"""attachment; filename(="[^"\\]+"|\*=utf-8''[A-Za-z0-9%._~-]+)""", disposition)
    assert sorted(p.name for p in server.folder.rglob("*.mid")) == []


def test_a_broken_form_is_refused(client: httpx.Client, server: studio_rig.Studio) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "multipart/form-data; boundary="):
        answer = client.post("/api/files", content=b"--x\r\n" + GOOD, headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500, answer.text[:300]
        assert answer.json()["error"]
    assert_serves(client, server)


def test_a_broken_tune_is_told_by_its_own_name(client: httpx.Client) -> None:
    text = sentence(bring(client, "mine.abc", b"X:1\nT:t\nM:4/4\nL:1/0\nK:C\nCDEF|\n"))
    assert "mine" in text
    assert "incoming" not in text


def test_many_at_once_are_served_or_told_to_wait(client: httpx.Client, server: studio_rig.Studio) -> None:
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda i: bring(client, f"tune{i}.mid", GOOD), range(120)))
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert all("try again" in answer.json()["error"] for answer in answers if answer.status_code == 503)
    assert_serves(client, server)
