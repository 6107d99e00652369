"""What clients do, and what must be true of it.

Role: the sources of calls, one small class per workload, and their checks.
Floor: 7, a room of the lab.
On the path: a client's turn, options -> its next calls; the whole history -> complaints and counts.
"""

from trivet.lab.workloads.mix import Mix, Preparation, workload_names
from trivet.lab.workloads.registry import REGISTRY
from trivet.lab.workloads.workload import Base, Context, Workload, operations_on

__all__ = [
    "REGISTRY", "Base", "Context", "Mix", "Preparation", "Workload", "operations_on", "workload_names",
]  # fmt: skip
