r"""Bytes and messages: ``encode_request`` writes what a driver sends, ``decode_reply`` reads what comes back. Pure.

::

    <?xml version="1.0" encoding="UTF-8" ?><bts version="1.0"><cmd>NAME</cmd> ... </bts> LF LF # CR LF    request
    <?xml version="1.0" encoding="UTF-8"?> CR LF <bts version="1.0"> ... </bts> LF LF # CR LF             reply

Replies come as frames (``framing``). Row lists take the column path (``rows``), everything else and every oddity the
element path (``xmltree``); both give the same messages. Wire units (ms, s, A, Ah) end here.
Source: neware-bts.md sections 1.2, 1.4, 2, 4.1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from labctl.errors import WireError
from labctl.model.record import DeviceBlock
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.framing import REQUEST_END
from labctl_drivers.neware.records import block_from_columns, block_from_rows
from labctl_drivers.neware.rows import Columns, Head, columns_of, integer, number, split_head
from labctl_drivers.neware.xmltree import XmlProblem, XmlWriter, parse_xml

MS_PER_S: Final = 1000.0
_REQUEST_HEAD = '<?xml version="1.0" encoding="UTF-8" ?>'

MISSPELT_REPLIES: Final = {"donwload_resp": "download", "donwloadlog_resp": "downloadlog"}
"""The real server's spelling (section 1.3); the right one is accepted too."""


# --------------------------------------------------------------------------------------------------- requests


def _addr(address: m.Address) -> dict[str, str | int]:
    return {"ip": address.ip} | _addr4(address)


def _addr4(address: m.Address) -> dict[str, str | int]:
    return {
        "devtype": address.devtype,
        "devid": address.devid,
        "subdevid": address.subdevid,
        "chlid": address.chlid,
    }


def encode_request(request: m.Request) -> bytes:
    """Write a request with its terminator. Raises: UsageError for characters XML cannot hold."""
    if isinstance(request, (m.GetChannelStatus, m.Inquire, m.InquireDf)):
        return _encode_poll(request)
    return _encode(request)


@lru_cache(maxsize=64)
def _encode_poll(request: m.GetChannelStatus | m.Inquire | m.InquireDf) -> bytes:
    # Polls ask the same question every few seconds.
    return _encode(request)


def _encode(request: m.Request) -> bytes:
    writer = XmlWriter(_REQUEST_HEAD)
    writer.begin("bts", {"version": "1.0"})
    writer.leaf("cmd", text=request.command)
    match request:
        case m.Connect(username, password, kind):
            writer.leaf("username", text=username)
            writer.leaf("password", text=password)
            writer.leaf("type", text=kind)
        case m.GetDeviceInfo():
            pass
        case m.Download(address, test_id, start, count, aux):
            writer.leaf(
                "download",
                _addr4(address) | {"auxid": aux, "testid": test_id, "startpos": start, "count": count},
            )
        case m.DownloadStepLayer(address, test_id):
            extra = {} if test_id is None else {"testid": test_id}
            writer.leaf("downloadStepLayer", _addr4(address) | extra)
        case m.DownloadLog(address, test_id, level):
            extra = {"testid": test_id} | ({} if level is None else {"log_lever": level})
            writer.leaf("download", _addr4(address) | extra)
        case m.Reset(address, path):
            writer.leaf("reset", _addr(address) | {"DBC_CAN": 0}, path)
        case m.BroadcastStop(devid, devtype, ip):
            writer.begin("list", {"count": 1})
            writer.leaf("stop", {"ip": ip, "devtype": devtype, "devid": devid}, "true")
        case m.Start():
            _encode_start(writer, request)
        case _:
            _encode_list(writer, request)
    return writer.done().encode() + REQUEST_END


def _encode_start(writer: XmlWriter, request: m.Start) -> None:
    writer.begin("list", {"count": len(request.items)})
    for item in request.items:
        remark = {"remark": item.remark} if item.remark else {}
        writer.leaf("start", _addr(item.address) | {"barcode": item.barcode} | remark, item.path)
    if request.backup is not None:
        backup = request.backup
        writer.leaf(
            "backup",
            {
                "backupdir": backup.backup_dir,
                "remotedir": backup.remote_dir,
                "filenametype": backup.filename_type,
                "customfilename": backup.custom_filename,
                "addtimewhenrepeat": int(backup.add_time_when_repeat),
                "createdirbydate": int(backup.create_dir_by_date),
                "filetype": backup.file_type,
                "backupontime": int(backup.on_time),
                "backupontimeinterval": backup.interval_min,
                "backupfree": int(backup.when_free),
            },
        )


