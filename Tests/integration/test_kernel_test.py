"""jupyter_kernel_test, the common conformance tests, for the installed kernelspecs."""

import jupyter_kernel_test
from installed import Installed


class PythonCode:
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples = [
        {"text": "impor", "matches": {"import"}},
        {"text": "zzz.", "matches": set()},
        {"text": "from collections import OrderedD", "matches": {"OrderedDict"}},
    ]
    complete_code_samples = ["1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n"]
    incomplete_code_samples = ["print('''hello", "def f(x):\n  x*2"]
    invalid_code_samples = ["import = 7q"]
    code_page_something = "zip?"
    code_generate_error = "raise ValueError('as asked')"
    code_execute_result = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
    ]
    code_display_data = [
        {"code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))", "mime": "text/html"},
        {"code": "from IPython.display import Math, display; display(Math('x^2'))", "mime": "text/latex"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "zip"
    code_clear_output = "from IPython.display import clear_output; clear_output()"


class TestParley(Installed, PythonCode, jupyter_kernel_test.KernelTests):
    language = "parley"


class TestPython(Installed, PythonCode, jupyter_kernel_test.KernelTests):
    language = "python"


class TestBash(Installed, jupyter_kernel_test.KernelTests):
    """A shell has no results and no pager; everything else is filled in."""

    language = "bash"
    language_name = "bash"
    file_extension = ".sh"
    code_hello_world = "echo 'hello, world'"
    code_stderr = "echo test >&2"
    completion_samples = [
        {"text": "BASH_VERSI", "matches": set()},
        {"text": "echo $BASH_VERSI", "matches": {"$BASH_VERSINFO", "$BASH_VERSION"}},
        {"text": "shop", "matches": {"shopt"}},
    ]
    complete_code_samples = ["echo 1", "for i in 1 2; do echo $i; done", "cat <<END\nx\nEND"]
    incomplete_code_samples = ["for i in 1 2; do", "echo 'abc", "if true; then\n  echo 1"]
    invalid_code_samples = ["fi", "echo )"]
    code_generate_error = "if then"
    code_display_data = [{"code": "display --html '<b>test</b>'", "mime": "text/html"}]
    code_inspect_sample = "cd"
    code_clear_output = "clear_output"


class TestWelcomeOfParley(Installed, jupyter_kernel_test.IopubWelcomeTests):
    language = "parley"


class TestWelcomeOfBash(Installed, jupyter_kernel_test.IopubWelcomeTests):
    language = "bash"
