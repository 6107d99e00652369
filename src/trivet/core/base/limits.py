"""Every limit of a node, in one place, with its unit in its name.

A limit that is met gives a clear error to the one who met it and harms nobody else.
"""

from typing import Final

import msgspec

KIB: Final = 1024
MIB: Final = 1024 * 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one node; the names are also the names in the configuration file."""

    connections_max: int = 10_000
    """Client connections at a time; one more is told so and closed."""
    call_bytes_max: int = 64 * MIB
    """One command with all its arguments. A larger one is refused; the log carries whole commands."""
    bulk_bytes_max: int = 512 * MIB
    """One argument, as Redis' ``proto-max-bulk-len``; a larger announcement closes the connection."""
    query_buffer_bytes_max: int = 1024 * MIB
    """Bytes of one connection that are not yet a whole command."""
    multi_bytes_max: int = 64 * MIB
    """Commands queued between ``MULTI`` and ``EXEC``."""
    waiting_call_bytes_max: int = 1 * MIB
    """A call that may wait, such as ``BLPOP``: every replica keeps it while it waits."""
    pipeline_calls_max: int = 1_000
    """Commands of one connection under way; beyond it the node stops reading from the connection."""
    client_output_pause_bytes: int = 1 * MIB
    """Unsent replies of one client beyond which the node stops reading its requests."""
    client_output_bytes_max: int = 256 * MIB
    """Unsent replies of one client beyond which it is cut off."""
    client_output_stall_ms: int = 60_000
    """How long a client may leave replies above ``client_output_pause_bytes`` before it is cut off."""
    client_output_monitor_bytes_max: int = 16 * MIB
    """The same of a client in ``MONITOR``: it is shown what all others send, however slowly it reads."""
    client_output_pubsub_bytes_max: int = 32 * MIB
    """The same for a client that has subscribed to something: beyond it, it is cut off at once."""
    client_output_pubsub_pause_bytes: int = 8 * MIB
    """In place of ``client_output_pause_bytes``, for such a client."""
    client_subscriptions_max: int = 100_000
    """Channels and patterns that one client may subscribe to."""
    subscriptions_max: int = 1_000_000
    """Subscriptions of all clients of this node; a peer may announce as many names."""
    subscriptions_bytes_max: int = 256 * MIB
    """Memory for their names, about; a pattern counts sixteenfold."""
    channel_bytes_max: int = 64 * KIB
    """The name of a channel to subscribe to, or a pattern."""
    subscribe_confirm_ms_max: int = 500
    """How long a new subscription waits until all peers have heard of it, before its client is answered."""
    pending_bytes_max: int = 256 * MIB
    """Writes of this node's clients that wait for a leader or a quorum; beyond it writes are refused."""
    batch_bytes_max: int = 4 * MIB
    """One batch of writes; a turn with more makes several (a single larger command goes alone)."""
    batches_in_flight_max: int = 64
    """Batches of this node under way at a time."""
    remote_reads_max: int = 64
    """Batches of reads of one node without a copy, or with one that is behind, under way at a member."""
    remote_read_bytes_max: int = 64 * MIB
    """The same in bytes of commands (a single larger batch goes alone)."""
    remote_reply_bytes_max: int = 256 * MIB
    """The replies to one batch of such a node, beyond which the largest become errors."""
    remote_tracked_keys_max: int = 100_000
    """Keys that a member remembers for clients of one node without a copy, to tell it of changes."""
    peer_frame_bytes_max: int = 128 * MIB
    """One frame between nodes."""
    peer_links_max: int = 256
    """Accepted peer connections, those still in the handshake included."""
    append_bytes_max: int = 1 * MIB
    """Entries in one message to a follower (a single larger entry goes alone)."""
    apply_bytes_max: int = 1 * MIB
    """Committed entries applied in one turn (a single larger entry goes alone)."""
    uncommitted_bytes_max: int = 256 * MIB
    """Entries of the leader without a quorum; beyond it proposals wait."""
    log_memory_bytes: int = 32 * MIB
    """Entries kept in memory for followers that lag; one that needs older ones gets a snapshot."""
    snapshot_log_bytes: int = 64 * MIB
    """Log since the last snapshot beyond which a new one is taken (or the size of that one, if larger)."""
    snapshot_chunk_bytes: int = 256 * KIB
    """One chunk of a snapshot: the slice of work between two turns, and one message."""
    segment_bytes: int = 16 * MIB
    """One segment of the log."""
    expire_per_entry_max: int = 2_000
    """Keys removed because of their deadline by one entry; the others are already invisible."""
    emptied_per_turn_max: int = 250
    """Keys that ``FLUSHDB`` takes away in a turn in mode ``eventual``: a few milliseconds of work."""
