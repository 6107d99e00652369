from tests.core.command.dialogue import check
from trivet.core.script import rows

assert rows.FAMILIES


def test_script():
    check("""
        > SCRIPT LOAD "return 1"
        "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
        > SCRIPT EXISTS E0E1F9FABFC9D4800C877A703B823AC0578FF8DB x
        [1 0]
        > EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
        1
        > SCRIPT FLUSH x
        -ERR SCRIPT FLUSH only support SYNC|ASYNC option
        > SCRIPT FLUSH ASYNC
        +OK
        > SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db
        [0]
        > SCRIPT KILL
        -NOTBUSY No scripts in execution right now.
        > SCRIPT DEBUG NO
        +OK
        > SCRIPT DEBUG YES
        -ERR there is no script debugger here: replicas run scripts when they apply the log
        > SCRIPT DEBUG x
        -ERR Use SCRIPT DEBUG YES/SYNC/NO
        > SCRIPT LOAD "return 1 +"
        -ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'
        > SCRIPT EXISTS
        -ERR wrong number of arguments for 'script|exists' command
        > SCRIPT NOSUCH
        -ERR unknown subcommand 'NOSUCH'. Try SCRIPT HELP.
    """)
