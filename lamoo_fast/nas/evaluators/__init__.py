"""Values of architectures, dear and cheap: from training, a supernet, or a model of what was seen.

All evaluators have one interface (`evaluator.py`); their values carry a tag that says how true they
are. Modules that need PyTorch or scikit-learn are imported by those who use them.
"""

from lamoo_fast.nas.evaluators.evaluator import Evaluation, Evaluator, as_hints

__all__ = ["Evaluation", "Evaluator", "as_hints"]
