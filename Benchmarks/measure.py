#!/usr/bin/env python3
"""Runs a command and writes what it took, as one line of JSON, to standard output.

usage: measure.py COMMAND [ARGUMENT…]

The command's own output is dropped; its errors pass through, and so does its exit status. Standard library only.
"""
import json
import os
import sys
import time


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip(), file=sys.stderr)
        return 64
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            os.execvp(sys.argv[1], sys.argv[1:])
        except OSError as error:
            print(f"measure.py: {sys.argv[1]}: {error.strerror}", file=sys.stderr)
            os._exit(127)
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - began
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({
        "wall_seconds": round(wall, 3), "user_seconds": round(used.ru_utime, 3),
        "system_seconds": round(used.ru_stime, 3),
        "peak_rss_mb": round(used.ru_maxrss * 1024 / 1e6, 1),  # Linux counts in KiB
        "status": code}))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
