# What the processes of a box import: once, in the server, so that programs get it for nothing.

import os

# Modules repair themselves in every fork: after threads that were lost, and `random` by a seed of its own. The server has
# one thread, and random numbers are to be the same in every check; without the repair a check costs a tenth less.
register_at_fork, os.register_at_fork = os.register_at_fork, lambda **hooks: None

import ast  # noqa: E402
import atexit  # noqa: E402
import base64  # noqa: E402
import builtins  # noqa: E402
import ctypes  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import struct  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import types  # noqa: E402

import bisect, cmath, collections, copy, dataclasses, datetime, decimal, enum, fractions, functools, hashlib  # noqa: E401,E402,F401
import heapq, inspect, io, itertools, math, operator, random, re, statistics, string, textwrap, typing  # noqa: E401,E402,F401

os.register_at_fork = register_at_fork
