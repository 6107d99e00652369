"""A storage service that several workers write to, and a worker that takes a lock before it does.

The worker is the textbook's: lock with a deadline, read, work, write back, unlock. It is right as long as no
worker is ever held up for longer than its lock lives.
"""

LOCK_MS = 500


class Rejected(Exception):
    """The storage has served a newer holder of the lock."""


class Storage:
    """One document. It knows the newest token it has seen, and refuses older ones in the steps that ``fenced`` names."""

    def __init__(self, fenced):
        self.document = []
        self.newest = 0
        self.fenced = fenced

    def _check(self, step, token):
        if step in self.fenced:
            if token < self.newest:
                raise Rejected
            self.newest = token

    def read(self, token):
        self._check("read", token)
        return list(self.document)

    def write(self, document, token):
        self._check("write", token)
        self.document = document


def take_lock(client, name):
    """Take the lock; the fencing token of this holding, or 0. Lock and token are one step: so tokens rise with holders."""
    with client.pipeline(transaction=True) as pipe:
        pipe.set("lock", name, nx=True, px=LOCK_MS)
        pipe.incr("token")
        taken, token = pipe.execute()
    return token if taken else 0


def worker(stage, name, storage):
    """Add ``name`` to the document; True when the storage has taken it."""
    client = stage.client()
    while not (token := take_lock(client, name)):
        stage.sleep(0.1)
    stage.say(name, f"holds the lock, token {token}")
    taken = True
    try:
        document = storage.read(token)
        stage.sleep(0.2)
        storage.write([*document, name], token)
        stage.say(name, f"writes {[*document, name]}")
    except Rejected:
        stage.say(name, f"is refused: token {token} is too old")
        taken = False
    if client.get("lock") == name.encode():
        client.delete("lock")
    return taken


def two_workers(stage, fenced):
    """Two workers, one of which stalls for a while; (names that were accepted, the document)."""
    storage = Storage(fenced)
    names = ["alice", "bob"]
    tasks = [stage.spawn(worker, stage, name, storage, name=name) for name in names]
    victim = tasks[stage.chance.below(2)]
    stage.run_for(stage.chance.between(0, 600))
    victim.pause()
    stage.run_for(stage.chance.between(0, 1500))
    victim.resume()
    accepted = stage.join(*tasks)
    return [name for name, took in zip(names, accepted, strict=True) if took], storage.document
