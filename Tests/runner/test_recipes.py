"""The recipes of docs/schedulers.md: each file under examples/schedulers is read by its own tools where they are here, and
its command is run as its scheduler would."""

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import types
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, notebook, parley, valid

RECIPES = ROOT / "examples" / "schedulers"
LONG = ["print('before')", "open('begun', 'w').close()\nimport time\ntime.sleep(60)", "print('after')"]


@pytest.fixture
def reports(tmp_path):
    """What /srv/reports is in the recipes."""
    (tmp_path / "out").mkdir()
    (tmp_path / "in").mkdir()
    for name, cells in {"report": ["print('done')"], "failing": ["1/0"], "long": LONG}.items():
        nbformat.write(notebook(*cells), tmp_path / f"{name}.ipynb")
        nbformat.write(notebook(*cells), tmp_path / "in" / f"{name}.ipynb")
    return tmp_path


def here(text: str, reports: Path) -> str:
    return text.replace("/usr/local/bin/parley", parley()).replace("/srv/reports", str(reports))


def statuses(path: Path) -> list[str]:
    return [cell.metadata.parley.status for cell in valid(path).cells]


def until(condition, limit=30, what="it"):
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)


def downloaded(package: str, tmp_path_factory) -> Path:
    """The wheel of a package, which is read and not installed."""
    folder = tmp_path_factory.mktemp("wheel")
    got = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--only-binary", ":all:", "--dest", folder, package],
        capture_output=True, text=True, timeout=50,
    )
    if got.returncode:
        pytest.skip(f"{package} cannot be downloaded: {got.stderr[-200:]}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_every_recipe_is_told_of():
    text = (ROOT / "docs" / "schedulers.md").read_text("utf-8")
    assert [p.name for p in RECIPES.iterdir() if p.name not in text] == []


# cron

@pytest.mark.parametrize("name, code", [("report", 0), ("failing", 1)])
def test_crontab(reports, name, code):
    text = (RECIPES / "crontab").read_text()
    (line,) = [line for line in text.splitlines() if re.match(r"[\d*]", line)]
    *times, command = line.split(None, 5)
    assert len(times) == 5 and not re.search(r"(?<!\\)%", command)
    # cron's environment, besides where this checkout has its languages and its Python.
    environment = {
        "HOME": os.environ["HOME"], "LOGNAME": "reports", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin",
        "PARLEY_LANGUAGES": os.environ["PARLEY_LANGUAGES"], "PARLEY_PYTHON": sys.executable,
    }
    command = here(command, reports).replace(r"\%", "%").replace("report.ipynb", f"{name}.ipynb")
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, timeout=50)
    assert done.returncode == code, done.stderr
    # What is printed is mailed: nothing after success, the traceback after a failure.
    assert ("ZeroDivisionError" in done.stderr) if code else (done.stdout + done.stderr == "")
    (output,) = (reports / "out").iterdir()
    assert re.fullmatch(r"report-\d{4}-\d\d-\d\d.ipynb", output.name)
    assert statuses(output) == (["failed"] if code else ["ok"])


# systemd

def unit(name: str, reports: Path) -> Path:
    """The unit as an instance for report.ipynb, with the programs of this machine."""
    text = here((RECIPES / name).read_text(), reports).replace("User=reports\n", "")
    place = reports / name.replace("@", "@report")
    place.write_text(text)
    return place


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
@pytest.mark.parametrize("name", ["parley-run@.service", "parley-run@.timer", "parley-kernel.service"])
def test_systemd_units_are_valid(reports, name):
    unit("parley-run@.service", reports)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit(name, reports))], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert str(reports) not in done.stderr, done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_calendar():
    (when,) = re.findall(r"OnCalendar=(.*)", (RECIPES / "parley-run@.timer").read_text())
    done = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "Mon..Fri *-*-* 06:15:00" in done.stdout


