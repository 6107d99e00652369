"""All workloads by name. A new one is a file with a class, and a row here."""

from collections.abc import Callable

from trivet.core.base.prng import Prng
from trivet.lab.workloads.across import Across
from trivet.lab.workloads.append import Append
from trivet.lab.workloads.bank import Bank
from trivet.lab.workloads.copies import Copies
from trivet.lab.workloads.counter import Counter
from trivet.lab.workloads.expiry import Expiry
from trivet.lab.workloads.families import Families
from trivet.lab.workloads.keyspaces import Keyspaces
from trivet.lab.workloads.lock import Lock
from trivet.lab.workloads.mixed import Mixed
from trivet.lab.workloads.primary import Primary
from trivet.lab.workloads.pubsub import PubSub
from trivet.lab.workloads.queue import Queue
from trivet.lab.workloads.register import Register
from trivet.lab.workloads.script import Script
from trivet.lab.workloads.sessions import Sessions
from trivet.lab.workloads.stream import Stream
from trivet.lab.workloads.tokens import Tokens
from trivet.lab.workloads.unique import UniqueSet
from trivet.lab.workloads.waiting import Waiting
from trivet.lab.workloads.workload import Workload
from trivet.lab.world.options import RunOptions

REGISTRY: dict[str, Callable[[RunOptions, Prng], Workload]] = {
    "register": Register,
    "counter": Counter,
    "set": UniqueSet,
    "primary": Primary,
    "tokens": Tokens,
    "append": Append,
    "bank": Bank,
    "lock": Lock,
    "queue": Queue,
    "waiting": Waiting,
    "script": Script,
    "stream": Stream,
    "pubsub": PubSub,
    "expiry": Expiry,
    "mixed": Mixed,
    "families": Families,
    "keyspaces": Keyspaces,
    "across": Across,
    "copies": Copies,
    "sessions": Sessions,
}
