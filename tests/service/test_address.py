import pytest

from stagekeeper.config.errors import ConfigurationError
from stagekeeper.service.address import ListenAddress, parse_listen_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":9889", ListenAddress(None, 9889)),
        ("0.0.0.0:9889", ListenAddress("0.0.0.0", 9889)),  # noqa: S104 - only parsed
        ("127.0.0.1:0", ListenAddress("127.0.0.1", 0)),
        ("localhost:9889", ListenAddress("localhost", 9889)),
        ("[::1]:9889", ListenAddress("::1", 9889)),
        ("[::]:65535", ListenAddress("::", 65535)),
    ],
)
def test_an_address_is_parsed_and_printed_as_it_was_written(text: str, expected: ListenAddress) -> None:
    assert parse_listen_address(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("9889", "is not host:port; write :9889, 127.0.0.1:9889 or, for IPv6, [::1]:9889."),
        ("", "is not host:port; write :9889, 127.0.0.1:9889 or, for IPv6, [::1]:9889."),
        ("::1:9889", "is not host:port; write :9889, 127.0.0.1:9889 or, for IPv6, [::1]:9889."),
        ("http://localhost:9889", "is not host:port; write :9889, 127.0.0.1:9889 or, for IPv6, [::1]:9889."),
        ("localhost:", "has the port ''; a port is a number from 0 to 65535."),
        (":http", "has the port 'http'; a port is a number from 0 to 65535."),
        (":65536", "has the port '65536'; a port is a number from 0 to 65535."),
        (":-1", "has the port '-1'; a port is a number from 0 to 65535."),
        (":٣", "has the port '٣'; a port is a number from 0 to 65535."),
        ("[localhost]:1", "has 'localhost' in brackets, which is not an IPv6 address."),
        ("a b:1", "has a host 'a b' that is neither a name nor an IP address."),
    ],
)
def test_a_bad_address_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_listen_address(text)
    assert str(raised.value) == f"--web.listen-address={text} {complaint}"
