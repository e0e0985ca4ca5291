"""The worker of a distributed set-up: takes tasks from the broker, runs code, keeps verdicts."""

from __future__ import annotations

from app.grading.dispatch import celery_app
from app.kit.logs import configure_logs
from app.settings import Settings
from app.workflows.assemble_runtime import assemble_runtime, close, task_handlers


def run_worker(settings: Settings) -> None:
    """Work until told to stop.

    Threads rather than processes: the work waits for containers, and one pool of sandboxes
    serves them all.
    """
    runtime = assemble_runtime(settings, worker=True)
    celery = celery_app(settings.broker_url)
    for task, handler in task_handlers(runtime.machinery).items():
        celery.task(handler, name=task.value, bind=False)
    try:
        celery.worker_main(
            ["worker", "--pool=threads", f"--concurrency={settings.grading_threads}"]
        )
    finally:
        close(runtime)


if __name__ == "__main__":
    configure_logs()
    run_worker(Settings())
