"""Dumps of libraries."""

import pytest

from trivet.core.script.dump import BadDump, crc64, dump, load

BY_REDIS = (
    b"\xf5\xc3@\xccAZ\x1f#!lua name=mylib\nredis.register_\x0efunction('f1', \xe0\x00\x0e\x13keys,args) return {#`\x13\x00#@\x14\x05} end)"
    b"\xe0\x0fK\x00{\xc0E\x00_`w\r'f2',callback=\xc0\x1b\x03(k,a\xe0\x00[\x80\x94@#\x0f('set',k[1],'1')@h\x07,descrip@\xa7\x01='@\x0c"
    b"\n',flags={}}\xe0\x1f\x84\x01ro\xe0#\x84\x00g\xc0\x84\x80\x80\xa0m\x0c'no-writes'}}\n\x00csn\xa2y\x02\xd8\x00"
)


def test_the_checksum_is_that_of_redis():
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA
    assert dump([]) == b"\n\x00]\x9b\\@\x0f\x7f\xa2\xda"


def test_there_and_back():
    texts = [b"", b"a", b"x" * 63, b"x" * 64, b"y" * 20_000]
    assert load(dump(texts)) == texts


def test_compressed_ones_of_redis():
    (text,) = load(BY_REDIS)
    assert text.startswith(b"#!lua name=mylib\nredis.register_function('f1', function(keys,args)")
    assert text.endswith(b"flags={'no-writes'}}")


@pytest.mark.parametrize("bad", [b"", b"xx", BY_REDIS[:-1] + b"x", b"\xff" * 12])
def test_bad_ones_are_refused(bad: bytes):
    with pytest.raises(BadDump):
        load(bad)


def _sealed(body: bytes) -> bytes:
    body += b"\x0a\x00"
    return body + crc64(body).to_bytes(8, "little")


@pytest.mark.parametrize(
    "body",
    [b"\x01a", b"\xf5", b"\xf5\x05abc", b"\xf5\x80\xff\xff\xff\xff", b"\xf5\xc3\x02\x80\xff\xff\xff\xff\x20\x01",
     b"\xf5\xc3\x02\x05\x20\x01", b"\xf5\xc3\x01\x05\x20", b"\xf5\xc1a", b"\xf5\xc3\x03\x02\x00a\x00"],
)  # fmt: skip
def test_lengths_that_lie(body: bytes):
    with pytest.raises(BadDump):
        load(_sealed(body))
