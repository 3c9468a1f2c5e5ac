"""What is said to a proxy before a tunnel is open, without any network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import ProxyError
from passthru.upstreams.dialogue import Dialogue, Read, ReadUntil, Send, Target
from passthru.upstreams.http_connect import http_dialogue
from passthru.upstreams.proxy import ProxyAddress
from passthru.upstreams.socks import socks_dialogue
from tests.upstreams.proxies import ENCODED, PASSWORD, USER

SOCKS = ProxyAddress.parse("socks5h://127.0.0.1:1080")
SOCKS_LOGIN = ProxyAddress.parse(f"socks5h://{ENCODED}@127.0.0.1:1080")
HTTP = ProxyAddress.parse("http://127.0.0.1:3128")
HTTP_LOGIN = ProxyAddress.parse(f"http://{ENCODED}@127.0.0.1:3128")
NAME = Target("cache.test", 443)
YES = b"\5\0\0\1\0\0\0\0\0\0"


class TooShortError(Exception):
    """The dialogue wants more than the other side has said."""


def play(dialogue: Dialogue, answer: bytes) -> tuple[bytes, bytes]:
    """Let the other side say `answer` and no more; return what was sent, and what was not read."""
    sent = b""
    step = next(dialogue)
    while True:
        try:
            match step:
                case Send(data):
                    sent += data
                    step = next(dialogue)
                case Read(count):
                    if len(answer) < count:
                        raise TooShortError
                    said, answer = answer[:count], answer[count:]
                    step = dialogue.send(said)
                case ReadUntil(mark, most):
                    if mark not in answer and len(answer) < most:
                        raise TooShortError
                    said, answer = answer[:most], answer[most:]
                    step = dialogue.send(said)
        except StopIteration:
            return sent, answer


def refusal(dialogue: Dialogue, answer: bytes) -> str:
    """Return the words of the error that an answer leads to."""
    with pytest.raises(ProxyError) as error:
        play(dialogue, answer)
    message = error.value.message
    assert "\n" not in message
    assert not any(secret in message for secret in ("S3CRET", USER, ENCODED))
    return message


class TestSocks:
    """RFC 1928 and RFC 1929."""

    def test_a_name_goes_to_the_proxy(self) -> None:
        """The proxy looks it up."""
        sent, left = play(socks_dialogue(SOCKS, NAME), b"\5\0" + YES + b"tls")

        assert sent == b"\5\1\0" + b"\5\1\0\3\x0acache.test\x01\xbb"
        assert left == b"tls"

    @pytest.mark.parametrize(
        ("host", "packed"),
        [
            ("192.0.2.1", b"\1\xc0\0\2\1"),
            ("2001:db8::1", b"\4\x20\1\x0d\xb8" + bytes(11) + b"\1"),
        ],
    )
    def test_an_address_goes_as_one(self, host: str, packed: bytes) -> None:
        """In four bytes or sixteen."""
        sent, _ = play(socks_dialogue(SOCKS, Target(host, 80)), b"\5\0" + YES)

        assert sent == b"\5\1\0\5\1\0" + packed + b"\0\x50"

    def test_a_login(self) -> None:
        """User name and password, decoded, when the proxy wants them."""
        sent, _ = play(socks_dialogue(SOCKS_LOGIN, NAME), b"\5\2\1\0" + YES)

        login = bytes([1, len(USER)]) + USER.encode() + bytes([len(PASSWORD)]) + PASSWORD.encode()
        assert sent.startswith(b"\5\2\0\2" + login + b"\5\1\0\3")

    def test_no_login_where_none_is_wanted(self) -> None:
        """A proxy that lets everybody in is not told the password."""
        sent, _ = play(socks_dialogue(SOCKS_LOGIN, NAME), b"\5\0" + YES)

        assert PASSWORD.encode() not in sent

    @pytest.mark.parametrize(
        "own", [b"\1\0\0\0\0\0\0", b"\4" + bytes(18), b"\3\4name\0\0", b"\3\0\0\0"]
    )
    def test_the_proxys_own_address_may_be_any(self, own: bytes) -> None:
        """Nothing of it is left for the upstream's answer."""
        _, left = play(socks_dialogue(SOCKS, NAME), b"\5\0\5\0\0" + own + b"rest")

        assert left == b"rest"

    @pytest.mark.parametrize(
        ("code", "word"),
        [
            (1, "does not say why"),
            (2, "rules"),
            (3, "network"),
            (4, "does not reach the host"),
            (5, "refused"),
            (6, "too long"),
            (7, "CONNECT"),
            (8, "type of address"),
            (9, "(9)"),
            (255, "(255)"),
        ],
    )
    def test_every_reply_code_is_told(self, code: int, word: str) -> None:
        """In words, with the target."""
        message = refusal(socks_dialogue(SOCKS, NAME), b"\5\0\5" + bytes([code]) + b"\0\1")

        assert word in message
        assert "cache.test:443" in message

    @pytest.mark.parametrize(
        ("answer", "word"),
        [
            (b"\4\x5a", "SOCKS 5"),
            (b"HT", "SOCKS 5"),
            (b"\0\0", "SOCKS 5"),
            (b"\5\xff", "has none"),
            (b"\5\2", "not offered"),
            (b"\5\1", "not offered"),
            (b"\5\0\4\0\0\1", "version"),
            (b"\5\0\5\0\0\2", "address"),
            (b"\5\0\5\0\0\0", "address"),
        ],
    )
    def test_nonsense_is_refused(self, answer: bytes, word: str) -> None:
        """Whatever is not RFC 1928 ends the connection."""
        assert word in refusal(socks_dialogue(SOCKS, NAME), answer)

    @pytest.mark.parametrize(
        ("answer", "word"),
        [
            (b"\5\xff", "neither"),
            (b"\5\2\1\1", "does not accept"),
            (b"\5\2\1\xff", "does not accept"),
            (b"\5\2\5\0", "version"),
        ],
    )
    def test_a_refused_login_is_told(self, answer: bytes, word: str) -> None:
        """Without the words that were refused."""
        assert word in refusal(socks_dialogue(SOCKS_LOGIN, NAME), answer)

    @given(st.binary(max_size=40))
    def test_no_answer_breaks_it(self, answer: bytes) -> None:
        """It ends open, refused, or waiting for more, and in no other way."""
        for proxy in (SOCKS, SOCKS_LOGIN):
            try:
                play(socks_dialogue(proxy, NAME), answer)
            except (ProxyError, TooShortError):
                continue

    def test_a_name_that_does_not_fit(self) -> None:
        """It has one byte for its length."""
        assert "name" in refusal(socks_dialogue(SOCKS, Target("a" * 256, 1)), b"\5\0")


