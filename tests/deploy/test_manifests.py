"""The compose file and the Kubernetes manifests, read: they fit together, the settings, and how the gateway ends."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatewayz.config.load import load
from gatewayz.config.resources import resource
from gatewayz.lifecycle.lifecycle import _DRAIN_S
from gatewayz.server.framing import HostRule
from gatewayz.server.run import _SETTLE_S

ROOT = resource("gatewayz.yaml").parent
FOLDER = ROOT / "deploy" / "kubernetes"
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
KINDS = {
    "ConfigMap": "v1",
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Namespace": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "Secret": "v1",
    "Service": "v1",
    "ServiceAccount": "v1",
}
FILES = sorted(file for file in FOLDER.glob("*.yaml") if file.name != "kustomization.yaml")


def manifest(kind: str) -> dict[str, Any]:
    (found,) = (each for file in FILES if (each := yaml.safe_load(file.read_text()))["kind"] == kind)
    return found


def pod() -> dict[str, Any]:
    return manifest("Deployment")["spec"]["template"]["spec"]


def container() -> dict[str, Any]:
    (only,) = pod()["containers"]
    return only


def given_by_kubernetes() -> dict[str, str]:
    return {**manifest("ConfigMap")["data"], **manifest("Secret")["stringData"]}


def given_by_compose() -> dict[str, str]:
    """Return the gateway's variables, references to the machine's own at their defaults."""
    environment = COMPOSE["services"]["gateway"]["environment"]
    return {name: re.sub(r"\$\{\w+:[-?]([^}]*)\}", r"\1", value) for name, value in environment.items()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_manifest_is_of_a_kind_and_listed(file: Path) -> None:
    found = yaml.safe_load(file.read_text())
    assert KINDS[found["kind"]] == found["apiVersion"]
    assert found["metadata"]["name"] == "gatewayz"
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert (file.name in listed) is (file.name != "secret.example.yaml"), "an example is not applied"


def test_kubectl_can_put_them_together() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [each["kind"] for each in yaml.safe_load_all(done.stdout)]
    assert sorted(found) == sorted(kind for kind in KINDS if kind != "Secret")


@pytest.mark.parametrize("given", [given_by_kubernetes, given_by_compose])
def test_what_they_set_is_what_production_wants(given: Any) -> None:
    variables = {**given(), "KEY_HASH_SALT": "0123456789abcdef"}
    loaded = load(resource("gatewayz.yaml"), overlay="production", environ=variables)
    assert loaded.settings.environment == "production"
    used = (ROOT / "gatewayz.yaml").read_text() + (ROOT / "config/environments/production.yaml").read_text()
    used += (ROOT / "config/providers.yaml").read_text()
    unknown = [name for name in variables if not name.startswith("GATEWAYZ_") and "${" + name not in used]
    assert unknown == [], "a variable that no setting reads"


def test_a_pod_lives_long_enough_to_drain() -> None:
    (command,) = [container()["lifecycle"]["preStop"]["exec"]["command"]]
    assert command[0] == "sleep"
    graceful = load(
        resource("gatewayz.yaml"),
        overlay="production",
        environ={**given_by_kubernetes(), "KEY_HASH_SALT": "0123456789abcdef"},
    ).settings.server.graceful_timeout_s
    needed = int(command[1]) + graceful + _SETTLE_S + _DRAIN_S
    assert pod()["terminationGracePeriodSeconds"] > needed
    (compose,) = re.findall(r"^(\d+)s$", COMPOSE["services"]["gateway"]["stop_grace_period"])
    assert int(compose) > graceful + _SETTLE_S + _DRAIN_S


def test_probes_ask_routes_that_are_there() -> None:
    from gatewayz.app import ROUTES

    paths = {route.path for route in ROUTES if route.guard == "public"}
    asked = {name: container()[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {get["path"] for get in asked.values()} <= paths
    assert asked["livenessProbe"]["path"] == "/livez", "a database that is away restarts nobody"
    assert asked["readinessProbe"]["path"] == "/readyz"
    assert {get["port"] for get in asked.values()} == {container()["ports"][0]["name"]}
    rule = HostRule(recommended_hosts())
    for get in asked.values():
        rule.check(get["httpHeaders"][0]["value"].encode(), "1.1")


def recommended_hosts() -> tuple[str, ...]:
    """Return `allowed_hosts` as the page on production has it."""
    page = (ROOT / "docs/operations/production.md").read_text()
    (fence,) = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "allowed_hosts" in text]
    return tuple(yaml.safe_load(fence)["server"]["allowed_hosts"])


def test_they_fit_together() -> None:
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        manifest("Deployment")["spec"]["selector"]["matchLabels"],
        manifest("Service")["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    scaled = manifest("HorizontalPodAutoscaler")["spec"]
    assert scaled["scaleTargetRef"]["name"] == manifest("Deployment")["metadata"]["name"]
    assert pod()["enableServiceLinks"] is False, "a service of our name sets variables of our prefix"
    assert "replicas" not in manifest("Deployment")["spec"], "the autoscaler's number would be overwritten"
    assert scaled["minReplicas"] > manifest("PodDisruptionBudget")["spec"]["maxUnavailable"]
    assert manifest("Service")["spec"]["ports"][0]["targetPort"] == container()["ports"][0]["name"]


def test_nobody_is_root_and_nothing_can_be_written_but_data() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    context = pod()["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}" in dockerfile
    assert context["runAsNonRoot"] is True
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts = {mount["mountPath"] for mount in container()["volumeMounts"]}
    assert mounts == {"/var/lib/gatewayz", "/tmp"}
    assert "GATEWAYZ_DATA_DIR=/var/lib/gatewayz" in dockerfile


def test_resources_are_said() -> None:
    resources = container()["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}, "a limit of processor time would stop the loop in mid-stream"


def test_compose_waits_for_what_the_gateway_needs() -> None:
    services = COMPOSE["services"]
    for name, condition in services["gateway"]["depends_on"].items():
        assert condition == {"condition": "service_healthy"}
        assert services[name]["healthcheck"]["test"][0] == "CMD"
    named = {mount.partition(":")[0] for service in services.values() for mount in service.get("volumes", ())}
    assert named == set(COMPOSE["volumes"])
    assert "@postgres/" in services["gateway"]["environment"]["DATABASE_URL"]
    assert (ROOT / "deploy" / services["gateway"]["build"]["context"] / "Dockerfile").resolve().is_file()
