"""PostgreSQL as a participant: ``PREPARE TRANSACTION`` and what its answers mean.

What a prepared transaction came to can be asked by its number (``txid_status``), which the record holds: so a
branch that somebody finished by hand is told from one that we finished before (Rule X6).
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

_UNDEFINED: Final = "42704"
_IN_USE: Final = "55000"
_FUTURE: Final = "22023"
RETRYABLE: Final = ("40001", "40P01", "53200", "53300", "55P03", "57P01", "57P02", "57P03")
"""Serialization, deadlock, too many prepared or connections, lock, shutdown: the same may succeed later."""

_WHERE: Final = (
    "SELECT current_setting('max_prepared_transactions'), system_identifier::text, current_database()::text "
    "FROM pg_control_system()"
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class Postgres:
    """The kind ``postgres``."""

    kind = "postgres"

    def identify(self, to: str, make: bool = True) -> Work[str]:
        """System identifier and database. Raises ``SetupError`` when it prepares nothing."""
        answer = yield from must(to, "identify", _WHERE, rows=True)
        prepared_max, system, database = answer.rows[0]
        if prepared_max == "0":
            raise SetupError(
                f"{to}: max_prepared_transactions is 0, so PostgreSQL prepares nothing: set it in "
                "postgresql.conf (to at least the number of transactions at a time) and restart the server"
            )
        return f"{system}/{database}"

    def begin(self, branch: Branch, name: Name) -> Work[None]:
        """``BEGIN``."""
        branch.row.where = yield from self.identify(branch.name)
        yield from must(branch.name, "begin", "BEGIN", retryable=RETRYABLE)
        branch.stage = Stage.ACTIVE

    def note(self, branch: Branch) -> Work[None]:
        """The number of the transaction."""
        answer = yield from must(
            branch.name, "note", "SELECT txid_current()::text", rows=True, retryable=RETRYABLE
        )
        branch.row.note = str(answer.rows[0][0])

    def prepare(self, branch: Branch, name: Name) -> Work[None]:
        """``PREPARE TRANSACTION``; one that has failed before is rolled back by it, without an error."""
        branch.stage = Stage.UNKNOWN
        sql = f"PREPARE TRANSACTION {_quoted(name.branch(branch.name))}"
        answer = yield from tell(branch.name, "prepare", sql)
        if isinstance(answer, Fault):
            if not answer.lost:
                branch.stage = Stage.NEW
            raise Refusal(branch.name, answer, answer.lost or answer.code in RETRYABLE)
        if answer.status != "PREPARE TRANSACTION":
            branch.stage = Stage.NEW
            text = "the transaction had failed, or was ended by a statement, before it could be prepared"
            raise Refusal(branch.name, Fault("", text))
        branch.stage = Stage.PREPARED

    def abandon(self, branch: Branch, name: Name) -> Work[None]:
        """``ROLLBACK``."""
        if branch.stage is Stage.ACTIVE:
            yield from tell(branch.name, "rollback", "ROLLBACK")
            branch.stage = Stage.NEW

    def finish(self, to: str, row: BranchRow, name: Name, commit: bool) -> Work[Verdict]:
        """``COMMIT PREPARED`` or ``ROLLBACK PREPARED``, and how it stands when there is no such one."""
        verb = "COMMIT" if commit else "ROLLBACK"
        sql = f"{verb} PREPARED {_quoted(name.branch(row.name))}"
        for attempt in range(BUSY_TRIES):
            answer = yield from tell(to, verb.lower(), sql)
            if isinstance(answer, Rows):
                return DONE
            if answer.code == _UNDEFINED:
                verdict = yield from self._outcome(to, row, commit)
            elif answer.code == _IN_USE:
                verdict = Verdict(End.BUSY, answer.text)
            else:
                return failed(answer)
            if verdict.end is not End.BUSY:
                return verdict
            if attempt + 1 < BUSY_TRIES:
                yield from pause(BUSY_PAUSE_S)
        return verdict

    def _outcome(self, to: str, row: BranchRow, commit: bool) -> Work[Verdict]:
        """There is no such prepared transaction: what did it come to?"""
        if not row.note:
            return DONE if not commit else Verdict(End.LOST, "the prepared transaction does not exist")
        answer = yield from tell(to, "look", f"SELECT txid_status({int(row.note)})", rows=True)
        if isinstance(answer, Fault) and answer.code != _FUTURE:
            return failed(answer)
        status = answer.rows[0][0] if isinstance(answer, Rows) else "unknown to this server"
        if status == "in progress":
            # Not prepared yet, or about to be finished. An abort need not wait: nobody can commit it.
            return Verdict(End.BUSY, "another session has it in hand") if commit else DONE
        if status == ("committed" if commit else "aborted"):
            return DONE
        if status in ("committed", "aborted"):
            did = "rolled it back" if commit else "committed it"
            return Verdict(End.HEURISTIC, f"somebody {did} by hand, against the decision")
        if not commit:
            return DONE
        return Verdict(End.LOST, "the prepared transaction does not exist, and its outcome is not known")

    def prepared(self, to: str, cluster: str) -> Work[list[tuple[Name, str]] | Fault]:
        """From ``pg_prepared_xacts``, in this database."""
        sql = (
            "SELECT gid::text FROM pg_prepared_xacts WHERE database = current_database() "
            f"AND gid LIKE {_quoted(f'trivet:{cluster}:%'.replace('_', chr(92) + '_'))} ORDER BY prepared"
        )
        answer = yield from tell(to, "list prepared", sql, rows=True)
        if isinstance(answer, Fault):
            return answer
        found = [parse(str(row[0])) for row in answer.rows]
        return [one for one in found if one is not None and one[0].cluster == cluster]

    def sweep(self, to: str, row: BranchRow, name: Name) -> Work[None]:
        """Nothing is kept."""
        yield from ()

    def remains(self, to: str, cluster: str) -> Work[list[tuple[Name, str]] | Fault]:
        """Nothing is kept."""
        yield from ()
        return []
