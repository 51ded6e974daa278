"""The addresses of the jam and the ports, and the socket through which pages watch and steer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse
from starlette.requests import HTTPConnection

from ..audio import soundfont_path
from ..live.frames import hello
from .asking import JamSettings
from .bridge import Bridge
from .pages import MOST, Page

router = APIRouter()

_BUSY, _TOO_LONG = 1013, 1008  # RFC 6455, 7.4


def bridge_of(connection: HTTPConnection) -> Bridge:
    """The server's own."""
    found: Bridge = connection.app.state.bridge
    return found


TheBridge = Annotated[Bridge, Depends(bridge_of)]


@router.get("/api/about", tags=["studio"])
def about() -> dict[str, Any]:
    """The version, and the knobs, modes and actions of a jam."""
    return hello()


@router.get("/api/jam", tags=["jam"])
async def get_jam(bridge: TheBridge) -> dict[str, Any]:
    """Its state (none, starting, playing or ended), what was asked for, and why it ended, if not well."""
    return bridge.jam.view()


@router.post("/api/jam", tags=["jam"])
async def start_jam(wanted: JamSettings, bridge: TheBridge) -> dict[str, Any]:
    """Start a jam; one at a time."""
    if bridge.jam.playing:
        raise HTTPException(409, "A jam is playing already: stop it first.")
    await bridge.start(wanted)
    return bridge.jam.view()


@router.delete("/api/jam", tags=["jam"])
async def stop_jam(bridge: TheBridge) -> dict[str, Any]:
    """End the jam, its recording saved; answers when it has ended."""
    await bridge.jam.stop()
    return bridge.jam.view()


@router.post("/api/jam/command", tags=["jam"])
async def command_jam(
    wanted: Annotated[dict[str, Any], Body(examples=[{"knob": "density", "value": 0.5}, {"do": "panic"}])],
    bridge: TheBridge,
) -> dict[str, Any]:
    """What a page sends through the socket: turn a knob, do an action, send MIDI as if from a keyboard."""
    if not bridge.jam.playing:
        raise HTTPException(409, "No jam is playing: start one first.")
    bridge.command(json.dumps(wanted))
    return bridge.jam.view()


@router.get("/api/ports", tags=["jam"])
async def get_ports(bridge: TheBridge) -> dict[str, Any]:
    """The MIDI systems of this machine, and their ports."""
    return await bridge.ports.look()


@router.get("/sound/font.sf2", tags=["studio"])
def get_soundfont() -> FileResponse:
    """The General MIDI instruments that the page plays with."""
    headers = {"Cache-Control": "private, max-age=604800"}
    return FileResponse(soundfont_path(), media_type="application/octet-stream", headers=headers)


@router.websocket("/ws")
async def socket(websocket: WebSocket, bridge: TheBridge) -> None:
    """A page: hears everything (`FromJam` and `FromServer` in protocol.ts) and steers (`ToJam`)."""
    await websocket.accept()
    if len(bridge.pages) >= MOST:
        await websocket.close(_BUSY, f"{MOST} pages are open already: close one.")
        return
    page = bridge.pages.join()
    try:
        bridge.greet(page)
        async with asyncio.TaskGroup() as both:
            sending = both.create_task(_send(websocket, page))
            await _hear(websocket, page, bridge)
            sending.cancel()
    finally:
        bridge.lose(page)


async def _send(websocket: WebSocket, page: Page) -> None:
    """Until it has gone."""
    with contextlib.suppress(WebSocketDisconnect):
        while not page.gone:
            await websocket.send_text(await page.take())
        await websocket.close(_TOO_LONG, "The page does not keep up.")


async def _hear(websocket: WebSocket, page: Page, bridge: Bridge) -> None:
    """Until it has gone."""
    while (message := await websocket.receive())["type"] == "websocket.receive":
        bridge.hear(page, message.get("text") or "")
