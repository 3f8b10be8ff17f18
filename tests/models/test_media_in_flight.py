"""Five hundred pictures on their way at once are never all in memory: they are encoded and sent piece by piece."""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from buttermilk.testing import MockProvider

IN_FLIGHT = 500
PICTURE_BYTES = 200_000
MOST_BYTES = 60_000_000

ASK = """
import asyncio, hashlib, json, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from asking import job, keys, request
from buttermilk.core.flows import Agent, Capabilities
from buttermilk.core.messages import Message
from buttermilk.core.records import Part, Record
from buttermilk.plugins import find

folder, url = Path(sys.argv[2]), sys.argv[3]
agent = Agent(name="gpt", type="openai", model="gpt-4o-mini", base_url=url, key="secret://env/KEY",
              capabilities=Capabilities(inputs=("text", "image"), answers="prompted"))

def peak():
    status = Path("/proc/self/status")  # what getrusage says may be the peak of the process that started this one
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

async def main():
    plug = find("models", "openai")(agent, keys, lambda key: (folder / key).read_bytes())
    pictures = [Part(kind="image", blob=file.name, media_type="image/png") for file in sorted(folder.iterdir())]
    def asked(number, part):
        record = Record(record_id=f"r{number}", parts=(part,))
        one = request(job(agent, record))
        return one._replace(messages=(Message("user", f"[record:r{number}] What is it?", (part,)),))
    await plug.complete(asked(0, pictures[0]))
    idle = peak()
    replies = await asyncio.gather(*(plug.complete(asked(n, part)) for n, part in enumerate(pictures)))
    await plug.close()
    print(json.dumps({"more": peak() - idle, "replies": len(replies)}))

asyncio.run(main())
"""


@pytest.mark.slow
def test_five_hundred_pictures_in_flight_take_little_more_memory_than_none(tmp_path: Path) -> None:
    chance = random.Random(7)
    for _ in range(IN_FLIGHT):
        raw = chance.randbytes(PICTURE_BYTES)
        (tmp_path / hashlib.sha256(raw).hexdigest()).write_bytes(raw)
    tests = str(Path(__file__).parent.parent)
    with MockProvider(process=True, latency_ms=1500) as mock:
        said = subprocess.check_output([sys.executable, "-c", ASK, tests, str(tmp_path), mock.url], text=True)
        assert mock.stats()["max_in_flight"] > IN_FLIGHT * 0.9
    found = json.loads(said)
    assert found["replies"] == IN_FLIGHT
    assert 0 < found["more"] < MOST_BYTES, f"{found['more']:,} bytes"
