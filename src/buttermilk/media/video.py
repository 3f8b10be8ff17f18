"""Frames and sound of films, by ffmpeg and ffprobe: https://ffmpeg.org/ffmpeg.html

Only containers that hold pictures and sound are opened: a playlist that names other files, or addresses, is none.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic_core import from_json

from buttermilk.core.errors import DataError
from buttermilk.media.images import check_size
from buttermilk.media.programs import Program

INSTALL = "Debian, Ubuntu: sudo apt-get install ffmpeg   macOS: brew install ffmpeg   Windows: winget install ffmpeg"
FFMPEG = Program(
    "ffmpeg", "takes frames and sound out of films", INSTALL, cut_off=("partial file", "ended prematurely")
)
FFPROBE = Program("ffprobe", "looks into films, and comes with ffmpeg", INSTALL)

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,asf,flv,mp3,wav,flac,ogg,aac"
CAREFULLY = ("-v", "error", "-protocol_whitelist", "file", "-format_whitelist", CONTAINERS)
LONGEST_SECONDS = 4 * 3600
MOST_BYTES = 8 * 1024**3
MOST_PIXELS = 8192 * 4320  # of one frame: 8K
MOST_FRAMES = 1_000
LOOK_BACK_SECONDS = 10.0
JPEG = b"\xff\xd8\xff"  # begins one, and stands nowhere within
FRAME_SECONDS = 60.0  # of patience for one frame
SOUND_SECONDS = 900.0
AUDIO = {"mp3": ("audio/mpeg", ("-c:a", "libmp3lame", "-b:a", "64k")), "wav": ("audio/wav", ("-c:a", "pcm_s16le"))}
"""Speech as listeners by API take it: one channel, 16 kHz."""


class Film(NamedTuple):
    """What ffprobe says of a file: its length, the size of its picture (0 where it has none), whether it has sound."""

    seconds: float
    width: int
    height: int
    sound: bool


class Frame(NamedTuple):
    """One picture of a film, and when it is seen."""

    seconds: float
    data: bytes


def probed(file: Path) -> Film:
    """Raises DataError where it is no film or recording, says not how long it is, or is larger than what is read."""
    if file.stat().st_size > MOST_BYTES:
        raise DataError(
            f"the file is larger than the {MOST_BYTES // 1024**3} GB that are read. Cut or compress it first."
        )
    shown = "format=duration:stream=codec_type,width,height,duration"
    said = FFPROBE.run((*CAREFULLY, "-show_entries", shown, "-of", "json", _input(file)), seconds=FRAME_SECONDS)
    found: dict[str, Any] = from_json(said)
    streams = found.get("streams", [])
    picture: dict[str, Any] = next((one for one in streams if one.get("codec_type") == "video"), {})
    lengths = [one.get("duration") for one in (found.get("format", {}), *streams)]
    seconds = max((float(text) for text in lengths if text), default=0.0)
    if not streams or seconds <= 0:
        raise DataError("it does not say how long it is. Convert it first: ffmpeg -i FILE -c copy NEW.mkv")
    if seconds > LONGEST_SECONDS:
        raise DataError(f"it lasts {seconds / 3600:.1f} hours; {LONGEST_SECONDS // 3600} are read. Cut it first.")
    sound = any(one.get("codec_type") == "audio" for one in streams)
    film = Film(seconds, int(picture.get("width", 0)), int(picture.get("height", 0)), sound)
    check_size(film.width, film.height, MOST_PIXELS)
    return film


def moments(seconds: float, count: int | None = None, every: float | None = None) -> list[float]:
    """When to look: `count` moments, each in the middle of its share, or one every so often from the start.

    `moments(20, count=4)` -> `[2.5, 7.5, 12.5, 17.5]`; `moments(20, every=8)` -> `[0, 8, 16]`
    """
    if every is None:
        return [round(seconds * (number + 0.5) / (count or 1), 3) for number in range(count or 1)]
    if seconds / every > MOST_FRAMES:
        raise DataError(f"a frame every {every:g} seconds makes more than {MOST_FRAMES:,}. Take them further apart.")
    return [round(number * every, 3) for number in range(int(seconds / every) + 1) if number * every < seconds]


def frames(
    file: Path, count: int | None = None, every: float | None = None, *, longest_side: int = 1568
) -> Iterator[Frame]:
    """JPEGs in the order of the film. Raises DataError where it has no picture, or breaks off."""
    film = probed(file)
    if not film.width:
        raise DataError("there is no moving picture in it.")
    side = f"'min({longest_side},%s)'"
    scale = f"scale={side % 'iw'}:{side % 'ih'}:force_original_aspect_ratio=decrease"
    shape = ("-an", "-sn", "-vf", scale, "-threads", "1", "-bitexact", "-map_metadata", "-1")
    for moment in moments(film.seconds, count, every):
        data = _pictures(file, ("-ss", str(moment)), (*shape, "-frames:v", "1"))
        if not data:  # what is seen then is the last picture before: of a slow film, or of one whose sound is longer
            back = min(moment, LOOK_BACK_SECONDS)
            earlier = _pictures(file, ("-ss", str(moment - back), "-t", str(back)), shape)
            data = earlier[max(0, earlier.rfind(JPEG)) :]
        if not data:
            raise DataError(f"it breaks off: there is no picture at {moment:g} s of {film.seconds:g} s.")
        yield Frame(moment, data)


def _pictures(file: Path, when: Sequence[str], shape: Sequence[str]) -> bytes:
    """JPEGs one behind the other."""
    words = (*CAREFULLY, "-nostdin", *when, "-i", _input(file), *shape)
    return FFMPEG.run((*words, "-c:v", "mjpeg", "-q:v", "3", "-f", "image2pipe", "pipe:1"), seconds=FRAME_SECONDS)


def audio(file: Path, target: Path, kind: Literal["mp3", "wav"] = "mp3") -> str | None:
    """The sound, written to `target`: its media type. None where the film has none."""
    if not probed(file).sound:
        return None
    media_type, codec = AUDIO[kind]
    shape = ("-vn", "-sn", "-ac", "1", "-ar", "16000", *codec, "-bitexact", "-map_metadata", "-1", "-f", kind)
    FFMPEG.run((*CAREFULLY, "-nostdin", "-y", "-i", _input(file), *shape, _input(target)), seconds=SOUND_SECONDS)
    return media_type


def _input(file: Path) -> str:
    """Whatever a file is called, ffmpeg takes this for the path of a file: no option, no address, no pattern."""
    return f"file:{file.resolve()}"
