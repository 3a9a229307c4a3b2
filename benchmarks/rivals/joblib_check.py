"""The rival of ``kanyu check TEXT``: the same check with the joblib pipeline and scikit-learn.

Usage: joblib_check.py PIPELINE.joblib TEXT. Prints the uncalibrated log-odds of the highest window.
"""

from __future__ import annotations

import sys

import joblib

from kanyu.canonical import canonicalize
from kanyu.features import windows

pipeline = joblib.load(sys.argv[1])
canonical = canonicalize(sys.argv[2]).text
print(pipeline.decision_function([canonical[start:end] for start, end in windows(canonical)]).max(axis=0).tolist())
