"""A spec as text that reads back as the same spec."""

import json

from passthru.spec.models import Spec


def spec_to_json(spec: Spec) -> str:
    """Return the spec as canonical JSON: every value said, sizes in bytes, durations in seconds.

    Equal specs give equal text. It holds the passwords of proxies: keep it in files of mode 0600.
    """
    data = spec.model_dump(mode="json", exclude_none=True)
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
