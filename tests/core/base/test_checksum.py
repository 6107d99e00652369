from trivet.core.base.checksum import DIGEST_BYTES, Digest, crc32


def test_crc32_is_the_well_known_one_and_goes_on_from_a_start():
    assert crc32(b"123456789") == 0xCBF43926
    assert crc32(b"6789", crc32(b"12345")) == 0xCBF43926
    assert crc32(memoryview(b"x123456789")[1:]) == 0xCBF43926


def test_a_digest_does_not_depend_on_the_pieces():
    one, two = Digest(), Digest()
    one.feed(b"abc")
    two.feed(b"a")
    two.feed(memoryview(b"bc"))
    assert one.value() == two.value()
    assert len(one.value()) == DIGEST_BYTES
    assert one.value().hex() == "cf4ab791c62b8d2b2109c90275287816"
