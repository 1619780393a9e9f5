"""A function imports this before all else: while it starts nothing is garbage, and to look for it is waste.

The collector's looks at what is being loaded take a tenth of a start. ``priming.start_on_lambda`` lets it go on,
without what was loaded by then. On one machine this does nothing.
"""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.disable()
