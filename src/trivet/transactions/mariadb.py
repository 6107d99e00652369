"""MariaDB as a participant: ``XA``, and a table that remembers what was committed.

MariaDB forgets a branch as soon as it is finished: ``XAER_NOTA`` may mean committed, rolled back, lost, or
held by a session that still lives. So each branch also inserts its name into the table ``trivet_branches``
of its database: the row is there exactly when the branch was committed (Rule X6). The row goes when the
record is gone. The table's row ``identity`` says which database this is, also behind another address.
"""

from typing import Final

from trivet.transactions.asking import Fault, Refusal, Rows, Work, must, pause, tell
from trivet.transactions.branch import (
    BUSY_PAUSE_S,
    BUSY_TRIES,
    DONE,
    Branch,
    End,
    Stage,
    Verdict,
    failed,
)
from trivet.transactions.errors import SetupError
from trivet.transactions.names import Name, parse
from trivet.transactions.records import BranchRow

FORMAT_ID: Final = 0x54525654
"""Of our XA names: ``TRVT``."""
TABLE: Final = "trivet_branches"
_NO_TABLE: Final = "1146"
_NOT_ALLOWED: Final = ("1044", "1142", "1227")
_NOTA: Final = "1397"
_ROLLED_BACK: Final = ("1402", "1613", "1614")
RETRYABLE: Final = ("1020", "1040", "1053", "1205", "1213", "1402", "1613", "1614")
"""Record changed, too many connections, shutdown, lock wait, deadlock, and the XA forms of them."""
_SWEEP_MAX: Final = 1_000


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _table(database: str) -> str:
    return f"`{database.replace('`', '``')}`.{TABLE}"


def _xid(name: Name, branch: str) -> str:
    return f"{_quoted(name.gtrid)},{_quoted(branch)},{FORMAT_ID}"