def _encode_list(writer: XmlWriter, request: m.ListRequest) -> None:
    tag, extra, text = _row_form(request)
    head: dict[str, str | int] = {"count": len(request.addresses)}
    if isinstance(request, m.Parallel):
        head["paralleltype"] = request.parallel_type
    writer.begin("list", head)
    address_of = _addr4 if isinstance(request, m.InquireDf) else _addr
    for address in request.addresses:
        writer.leaf(tag, address_of(address) | extra, text)


def _row_form(request: m.ListRequest) -> tuple[str, dict[str, str | int], str | None]:
    """Return tag, extra attributes and text of each row of a list request."""
    match request:
        case m.GetChannelStatus():
            return "status", {}, "true"
        case m.Inquire(_, aux, barcode):
            return "inquire", {"aux": aux, "barcode": int(barcode)}, "true"
        case m.InquireDf(_, test_id):
            return "chl", {"testid": test_id}, None
        case m.Goto(_, step):
            return "goto", {"step": step}, "true"
        case m.Light(_, on):
            return "light", {}, "true" if on else "false"
        case m.ChannelControl(_, on):
            return "chl_ctrl", {}, "1" if on else "0"
        case m.SetPause(_, cycle, step, timeout):
            return "setpause", {"cycleid": cycle, "stepid": step, "timeout": timeout}, None
        case m.CancelPause(_, cycle, step):
            return "cancelpause", {"cycleid": cycle, "stepid": step}, None
        case m.ResetAlarm() | m.GetPause() | m.GetParallel() | m.Parallel():
            return row_tag(request.command), {}, None
        case _:  # stop, continue, clearflag
            return request.command, {}, "true"


_ROW_TAGS: Final = {
    "getchlstatus": "status", "inquiredf": "chl", "broadcaststop": "stop", "getparallel": "parallel",
    "download": "data", "downloadlog": "data", "downloadStepLayer": "data",
}  # fmt: skip


def row_tag(command: str) -> str:
    """Return the tag of a command's rows (section 2)."""
    return _ROW_TAGS.get(command, command)


# ---------------------------------------------------------------------------------------------------- replies


def decode_reply(frame: bytes) -> m.Reply:
    """Read one frame. Raises: WireError, and nothing else, for whatever is no reply of this API."""
    head = split_head(frame)
    if head is not None:
        reply = _decode_columns(head)
        if reply is not None:
            return reply
    try:
        root = parse_xml(frame)
    except XmlProblem as problem:
        raise WireError(f"a reply that is not XML: {problem}", data=frame, rule="1.2 frame") from problem
    return _decode_elements(root, frame)


def command_of(reply_name: str) -> str:
    """Return the command a reply name answers. Raises: WireError."""
    if reply_name in MISSPELT_REPLIES:
        return MISSPELT_REPLIES[reply_name]
    if not reply_name.endswith("_resp"):
        raise WireError(f"reply name {reply_name[:40]!r} does not end in _resp", rule="1.3 reply name")
    return reply_name.removesuffix("_resp")


def _decode_columns(head: Head) -> m.Reply | None:
    """Decode the polled replies column by column; None = let the element path do it."""
    command = command_of(head.reply_name)
    if command not in ("getchlstatus", "inquiredf", "download"):
        return None
    columns = columns_of(head.body, row_tag(command).encode())
    if columns is None:
        return None
    if columns.count != head.count:
        raise WireError(f"{columns.count} rows in a list of {head.count}", rule="2 list count")
    if command == "download":
        block = block_from_columns(columns)
        return (
            None if block is None or head.echo_tag != "download" else _download_reply(head.echo, block=block)
        )
    if columns.count == 0:
        return m.StatusReply(()) if command == "getchlstatus" else m.ProgressReply(())
    if columns.texts is None:
        return None
    return _status_columns(columns) if command == "getchlstatus" else _progress_columns(columns)


@lru_cache(maxsize=4096)
def _address(ip: str, devtype: str, devid: str, subdevid: str, chlid: str) -> m.Address:
    """Return the one object of this address (a bench has few)."""
    return m.Address(
        subdevid=integer(subdevid, "subdevid"),
        chlid=integer(chlid, "chlid"),
        devid=integer(devid, "devid"),
        devtype=integer(devtype, "devtype"),
        ip=ip,
    )


@lru_cache(maxsize=4096)
def _address_from_bytes(ip: bytes, devtype: bytes, devid: bytes, subdevid: bytes, chlid: bytes) -> m.Address:
    try:
        return _address(ip.decode(), devtype.decode(), devid.decode(), subdevid.decode(), chlid.decode())
    except UnicodeDecodeError as error:
        raise WireError("an address that is not UTF-8", rule="2 ADDR") from error