class TestHttp:
    """The method CONNECT."""

    def test_a_connection(self) -> None:
        """Host and port in the request line and in Host (RFC 9112, 3.2.3)."""
        sent, _ = play(http_dialogue(HTTP, NAME), b"HTTP/1.1 200 Connection established\r\n\r\n")

        assert sent == (b"CONNECT cache.test:443 HTTP/1.1\r\nHost: cache.test:443\r\n\r\n")

    def test_an_ipv6_address_has_brackets(self) -> None:
        """As in every authority."""
        sent, _ = play(
            http_dialogue(HTTP, Target("2001:db8::1", 80)), b"HTTP/1.0 200\r\nVia: x\r\n\r\n"
        )

        assert sent.startswith(b"CONNECT [2001:db8::1]:80 HTTP/1.1\r\n")

    def test_a_login(self) -> None:
        """Basic, decoded from the URL (RFC 7617)."""
        sent, _ = play(http_dialogue(HTTP_LOGIN, NAME), b"HTTP/1.1 200 OK\r\n\r\n")

        assert b"\r\nProxy-Authorization: Basic bW9sZTpwQHNzOncvcmQtUzNDUkVU\r\n\r\n" in sent

    @pytest.mark.parametrize(
        ("status", "word"),
        [
            (407, "has none"),
            (403, "rules"),
            (502, "(502)"),
            (504, "too long"),
            (405, "CONNECT"),
            (100, "(100)"),
            (204, "(204)"),
            (302, "(302)"),
            (999, "(999)"),
        ],
    )
    def test_all_but_200_is_a_refusal(self, status: int, word: str) -> None:
        """Also other 2xx and 1xx, which no proxy has a reason to say."""
        answer = b"HTTP/1.1 %d Whatever\r\nContent-Length: 3\r\n\r\nabc" % status

        assert word in refusal(http_dialogue(HTTP, NAME), answer)

    def test_a_refused_login_is_told(self) -> None:
        """407 means something else when there was a password."""
        assert "not accept" in refusal(http_dialogue(HTTP_LOGIN, NAME), b"HTTP/1.1 407 No\r\n\r\n")

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/2 200 OK\r\n\r\n",
            b"HTTP/1.1 2000 OK\r\n\r\n",
            b"HTTP/1.1 200\tOK\r\n\r\n",
            b"HTTP/1.1 200 O\0K\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n",
            b"HTTP/1.1 200 OK\n\nGET\r\n\r\n",
            b"\x05\x00\r\n\r\n",
            b"\r\n\r\n",
            b" HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
            b"a" * 20000,
        ],
    )
    def test_nonsense_is_refused(self, answer: bytes) -> None:
        """What is not the head of an HTTP/1 answer, of a bounded length."""
        refusal(http_dialogue(HTTP, NAME), answer)

    def test_nothing_may_follow_the_head(self) -> None:
        """Bytes that the upstream cannot have said would be taken for its answer."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"

        assert "more than" in refusal(http_dialogue(HTTP, NAME), answer)

    @given(st.binary(max_size=60), st.sampled_from([b"", b"HTTP/1.1 200 ", b"HTTP/1.1 407 "]))
    def test_no_answer_breaks_it(self, answer: bytes, start: bytes) -> None:
        """It ends open, refused, or waiting for more, and in no other way."""
        try:
            play(http_dialogue(HTTP, NAME), start + answer)
        except (ProxyError, TooShortError):
            return
