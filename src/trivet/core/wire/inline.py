r"""Inline commands: a request as a person types it, words on a line.

The quoting rules are those every Redis user knows: words are parted by blanks;
inside double quotes a backslash gives ``\xHH``, ``\n \r \t \b \a`` or the
character itself; inside single quotes only ``\'``; a closing quote must be
followed by a blank or the end. Rare and short, so clarity goes before speed.
"""

from typing import Final

_BLANKS: Final = b" \t\n\v\f\r"
_WORD_ENDS: Final = b" \t\n\r"
_DOUBLE_QUOTE: Final = 34
_SINGLE_QUOTE: Final = 39
_BACKSLASH: Final = 92
_LETTER_X: Final = 120
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
_ESCAPES: Final = {110: 10, 114: 13, 116: 9, 98: 8, 97: 7}
_HTTP_WORDS: Final = (b"post", b"host:")


def is_http(word: bytes) -> bool:
    """True for a first word that a web browser tricked into talking to us would send."""
    return len(word) <= 5 and word.lower() in _HTTP_WORDS


def split_inline(line: bytes) -> list[bytes] | None:
    """The words of a line (without its line feed); None when its quotes are unbalanced."""
    if _DOUBLE_QUOTE not in line and _SINGLE_QUOTE not in line and 11 not in line and 12 not in line:
        return line.split()
    words: list[bytes] = []
    at = 0
    size = len(line)
    while at < size:
        if line[at] in _BLANKS:
            at += 1
            continue
        word = bytearray()
        at = _take_word(line, at, word)
        if at < 0:
            return None
        words.append(bytes(word))
    return words


def _take_word(line: bytes, at: int, word: bytearray) -> int:
    """Take one word into ``word``; gives where it ended, or -1."""
    size = len(line)
    while at < size and line[at] not in _WORD_ENDS:
        quote = line[at]
        if quote != _DOUBLE_QUOTE and quote != _SINGLE_QUOTE:
            word.append(quote)
            at += 1
            continue
        at = _take_quoted(line, at + 1, quote, word)
        if at < 0 or at == size or line[at] in _BLANKS:
            return at
        return -1
    return at


def _take_quoted(line: bytes, at: int, quote: int, word: bytearray) -> int:
    """Take what stands between two quotes; gives where the closing one ends, or -1."""
    size = len(line)
    while at < size:
        byte = line[at]
        if byte == quote:
            return at + 1
        if byte != _BACKSLASH or at + 1 == size:
            word.append(byte)
            at += 1
        elif quote == _SINGLE_QUOTE:
            escaped = line[at + 1] == _SINGLE_QUOTE
            word.append(_SINGLE_QUOTE if escaped else byte)
            at += 2 if escaped else 1
        elif line[at + 1] == _LETTER_X and _are_hex(line[at + 2 : at + 4]):
            word.append(int(line[at + 2 : at + 4], 16))
            at += 4
        else:
            word.append(_ESCAPES.get(line[at + 1], line[at + 1]))
            at += 2
    return -1


def _are_hex(digits: bytes) -> bool:
    return len(digits) == 2 and digits[0] in _HEX_DIGITS and digits[1] in _HEX_DIGITS
