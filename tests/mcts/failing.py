"""Evaluators that fail, each in one way."""

import threading

import numpy as np
from reference_search import HashEvaluator


class Failing(HashEvaluator):
    """Fails on chosen calls, counted from 1 over all threads, in one of several ways."""

    def __init__(self, actions, failure, failing):
        super().__init__(actions)
        self.failure, self.failing = failure, failing
        self.lock = threading.Lock()
        self.number = 0

    def __call__(self, planes, globals_):
        with self.lock:
            self.number += 1
            fails = self.number in self.failing
        logits, values = super().__call__(planes, globals_)
        return self.failure(logits, values) if fails else (logits, values)


def raise_error(logits, values):
    raise OSError("the device is gone")


def with_number(which, number):
    """Only one number of the middle row is wrong, so that games before and after it are asked too."""

    def failure(logits, values):
        array = (logits, values)[which]
        array.reshape(len(array), -1)[len(array) // 2, -1] = number
        return logits, values

    return failure


# What an evaluator may do wrong, and what the caller hears.
FAILURES = {
    "raises": (raise_error, OSError),
    "nan value": (with_number(1, np.nan), RuntimeError),
    "nan logit": (with_number(0, np.nan), RuntimeError),
    "infinite logit": (with_number(0, np.inf), RuntimeError),
    "minus infinite logit": (with_number(0, -np.inf), RuntimeError),
    "infinite value": (with_number(1, -np.inf), RuntimeError),
    "too few logits": (lambda p, v: (p[:-1], v), ValueError),
    "too few values": (lambda p, v: (p, v[:-1]), ValueError),
    "no rows": (lambda p, v: (p[:0], v[:0]), ValueError),
    "too many rows": (lambda p, v: (np.concatenate([p, p]), np.concatenate([v, v])), ValueError),
    "too few actions": (lambda p, v: (p[:, 1:], v), ValueError),
    "too many actions": (lambda p, v: (np.concatenate([p, p], axis=1), v), ValueError),
    "logits without rows": (lambda p, v: (p.ravel(), v), ValueError),
    "values as a column": (lambda p, v: (p, v[:, None]), ValueError),
    "double precision": (lambda p, v: (p.astype(np.float64), v), TypeError),
    "text": (lambda p, v: (p, ["x"] * len(v)), (TypeError, ValueError)),
    "nothing": (lambda p, v: (None, None), (TypeError, ValueError)),
}
