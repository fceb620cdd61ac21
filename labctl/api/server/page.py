"""The status page: one static file without data (X17), and the headers that keep it alone."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from starlette.responses import Response

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@cache
def page_bytes() -> bytes:
    """Return the file as it is shipped."""
    return files("labctl.api.server").joinpath("status.html").read_bytes()


@cache
def policy() -> str:
    """Return the Content-Security-Policy: the page's own script and style by hash, this station, nothing else."""
    text = page_bytes().decode()
    hashes = {
        tag: " ".join(_hash(part) for part in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL))
        for tag in ("script", "style")
    }
    return (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; connect-src 'self'; "
        "img-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


async def page() -> Response:
    """Answer with the status page."""
    headers = {**HEADERS, "Content-Security-Policy": policy()}
    return Response(page_bytes(), media_type="text/html; charset=utf-8", headers=headers)
