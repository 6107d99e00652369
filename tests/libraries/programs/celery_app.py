"""A Celery application as its documentation writes them; nothing is set but the two URLs and what the tests are about."""

import os
import time

from celery import Celery

BROKER_URL = os.environ["TARGET_URL"]
app = Celery("celery_app", broker=BROKER_URL, backend=os.environ.get("TARGET_RESULTS_URL", BROKER_URL))


@app.task
def add(x, y):
    return x + y


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def fail():
    raise ValueError("on purpose")


@app.task(bind=True, autoretry_for=(RuntimeError,), default_retry_delay=0.1, max_retries=5)
def third_time_lucky(self):
    if self.request.retries < 2:
        raise RuntimeError(f"attempt {self.request.retries}")
    return self.request.retries


@app.task(bind=True)
def progress(self):
    self.update_state(state="PROGRESS", meta={"done": 50})
    deadline_s = time.monotonic() + 60
    while not app.backend.client.exists("celery:seen") and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return "done"


@app.task
def nap(seconds):
    time.sleep(seconds)
    return seconds


@app.task
def note(text):
    app.backend.client.rpush("celery:notes", text)
