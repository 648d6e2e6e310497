#!/bin/sh
# The GPU part of the benchmark, in one call of under ten minutes: is the fast path right there, and
# how fast is it? Needs torch with CUDA, transformers, tokenizers, psutil and platformdirs; neither
# textual nor a network. Results go to $OUT, or to build/bench.
set -eu
cd "$(dirname "$0")/.."
out=${OUT:-build/bench}
python=${PYTHON:-python3}
export HF_HUB_OFFLINE=1 PYTHONPATH=.
nvidia-smi || true

"$python" - <<'EOF'
import torch
from core.models.catalog import model_folder
from core.models.loading import load_model
from transformers import AutoModelForCausalLM

torch.backends.cuda.matmul.allow_tf32 = False
loaded = load_model("demo", "cuda", "float32", lambda *_: None, "fast")
module = AutoModelForCausalLM.from_pretrained(model_folder("demo")).to("cuda").eval()
ids = [32, 890, 640, 84, 11]
logits = loaded.model.prefill(ids)
worst = 0.0
with torch.inference_mode():
    for step in range(300):
        expected = module(torch.tensor([ids], device="cuda")).logits[:, -1]
        worst = max(worst, float((logits - expected).abs().max() / expected.abs().max()))
        ids.append(int(expected.argmax()))
        logits = loaded.model.decode(ids[-1:])
print(f"{loaded.engine}: worst relative difference of logits over 300 steps {worst:.1e}")
raise SystemExit(worst > 1e-4)
EOF

"$python" -m benchmarks.speed --device cuda --models demo gpt2 gpt2-xl --dtypes bfloat16 \
    --rounds 5 --steps 100 --out "$out"
