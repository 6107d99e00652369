"""What CLIENT TRACKING and its relatives answer."""

from tests.core.node.bench import Bench

SWITCH = "before disabling tracking for this client, and then re-enabling it with a different mode."


def test_options_that_do_not_go_together():
    Bench().talk(
        """
        a> CLIENT TRACKING foo | CLIENT TRACKING on foo | CLIENT TRACKING on redirect
        -ERR syntax error
        -ERR syntax error
        -ERR syntax error
        a> CLIENT TRACKING on redirect 99 | CLIENT TRACKING on redirect x
        -ERR The client ID you want redirect to does not exist
        -ERR value is not an integer or out of range
        a> CLIENT TRACKING on optin optout | CLIENT TRACKING on prefix a | CLIENT TRACKING on bcast optin
        -ERR You can't specify both OPTIN mode and OPTOUT mode
        -ERR PREFIX option requires BCAST mode to be enabled
        -ERR OPTIN and OPTOUT are not compatible with BCAST
        a> CLIENT TRACKING on bcast prefix foo prefix foobar
        -ERR Prefix 'foo' overlaps with another provided prefix 'foobar'. Prefixes for a single client must not overlap.
        a> CLIENT TRACKING on redirect 1 redirect 1
        -ERR A client can only redirect to a single other client
        """
    )


def test_modes_are_not_switched_on_the_way():
    bench = Bench()
    bench.say("a", "CLIENT TRACKING on optin")
    assert bench.ask("a", "CLIENT TRACKING on optout") == f"-ERR You can't switch OPTIN/OPTOUT mode {SWITCH}"
    assert bench.ask("a", "CLIENT TRACKING on bcast") == f"-ERR You can't switch BCAST mode on/off {SWITCH}"
    assert bench.say("a", "CLIENT TRACKING off | CLIENT TRACKING on bcast prefix aa prefix b") == [
        "+OK",
        "+OK",
    ]
    assert bench.ask("a", "CLIENT TRACKING on bcast prefix a") == (
        "-ERR Prefix 'a' overlaps with an existing prefix 'aa'. Prefixes for a single client must not overlap."
    )
    assert bench.ask("a", "CLIENT TRACKING on bcast prefix c") == "+OK"
    assert bench.ask("a", "CLIENT TRACKINGINFO").endswith('"prefixes" ["aa" "b" "c"]]')


def test_caching():
    Bench().talk(
        """
        a> CLIENT CACHING yes | CLIENT TRACKING on optin | CLIENT CACHING no | CLIENT CACHING what | CLIENT CACHING yes
        -ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
        +OK
        -ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.
        -ERR syntax error
        +OK
        a> CLIENT TRACKINGINFO | CLIENT GETREDIR
        ["flags" ["on" "optin" "caching-yes"] "redirect" 0 "prefixes" []]
        0
        a> CLIENT TRACKING off | CLIENT TRACKING on optout | CLIENT CACHING yes | CLIENT CACHING no
        +OK
        +OK
        -ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.
        +OK
        b> CLIENT GETREDIR | CLIENT TRACKINGINFO
        -1
        ["flags" ["off"] "redirect" -1 "prefixes" []]
        """
    )
