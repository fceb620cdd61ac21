"""The other side of the wire: ``decode_request`` and ``encode_reply``, for property tests, scripted servers and
capture viewers. The driver itself needs neither, and no simulator may use them (a shared codec forgives itself).

Reply layout: section 1.2 (CR LF, two and four blanks, `` />``, ``<list count="0" />``, misspelt names of 1.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from labctl.errors import WireError
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.codec import MISSPELT_REPLIES, row_tag
from labctl_drivers.neware.rows import integer
from labctl_drivers.neware.words import WORD_BY_STEP_TYPE
from labctl_drivers.neware.xmltree import XmlProblem, XmlWriter, parse_xml

_REPLY_NAMES = {command: name for name, command in MISSPELT_REPLIES.items()}
_Attributes = Mapping[str, str | int]
_Row = tuple[_Attributes, str | None]

_LIST_REQUESTS: dict[str, type] = {
    kind.command: kind
    for kind in (
        m.GetChannelStatus, m.Stop, m.Continue, m.ClearFlag, m.ResetAlarm, m.GetParallel, m.GetPause,
    )
}  # fmt: skip


# --------------------------------------------------------------------------------------------------- requests


def decode_request(frame: bytes) -> m.Request:
    """Read a request without its terminator. Raises: WireError."""
    try:
        root = parse_xml(frame)
    except XmlProblem as problem:
        raise WireError(f"a request that is not XML: {problem}", data=frame) from problem
    command = (root.findtext("cmd") or "").strip()
    match command:
        case "connect":
            name, password = root.findtext("username") or "", root.findtext("password") or ""
            return m.Connect(name, password, root.findtext("type") or "")
        case "getdevinfo":
            return m.GetDeviceInfo()
        case "download":
            row = _child(root, "download")
            numbers = [integer(row.get(key), key) for key in ("testid", "startpos", "count", "auxid")]
            return m.Download(_address(row), *numbers)
        case "downloadStepLayer":
            row = _child(root, "downloadStepLayer")
            return m.DownloadStepLayer(_address(row), _optional(row, "testid"))
        case "downloadlog":
            row = _child(root, "download")
            return m.DownloadLog(
                _address(row), integer(row.get("testid"), "testid"), _optional(row, "log_lever")
            )
        case "reset":
            row = _child(root, "reset")
            return m.Reset(_address(row), row.text or "")
        case _:
            return _decode_list(command, _child(root, "list"))


def _decode_list(command: str, listed: Element) -> m.Request:
    rows = listed.findall(row_tag(command))
    if command == "broadcaststop":
        (row,) = rows
        return m.BroadcastStop(
            integer(row.get("devid"), "devid"), integer(row.get("devtype"), "devtype"), row.get("ip", "")
        )
    addresses = tuple(_address(row) for row in rows)
    first = rows[0] if rows else Element(row_tag(command))
    match command:
        case "start":
            return _decode_start(listed, rows)
        case "inquire":
            return m.Inquire(addresses, integer(first.get("aux"), "aux", 0), first.get("barcode") == "1")
        case "inquiredf":
            return m.InquireDf(addresses, integer(first.get("testid"), "testid", 0))
        case "goto":
            return m.Goto(addresses, integer(first.get("step"), "step"))
        case "light":
            return m.Light(addresses, first.text == "true")
        case "chl_ctrl":
            return m.ChannelControl(addresses, first.text == "1")
        case "parallel":
            return m.Parallel(addresses, integer(listed.get("paralleltype"), "paralleltype", 0))
        case "setpause":
            cycle, step = integer(first.get("cycleid"), "cycleid"), integer(first.get("stepid"), "stepid")
            return m.SetPause(addresses, cycle, step, first.get("timeout", ""))
        case "cancelpause":
            cycle, step = integer(first.get("cycleid"), "cycleid"), integer(first.get("stepid"), "stepid")
            return m.CancelPause(addresses, cycle, step)
    if command in _LIST_REQUESTS:
        request: m.Request = _LIST_REQUESTS[command](addresses)
        return request
    raise WireError(f"no such command: {command[:40]!r}")


def _decode_start(listed: Element, rows: Sequence[Element]) -> m.Start:
    items = tuple(
        m.StartItem(_address(row), row.text or "", row.get("barcode", ""), row.get("remark", ""))
        for row in rows
    )
    backup = listed.find("backup")
    if backup is None:
        return m.Start(items)
    get = backup.get
    return m.Start(
        items,
        m.Backup(
            backup_dir=get("backupdir", ""),
            remote_dir=get("remotedir", ""),
            filename_type=integer(get("filenametype"), "filenametype"),
            custom_filename=get("customfilename", ""),
            add_time_when_repeat=get("addtimewhenrepeat") == "1",
            create_dir_by_date=get("createdirbydate") == "1",
            file_type=integer(get("filetype"), "filetype"),
            on_time=get("backupontime") == "1",
            interval_min=integer(get("backupontimeinterval"), "backupontimeinterval"),
            when_free=get("backupfree") == "1",
        ),
    )


def _child(root: Element, tag: str) -> Element:
    child = root.find(tag)
    if child is None:
        raise WireError(f"a request without <{tag}>")
    return child


def _optional(row: Element, name: str) -> int | None:
    return None if row.get(name) is None else integer(row.get(name), name)


def _address(row: Element) -> m.Address:
    names = ("subdevid", "chlid", "devid", "devtype")
    unit, channel, device, kind = (integer(row.get(name), name) for name in names)
    return m.Address(unit, channel, device, kind, row.get("ip", m.LOCAL_SERVER_IP))


# ---------------------------------------------------------------------------------------------------- replies


def encode_reply(reply: m.Reply) -> bytes:
    """Write a reply in the captured layout, without its terminator."""
    match reply:
        case m.ResultReply(command, result):
            return _page(command, [_leaf("result", {}, result)])
        case m.DeviceInfoReply():
            return _device_info(reply)
        case m.StatusReply(rows):
            return _listed(
                "getchlstatus",
                [({**_addr(row.address), "reservepause": row.reserve_pause}, row.word) for row in rows],
            )
        case m.InquireReply(rows):
            return _listed("inquire", [(_live(row), None) for row in rows])
        case m.ProgressReply(rows):
            return _listed(
                "inquiredf",
                [
                    (
                        {**_addr4(row.address), "testid": row.test_id, "count": row.count},
                        str(row.complete).lower(),
                    )
                    for row in rows
                ],
            )
        case m.DownloadReply():
            echo = {
                **_addr4(reply.address),
                "testid": reply.test_id,
                "startpos": reply.start,
                "count": reply.count,
            }
            return _listed("download", _records(reply), _leaf("download", {**echo, "auxid": 0}))
        case m.StepLayerReply(address, test_id, rows):
            echo = {**_addr4(address), "testid": test_id}
            return _listed(
                "downloadStepLayer", [(_layer(row), None) for row in rows], _leaf("downloadStepLayer", echo)
            )
        case m.LogReply(address, test_id, rows):
            echo = {**_addr4(address), "testid": test_id, "log_lever": 0}
            lines: list[_Row] = [
                ({"seqid": row.sequence, "log_code": row.code, "atime": row.clock}, None) for row in rows
            ]
            return _listed("downloadlog", lines, _leaf("download", echo))
        case m.AcknowledgeReply(command, rows):
            return _listed(
                command, [({} if row.address is None else _addr(row.address), row.word) for row in rows]
            )


def _page(command: str, lines: Sequence[str]) -> bytes:
    name = _REPLY_NAMES.get(command, f"{command}_resp")
    inner = "".join(f"  {line}\r\n" for line in [f"<cmd>{name}</cmd>", *lines])
    return f'<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n{inner}</bts>'.encode()


def _listed(command: str, rows: Sequence[_Row], echo: str | None = None) -> bytes:
    lines = [] if echo is None else [echo]
    if not rows:
        return _page(command, [*lines, '<list count="0" />'])
    lines.append(f'<list count="{len(rows)}">')
    lines += ["  " + _leaf(row_tag(command), attributes, text) for attributes, text in rows]
    return _page(command, [*lines, "</list>"])


def _leaf(tag: str, attributes: _Attributes, text: str | None = None) -> str:
    writer = XmlWriter()
    writer.leaf(tag, attributes, text)
    return writer.done()


def _addr(address: m.Address) -> dict[str, str | int]:
    return {"ip": address.ip, **_addr4(address)}


def _addr4(address: m.Address) -> dict[str, str | int]:
    return {
        "devtype": address.devtype, "devid": address.devid, "subdevid": address.subdevid, "chlid": address.chlid,
    }  # fmt: skip


def _number(value: float) -> str:
    return "--" if value != value else repr(float(value))


def _device_info(reply: m.DeviceInfoReply) -> bytes:
    lines = [] if not reply.client_version else [_leaf("client", {"version": reply.client_version})]
    lines += ['<serverip count="1">', '  <server ip="127.0.0.1" port="3306">']
    for text in reply.controller_versions:
        devid, _, version = text.partition(": ")
        lines.append("    " + _leaf("dev", {"devid": devid, "zwjVersion": version}))
    lines += ["  </server>", "</serverip>"]
    if not reply.channels:
        return _page("getdevinfo", [*lines, '<middle count="0" />'])
    lines.append(f'<middle count="{len(reply.channels)}">')
    for channel in reply.channels:
        attributes = _addr(channel.address)
        attributes["Channelid"] = attributes.pop("chlid")
        lines.append("  " + _leaf("channel", attributes, str(channel.idle).lower()))
    return _page("getdevinfo", [*lines, "</middle>"])


def _live(row: m.InquireRow) -> dict[str, str | int]:
    address = row.address
    attributes: dict[str, str | int] = {
        "dev": f"{address.devtype}-{address.devid}-{address.subdevid}-{address.chlid}-{row.aux}",
        "cycle_id": row.cycle,
    }
    if row.step is not None:
        attributes["step_id"] = row.step
    return attributes | {
        "step_type": row.step_word, "workstatus": row.word, "barcode": row.barcode,
        "current": _number(row.current_A), "voltage": _number(row.voltage_V),
        "capacity": _number(row.capacity_Ah), "energy": _number(row.energy_Wh),
        "totaltime": _number(row.test_time_s), "relativetime": _number(row.step_time_s),
        "open_or_close": 0, "log_code": row.log_code,
    }  # fmt: skip


def _records(reply: m.DownloadReply) -> list[_Row]:
    block = reply.block
    rows: list[_Row] = []
    for k in range(len(block)):
        attributes: dict[str, str | int] = {
            "seqid": int(block["device_sequence"][k]),
            "stepid": int(block["device_step"][k]),
            "cycleid": int(block["device_cycle"][k]),
            "steptype": WORD_BY_STEP_TYPE.get(int(block["step_type"][k]), "sim"),
            "testtime": round(float(block["step_time_second"][k]) * 1000.0),
            "atime": bytes(block["device_clock"][k]).decode(),
            "volt": _number(block["voltage_volt"][k]),
            "curr": _number(block["current_ampere"][k]),
            "cap": _number(block["step_capacity_ah"][k]),
            "eng": _number(block["step_energy_wh"][k]),
        }
        rows.append((attributes, None))
    return rows


def _layer(row: m.StepLayerRow) -> dict[str, str | int]:
    return {
        "startseqid": row.first_sequence, "endseqid": row.last_sequence, "stepindex": row.index,
        "stepid": row.step, "cycleid": row.cycle, "steptype": row.step_word,
        "steptime": round(row.duration_s * 1000.0), "endatime": row.end_clock,
        "startvolt": _number(row.start_voltage_V), "endvolt": _number(row.end_voltage_V),
        "startcurr": _number(row.start_current_A), "endcurr": _number(row.end_current_A),
        "cap": _number(row.capacity_Ah), "eng": _number(row.energy_Wh), "dcir": _number(row.dcir_raw),
    }  # fmt: skip
