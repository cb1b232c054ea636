"""``python -m lamoo_fast`` is the command ``lamoo``."""

import sys

from lamoo_fast.cli import main

if __name__ == "__main__":  # worker processes import this module again
    status = main()
    # An interrupt that passed through the execution of a text, as of the methods of a dataclass
    # while a module is imported, marks the process to die of SIGINT whatever status it asks for
    # (run_eval_code_obj in CPython); another execution takes the mark away.
    exec("")
    sys.exit(status)
