"""sys.stdout and sys.stderr: text streams on top of the output queue."""

import io


class _Bytes(io.RawIOBase):
    """``sys.stdout.buffer``."""

    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def fileno(self):
        return self._stream.fileno()

    def write(self, data):
        self._stream._output.write_bytes(self._stream._raw, data)
        return len(data)

    def flush(self):
        self._stream.flush()


class Stream(io.TextIOBase):
    """A text stream whose text goes out in one order with that of the other one."""

    encoding = "UTF-8"
    errors = "replace"
    newlines = None
    line_buffering = True
    write_through = False
    mode = "w"

    def __init__(self, output, raw):
        self._output = output
        self._raw = raw
        self.name = raw.name
        self.buffer = _Bytes(self)
        self.write = output.writer_for(raw)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        """Writes what waits."""
        self._output.flush()

    def fileno(self):
        """The descriptor that the server reads: usable for child processes and C code."""
        return self._raw.fd

    def isatty(self):
        return False

    def writable(self):
        return True

    def readable(self):
        return False

    def reconfigure(self, **options):
        """Accepted for the sake of scripts; the encoding is always UTF-8."""

    def close(self):
        """Like the standard streams of a notebook, not to be closed."""
        self.flush()

    def set_parent(self, parent):
        """For widgets written for ipykernel; the cell is known from the context."""
