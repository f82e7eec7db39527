"""Parameters: papermill's options and places, and values that reach every language as they were given."""

import base64
import json
import math
import shutil
import subprocess
import sys

import nbformat
import pytest
import yaml
from conftest import code, notebook, parley

# Whatever any of the languages takes for a quote, an interpolation, a command, a comment or an escape.
STRINGS = {
    "emoji": "👩‍👩‍👧 é ß 漢 \U0001d11e",
    "quotes": "'\"`'''\"\"\" ´’“",
    "dollar": "$HOME ${HOME} $(exit 3) `exit 3` \\$x $1 $$",
    "hashes": "#{exit 3} #$0 #@a %x @list %{exit} ${exit}",
    "swift": "\\(exit(3)) \\n \\u{41} \\x41 \\101 \\u0041 \\N{DASH}",
    "brackets": "[exit 3] ]] ]=] {a} }{ <b> (( ))",
    "backslash": "\\ \\\\ at the end \\",
    "comments": "# // -- % /* */ ; | & ! *",
    "ends": "'); exit(3) #\"); exit(3); //'\"; quit(status=3); --",
    "python": "\"+__import__('os')._exit(3)+\" '+__import__('os')._exit(3)+'",
    "formats": "%s %d %% {0} {name} ~a",
    "accents": "'\u0301; exit 3; \"\u0301; \\\u0301 $\u0301(exit 3) `\u0301 ]\u0301 }\u0301",
    "tab": "a\tb",
    "control": "\x01\x02\x07\x08\x0b\x0c\x1b[0m1\x7f9",
    "c1": "\x80\x85\x9f1",
    "separators": "a\u2028b\u2029c\ufeffd\u00a0e",
    "lines": "a\nb\r\nc\rd\n",
    "heredoc": "EOF\nPY\n\"\"\"\n'''\n]]\n#!bash\nexit 3\n",
    "empty": "",
    "blanks": "  a  ",
    "number": "007",
    "word": "true",
    "date": "2024-01-02",
}
INTEGERS = {
    "zero": 0, "minus": -1, "int32": 2**31 - 1, "least32": -(2**31), "int33": 2**31, "exact": 2**53,
    "int64": 2**63 - 1, "least64": -(2**63), "uint64": 2**63, "huge": 2**64,
}  # fmt: skip
FLOATS = {
    "tenth": 0.1, "big": 1e300, "tiny": 5e-324, "half": -1.5, "whole": 3.0,
    "nan": math.nan, "inf": math.inf, "minusinf": -math.inf,
}  # fmt: skip

# How each language prints the text in NAME as hexadecimal UTF-8, and the number in NAME.
PRINTERS = {
    "python": ("print('NAME', NAME.encode().hex())", "print('NAME', repr(NAME))"),
    "javascript": (
        "console.log('NAME', Buffer.from(NAME).toString('hex'))", "console.log('NAME', String(NAME))",
    ),
    "ruby": ("puts 'NAME ' + NAME.unpack1('H*')", "puts \"NAME #{NAME}\""),
    "perl": (
        "{ my $b = $NAME; utf8::encode($b); print 'NAME ', unpack('H*', $b), \"\\n\"; }",
        "printf \"NAME %s\\n\", ($NAME =~ /^-?\\d+$/ ? $NAME : sprintf('%.17g', $NAME));",
    ),
    "lua": (
        "print('NAME', (NAME:gsub('.', function(c) return string.format('%02x', c:byte()) end)))",
        "print('NAME', string.format(math.type(NAME) == 'integer' and '%d' or '%.17g', NAME))",
    ),
    "tcl": (
        "puts \"NAME [binary encode hex [encoding convertto utf-8 $NAME]]\"", "puts \"NAME $NAME\"",
    ),
    "java": (
        "System.out.println(\"NAME \" + java.util.HexFormat.of().formatHex(NAME.getBytes(\"UTF-8\")));",
        "System.out.println(\"NAME \" + NAME);",
    ),
    "octave": ("printf('NAME %s\\n', sprintf('%02x', uint8(NAME)))", "printf('NAME %.17g\\n', NAME)"),
    "r": (
        "cat('NAME', paste(charToRaw(enc2utf8(NAME)), collapse=''), '\\n')",
        "cat('NAME', sprintf('%.17g', as.double(NAME)), '\\n')",
    ),
    "swift": (
        "print(\"NAME\", NAME.utf8.map { ($0 < 16 ? \"0\" : \"\") + String($0, radix: 16) }.joined())",
        "print(\"NAME\", NAME)",
    ),
    "bash": (
        "echo NAME $(printf %s \"$NAME\" | od -An -v -tx1 | tr -d ' \\n')", "echo \"NAME $NAME\"",
    ),
    "sql": ("SELECT 'NAME ' || hex(:NAME) AS v;", "SELECT 'NAME ' || :NAME AS v;"),
}  # fmt: skip

