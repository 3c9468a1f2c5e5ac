"""The files for Prometheus and Grafana: right by the tools' own judgement, and about metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from passthru.stats.metric import METRICS, Type
from tests.checkout import ROOT

FILES: Final = ROOT / "docs/monitoring"
HERE: Final = Path(__file__).parent

_NAME: Final = re.compile(r"\bpassthru_[a-z0-9_]+")
_RULE: Final = re.compile(r"\b[a-z_]+:passthru_[a-z_]+:[a-z0-9_]+")


def exposed() -> set[str]:
    """Return all names that a query may use."""
    names = set()
    for one in METRICS:
        if one.type is Type.HISTOGRAM:
            names |= {f"{one.name}{part}" for part in ("_bucket", "_sum", "_count")}
        else:
            names.add(one.name)
    return names


def recorded() -> set[str]:
    """Return the names that the recording rules make."""
    text = (FILES / "rules.yaml").read_text()
    return set(re.findall(r"^ *- record: (\S+)$", text, re.MULTILINE))


def unknown(text: str) -> set[str]:
    """Return the metrics and rules in a text that nobody makes."""
    rules = set(_RULE.findall(text))
    return (rules - recorded()) | (set(_NAME.findall(_RULE.sub("", text))) - exposed())


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    found: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
    return found


def promtool(*words: str, cwd: Path) -> str:
    """Run promtool; it must have no complaint."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [program, *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["rules.yaml", "alerts.yaml"])
def test_rules_are_about_what_exists(name: str) -> None:
    """Every metric in every expression is one of ours, or recorded by our own rules."""
    expressions = re.sub(r"^ *#.*$", "", (FILES / name).read_text(), flags=re.MULTILINE)

    assert unknown(re.sub(r"name: passthru\S*", "", expressions)) == set()


def test_the_dashboard_is_about_what_exists() -> None:
    """Every expression of a panel, a variable and an annotation names metrics that we have."""
    text = json.dumps(dashboard())
    expressions = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]

    assert unknown(text) == set()
    assert len(expressions) > 20
    for expression in expressions:
        assert _NAME.search(expression), expression
        assert 'job=~"$job", instance=~"$instance"' in expression


def test_the_dashboard_can_be_imported_anywhere() -> None:
    """Its identity is stable, its data source a variable, and every panel has a unit and a text."""
    board = dashboard()
    variables = [one["name"] for one in board["templating"]["list"]]

    assert (board["uid"], board["id"]) == ("passthru-cache", None)
    assert variables == ["datasource", "job", "instance"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(t["datasource"]["uid"] == "${datasource}" for t in panel["targets"])


def test_panels_do_not_overlap() -> None:
    """Each has its own place on the 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _y in cells) < 24
        taken |= cells


def test_dashboard_queries_parse(tmp_path: Path) -> None:
    """Prometheus understands every query of a panel, as a rule of its own."""
    rules: list[dict[str, str]] = []
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            query = re.sub(r"\$__(?:rate_interval|range)", "5m", target["expr"])
            rules.append({"record": f"panel_{len(rules)}", "expr": query})
    groups = {"groups": [{"name": "dashboard", "rules": rules}]}
    (tmp_path / "rules.json").write_text(json.dumps(groups))  # JSON is YAML too

    promtool("check", "rules", "rules.json", cwd=tmp_path)


def test_promtool_accepts_rules_and_configuration(tmp_path: Path) -> None:
    """As they lie there, side by side, they are a whole configuration."""
    for name in ("rules.yaml", "alerts.yaml", "prometheus.yml"):
        shutil.copy(FILES / name, tmp_path)

    promtool("check", "rules", "rules.yaml", "alerts.yaml", cwd=tmp_path)
    promtool("check", "config", "prometheus.yml", cwd=tmp_path)


def test_every_alert_fires_when_it_should(tmp_path: Path) -> None:
    """Promtool plays a case for each: the bad instance fires, the good one beside it does not."""
    for path in (FILES / "rules.yaml", FILES / "alerts.yaml", HERE / "alerts_test.yaml"):
        shutil.copy(path, tmp_path)

    promtool("test", "rules", "alerts_test.yaml", cwd=tmp_path)
    alerts = re.findall(r"- alert: (\w+)", (FILES / "alerts.yaml").read_text())
    cases = (HERE / "alerts_test.yaml").read_text()
    assert [name for name in alerts if f"alertname: {name}\n" not in cases] == []


def test_the_page_tells_every_alert() -> None:
    """Whoever is woken by one finds it explained."""
    page = (FILES / "README.md").read_text()
    alerts = re.findall(r"- alert: (\w+)", (FILES / "alerts.yaml").read_text())

    assert re.findall(r"^\| `(Passthru\w+)`", page, re.MULTILINE) == alerts
    assert len(alerts) == 9
