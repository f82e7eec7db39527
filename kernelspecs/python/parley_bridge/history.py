"""The inputs of this session for ``%history`` and its kin; the server keeps those of all sessions."""

from fnmatch import fnmatchcase

from IPython.core import history


class HistoryManager(history.HistoryManager):
    """Answers from memory what IPython would ask its database."""

    def _entries(self, raw, output):
        inputs = self.input_hist_raw if raw else self.input_hist_parsed
        for line, text in enumerate(inputs):
            if line and text:
                yield self.session_number, line, (
                    (text, self.output_hist_reprs.get(line)) if output else text)

    def get_tail(self, n=10, raw=True, output=False, include_latest=False):
        """The last ``n`` inputs, without the one that asks."""
        found = list(self._entries(raw, output))
        if not include_latest:
            found = found[:-1]
        n = 10 if n is None else n
        return found[-n:] if n > 0 else []

    def search(self, pattern="*", raw=True, search_raw=True, output=False, n=None, unique=False):
        """The inputs that fit a pattern with ``*`` and ``?``."""
        searched = self.input_hist_raw if search_raw else self.input_hist_parsed
        found = [entry for entry in self._entries(raw, output)
                 if fnmatchcase(searched[entry[1]], pattern)]
        if unique:
            latest = {searched[entry[1]]: entry for entry in found}
            found = [entry for entry in found if latest[searched[entry[1]]] is entry]
        return found if n is None else found[-n:] if n > 0 else []
