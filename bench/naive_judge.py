"""What graders do without a warm sandbox: start Python, load numpy, run the program, compare.

Runs alone, as the text of ``python -c``: program, inputs and expected outputs come on stdin.
"""

import io
import sys
from typing import Any

import numpy as np

given = np.load(io.BytesIO(sys.stdin.buffer.read()))
space: dict[str, Any] = {}
exec(str(given["code"]), space)  # noqa: S102 - what is measured
cases = sum(name.startswith("y") for name in given.files)
for at in range(cases):
    got = space["batch_norm_forward"](*(given[f"{name}{at}"] for name in ("x", "gamma", "beta")))
    assert np.allclose(got, given[f"y{at}"], rtol=1e-5, atol=1e-5)
print("AC")
