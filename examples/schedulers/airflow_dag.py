"""Three ways from Airflow to Parley. Use the first unless the notebook has to run on another machine."""

from datetime import datetime

from airflow import DAG
from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator

with DAG("report", schedule="15 6 * * 1-5", start_date=datetime(2026, 1, 1), catchup=False):
    # On the worker, without papermill: a task that is killed gets SIGTERM, and what there is is saved.
    BashOperator(
        task_id="run",
        # A second try is a run of its own, with an output of its own.
        bash_command="exec parley run --no-progress-bar --log-output --run-id '{{ run_id }}-{{ ti.try_number }}' "
        "/srv/reports/report.ipynb '/srv/reports/out/report-{{ ts_nodash }}-{{ ti.try_number }}.ipynb'",
    )
    # On the worker, by papermill, which starts the kernel that `parley install` has installed.
    PapermillOperator(
        task_id="papermill",
        input_nb="/srv/reports/report.ipynb",
        output_nb="/srv/reports/out/papermill-{{ ts_nodash }}.ipynb",
        kernel_name="parley",
    )
    # On another machine, in the kernel of parley-kernel.service there. All runs share that kernel's state.
    PapermillOperator(
        task_id="remote",
        input_nb="/srv/reports/report.ipynb",
        output_nb="/srv/reports/out/remote-{{ ts_nodash }}.ipynb",
        kernel_name="parley",
        kernel_conn_id="parley",
        pool="parley_kernel",  # a pool of one slot: one run at a time
    )