def _column_addresses(columns: Columns) -> list[m.Address] | None:
    values = columns.values
    try:
        parts = [values[name] for name in ("devtype", "devid", "subdevid", "chlid")]
    except KeyError:
        return None
    ips = values.get("ip") or [m.LOCAL_SERVER_IP.encode()] * columns.count
    return list(map(_address_from_bytes, ips, *parts))


def _status_columns(columns: Columns) -> m.StatusReply | None:
    addresses = _column_addresses(columns)
    if addresses is None or columns.texts is None:
        return None
    reserved = columns.values.get("reservepause") or [b"0"] * columns.count
    known = {word: word.decode("ascii", "replace").strip() for word in set(columns.texts)}
    pauses = {text: integer(text.decode("ascii", "replace"), "reservepause", 0) for text in set(reserved)}
    return m.StatusReply(
        tuple(
            [
                m.StatusRow(address, known[word], pauses[pause])
                for address, word, pause in zip(addresses, columns.texts, reserved, strict=True)
            ]
        )
    )


def _progress_columns(columns: Columns) -> m.ProgressReply | None:
    addresses = _column_addresses(columns)
    if addresses is None or columns.texts is None or not {"testid", "count"} <= columns.values.keys():
        return None
    rows = zip(addresses, columns.values["testid"], columns.values["count"], columns.texts, strict=True)
    return m.ProgressReply(
        tuple(
            [
                m.ProgressRow(
                    address,
                    integer(test_id.decode("ascii", "replace"), "testid"),
                    integer(count.decode("ascii", "replace"), "count"),
                    _truth(text.decode("ascii", "replace")),
                )
                for address, test_id, count, text in rows
            ]
        )
    )


def _truth(text: str | None) -> bool:
    word = (text or "").strip()
    if word not in ("true", "false"):
        raise WireError(f"{word[:40]!r} where true or false belongs", rule="2 text content")
    return word == "true"


def _element_address(row: Element, channel: str = "chlid") -> m.Address:
    get = row.get
    return _address(
        get("ip", m.LOCAL_SERVER_IP),
        get("devtype", ""),
        get("devid", ""),
        get("subdevid", ""),
        get(channel, ""),
    )


def _decode_elements(root: Element, frame: bytes) -> m.Reply:
    if root.tag != "bts" or len(root) == 0 or root[0].tag != "cmd":
        raise WireError("a document without <bts><cmd>", data=frame, rule="1.2 frame")
    command = command_of((root[0].text or "").strip())
    result = root.find("result")
    if result is not None:
        return m.ResultReply(command, (result.text or "").strip())
    if command == "getdevinfo":
        return _device_info(root)
    listed = root.find("list")
    if listed is None:
        return _bare_acknowledge(root, command)
    rows = listed.findall(row_tag(command))
    if integer(listed.get("count"), "list count") != len(rows):
        raise WireError(
            f"{len(rows)} rows in a list of {listed.get('count')}", data=frame, rule="2 list count"
        )
    return _list_reply(root, command, rows)


def _list_reply(root: Element, command: str, rows: list[Element]) -> m.Reply:
    match command:
        case "getchlstatus":
            return m.StatusReply(tuple(_status_row(row) for row in rows))
        case "inquire":
            return m.InquireReply(tuple(_inquire_row(row) for row in rows))
        case "inquiredf":
            return m.ProgressReply(tuple(_progress_row(row) for row in rows))
        case "download":
            block = block_from_rows([row.attrib for row in rows])
            return _download_reply(_echo(root, "download"), block=block)
        case "downloadStepLayer":
            echo = _echo(root, "downloadStepLayer")
            layers = tuple(_step_layer_row(row) for row in rows)
            return m.StepLayerReply(_echo_address(echo), integer(echo.get("testid"), "testid"), layers)
        case "downloadlog":
            echo = _echo(root, "download")
            lines = tuple(_log_row(row) for row in rows)
            return m.LogReply(_echo_address(echo), integer(echo.get("testid"), "testid"), lines)
        case _:
            return m.AcknowledgeReply(command, tuple(_acknowledge_row(row) for row in rows))


def _bare_acknowledge(root: Element, command: str) -> m.AcknowledgeReply:
    """Read a reply whose rows are not wrapped in a list (reset; unknown shapes of open point 2)."""
    rows = root.findall(row_tag(command))
    if not rows:
        raise WireError(f"{command}_resp without list, rows or result", rule="2 reply layout")
    return m.AcknowledgeReply(command, tuple(_acknowledge_row(row) for row in rows))


