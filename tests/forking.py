"""Processes for tests that need not wait until each of them has imported torch or transformers.

One process imports these and forks for each that is asked for: with a session, streams, limits and
an end of its own, which is told as it was. Must never import a module of the program: what is
forked runs that from its file, as a new process does.
"""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys

NUMBER = struct.Struct("i")
LONGEST_PATH = 4096
FOR_TOKENIZERS = ("transformers.models.auto.tokenization_auto", "jinja2.sandbox", "tokenizers")
FOR_MODELS = ("torch", "transformers.models.gpt2.modeling_gpt2", "tokenizers")


class Forked:
    """What is known here of one such process: as much of subprocess.Popen as the program uses."""

    def __init__(self, server, program):
        (stdin, ours_in), (ours_out, stdout), (told, tells) = os.pipe(), os.pipe(), os.pipe()
        given = (stdin, stdout, tells)
        socket.send_fds(server, [os.fsencode(program)], given)
        for descriptor in given:
            os.close(descriptor)
        self.stdin, self.stdout = os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb")
        self._told = os.fdopen(told, "rb", buffering=0)
        self.returncode = None
        (self.pid,) = NUMBER.unpack(self._told.read(NUMBER.size))

    def kill(self):
        if self.returncode is None and not select.select([self._told], [], [], 0)[0]:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout=None):
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("forked", timeout)
            (status,) = NUMBER.unpack(self._told.read(NUMBER.size))
            self._told.close()
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class Forking:
    """Starts such processes, from one that is started when it is first needed."""

    def __init__(self, libraries, environment):
        self._libraries = libraries  # without torch among them there is none, as for tokenizers
        self._environment = environment
        self._server = self._socket = None

    def start(self, program):
        if self._server is None:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._server = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno()), *self._libraries],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **self._environment},
                start_new_session=True,
                cwd="/",
            )
            theirs.close()
        return Forked(self._socket, program)

    def run(self, program, question):
        """Return the code with which such a process ends, and what it says."""
        process = self.start(program)
        with process.stdin, process.stdout:
            process.stdin.write(question)
            process.stdin.close()
            said = process.stdout.read()
        return process.wait(), said

    def close(self):
        if self._server is not None:
            self._socket.close()
            self._server.wait()


def serve(asked):
    """Return the program in each process that is forked; end this one once nobody can ask."""
    while True:
        program, descriptors, _flags, _address = socket.recv_fds(asked, LONGEST_PATH, 3)
        if not program:
            while True:
                try:
                    os.wait()
                except ChildProcessError:
                    sys.exit()
        if os.fork() == 0:
            asked.close()
            if watch(*descriptors):
                return os.fsdecode(program)
        for descriptor in descriptors:
            os.close(descriptor)


def watch(stdin, stdout, tells):
    """Fork, return true in the new process and tell of its beginning and end in this one."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        os.dup2(os.open(os.devnull, os.O_RDWR), 2)
        os.closerange(3, 64)
        return True
    os.close(stdin)
    os.close(stdout)
    try:
        os.write(tells, NUMBER.pack(pid))
        os.write(tells, NUMBER.pack(os.waitpid(pid, 0)[1]))
    finally:
        os._exit(0)


if __name__ == "__main__":
    _, descriptor, *libraries = sys.argv
    if "torch" not in libraries:
        sys.modules["torch"] = None
    for library in libraries:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()
    sys.argv = [serve(socket.socket(fileno=int(descriptor)))]
    runpy.run_path(sys.argv[0], run_name="__main__")