class MariaDB:
    """The kind ``mariadb``."""

    kind = "mariadb"

    def identify(self, to: str, make: bool = True) -> Work[str]:
        """The identity of the database that is selected, and its name. Makes the table if there is none."""
        answer = yield from must(to, "identify", "SELECT DATABASE(), @@in_transaction", rows=True)
        database, under_way = answer.rows[0]
        if not database:
            raise SetupError(f"{to}: no database is selected: connect with one (its {TABLE} table is needed)")
        if int(str(under_way)):
            raise SetupError(f"{to}: its connection is in a transaction: commit or roll it back before")
        table = _table(str(database))
        question = f"SELECT value FROM {table} WHERE name = 'identity'"
        found = yield from tell(to, "identity", question, rows=True)
        if isinstance(found, Fault) and found.code == _NO_TABLE and not make:
            return f"none/{database}"
        if isinstance(found, Fault) and found.code == _NO_TABLE:
            yield from self._make(to, table)
            found = yield from tell(to, "identity", question, rows=True)
        elif isinstance(found, Rows) and not found.rows:
            yield from must(to, "identity", f"INSERT IGNORE INTO {table} VALUES ('identity', UUID())")
            found = yield from tell(to, "identity", question, rows=True)
        if isinstance(found, Fault):
            raise Refusal(to, found)
        return f"{found.rows[0][0]}/{database}"

    def _make(self, to: str, table: str) -> Work[None]:
        """The table; who may not make it is told what to ask for."""
        sql = (
            f"CREATE TABLE IF NOT EXISTS {table} (name VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin "
            "PRIMARY KEY, value VARCHAR(64) CHARACTER SET ascii NOT NULL) ENGINE=InnoDB"
        )
        made = yield from tell(to, "make table", sql)
        if isinstance(made, Fault):
            if made.code in _NOT_ALLOWED:
                raise SetupError(
                    f"{to}: the table that remembers branches is missing and this user may not make it; "
                    f"let an administrator run: {sql}; and GRANT SELECT, INSERT, DELETE ON it"
                )
            raise Refusal(to, made)
        yield from must(to, "identity", f"INSERT IGNORE INTO {table} VALUES ('identity', UUID())")

    def begin(self, branch: Branch, name: Name) -> Work[None]:
        """``XA START``."""
        branch.row.where = yield from self.identify(branch.name)
        xid = _xid(name, branch.name)
        yield from must(branch.name, "begin", f"XA START {xid}", retryable=RETRYABLE)
        branch.stage = Stage.ACTIVE

    def note(self, branch: Branch) -> Work[None]:
        """Nothing: the table does it."""
        yield from ()

    def prepare(self, branch: Branch, name: Name) -> Work[None]:
        """The row, ``XA END``, ``XA PREPARE``."""
        to, xid = branch.name, _xid(name, branch.name)
        row = _quoted(name.branch(to))
        insert = f"INSERT INTO {_table(_database(branch.row))} VALUES ({row}, '')"
        yield from must(to, "remember", insert, retryable=RETRYABLE)
        yield from must(to, "end", f"XA END {xid}", retryable=RETRYABLE)
        branch.stage = Stage.UNKNOWN
        answer = yield from tell(to, "prepare", f"XA PREPARE {xid}")
        if isinstance(answer, Fault):
            raise Refusal(to, answer, answer.lost or answer.code in RETRYABLE)
        branch.stage = Stage.PREPARED

    def abandon(self, branch: Branch, name: Name) -> Work[None]:
        """``XA END`` and ``XA ROLLBACK``."""
        if branch.stage is Stage.ACTIVE:
            xid = _xid(name, branch.name)
            yield from tell(branch.name, "end", f"XA END {xid}")
            yield from tell(branch.name, "rollback", f"XA ROLLBACK {xid}")
            branch.stage = Stage.NEW

    def finish(self, to: str, row: BranchRow, name: Name, commit: bool) -> Work[Verdict]:
        """``XA COMMIT`` or ``XA ROLLBACK``, and how it stands when there is no such branch."""
        verb = "COMMIT" if commit else "ROLLBACK"
        verdict = DONE
        for attempt in range(BUSY_TRIES):
            answer = yield from tell(to, verb.lower(), f"XA {verb} {_xid(name, row.name)}")
            if isinstance(answer, Rows) or (not commit and answer.code in _ROLLED_BACK):
                return DONE
            if answer.lost:
                return failed(answer)
            verdict = yield from self._outcome(to, row, name, commit, answer)
            if verdict.end not in (End.BUSY, End.LOST):
                return verdict
            if attempt + 1 < BUSY_TRIES:  # another session may be between forgetting it and showing its row
                yield from pause(BUSY_PAUSE_S)
        return verdict

    def _outcome(self, to: str, row: BranchRow, name: Name, commit: bool, fault: Fault) -> Work[Verdict]:
        """It could not be finished so: is it held by a session, was it finished, is it gone?"""
        listed = yield from self._listed(to)
        if isinstance(listed, Fault):
            return failed(listed)
        if (name.gtrid, row.name) in listed:
            if fault.code == _NOTA:
                return Verdict(End.BUSY, "the session that prepared it is still connected")
            return failed(fault)
        mark = f"SELECT name FROM {_table(_database(row))} WHERE name = {_quoted(name.branch(row.name))}"
        found = yield from tell(to, "look", mark, rows=True)
        if isinstance(found, Fault):
            return failed(found)
        if bool(found.rows) == commit:
            return DONE
        if commit:
            text = (
                "the prepared branch does not exist: somebody rolled it back by hand, or the server lost it"
            )
            return Verdict(End.LOST, text)
        return Verdict(End.HEURISTIC, "somebody committed it by hand, against the decision")

    def _listed(self, to: str) -> Work[list[tuple[str, str]] | Fault]:
        """What ``XA RECOVER`` lists of ours: gtrid and bqual."""
        answer = yield from tell(to, "list prepared", "XA RECOVER", rows=True)
        if isinstance(answer, Fault):
            return answer
        found: list[tuple[str, str]] = []
        for format_id, gtrid_bytes, _, data in answer.rows:
            raw = data if isinstance(data, bytes) else str(data).encode()
            if int(str(format_id)) == FORMAT_ID:
                size = int(str(gtrid_bytes))
                found.append((raw[:size].decode("ascii", "replace"), raw[size:].decode("ascii", "replace")))
        return found

    def prepared(self, to: str, cluster: str) -> Work[list[tuple[Name, str]] | Fault]:
        """From ``XA RECOVER``."""
        listed = yield from self._listed(to)
        if isinstance(listed, Fault):
            return listed
        found = [parse(f"{gtrid}:{branch}") for gtrid, branch in listed]
        return [one for one in found if one is not None and one[0].cluster == cluster]

    def sweep(self, to: str, row: BranchRow, name: Name) -> Work[None]:
        """Remove the row."""
        sql = f"DELETE FROM {_table(_database(row))} WHERE name = {_quoted(name.branch(row.name))}"
        yield from tell(to, "forget", sql)

    def remains(self, to: str, cluster: str) -> Work[list[tuple[Name, str]] | Fault]:
        """The rows in the table of the database that is selected."""
        sql = f"SELECT name FROM {TABLE} WHERE name LIKE 'trivet:%' LIMIT {_SWEEP_MAX}"
        answer = yield from tell(to, "list remains", sql, rows=True)
        if isinstance(answer, Fault):
            return answer
        found = [parse(_text(row[0])) for row in answer.rows]
        return [one for one in found if one is not None and one[0].cluster == cluster]


def _database(row: BranchRow) -> str:
    return row.where.partition("/")[2]


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