def _echo(root: Element, tag: str) -> dict[str, str]:
    echo = root.find(tag)
    if echo is None:
        raise WireError(f"no <{tag}> echo", rule="2 echo element")
    return echo.attrib


def _echo_address(echo: dict[str, str]) -> m.Address:
    return _address(
        echo.get("ip", m.LOCAL_SERVER_IP),
        echo.get("devtype", ""), echo.get("devid", ""), echo.get("subdevid", ""), echo.get("chlid", ""),
    )  # fmt: skip


def _download_reply(echo: dict[str, str], block: DeviceBlock) -> m.DownloadReply:
    return m.DownloadReply(
        address=_echo_address(echo),
        test_id=integer(echo.get("testid"), "testid"),
        start=integer(echo.get("startpos"), "startpos"),
        count=integer(echo.get("count"), "count"),
        block=block,
    )


def _device_info(root: Element) -> m.DeviceInfoReply:
    middle = root.find("middle")
    if middle is None:
        raise WireError("getdevinfo_resp without <middle>", rule="2.2 getdevinfo")
    channels = tuple(
        m.MappedChannel(_element_address(row, "Channelid"), _truth(row.text))
        for row in middle.findall("channel")
    )
    if integer(middle.get("count"), "middle count") != len(channels):
        raise WireError(f"{len(channels)} channels in a list of {middle.get('count')}", rule="2.2 getdevinfo")
    client = root.find("client")
    return m.DeviceInfoReply(
        channels,
        client_version="" if client is None else client.get("version", ""),
        controller_versions=tuple(
            f"{dev.get('devid', '?')}: {dev.get('zwjVersion', '?')}" for dev in root.iter("dev")
        ),
    )


def _status_row(row: Element) -> m.StatusRow:
    pause = integer(row.get("reservepause"), "reservepause", 0)
    return m.StatusRow(_element_address(row), (row.text or "").strip(), pause)


def _inquire_row(row: Element) -> m.InquireRow:
    get = row.get
    dev = get("dev", "").split("-")
    if len(dev) != 5:
        raise WireError(
            f"dev={get('dev', '')[:40]!r} is not devtype-devid-subdevid-chlid-auxid", rule="2.4 dev"
        )
    step = get("step_id")
    return m.InquireRow(
        address=_address(m.LOCAL_SERVER_IP, *dev[:4]),
        aux=integer(dev[4], "auxid"),
        word=get("workstatus", ""),
        step_word=get("step_type", "--"),
        cycle=integer(get("cycle_id"), "cycle_id", 1),
        step=None if step in (None, "", "--") else integer(step, "step_id"),
        voltage_V=number(get("voltage")),
        current_A=number(get("current")),
        capacity_Ah=number(get("capacity")),
        energy_Wh=number(get("energy")),
        test_time_s=number(get("totaltime")),
        step_time_s=number(get("relativetime")),
        barcode=get("barcode", ""),
        log_code=integer(get("log_code"), "log_code", 0),
    )


def _progress_row(row: Element) -> m.ProgressRow:
    test_id = integer(row.get("testid"), "testid")
    return m.ProgressRow(_element_address(row), test_id, integer(row.get("count"), "count"), _truth(row.text))


def _step_layer_row(row: Element) -> m.StepLayerRow:
    get = row.get
    return m.StepLayerRow(
        first_sequence=integer(get("startseqid"), "startseqid"),
        last_sequence=integer(get("endseqid"), "endseqid"),
        index=integer(get("stepindex"), "stepindex"),
        step=integer(get("stepid"), "stepid"),
        cycle=integer(get("cycleid"), "cycleid"),
        step_word=get("steptype", ""),
        duration_s=number(get("steptime"), MS_PER_S),
        end_clock=get("endatime", ""),
        start_voltage_V=number(get("startvolt")),
        end_voltage_V=number(get("endvolt")),
        start_current_A=number(get("startcurr")),
        end_current_A=number(get("endcurr")),
        capacity_Ah=number(get("cap")),
        energy_Wh=number(get("eng")),
        dcir_raw=number(get("dcir", "0")),
    )


def _log_row(row: Element) -> m.LogRow:
    sequence = integer(row.get("seqid"), "seqid")
    return m.LogRow(sequence, integer(row.get("log_code"), "log_code"), row.get("atime", ""))


def _acknowledge_row(row: Element) -> m.AcknowledgeRow:
    """Read a write command's row; broadcaststop rows name a device without channel."""
    address = _element_address(row) if row.get("chlid") is not None else None
    return m.AcknowledgeRow(address, (row.text or "").strip())
