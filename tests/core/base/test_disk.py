from trivet.core.base.disk import Channel, DiskFault, DiskJob, Prepare, Read, Remove, Rename, Sync, Write


def test_a_job_is_data():
    operations = [Prepare("a", 1), Write("a", 0, b"x"), Sync("a"), Rename("a", "b"), Read("b", 0, 1)]
    operations.append(Remove("b"))
    job = DiskJob(1, Channel.BULK, operations)
    assert job == DiskJob(1, Channel.BULK, list(operations))
    assert job != DiskJob(1, Channel.LOG, operations)


def test_lanes_and_faults_are_told_apart():
    assert list(Channel) == [Channel.LOG, Channel.BULK]
    assert list(DiskFault) == [DiskFault.FULL, DiskFault.FAILED]
