# Python values as tagged JSON: what JSON lacks is an object with one short key. The host reads the same form
# (value.h). Both processes of a box use this file, and neither trusts what the other side of its socket says.

MAX_DEPTH = 150
MAX_DECIMAL_BITS = 65536


class Unsendable(Exception):
    """A value of the tests that cannot be handed to the program."""


def pack(value, other, depth=0):
    """The value as JSON can hold it; other(value) says what stands for a value of no plain type."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        if -(2**63) <= value < 2**63:
            return value
        # Decimal digits take time by the square of their number.
        return {"i": str(value)} if value.bit_length() <= MAX_DECIMAL_BITS else {"h": f"{value:x}"}
    if kind is float:
        return value if value - value == 0 else {"f": repr(value)}
    if depth > MAX_DEPTH:
        raise ValueError("nested too deep")
    if kind is list:
        return [pack(item, other, depth + 1) for item in value]
    if kind is tuple:
        return {"t": [pack(item, other, depth + 1) for item in value]}
    if kind is dict:
        return {
            "d": [[pack(key, other, depth + 1), pack(item, other, depth + 1)] for key, item in dict.items(value)]
        }
    if kind is set or kind is frozenset:
        return {"s": [pack(item, other, depth + 1) for item in value]}
    if kind is bytes or kind is bytearray:
        return {"b": value.hex()}
    if kind is complex:
        return {"c": [pack(value.real, other), pack(value.imag, other)]}
    return pack_subclass(value, other, depth)


def pack_subclass(value, other, depth):
    """A defaultdict is sent as a dict, a named tuple as a tuple: by what the base class holds."""
    if isinstance(value, int):
        return pack(int.__add__(value, 0), other, depth)
    if isinstance(value, float):
        return pack(float.__add__(value, 0.0), other, depth)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return pack({key: item for key, item in dict.items(value)}, other, depth)
    if isinstance(value, tuple):
        return pack(tuple.__add__(value, ()), other, depth)
    if isinstance(value, list):
        return pack(list.__add__(value, []), other, depth)
    return other(value)


def unpack(value, other):
    """The inverse of pack; other(tagged) makes what stands for a value of no plain type."""
    if type(value) is list:
        return [unpack(item, other) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        ((tag, content),) = value.items()
        if tag == "i":
            return int(content)
        if tag == "h":
            return int(content, 16)
        if tag == "f":
            return float(content)
        if tag == "t":
            return tuple([unpack(item, other) for item in content])
        if tag == "d":
            return {unpack(key, other): unpack(item, other) for key, item in content}
        if tag == "s":
            return {unpack(item, other) for item in content}
        if tag == "b":
            return bytes.fromhex(content)
        if tag == "c":
            return complex(unpack(content[0], other), unpack(content[1], other))
    return other(value)


def read_exactly(channel, size):
    parts = []
    while size:
        part = channel.recv(min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(channel):
    """The next message: its length in 4 bytes, the lowest first, then as many bytes. None at the end."""
    header = read_exactly(channel, 4)
    return header and read_exactly(channel, int.from_bytes(header, "little"))


def write_frame(channel, message):
    channel.sendall(len(message).to_bytes(4, "little") + message)


def write_json(channel, value):
    write_frame(channel, json.dumps(value).encode())


def describe(fault):
    """An exception in one line."""
    try:
        return f"{type(fault).__name__}: {fault}"[:300]
    except BaseException:
        return type(fault).__name__[:300]
