"""What is loaded is left out of garbage collections, but never kept when it is closed."""

from __future__ import annotations

import gc
import weakref

from core.backends.local import LocalBackend


def test_a_closed_backend_is_freed_although_it_was_left_out_of_collections():
    backend = LocalBackend("demo", device="cpu")
    backend.load(lambda stage, share=None: None)
    assert gc.get_freeze_count() > 0
    loaded = backend._loaded
    assert loaded is not None
    loaded.model.itself = loaded.model  # a circle, as transformers' modules have them
    model = weakref.ref(loaded.model)
    del loaded
    backend.close()
    assert model() is None
    assert gc.get_freeze_count() == 0
