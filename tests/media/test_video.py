"""Frames and sound of films that ffmpeg itself made, and of files that are none."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making_media import film
from PIL import Image

from buttermilk.core.errors import ConfigError, DataError
from buttermilk.media import video
from buttermilk.media.video import audio, frames, moments, probed

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, five frames a second, with a tone."""
    return film(tmp_path_factory.mktemp("films") / "clip.mp4")


def test_frames_come_evenly_spaced_in_order_and_within_the_limit(clip: Path) -> None:
    found = list(frames(clip, 4, longest_side=32))
    assert [frame.seconds for frame in found] == [0.5, 1.5, 2.5, 3.5]
    assert [Image.open(BytesIO(frame.data)).size for frame in found] == [(32, 24)] * 4
    assert len({frame.data for frame in found}) == 4


def test_or_one_every_so_many_seconds_and_never_larger_than_they_are(clip: Path) -> None:
    found = list(frames(clip, every=1.5))
    assert [frame.seconds for frame in found] == [0.0, 1.5, 3.0]
    assert Image.open(BytesIO(found[0].data)).size == (64, 48)


def test_the_same_film_gives_the_same_frames(clip: Path) -> None:
    assert list(frames(clip, 2)) == list(frames(clip, 2))


@given(st.floats(0.1, 14_400), st.integers(1, 100))
def test_moments_lie_within_the_film_and_in_order(seconds: float, count: int) -> None:
    found = moments(seconds, count)
    assert len(found) == count
    assert found == sorted(found)
    assert found[0] >= 0
    assert found[-1] <= seconds


@pytest.mark.parametrize(
    ("seconds", "every", "expected"), [(20, 8, [0, 8, 16]), (16, 8, [0, 8]), (3, 8, [0]), (1, 0.5, [0, 0.5])]
)
def test_a_moment_every_so_often_from_the_start(seconds: float, every: float, expected: list[float]) -> None:
    assert moments(seconds, every=every) == expected


def test_a_frame_every_millisecond_of_a_long_film_is_refused() -> None:
    with pytest.raises(DataError, match="makes more than 1,000"):
        moments(60, every=0.001)


def test_where_the_sound_is_longer_the_last_picture_stays(tmp_path: Path) -> None:
    long = film(tmp_path / "long.mp4", seconds=2, rate=1, sound="4")
    found = list(frames(long, 3))
    assert [frame.seconds for frame in found] == [0.667, 2.0, 3.333]
    assert found[1].data == found[2].data


def test_the_sound_is_one_channel_of_sixteen_kilohertz(clip: Path, tmp_path: Path) -> None:
    assert audio(clip, tmp_path / "a.wav", "wav") == "audio/wav"
    assert audio(clip, tmp_path / "a.mp3") == "audio/mpeg"
    wav = (tmp_path / "a.wav").read_bytes()
    assert wav[:4] == b"RIFF"
    assert int.from_bytes(wav[22:24], "little") == 1
    assert int.from_bytes(wav[24:28], "little") == 16_000
    assert len(wav) == pytest.approx(4 * 32_000, rel=0.02)
    assert probed(tmp_path / "a.mp3").seconds == pytest.approx(4, abs=0.2)


def test_a_silent_film_has_no_sound_and_a_recording_no_frames(clip: Path, tmp_path: Path) -> None:
    silent = film(tmp_path / "silent.mp4", seconds=1, sound=None)
    assert audio(silent, tmp_path / "none.mp3") is None
    assert not (tmp_path / "none.mp3").exists()
    audio(clip, tmp_path / "speech.mp3")
    with pytest.raises(DataError, match="no moving picture"):
        list(frames(tmp_path / "speech.mp3", 2))


@pytest.mark.parametrize("name", ["-i.mp4", "a\nb.mp4", "concat:x|y.mp4", "%03d.mp4", "a b'\".mp4", "https:__x.mp4"])
def test_whatever_a_film_is_called_it_is_a_file_and_nothing_else(
    clip: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert len(list(frames(Path(name), 1))) == 1


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no film at all " * 100,
        HLS.format("file:///etc/passwd").encode(),
        HLS.format("http://127.0.0.1:9/x.ts").encode(),
        b"ffconcat version 1.0\nfile clip.mp4\n",
        b"\x00\x00\x00\x18ftypmp42" + b"\0" * 500,
    ],
    ids=["empty", "text", "a playlist of files", "a playlist of addresses", "a list of films", "only a beginning"],
)
def test_what_is_no_film_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.mp4"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(frames(file, 2))
    assert str(tmp_path) not in str(caught.value)


def test_a_film_that_was_cut_off_is_refused_and_not_filled_up(clip: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:9_000])
    with pytest.raises(DataError, match="breaks off"):
        list(frames(cut, 4))
    with pytest.raises(DataError, match="breaks off"):
        audio(cut, tmp_path / "cut.mp3")


def test_a_film_that_is_too_long_too_large_or_of_too_large_a_picture_is_refused(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, limit, said in [
        ("LONGEST_SECONDS", 2, "Cut it first"),
        ("MOST_BYTES", 2, "larger than"),
        ("MOST_PIXELS", 2, "64 × 48 pixels"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(video, name, limit)
            with pytest.raises(DataError, match=said):
                probed(clip)


def test_a_program_that_takes_too_long_is_stopped(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "FRAME_SECONDS", 0.0001)
    with pytest.raises(DataError, match="and was stopped"):
        probed(clip)


def test_where_ffmpeg_is_missing_one_line_says_what_to_install(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="is not installed") as caught:
        probed(clip)
    assert "sudo apt-get install ffmpeg" in caught.value.hint


def test_the_version_that_made_it_is_known() -> None:
    assert video.FFMPEG.version.startswith("ffmpeg ")
    assert video.FFMPEG.version[7].isdigit()
