"""What all tests share. No test may reach a network or a model hub."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings
from textual import constants

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.pop("NO_COLOR", None)
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="gpt2-playground-tests-")

# Pictures and colours are the same whatever terminal the tests are started from; textual has read
# its environment by now, since its plugin for pytest is loaded first.
constants.COLOR_SYSTEM = "truecolor"

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


@pytest.fixture(scope="session")
def demo():
    """The bundled model, loaded once, in float32 on the processor."""
    from core.models.loading import load_model

    return load_model("demo", "cpu", "float32", lambda stage, share=None: None)


@pytest.fixture(scope="session")
def demo_module():
    """The bundled model as transformers loads it, in float32."""
    from transformers import AutoModelForCausalLM

    from core.models.catalog import DEMO, model_folder

    return AutoModelForCausalLM.from_pretrained(model_folder(DEMO)).eval()
