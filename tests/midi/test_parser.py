"""symusic is loaded without its downloader, which works all the same for whoever wants it."""

import subprocess
import sys

LATER = """
import sys
import musegen.midi.files
assert "symusic.core" in sys.modules, "nothing was loaded that could be left out"
assert not {"pySmartDL", "ssl", "http.client"} & sys.modules.keys()
from symusic.soundfont import SmartDL
download = SmartDL("http://127.0.0.1:9/font.sf3", dest=sys.argv[1], progress_bar=False)
assert type(download).__module__.startswith("pySmartDL") and download.get_dest() == sys.argv[1]
"""


def test_the_downloader_is_loaded_when_it_is_wanted(tmp_path: object) -> None:
    done = subprocess.run([sys.executable, "-c", LATER, f"{tmp_path}/font.sf3"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
