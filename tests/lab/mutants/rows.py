"""All mutants, and the rows of the fault matrix that cannot be planted yet."""

from mutants.copies import VALUES
from mutants.crossing import CROSSING
from mutants.elections import ELECTIONS
from mutants.keepers import KEEPERS
from mutants.logs import LOGS
from mutants.machine import MACHINE, MACHINE_ABSENT
from mutants.model import Absent, Mutant
from mutants.reads import READS, READS_ABSENT
from mutants.registers import REGISTERS
from mutants.shards import SHARDS
from mutants.snapshots import SNAPSHOTS, SNAPSHOTS_ABSENT

MUTANTS: list[Mutant] = (
    LOGS + ELECTIONS + READS + SNAPSHOTS + SHARDS + CROSSING + REGISTERS + VALUES + KEEPERS + MACHINE
)

ABSENT: list[Absent] = READS_ABSENT + SNAPSHOTS_ABSENT + MACHINE_ABSENT
