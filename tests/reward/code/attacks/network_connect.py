import socket


def solve(world):
    socket.create_connection(("127.0.0.1", world["port"]), 1).send(b"hello")
    return "connected"
