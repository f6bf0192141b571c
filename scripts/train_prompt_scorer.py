"""Train the prompt scorer of the routers and say how good it is on tasks it has not seen.

    python scripts/train_prompt_scorer.py --data FOLDER [--output FILE] [--no-evaluate]

FOLDER holds the routing data (or GATEWAYZ_ROUTING_DATA does). Needs numpy: `pip install -e '.[train]'`. The same data
gives the same bytes. The file holds weights and the SHA-256 of the data, no piece of a prompt.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

import msgspec
from prompt_scorer.data import examples, hashes, prompts
from prompt_scorer.evaluate import report
from prompt_scorer.fit import fit

ROOT: Final = Path(__file__).resolve().parents[1]
TARGET: Final = ROOT / "plugins" / "gatewayz_plugins" / "routers" / "prompt_score" / "weights.json"


def main() -> None:
    """Train, write, and print the figures of the model card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("GATEWAYZ_ROUTING_DATA"))
    parser.add_argument("--output", type=Path, default=TARGET)
    parser.add_argument("--no-evaluate", dest="evaluate", action="store_false")
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data, or GATEWAYZ_ROUTING_DATA, must name the folder of the routing data")
    seen, by_hand, data = prompts(args.data), examples(), hashes(args.data)
    weights = fit(seen, by_hand, data)
    args.output.write_bytes(msgspec.json.encode(weights) + b"\n")
    sys.stdout.write(f"{args.output}: {args.output.stat().st_size:,} bytes from {len(seen):,} prompts\n")
    if args.evaluate:
        sys.stdout.write(f"{report(seen, by_hand, weights)}\n")


if __name__ == "__main__":
    main()
