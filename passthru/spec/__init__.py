"""The spec: what the operator may ask for, how it is written, and what is wrong with it."""

from passthru.spec.dump import spec_to_json
from passthru.spec.listening import Listening, find_listening
from passthru.spec.load import load_spec, parse_spec, read_spec_text
from passthru.spec.mode import Mode, OnOutage
from passthru.spec.models import Spec
from passthru.spec.remark import find_remarks
from passthru.spec.schema import spec_json_schema
from passthru.spec.tables import Cache, Lan, Listen, Mdns, NixCacheInfo, Peers, Status, Tls
from passthru.spec.upstream import Upstream

__all__ = [
    "Cache",
    "Lan",
    "Listen",
    "Listening",
    "Mdns",
    "Mode",
    "NixCacheInfo",
    "OnOutage",
    "Peers",
    "Spec",
    "Status",
    "Tls",
    "Upstream",
    "find_listening",
    "find_remarks",
    "load_spec",
    "parse_spec",
    "read_spec_text",
    "spec_json_schema",
    "spec_to_json",
]
