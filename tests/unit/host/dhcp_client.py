"""A DHCP client of a few lines: run as a program in a network namespace, it asks once and prints what it was told.

``python dhcp_client.py INTERFACE MAC [WAIT_S]``: the address offered and the options by number, or ``nothing``.
"""

import json
import socket
import struct
import sys

_SERVER, _CLIENT = 67, 68
_COOKIE = b"\x63\x82\x53\x63"
_TRANSACTION = 0x4D4F4F52
_BROADCAST_FLAG = 0x8000
_MESSAGE_TYPE, _PARAMETERS, _END = 53, 55, 255
_WANTED = (1, 3, 6, 12, 26, 66, 121)
_FIXED_BYTES = 240


def discover(mac: bytes) -> bytes:
    head = struct.pack(">BBBBIHH16s16s192s", 1, 1, 6, 0, _TRANSACTION, 0, _BROADCAST_FLAG, b"", mac, b"")
    options = bytes([_MESSAGE_TYPE, 1, 1, _PARAMETERS, len(_WANTED), *_WANTED, _END])
    return head + _COOKIE + options


def options_of(answer: bytes) -> dict[int, str]:
    found, at = {}, _FIXED_BYTES
    while at < len(answer) and answer[at] != _END:
        kind, length = answer[at], answer[at + 1]
        found[kind] = answer[at + 2 : at + 2 + length].hex()
        at += 2 + length
    return found


def ask(interface: str, mac: bytes, wait_s: float) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        client.bind(("", _CLIENT))
        client.settimeout(wait_s)
        client.sendto(discover(mac), ("255.255.255.255", _SERVER))
        try:
            answer = client.recv(4096)
        except TimeoutError:
            return "nothing"
    return {"address": socket.inet_ntoa(answer[16:20]), "options": options_of(answer)}


if __name__ == "__main__":
    told = ask(sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), float(sys.argv[3]))
    sys.stdout.write(json.dumps(told))
