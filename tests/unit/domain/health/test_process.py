from pathlib import Path

from gatewayz.domain.health.process import ProcessMeter

_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def row(number: int, port: str, state: str, inode: int) -> str:
    return f"   {number}: 0100007F:{port} 0100007F:9C40 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1\n"


def test_connections_are_those_of_this_process(tmp_path: Path) -> None:
    (tmp_path / "self/fd").mkdir(parents=True)
    (tmp_path / "self/net").mkdir()
    for number, inode in enumerate((10, 11, 12, 13)):
        (tmp_path / "self/fd" / str(number)).symlink_to(f"socket:[{inode}]")
    (tmp_path / "self/fd/9").symlink_to("/dev/null")
    rows = [("1F40", "0A", 10), ("1F40", "01", 11), ("1F40", "01", 12), ("C350", "01", 13), ("1F40", "01", 99)]
    (tmp_path / "self/net/tcp").write_text(_HEAD + "".join(row(at, *each) for at, each in enumerate(rows)))
    (tmp_path / "self/statm").write_text("5000 2560 700 1 0 900 0\n")
    (tmp_path / "meminfo").write_text("MemTotal:        1048576 kB\nMemFree: 1 kB\n")
    found = ProcessMeter(tmp_path).read()
    assert (found.inbound, found.outbound, found.open_files) == (2, 1, 5)
    assert found.rss_mb is not None and found.rss_mb > 0 and found.memory_percent is not None


def test_what_the_system_does_not_tell_is_none(tmp_path: Path) -> None:
    found = ProcessMeter(tmp_path / "nothing").read()
    assert (found.rss_mb, found.memory_percent, found.inbound, found.outbound, found.open_files) == (None,) * 5
    assert found.cpu_percent is not None and found.cpu_percent >= 0
