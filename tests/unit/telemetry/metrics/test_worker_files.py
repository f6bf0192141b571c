from pathlib import Path

from gatewayz.telemetry.metrics.worker_files import WorkerFiles


def test_each_reads_what_the_others_wrote_last(tmp_path: Path) -> None:
    one, two = WorkerFiles(tmp_path, "one"), WorkerFiles(tmp_path, "two")
    assert list(one.others()) == []
    one.write(b"1")
    two.write(b"old")
    two.write(b"2")
    assert list(one.others()) == [b"2"] and list(two.others()) == [b"1"]


def test_half_a_file_is_never_read(tmp_path: Path) -> None:
    one, two = WorkerFiles(tmp_path, "one"), WorkerFiles(tmp_path, "two")
    one.write(b"1")
    (tmp_path / "one.figures.draft").write_bytes(b"ha")
    assert list(two.others()) == [b"1"]