# What a language cannot hold is refused by name, before anything runs: see test_what_cannot_be_said.
ABSENT = {
    "sql": {"lines", "heredoc", "huge", "uint64", "nan", "inf", "minusinf"},
    "octave": {"int64"},
    "r": {"int64"},
    "swift": set(),
}

PROGRAMS = {
    "python": "python3", "javascript": "node", "ruby": "ruby", "perl": "perl", "lua": "lua5.4", "tcl": "tclsh",
    "java": "java", "octave": "octave", "r": "R", "swift": "swiftc", "bash": "bash", "sql": "perl",
}  # fmt: skip


def needs(language):
    if not shutil.which(PROGRAMS[language]):
        pytest.skip(f"{PROGRAMS[language]} is not installed")


def printed(run, language, lines, values, *options):
    """What one cell prints that follows the parameters, by the first word of each line."""
    file = run.folder / "values.yaml"
    file.write_text(yaml.safe_dump(values, allow_unicode=True))
    cells = [code(f"#!{language}\n", "parameters"), f"#!{language}\n" + "\n".join(lines)]
    ended = run(*cells, options=("-f", str(file), "--allow-unknown", *options), limit=90)
    assert ended.code == 0, ended.stderr
    text = ended.text(2) + "".join(
        "".join(output.data.get("text/plain", "")) + "\n" for output in ended.outputs(2) if "data" in output
    )
    found = {}
    for line in text.splitlines():
        words = line.strip(" |│").split(None, 1)
        if words:
            found[words[0]] = words[1].strip() if len(words) > 1 else ""
    return found


@pytest.mark.parametrize("language", PRINTERS)
def test_values_reach_the_language_as_they_are(language, run):
    needs(language)
    text, number = PRINTERS[language]
    absent = ABSENT.get(language, set())
    strings = {f"s_{name}": value for name, value in STRINGS.items() if name not in absent}
    numbers = {f"n_{name}": value for name, value in (INTEGERS | FLOATS).items() if name not in absent}
    lines = [text.replace("NAME", name) for name in strings] + [number.replace("NAME", name) for name in numbers]
    found = printed(run, language, lines, strings | numbers)
    for name, value in strings.items():
        assert bytes.fromhex(found[name]).decode() == value, name
    for name, value in numbers.items():
        read = found[name].lower().replace("1.#", "").lstrip("+")
        if isinstance(value, int) and "e" not in read and "." not in read:
            assert int(read) == value, name
        elif math.isnan(value):
            assert math.isnan(float(read)), name
        else:
            assert float(read) == value, name


NESTED = {
    "items": [1, "two", [True, [[]]], {"a b": {"deep": [1.5]}}],
    "table": {"a b": 1, "__proto__": "x", "constructor": 2, "é": "e", "q\"'$": "v", "#{1}": [], "2": {}},
    "nothing": None, "yes": True, "no": False, "none": [], "bare": {},
}  # fmt: skip

