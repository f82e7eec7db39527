"""A cell may close its standard output, or send it elsewhere: the next one prints in the notebook again."""

import shutil

import pytest

from conftest import ROOT, has, python_with_ipython

# By language: cells that take descriptors 1 and 2 away, and one that prints 1 and, on the other stream, 2.
CLOSING = {
    "python": (["import os; os.close(1); os.close(2)",
                "import os; f = os.open('/dev/null', os.O_WRONLY); os.dup2(f, 1); os.dup2(f, 2); print('gone')"],
               "import sys\nprint(1)\nprint(2, file=sys.stderr)"),
    "bash": (["exec 1>&- 2>&-", "exec >/dev/null 2>&1; echo gone"], "echo 1; echo 2 >&2"),
    "ruby": (["$stdout.close; $stderr.close; nil", "IO.for_fd(1).close; IO.for_fd(2).close; nil"], "puts 1; warn 2"),
    "perl": (["close STDOUT; close STDERR; undef", "use POSIX; POSIX::close(1); POSIX::close(2); undef",
              "open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null'; print 'gone'",
              "close STDOUT; my $text = ''; open STDOUT, '>', \\$text; print 'gone'"],
             "print \"1\\n\"; print STDERR \"2\\n\""),
    "lua": (["io.stdout:close() io.stderr:close()"], "print(1) io.stderr:write('2\\n')"),
    "tcl": (["close stdout; close stderr"], "puts 1; puts stderr 2"),
    "javascript": (["fs.closeSync(1); fs.closeSync(2)", "process.stdout.end(); process.stderr.end(); undefined"],
                   "console.log(1); console.error(2)"),
    "octave": (["try, fclose (stdout); catch, end", "fclose all;"], "disp (1); fflush (stdout); fdisp (stderr, 2)"),
    "r": (["tryCatch(close(stdout()), error = function(e) NULL) -> x", "closeAllConnections()"],
          "cat('1\\n'); message('2')"),
    "java": (["System.out.close(); System.err.close();",
              "new java.io.FileOutputStream(java.io.FileDescriptor.out).close();"
              "new java.io.FileOutputStream(java.io.FileDescriptor.err).close();"],
             "System.out.println(1); System.err.println(2);"),
    "swift": (["import Glibc\nclose(1); close(2);",
               "let f = open(\"/dev/null\", O_WRONLY); dup2(f, 1); dup2(f, 2); print(\"gone\");",
               "freopen(\"/dev/null\", \"w\", stdout); freopen(\"/dev/null\", \"w\", stderr); print(\"gone\");"],
              "print(1); fputs(\"2\\n\", stderr);"),
}
NEEDS = {"tcl": "tclsh", "r": "R", "octave": "octave-cli", "lua": "lua5.4", "javascript": "node", "java": "javac",
         "swift": "swiftc"}


@pytest.mark.parametrize("language", CLOSING)
def test_the_next_cell_prints_again(start, language):
    if not shutil.which(NEEDS.get(language, language)):
        pytest.skip("needs %s" % language)
    if language == "python" and not has(python_with_ipython(), "IPython"):
        pytest.skip("needs IPython")
    cells, printing = CLOSING[language]
    # Swift builds the program that runs cells with the first one; that is kept for all tests.
    cache = {"XDG_CACHE_HOME": str(ROOT / ".build" / "swift-cells")} if language == "swift" else {}
    bridge = start(language, PARLEY_PYTHON=python_with_ipython(), **cache)
    bridge.execute("", timeout=150)
    for code in cells:
        cell = bridge.execute(code, timeout=60)
        assert (cell.status, "gone" in cell.text()) == ("ok", False), cell.transcript
        cell = bridge.execute(printing, timeout=60)
        assert (cell.status, cell.text("stdout"), cell.text("stderr")) == ("ok", "1\n", "2\n"), code