def test_systemd_command(reports):
    (command,) = re.findall(r"ExecStart=/bin/sh -c '(.*)'", unit("parley-run@.service", reports).read_text())
    command = command.replace("%%", "%%%").replace("%i", "report").replace("%%%", "%")
    done = subprocess.run(["/bin/sh", "-c", command], cwd=reports, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    (output,) = (reports / "out").iterdir()
    assert re.fullmatch(r"report-\d{4}-\d\d-\d\d-\d{6}.ipynb", output.name) and statuses(output) == ["ok"]


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


@pytest.mark.parametrize("everybody", [False, True], ids=["mixed", "control-group"])
def test_systemd_stops_a_run(reports, everybody):
    """KillMode=mixed: SIGTERM to parley alone, and the cell's `finally` runs. Otherwise to all, and the record is as good."""
    assert "KillMode=mixed" in (RECIPES / "parley-run@.service").read_text()
    guarded = f"try:\n{textwrap.indent(LONG[1], '    ')}\nfinally:\n    open('finally', 'w').close()"
    nbformat.write(notebook(LONG[0], guarded, LONG[2]), reports / "long.ipynb")
    run = subprocess.Popen([parley(), "run", "long.ipynb", "out/long.ipynb"], cwd=reports, stderr=subprocess.PIPE)
    until((reports / "begun").exists)
    for pid in [run.pid, *(descendants(run.pid) if everybody else [])]:
        os.kill(pid, signal.SIGTERM)
    run.communicate(timeout=20)
    assert run.returncode == 143
    assert everybody or (reports / "finally").exists()
    assert statuses(reports / "out/long.ipynb") == ["ok", "interrupted", "not_reached"]


# Kubernetes

def job(name: str) -> dict:
    yaml = pytest.importorskip("yaml")
    made = yaml.safe_load((RECIPES / name).read_text())
    assert made["apiVersion"] == "batch/v1"
    return made


def test_kubernetes_manifests_hold_together():
    plain, cron = job("kubernetes-job.yaml"), job("kubernetes-cronjob.yaml")
    assert (plain["kind"], cron["kind"]) == ("Job", "CronJob")
    assert cron["spec"]["jobTemplate"]["spec"] == plain["spec"]
    spec, pod = plain["spec"], plain["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    # A podFailurePolicy is refused with any other restart policy, and 0 is refused among its codes.
    assert pod["restartPolicy"] == "Never"
    codes, _ = spec["podFailurePolicy"]["rules"]
    assert codes["onExitCodes"]["containerName"] == container["name"] and 0 not in codes["onExitCodes"]["values"]
    # The codes that end the same again are in the table of docs/run.md; those of the machine are tried again.
    table = (ROOT / "docs" / "run.md").read_text("utf-8").split("## How it ends")[1].split("\n## ")[0]
    documented = {int(n) for row in re.findall(r"^\|[^|]*\|([\d, ]+)\|", table, re.M) for n in row.split(",")}
    assert set(codes["onExitCodes"]["values"]) <= documented
    assert {69, 70, 74, 137, 138, 143} & set(codes["onExitCodes"]["values"]) == set()
    # Limits: the run's own comes first.
    limit = container["command"][container["command"].index("--run-timeout") + 1]
    assert int(limit.removesuffix("h")) * 3600 * (spec["backoffLimit"] + 1) < spec["activeDeadlineSeconds"]
    # Every volume that is mounted is there, every variable that the command takes is set.
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    used = set(re.findall(r"\$\((\w+)\)", " ".join(container["command"])))
    assert used <= {variable["name"] for variable in container["env"]}


@pytest.mark.parametrize("name", ["kubernetes-job.yaml", "kubernetes-cronjob.yaml"])
def test_kubernetes_manifests_follow_the_schema(name, tmp_path_factory):
    """The API server's own schema, in which an unknown field is an error."""
    jsonschema, referencing = pytest.importorskip("jsonschema"), pytest.importorskip("referencing")
    made = job(name)
    wheel = downloaded("kubernetes-validate==1.37.0", tmp_path_factory)
    with zipfile.ZipFile(wheel) as archive:
        folder = "kubernetes_validate/kubernetes-json-schema/v1.31.0-local-strict/"
        schema = json.loads(archive.read(f"{folder}{made['kind'].lower()}-batch-v1.json"))
        shared = json.loads(archive.read(f"{folder}_definitions.json"))
    registry = referencing.Registry().with_resource(
        "_definitions.json", referencing.Resource.from_contents(shared, referencing.jsonschema.DRAFT7)
    )
    validator = jsonschema.Draft7Validator(schema, registry=registry)
    assert [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(made)] == []
    made["spec"]["backofLimit"] = 2
    assert not validator.is_valid(made), "the schema sees a misspelt field"


def test_the_container_of_kubernetes(reports):
    """The command as process 1 of a namespace, where no signal has a default, ended by SIGTERM."""
    if os.geteuid() or not shutil.which("unshare"):
        pytest.skip("namespaces can only be made by root")
    (container,) = job("kubernetes-job.yaml")["spec"]["template"]["spec"]["containers"]
    log = reports / "termination-log"
    values = {"$(POD_NAME)": "report-x7k2p", "/dev/termination-log": str(log), "in/report.ipynb": "in/long.ipynb"}
    words = container["command"]
    for name, value in values.items():
        words = [word.replace(name, value) for word in words]
    run = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", parley(), *words[1:]],
        cwd=reports, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        until((reports / "begun").exists)
        (first,) = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        os.kill(int(first), signal.SIGTERM)
        out, err = run.communicate(timeout=20)
    finally:
        run.kill()
    assert run.returncode == 143, err
    assert out == "before\n"
    assert statuses(reports / "out/report-x7k2p.ipynb") == ["ok", "interrupted", "not_reached"]
    told = json.loads(log.read_text())
    assert told["reason"] == "cancelled" and told["run_id"] == "report-x7k2p"
    assert len(log.read_bytes()) < 4096, "Kubernetes cuts what is longer"


# Slurm

def free_ports(number: int) -> list[int]:
    places = [socket.socket() for _ in range(number)]
    try:
        for place in places:
            place.bind(("127.0.0.1", 0))
        return [place.getsockname()[1] for place in places]
    finally:
        for place in places:
            place.close()


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A cluster of one node, this machine, with ports and folders of its own."""
    if os.geteuid() or not shutil.which("slurmctld") or not shutil.which("slurmd"):
        pytest.skip("no slurm-wlm, or not root")
    base = tmp_path_factory.mktemp("slurm")
    host = socket.gethostname().partition(".")[0]
    controller, node = free_ports(2)
    (base / "slurm.conf").write_text(f"""
ClusterName=recipes
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/slurmd.pid
SlurmctldLogFile={base}/slurmctld.log
SlurmdLogFile={base}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory=4000
PartitionName=all Nodes={host} Default=YES State=UP
""")
    (base / "state").mkdir()
    (base / "spool").mkdir()
    os.environ["SLURM_CONF"] = str(base / "slurm.conf")
    daemons = [
        subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for words in (["slurmctld", "-D"], ["slurmd", "-D", "-N", host])
    ]
    try:
        until(lambda: "idle" in asked("sinfo", "-h", "-o", "%T"), what="the node")
        yield base
    finally:
        asked("scancel", "--signal=KILL", "--user=root")
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(timeout=20)
        del os.environ["SLURM_CONF"]


def asked(*words) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=20).stdout


@pytest.fixture
def submit(slurm, reports):
    """Submits the recipe for a notebook; its job's number."""
    programs = reports / "bin"
    programs.mkdir()
    (programs / "parley").symlink_to(parley())
    environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}")
    jobs = []

    def send(name, *options):
        done = subprocess.run(
            ["sbatch", "--parsable", "--mem=500M", *options, RECIPES / "report.sbatch", name],
            cwd=reports, env=environment, capture_output=True, text=True, timeout=20,
        )
        assert done.returncode == 0, done.stderr
        jobs.append(done.stdout.strip())
        return jobs[-1]

    yield send
    for number in jobs:
        asked("scancel", "--signal=KILL", number)


def ended(number: str, limit=30) -> tuple[str, str]:
    """State and exit code of a job, when it has ended."""
    fields = {}

    def over():
        fields.update(re.findall(r"(JobState|ExitCode)=(\S+)", asked("scontrol", "show", "job", number)))
        return fields.get("JobState") not in (None, "PENDING", "CONFIGURING", "RUNNING", "SIGNALING", "COMPLETING", "STAGE_OUT")

    until(over, limit, what=f"job {number}")
    return fields["JobState"], fields["ExitCode"]


@pytest.mark.parametrize("name, state, code", [("report", "COMPLETED", "0:0"), ("failing", "FAILED", "1:0")])
def test_slurm(submit, reports, name, state, code):
    number = submit(f"{name}.ipynb")
    assert ended(number) == (state, code)
    told = json.loads((reports / f"{name}-{number}-0.json").read_text())
    assert told["run_id"] == f"{number}-0" and told["reason"] == ("ok" if name == "report" else "user_error")
    valid(reports / f"{name}-{number}-0.ipynb")


def test_slurm_cancels(submit, reports):
    number = submit("long.ipynb")
    until((reports / "begun").exists)
    asked("scancel", "--signal=TERM", "--batch", number)
    # Not COMPLETED, as for a script that traps the signal and ends with 0.
    assert ended(number) == ("FAILED", "143:0")
    assert statuses(reports / f"long-{number}-0.ipynb") == ["ok", "interrupted", "not_reached"]
    assert (reports / f"parley-{number}.log").read_text().startswith("before\n")


def test_slurm_cancels_everybody(submit, reports):
    number = submit("long.ipynb")
    until((reports / "begun").exists)
    asked("scancel", number)
    assert ended(number)[0] == "CANCELLED"
    until(lambda: statuses(reports / f"long-{number}-0.ipynb") == ["ok", "interrupted", "not_reached"], what="the last save")


@pytest.mark.timeout(200)
def test_slurm_signals_before_the_time_is_over(submit, reports):
    """--time=1 with --signal=B:TERM@60: the signal comes when the controller next looks, with all its time left."""
    number = submit("long.ipynb", "--time=1")
    until((reports / "begun").exists)
    assert ended(number, 150) == ("FAILED", "143:0")
    assert statuses(reports / f"long-{number}-0.ipynb") == ["ok", "interrupted", "not_reached"]
    assert json.loads((reports / f"long-{number}-0.json").read_text())["reason"] == "cancelled"


# Airflow

PROVIDER = "apache-airflow-providers-papermill==3.13.3"


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """The hook of Airflow's own provider, with as little of Airflow below it as it takes to hold a connection."""
    pytest.importorskip("papermill")
    folder = tmp_path_factory.mktemp("provider")
    shutil.unpack_archive(downloaded(PROVIDER, tmp_path_factory), folder, "zip")

    class BaseHook:
        connections = {}

        def __init__(self, *arguments, **options):
            pass

        def get_connection(self, name):
            return self.connections[name]

    source = folder / "airflow/providers/papermill/hooks/kernel.py"
    stubs = ["airflow.providers.common.compat.sdk".rsplit(".", n)[0] for n in range(5)]
    with pytest.MonkeyPatch.context() as patch:
        for name in stubs:
            patch.setitem(sys.modules, name, types.ModuleType(name))
        sys.modules["airflow.providers.common.compat.sdk"].BaseHook = BaseHook
        module = types.ModuleType("hook")
        exec(compile(source.read_text(), str(source), "exec"), module.__dict__)
        yield module, BaseHook


@pytest.fixture
def remote(provider, tmp_path):
    """A kernel of the recipe's connection file on free ports; the way in which the operator runs a notebook in it."""
    import papermill

    module, hooks = provider
    connection = json.loads((RECIPES / "airflow-kernel.json").read_text())
    assert [connection[f"{name}_port"] for name in ("shell", "iopub", "stdin", "control", "hb")] == [
        getattr(module, f"JUPYTER_KERNEL_{name}_PORT") for name in ("SHELL", "IOPUB", "STDIN", "CONTROL", "HB")
    ], "the ports are the provider's own"
    names = [name for name in connection if name.endswith("_port")]
    connection.update(zip(names, free_ports(5)), key="secret")
    file = tmp_path / "airflow-kernel.json"
    file.write_text(json.dumps(connection))
    file.chmod(0o600)
    (command,) = re.findall(r"ExecStart=(.*)", (RECIPES / "parley-kernel.service").read_text())
    command = command.replace("/etc/parley", str(tmp_path)).replace("/usr/local/bin/parley", parley()).split()
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    hooks.connections["parley"] = types.SimpleNamespace(
        host="127.0.0.1", extra_dejson={name: connection[name] for name in names} | {"session_key": "secret"}
    )
    to = module.KernelHook("parley").get_conn()

    def execute(*cells, **options):
        nbformat.write(notebook(*cells), tmp_path / "in.ipynb")
        return papermill.execute_notebook(
            str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), progress_bar=False, report_mode=True,
            kernel_name="parley", language="python", engine_name=module.REMOTE_KERNEL_ENGINE, start_timeout=20,
            kernel_ip=to.ip, kernel_session_key=to.session_key,
            **{f"kernel_{name}": getattr(to, name) for name in names}, **options,
        )

    yield execute
    server.terminate()
    server.wait(timeout=10)


