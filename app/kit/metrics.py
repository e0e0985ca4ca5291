"""What Prometheus reads: requests, jobs, sandboxes. Each process counts what it did itself."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

HTTP_REQUESTS = Counter("yimian_http_requests", "Answered HTTP requests.", ["status"])
JOBS_QUEUED = Counter("yimian_jobs_queued", "Grading jobs that were queued.")
JOBS_JUDGED = Counter("yimian_jobs_judged", "Grading jobs that got a verdict.", ["verdict"])
JOBS_FAILED = Counter("yimian_jobs_failed", "Grading jobs that were given up.", ["problem"])
JOB_SECONDS = Histogram(
    "yimian_job_seconds",
    "From queueing a job to its verdict.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600),
)
SANDBOXES = Gauge("yimian_sandboxes", "Sandboxes alive: warm, lent, idle, or being destroyed.")
