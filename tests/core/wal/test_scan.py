"""The scanner on hand-made files. ``f3`` is frame 3; ``-`` a sector of zeros; ``x`` one of garbage."""

from tests.core.wal.faulty_disk import Disk
from trivet.core.wal.frame import ALIGN_BYTES, Frame, aligned, encode_frame
from trivet.core.wal.record import BootRecord, encode_record
from trivet.core.wal.scan import ForeignFormat, Gap, Scanner, SegmentEnd, segment_numbers
from trivet.core.wal.segment import segment_file

SALT = 5


def sector(data):
    return data + bytes(aligned(len(data)) - len(data))


def frame(number, segment, offset=0, salt=SALT, size=10):
    records = [encode_record(BootRecord("c" * size, 1, number))]
    return sector(encode_frame(number, segment, offset, salt, records))


def disk_of(**segments):
    """``s1="f1 f2 x f4"``; written for another segment: ``f4@9``, for another sector of this one: ``f4#7``, of
    another log: ``f4!``, torn: ``ft4``.
    """
    disk = Disk()
    for name, text in segments.items():
        number = int(name[1:])
        data = b""
        for word in text.split():
            if word == "-":
                data += bytes(ALIGN_BYTES)
            elif word == "x":
                data += b"\xa5" * ALIGN_BYTES
            else:
                salt = 6 if word.endswith("!") else SALT
                word, _, place = word.partition("#")
                at, _, of = word.strip("f!").partition("@")
                offset = int(place) * ALIGN_BYTES if place else len(data)
                size = 600 if "t" in word else 10
                written = frame(int(at.strip("t")), int(of or number), offset, salt, size)
                data += written[:ALIGN_BYTES] if "t" in word else written
        disk.put(segment_file(number), data)
    return disk


def told(disk):
    words = []
    for found in Scanner(disk).scan():
        match found:
            case Frame():
                words.append(f"f{found.number}")
            case Gap():
                words.append(f"gap {found.first_lost}-{found.last_lost}")
            case SegmentEnd():
                words.append(f"end {found.end_offset // ALIGN_BYTES}{' torn' if found.torn else ''}")
            case ForeignFormat():
                words.append(f"format {found.version}")
    return ", ".join(words)


def test_frames_in_order():
    assert told(disk_of(s1="f1 f2 f3 - -", s2="f4 - -")) == "f1, f2, f3, end 3, f4, end 1"


def test_a_spare_is_empty_and_a_recycled_one_too():
    assert told(disk_of(s1="f1 -", s2="- -", s3="f1@1 f2@1")) == "f1, end 1, end 0, end 0"
    assert told(disk_of(s4="f7 f8", s5="f9@2 f10@2")) == "f7, f8, end 2, end 0"


def test_a_torn_tail():
    assert told(disk_of(s1="f1 f2 ft3 x -")) == "f1, f2, end 2 torn"
    assert told(disk_of(s1="f1 f2 x x -")) == "f1, f2, end 2"


def test_a_torn_frame_at_the_start_of_the_next_segment():
    assert told(disk_of(s1="f1 f2", s2="ft3 x")) == "f1, f2, end 2, end 0 torn"


def test_corruption_in_the_middle():
    assert told(disk_of(s1="f1 x f3 -")) == "f1, gap 2-2, f3, end 3"
    assert told(disk_of(s1="f1 ft2 x x f4")) == "f1, gap 2-3, f4, end 5"
    assert told(disk_of(s1="f1 f2 x", s2="f4")) == "f1, f2, end 2, gap 3-3, f4, end 1"
    assert told(disk_of(s1="f1", s2="x f3")) == "f1, end 1, gap 2-2, f3, end 2"
    assert told(disk_of(s1="f1", s3="f5")) == "f1, end 1, gap 2-4, f5, end 1"


def test_the_log_may_begin_with_any_segment_but_not_in_the_middle_of_one():
    assert told(disk_of(s5="f40 f41")) == "f40, f41, end 2"
    assert told(disk_of(s5="x f41")) == "gap 0-40, f41, end 2"
    assert told(disk_of(s5="x x", s6="f41")) == "end 0, gap 0-40, f41, end 1"
    assert told(disk_of(s1="- f1")) == "f1, end 2"


def test_frames_of_another_log_and_older_ones_do_not_count():
    assert told(disk_of(s1="f1 f9! f2")) == "f1, f2, end 3"
    assert told(disk_of(s1="f1 f2 x f1")) == "f1, f2, end 2"
    # The salt is that of the start of a segment, even when the first start is unreadable.
    assert told(disk_of(s1="x f9!", s2="f3")) == "end 0, gap 0-2, f3, end 1"


def test_a_frame_that_the_disk_put_elsewhere():
    # Ahead of its place: nothing is lost.
    assert told(disk_of(s1="f1 f2 - f3#2 -")) == "f1, f2, f3, end 4"
    # Ahead, and more followed: its content is there, the next frames stand after it.
    assert told(disk_of(s1="f1 f2 - f4 f3#2")) == "f1, f2, f3, f4, end 5"
    # Upon an older frame, which is lost.
    assert told(disk_of(s1="f1 f4#3 f3 - -")) == "f1, gap 2-2, f3, f4, end 3"
    # Upon the frame that began the log: what it said is lost, and the log does not begin with the other.
    assert told(disk_of(s3="f14#4 f11 f12 f13 - -")) == "gap 0-10, f11, f12, f13, f14, end 4"
    assert told(disk_of(s3="f14#4 - - -")) == "gap 0-13, f14, end 1"
    # Twice, because recovery wrote it again.
    assert told(disk_of(s1="f1 f3#2 f3")) == "f1, gap 2-2, f3, end 3"


def test_frames_not_at_a_sector_do_not_count():
    disk = disk_of(s1="f1")
    disk.put(segment_file(1), bytes(disk.files[segment_file(1)]) + b"y" + frame(2, 1))
    assert told(disk) == "f1, end 1"


def test_a_body_that_is_none_is_a_gap():
    disk = Disk()
    bad = sector(encode_frame(2, 1, ALIGN_BYTES, SALT, [b"\xc1"]))
    disk.put(segment_file(1), frame(1, 1) + bad + frame(3, 1, 2 * ALIGN_BYTES))
    assert told(disk) == "f1, gap 2-2, f3, end 3"


def test_an_empty_directory_and_an_empty_file():
    assert told(Disk()) == ""
    assert told(disk_of(s1="")) == "end 0"


def test_numbers():
    assert segment_numbers([segment_file(3), "x", segment_file(1)]) == [1, 3]