def test_airflow_runs_in_a_remote_kernel(remote):
    done = remote("print(6 * 7)", "#!bash\necho bash")
    assert [cell.outputs[0].text for cell in done.cells] == ["42\n", "bash\n"]


def test_airflows_runs_share_the_kernel(remote):
    remote("seen = 1")
    assert remote("print(seen)").cells[0].outputs[0].text == "1\n"
    # What docs/schedulers.md says to put into the first cell of such a notebook.
    assert remote("%reset -f", "print('seen' in globals())").cells[1].outputs[0].text == "False\n"


def test_airflow_is_told_of_a_dead_language(remote):
    """The provider's manager says that the kernel is alive, always: only an answer of the kernel's ends the run."""
    with pytest.raises(Exception) as problem:
        remote("import os; os.kill(os.getpid(), 9)")
    assert "Timeout" not in type(problem.value).__name__
    assert remote("print('there again')").cells[0].outputs[0].text == "there again\n"


def test_airflow_dag(provider):
    """The example passes what the operator takes."""
    module, _ = provider
    source = Path(module.KernelHook.__init__.__code__.co_filename).parents[1] / "operators/papermill.py"
    operator = next(n for n in ast.walk(ast.parse(source.read_text())) if getattr(n, "name", "") == "PapermillOperator")
    init = next(n for n in operator.body if getattr(n, "name", "") == "__init__")
    takes = {argument.arg for argument in init.args.kwonlyargs} | {"task_id", "pool"}
    calls = [n for n in ast.walk(ast.parse((RECIPES / "airflow_dag.py").read_text())) if isinstance(n, ast.Call)]
    operators = [n for n in calls if getattr(n.func, "id", "") == "PapermillOperator"]
    assert len(operators) == 2
    for call in operators:
        assert {keyword.arg for keyword in call.keywords} <= takes


def test_airflows_bash_operator(reports):
    """BashOperator ends a task by SIGTERM to the process group; `exec` leaves parley alone in it."""
    text = (RECIPES / "airflow_dag.py").read_text()
    parts = re.search(r"bash_command=((?:\s*\"[^\"]*\")+)", text)[1]
    command = "".join(re.findall(r'"([^"]*)"', parts))
    command = here(command, reports).replace("parley run", f"{parley()} run").replace("report.ipynb", "long.ipynb")
    values = {"{{ run_id }}": "manual__1", "{{ ts_nodash }}": "20260101T000000", "{{ ti.try_number }}": "1"}
    for name, value in values.items():
        command = command.replace(name, value)
    assert "{{" not in command
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    run = subprocess.Popen(["bash", "-c", command], cwd=reports, start_new_session=True, **pipes)
    until((reports / "begun").exists)
    os.killpg(run.pid, signal.SIGTERM)
    run.communicate(timeout=20)
    assert run.returncode == 143
    assert statuses(reports / "out/report-20260101T000000-1.ipynb") == ["ok", "interrupted", "not_reached"]
