"""Write the data of the seeded model hub: `python scripts/hub_seed.py hf_models.json DATE`.

Takes llmfit's record of the Hugging Face Hub (github.com/AlexsJones/llmfit, llmfit-core/data/hf_models.json, MIT) and
keeps the models that a provider of `config/catalog.json.gz` serves. A count of zero there means that nothing was
recorded: it becomes unknown, and rows without downloads are left out. Rows without likes came from a list: their
parameters are an estimate of the record's, and unknown here. Repacked weights (`-FP8`) are not the model itself.
File lists are kept by hand in `scripts/hub_files.json`. The same inputs give the same file.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "plugins/gatewayz_plugins/hub/seeded/models.json"


def main(record: Path, date: str) -> None:
    """Write the file from a record made on a date."""
    recorded = {row["name"].lower(): row for row in json.loads(record.read_text()) if row["hf_downloads"]}
    files = json.loads((ROOT / "scripts/hub_files.json").read_text())
    names: dict[str, set[str]] = {}
    catalog = json.loads(gzip.decompress((ROOT / "config/catalog.json.gz").read_bytes()))
    for offer in (offer for offers in catalog["offers"].values() for offer in offers):
        for hub_id in {offer["model"].lower(), offer["id"].split(":")[0].lower()} & recorded.keys():
            names.setdefault(hub_id, set()).add(offer["model"])
    rows = [
        row(recorded[hub_id], sorted(names[hub_id]), files["models"])
        for hub_id in sorted(names)
        if not hub_id.endswith("-fp8")
    ]
    data = {
        "source": "Hugging Face Hub, as recorded by llmfit",
        "date": date,
        "files_source": files["source"],
        "models": rows,
    }
    TARGET.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def row(found: dict[str, Any], names: list[str], files: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return one model as the file has it."""
    shown = {
        "id": found["name"],
        "names": names,
        "downloads": found["hf_downloads"],
        "likes": found["hf_likes"] or None,
        "pipeline_tag": None if found["pipeline_tag"] == "unknown" else found["pipeline_tag"],
        "parameters": found["parameters_raw"] if found["hf_likes"] else None,
        "created_at": found["release_date"],
        "files": files.get(found["name"]),
    }
    return {name: value for name, value in shown.items() if value is not None}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
