"""Makes tracebacks cheaper: what pygments works out anew for each of them is remembered.

stack_data makes a lexer class of its own for every traceback, and IPython a formatter. So each time
the same word lists become regular expressions and the same colours are matched with the terminal's;
that is most of the 10 to 20 ms that an error or an interrupt takes.
"""

from .hooks import when_imported


def install():
    """Remembers from the import of pygments' modules on; an unknown pygments is left as it is."""
    when_imported("pygments.lexer", _remember_word_lists)
    when_imported("pygments.formatters.terminal256", _remember_colours)


def _remember_word_lists(lexer):
    words = getattr(lexer, "words", None)
    get = getattr(words, "get", None)
    if get is None:
        return
    known = {}

    def remembered(self):
        try:
            key = tuple(self.words), self.prefix, self.suffix
            pattern = known.get(key)
        except (AttributeError, TypeError):
            return get(self)
        if pattern is None:
            pattern = known[key] = get(self)
        return pattern

    words.get = remembered


def _remember_colours(module):
    formatter = getattr(module, "Terminal256Formatter", None)
    closest = getattr(formatter, "_closest_color", None)
    if closest is None:
        return

    known = {}

    def remembered(self, red, green, blue):
        # The table of colours is the class's, so the answer is the same for every instance.
        key = type(self), red, green, blue
        colour = known.get(key)
        if colour is None:
            colour = known[key] = closest(self, red, green, blue)
        return colour

    formatter._closest_color = remembered
