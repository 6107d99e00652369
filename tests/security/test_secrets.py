"""No password is shown to those who look on: MONITOR, SLOWLOG, ACL LOG, INFO, CLIENT LIST, CONFIG GET, the log."""

from tests.core.node.bench import Bench

SECRETS = ("the-file-s", "anns-own", "asked-for", "in-a-rule", "for-hello", "mistyped")
LOOKS = (
    "SLOWLOG GET -1",
    "ACL LOG",
    "ACL LIST",
    "ACL GETUSER ann",
    "ACL GETUSER default",
    "INFO everything",
    "CLIENT LIST",
    "CLIENT INFO",
    "CONFIG GET *",
    "CONFIG GET requirepass",
    "LATENCY LATEST",
    "COMMAND LIST",
    "MEMORY DOCTOR",
)


def test_no_secret_is_shown_anywhere():
    bench = Bench(3, password="the-file-s")
    bench.say("m", "AUTH the-file-s")
    bench.connect("eye")
    bench.say("eye", "AUTH the-file-s | MONITOR")
    seen: list[str] = []
    for line in (
        "CONFIG SET slowlog-log-slower-than 0",
        "ACL SETUSER ann on >anns-own ~* &* +@all",
        "ACL SETUSER bob on >in-a-rule +nosuch",
        "CONFIG SET requirepass asked-for",
        "AUTH ann anns-own",
        "AUTH default asked-for",
        "AUTH ann mistyped",
        "HELLO 3 AUTH ann for-hello",
        "HELLO 3 AUTH ann anns-own SETNAME x",
        "HELLO 2",
        "MULTI",
        "AUTH ann anns-own",
        "EXEC",
    ):
        seen += bench.say("m", line)
    bench.wait(300)
    for look in LOOKS:
        seen += bench.say("m", look)
    whole = "\n".join(
        [*seen, bench.clients["eye"].received.decode("latin-1"), *[text for _, text in bench.events]]
    )
    assert all(word in whole for word in ("(redacted)", "slowlog", "ann", "WRONGPASS"))
    assert [secret for secret in SECRETS if secret in whole] == []
    logged = b"".join(bytes(data) for server in bench.servers.values() for data in server.disk.files.values())
    assert [secret for secret in SECRETS if secret.encode() in logged] == []