# What each language says of them: an expression that prints, and what it prints.
NESTINGS = {
    "python": [("import json\nprint(json.dumps([items, table, nothing, yes, no, none, bare]))", NESTED)],
    "javascript": [("console.log(JSON.stringify([items, table, nothing, yes, no, none, bare]))", NESTED)],
    "ruby": [("require 'json'; puts JSON.generate([items, table, nothing, yes, no, none, bare])", NESTED)],
    "perl": [
        ("use JSON::PP; print JSON::PP->new->ascii->encode([$items, $table, $nothing, $none, $bare]), \"\\n\";",
         [[1, "two", [1, [[]]], NESTED["items"][3]], NESTED["table"], None, [], {}]),
    ],
    "r": [
        ("cat(jsonlite::toJSON(list(items, table, yes, no, none), auto_unbox = TRUE), '\\n')",
         [NESTED["items"], NESTED["table"], True, False, []]),
        ("cat(is.null(nothing), is.list(bare), length(bare), '\\n')", "TRUE TRUE 0"),
        ("cat(names(table)[5], table[['__proto__']], '\\n')", "q\"'$ x"),
    ],
    "lua": [
        ("print(items[1], items[2], items[3][1], #items[3][2][1], items[4]['a b'].deep[1])", "1\ttwo\ttrue\t0\t1.5"),
        ("print(table_['a b'], table_['__proto__'], table_['é'], table_['q\"\\'$'], #table_['#{1}'])", "1\tx\te\tv\t0"),
        ("print(nothing, yes, no, #none, next(bare))", "nil\ttrue\tfalse\t0\tnil"),
    ],
    "tcl": [
        ("puts [lindex $items 1]/[lindex $items 2 0]/[dict get [lindex $items 3] {a b} deep]/[llength $items]", "two/true/1.5/4"),
        ("puts [dict get $table {a b}]/[dict get $table __proto__]/[dict get $table é]/[dict get $table q\\\"'\\$]", "1/x/e/v"),
        ("puts \"[string length $nothing] $yes $no [llength $none] [dict size $bare]\"", "0 true false 0 0"),
    ],
    "java": [
        ("System.out.println(items.toString() + table + nothing + yes + no + none + bare);",
         "[1, two, [true, [[]]], {a b={deep=[1.5]}}]"
         "{a b=1, __proto__=x, constructor=2, é=e, q\"'$=v, #{1}=[], 2={}}nulltruefalse[]{}"),
    ],
    "octave": [
        ("printf('%d %s %d %g\\n', items{1}, items{2}, items{3}{1}, items{4}('a b')('deep'){1})", "1 two 1 1.5"),
        ("printf('%d %s %s %s %d\\n', table('a b'), table('__proto__'), table('é'), table('q\"''$'), numel(table('#{1}')))",
         "1 x e v 0"),
        ("printf('%d %d %d %d %d\\n', isempty(nothing), yes, no, numel(none), bare.Count)", "1 1 0 0 0"),
    ],
    "swift": [
        ("print(items[1]!, (items[2] as! [Any?])[0]!, (items[3] as! [String: [String: [Double]]])[\"a b\"]![\"deep\"]![0])",
         "two true 1.5"),
        ("print(table[\"a b\"]!!, table[\"__proto__\"]!!, table[\"é\"]!!, table[\"q\\\"'$\"]!!, table.count)", "1 x e v 7"),
        ("print(nothing == nil, yes, no, none.count, bare.count)", "true true false 0 0"),
    ],
    "bash": [
        ("echo \"${items[0]} ${items[1]} ${items[3]}\"", '1 two {"a b":{"deep":[1.5]}}'),
        ("k='é'; q=\"q\\\"'\\$\"; echo \"${table[a b]} ${table[__proto__]} ${table[$k]} ${#table[@]}\"", "1 x e 7"),
        ("echo \"<$nothing> $yes $no ${#none[@]} ${#bare[@]}\"", "<> true false 0 0"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("language", NESTINGS)
def test_lists_and_mappings_nest(language, run):
    needs(language)
    values = dict(NESTED)
    if language == "lua":
        # Its own library is called table.
        values["table_"] = values.pop("table")
    (run.folder / "values.json").write_text(json.dumps(values))
    lines = [line for line, _ in NESTINGS[language]]
    ended = run(
        code(f"#!{language}\n", "parameters"), f"#!{language}\n" + "\n".join(lines),
        options=("-f", "values.json", "--allow-unknown"), limit=90,
    )  # fmt: skip
    assert ended.code == 0, ended.stderr
    output = ended.text(2).rstrip("\n").split("\n")
    for said, (_, expected) in zip(output, NESTINGS[language]):
        if expected is NESTED:
            expected = list(NESTED.values())
        assert (said.rstrip() if isinstance(expected, str) else json.loads(said)) == expected
    assert len(output) == len(lines)


@pytest.mark.parametrize(
    "language, yaml_text, words",
    [
        ("r", "n: 9223372036854775807", "R cannot hold the whole number 9223372036854775807"),
        ("octave", "n: 9223372036854775807", "exactly"),
        ("lua", "l: [1, null]", "nil"),
        ("bash", 'b: "a\\0b"', "NUL"),
        ("sql", 's: "a\\nb"', "one line"),
        ("sql", "l: [1]", "no lists"),
        ("python", "a b: 1", '"a b" cannot be the name'),
        ("python", "x;exit(3): 1", "cannot be the name"),
        ("bash", "x$(exit 3): 1", "cannot be the name"),
    ],
)
def test_what_cannot_be_said_is_refused_before_anything_runs(language, yaml_text, words, run):
    ended = run(code(f"#!{language}\n", "parameters"), options=("-y", yaml_text, "--allow-unknown"))
    assert ended.code == 65 and ended.result["reason"] == "bad_input"
    assert words in ended.stderr and not ended.output.exists()


# Where the values come from


TAGGED = code("a = 1\nb = 'x'", "parameters")


def values_of(run, *options, cell=TAGGED, **more):
    ended = run(cell, "print(repr([a, b]))", options=options, **more)
    assert ended.code == 0, ended.stderr
    return ended, ended.text(len(ended.notebook.cells) - 1).strip()


def test_the_strongest_source_wins(run):
    encoded = base64.b64encode(b"{a: 2, b: base64}").decode()
    (run.folder / "f.yaml").write_text("a: 3\nb: file\n")
    options = ("-r", "b", "raw", "-p", "a", "5", "-y", "{a: 4, b: yaml}", "-f", "f.yaml", "-b", encoded)
    assert values_of(run, *options)[1] == "[5, 'raw']"
    assert values_of(run, *options[3:])[1] == "[5, 'yaml']"
    assert values_of(run, *options[6:])[1] == "[4, 'yaml']"
    assert values_of(run, *options[8:])[1] == "[3, 'file']"
    assert values_of(run, *options[10:])[1] == "[2, 'base64']"


def test_long_names_and_values_that_look_like_options(run):
    assert values_of(run, "--parameters", "a", "-5", "--parameters_raw", "b", "--help")[1] == "[-5, '--help']"
    assert values_of(run, "--parameters_yaml", "{a: -1, b: -p}")[1] == "[-1, '-p']"
    assert values_of(run, "-p", "a", "1", "-p", "a", "2", "-r", "b", "-p")[1] == "[2, '-p']"


def test_a_missing_value_is_a_wrong_command_line(tmp_path):
    ended = subprocess.run([parley(), "run", "in.ipynb", "out.ipynb", "-p", "a"], capture_output=True, text=True)
    assert ended.returncode == 64 and "-p needs a name and a value" in ended.stderr


def test_the_record_and_the_cell_are_papermills(run):
    papermill = pytest.importorskip("papermill")
    values = {"a": 5, "b": "it's", "c": [1, None, 2.5], "d": {"x": True}}
    made = notebook(code("a = 1\nb = ''\nc = []\nd = {}", "parameters"), "print(a)", kernel="python3")
    nbformat.write(made, run.folder / "theirs.ipynb")
    papermill.execute_notebook(
        str(run.folder / "theirs.ipynb"), str(run.folder / "theirs-out.ipynb"), values, prepare_only=True
    )
    theirs = nbformat.read(run.folder / "theirs-out.ipynb", 4)
    ended = run(*made.cells, options=("-y", json.dumps(values), "--prepare-only"), kernel="python3")
    mine = ended.notebook
    assert mine.metadata.papermill.parameters == theirs.metadata.papermill.parameters == values
    assert set(mine.metadata.papermill) == set(theirs.metadata.papermill)
    # papermill gives every cell an empty record but the one that it adds.
    theirs.cells[1].metadata.papermill = {}
    assert [cell.metadata for cell in mine.cells] == [cell.metadata for cell in theirs.cells]
    scopes = [{}, {}]
    for scope, made in zip(scopes, (mine, theirs)):
        assert made.cells[1].metadata.tags == ["injected-parameters"]
        assert made.cells[1].source.startswith("# Parameters\n")
        exec(made.cells[1].source, scope)
        scope.pop("__builtins__")
    assert scopes[0] == scopes[1] == values


def test_a_second_run_replaces_the_injected_cell(run):
    first = run(TAGGED, "print(a)", options=("-p", "a", "2")).notebook
    second = run(*first.cells, options=("-p", "a", "3"))
    assert [cell.source for cell in second.notebook.cells] == [TAGGED.source, "# Parameters\na = 3\n", "print(a)"]
    assert second.text(2) == "3\n"


def test_without_a_tagged_cell_the_values_come_first(run):
    ended = run("print(a)", options=("-p", "a", "2"))
    assert ended.text(1) == "2\n" and 'tagged "parameters"' in ended.stderr


def test_paths_are_parameters_on_request(run):
    ended = run("print(PAPERMILL_INPUT_PATH, PAPERMILL_OUTPUT_PATH)", options=("--inject-paths",))
    assert ended.text(1) == f"{ended.input} {ended.output}\n"


def test_report_mode_hides_sources(run):
    ended = run(TAGGED, "a", options=("--report-mode", "-p", "a", "2"))
    assert [cell.metadata.jupyter.source_hidden for cell in ended.notebook.cells] == [True] * 3


@pytest.mark.parametrize(
    "options, words",
    [
        (("-p", "aa", "1"), "aa is unknown; did you mean a?"),
        (("-p", "something", "1"), "something is unknown; the notebook has a, b"),
        (("-p", "a", "x"), "a must be int, not str"),
        (("-p", "b", "5"), "b must be str, not int (-r gives it as text)"),
        (("-y", "[1"), "not valid YAML"),
        (("-y", "- 1"), "does not hold names and values"),
        (("-b", "%"), "not valid base64"),
    ],
)
def test_wrong_parameters_fail_before_anything_starts(options, words, run):
    ended = run(TAGGED, "open('ran', 'w')", options=options)
    assert ended.code == 65 and words in ended.stderr
    assert not ended.output.exists() and not (run.folder / "ran").exists()


def test_a_parameter_without_a_default_is_required(run):
    ended = run(code("day: str  # which day", "parameters"))
    assert ended.code == 65 and "day is missing: give it with -p day VALUE" in ended.stderr


def test_a_schema_in_the_metadata(run):
    properties = {"n": {"type": "integer", "maximum": 9, "default": 3}}
    metadata = {"parley": {"parameters": {"properties": properties, "additionalProperties": False}}}
    assert run("print(n)", metadata=metadata).text(1) == "3\n"
    assert "n must be at most 9" in run("print(n)", metadata=metadata, options=("-p", "n", "10")).stderr
    assert "m is unknown" in run("print(n)", metadata=metadata, options=("-p", "m", "1")).stderr


# Looking without running


def test_inspect(run):
    pytest.importorskip("papermill")
    source = "a: int = 1  # how many\nb = 'x'  # type: str\nc: float = 2.5"
    made = notebook(code(source, "parameters"), kernel="python3")
    nbformat.write(made, run.folder / "in.ipynb")

    def ask(program, *options):
        command = [*program, "in.ipynb", *options]
        return subprocess.run(command, cwd=run.folder, capture_output=True, text=True, timeout=30)

    theirs = ask([sys.executable, "-m", "papermill"], "--help-notebook").stdout
    mine = ask([parley(), "run"], "--help-notebook")
    assert mine.returncode == 0
    listed = theirs[theirs.index("Parameters inferred") :].splitlines()
    assert mine.stdout.splitlines() == [line.rstrip() for line in listed]
    import papermill

    asked = json.loads(ask([parley(), "run"], "--inspect", "--json").stdout)
    for name, entry in papermill.inspect_notebook(str(run.folder / "in.ipynb")).items():
        assert {key: asked[name][key] for key in entry} == entry


def test_inspect_needs_no_kernel(run):
    made = notebook(code("n <- 5L  # how many", "parameters"), kernel="nosuch")
    made.metadata.kernelspec["language"] = "R"
    nbformat.write(made, run.folder / "in.ipynb")
    asked = subprocess.run(
        [parley(), "run", "in.ipynb", "--inspect"], cwd=run.folder, capture_output=True, text=True, timeout=30
    )
    assert "n: int (default 5L)" in asked.stdout and "how many" in asked.stdout


# Paths with parameters


def test_paths_are_templates(run):
    nbformat.write(notebook("1"), run.folder / "in.ipynb")
    template = "{name}-{n:03d}-{pm[current_datetime_utc]:%Y}-{pm[run_uuid]}-{other}.ipynb"
    ended = subprocess.run(
        [parley(), "run", "in.ipynb", template, "-p", "name", "x", "-p", "n", "7", "--allow-unknown",
         "--run-id", "id-1"],
        cwd=run.folder, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    (made,) = (path.name for path in run.folder.glob("x-*.ipynb"))
    prefix, year, rest = made[:6], made[6:10], made[10:]
    assert prefix == "x-007-" and year.isdigit() and rest == "-id-1-{other}.ipynb"
