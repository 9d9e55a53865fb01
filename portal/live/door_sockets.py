"""A WebSocket through a door: the server has taken the browser's side apart, and we are the machine's client."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import WebSocketURI

from portal.core.errors import OutsideUnavailable
from portal.interfaces import ConsoleStream
from portal.live.asgi_types import Receive, Scope, Send
from portal.live.door_headers import from_guest, to_guest
from portal.live.door_lines import DoorTrouble
from portal.live.door_pages import CLOSED, GARBLED, SLOW

LONGEST_MESSAGE = 1 << 20
GREETING_S = 60.0
LAST_WORDS_S = 2.0
NOT_SENT_ON = (CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE)


class Tunnel:
    """Messages both ways. Raises DoorTrouble until it has been accepted; afterwards its ends are close codes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, stream: ConsoleStream, *, scheme: str) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.stream = stream
        self.scheme = scheme
        self.guest = ClientProtocol(
            WebSocketURI(False, "machine", 80, *path_of(scope)),
            subprotocols=list(scope.get("subprotocols", ())) or None,
            max_size=LONGEST_MESSAGE,
        )
        self.waiting: list[Any] = []
        self.is_accepted = False
        self.is_closed = False
        self.parts: list[bytes] = []
        self.is_text = False

    async def open(self) -> None:
        """Greet the machine, and accept the browser once the machine has accepted us."""
        try:
            async with asyncio.timeout(GREETING_S):
                response = await self.greet()
        except TimeoutError as error:
            raise DoorTrouble(SLOW) from error
        cookies = from_guest((name.encode("latin-1"), value.encode("latin-1")) for name, value in response)
        headers = [(name, value) for name, value in cookies if name == b"set-cookie"]
        await self.send({"type": "websocket.accept", "subprotocol": self.guest.subprotocol, "headers": headers})
        self.is_accepted = True

    async def greet(self) -> list[tuple[str, str]]:
        request = self.guest.connect()
        del request.headers["Host"]
        for name, value in to_guest(self.scope, scheme=self.scheme):
            if not name.startswith(b"sec-websocket-"):
                request.headers[name.decode("latin-1")] = value.decode("latin-1")
        self.guest.send_request(request)
        await self.flush()
        while not self.waiting:
            await self.hear()
            if self.guest.handshake_exc is not None:
                refused = isinstance(self.guest.handshake_exc, InvalidStatus)
                raise DoorTrouble(CLOSED if refused else GARBLED) from self.guest.handshake_exc
        response = self.waiting.pop(0)
        if not isinstance(response, Response):
            raise DoorTrouble(GARBLED)
        return list(response.headers.raw_items())

    async def hear(self) -> None:
        """Take in what the machine sent, answering its pings on the way. Raises DoorTrouble when it is gone."""
        try:
            data = await self.stream.read()
        except OutsideUnavailable as error:
            raise DoorTrouble(GARBLED) from error
        if data:
            self.guest.receive_data(data)
        else:
            self.guest.receive_eof()
        self.waiting += self.guest.events_received()
        await self.flush()
        if not data and not self.waiting:
            raise DoorTrouble(GARBLED)

    async def flush(self) -> None:
        try:
            for data in self.guest.data_to_send():
                if data:
                    await self.stream.write(data)
        except OutsideUnavailable as error:
            raise DoorTrouble(GARBLED) from error

    async def talk(self) -> None:
        tasks = [asyncio.create_task(part) for part in (self.from_machine(), self.to_machine())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def from_machine(self) -> None:
        """Until the machine closes, in its words or without any."""
        while True:
            for frame in self.waiting:
                if frame.opcode is Opcode.CLOSE:
                    close = self.guest.close_rcvd
                    await self.close(*(close.code, close.reason) if close else (CloseCode.NORMAL_CLOSURE, ""))
                    return
                await self.pass_on(frame)
            self.waiting.clear()
            if self.guest.state is not State.OPEN:  # it broke the rules, and was told so
                sent = self.guest.close_sent
                await self.close(sent.code if sent else CloseCode.PROTOCOL_ERROR, "")
                return
            await self.hear()

    async def pass_on(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self.is_text = frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return
        self.parts.append(bytes(frame.data))
        if not frame.fin:
            return
        message, self.parts = b"".join(self.parts), []
        if not self.is_text:
            await self.send({"type": "websocket.send", "bytes": message})
            return
        try:
            text = message.decode()
        except UnicodeDecodeError as error:
            raise DoorTrouble(GARBLED) from error
        await self.send({"type": "websocket.send", "text": text})

    async def to_machine(self) -> None:
        """Until the browser closes; its code goes on to the machine."""
        while (event := await self.receive())["type"] == "websocket.receive":
            if self.guest.state is not State.OPEN:
                continue  # it is closing, and from_machine says so to the browser
            if event.get("bytes") is not None:
                self.guest.send_binary(event["bytes"])
            else:
                self.guest.send_text((event.get("text") or "").encode())
            await self.flush()
        self.is_closed = True
        await self.leave(event.get("code") or CloseCode.NORMAL_CLOSURE, event.get("reason") or "")

    async def leave(self, code: int, reason: str = "") -> None:
        """Say good-bye to the machine, if it still listens."""
        if self.guest.state is not State.OPEN:
            return
        try:
            self.guest.send_close(CloseCode.GOING_AWAY if code in NOT_SENT_ON else code, reason)
        except ProtocolError:
            self.guest.send_close(CloseCode.GOING_AWAY)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), LAST_WORDS_S)

    async def close(self, code: int, reason: str) -> None:
        if not self.is_closed:
            self.is_closed = True
            code = CloseCode.NORMAL_CLOSURE if code == CloseCode.NO_STATUS_RCVD else code
            await self.send({"type": "websocket.close", "code": int(code), "reason": reason})


def path_of(scope: Scope) -> tuple[str, str]:
    """Path and query, as the browser wrote them."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return raw.decode("latin-1"), query.decode("latin-1")
