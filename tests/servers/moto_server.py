"""The server of moto on loopback, which stands in for AWS, in an environment of its own (`make servers`).

It checks signatures and the policies of users and roles as AWS would. It does not look at session policies, so what they narrow
is for the tests of the templates to say.
"""

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from tests.servers.real_servers import free_port

HOME = Path(__file__).parent / "moto"
PYTHON = HOME / ".venv/bin/python"
REGION = "eu-west-1"
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": str(HOME), "AWS_EC2_METADATA_DISABLED": "true"}
TRIES, POLL_S = 1500, 0.02


@dataclass(frozen=True)
class Moto:
    """A running one, with a user who may assume `role`."""

    url: str
    key_id: str
    secret: str
    role: str

    async def as_client(self, code: str, **given: Any) -> Any:
        """Run code in moto's environment, with `url`, `region` and `given` as variables; what it sets as `answer`."""
        return await asyncio.to_thread(in_moto, code, url=self.url, region=REGION, **given)


def in_moto(code: str, **given: Any) -> Any:
    """What Python code in moto's environment sets as `answer`."""
    wrapped = (
        "import json, sys\nnames = json.load(sys.stdin)\nexec(names.pop('code'), names)\nprint(json.dumps(names['answer']))"
    )
    ran = subprocess.run(
        [PYTHON, "-c", wrapped],
        input=json.dumps({"code": code, **given}).encode(),
        capture_output=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return json.loads(ran.stdout)


_SET_UP = """
import boto3, json
def client(name):
    own = {"aws_access_key_id": "AKIA0000000000000000", "aws_secret_access_key": "x"}
    return boto3.client(name, endpoint_url=url, region_name=region, **own)
iam = client("iam")
def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
def may(action):
    return policy(Action=action, Resource="*")
anybody = policy(Principal={"AWS": "*"}, Action="sts:AssumeRole")
role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=anybody)["Role"]["Arn"]
iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=may(["s3:GetObject", "s3:PutObject"]))
iam.create_user(UserName="ringfence")
iam.put_user_policy(UserName="ringfence", PolicyName="p", PolicyDocument=may("sts:AssumeRole"))
key = iam.create_access_key(UserName="ringfence")["AccessKey"]
s3 = client("s3")
s3.create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": region})
s3.put_object(Bucket="reports", Key="may.txt", Body=b"twelve")
import urllib.request
# From here on every request is authenticated and authorised.
plain = {"content-type": "text/plain"}
urllib.request.urlopen(urllib.request.Request(url + "/moto-api/reset-auth", data=b"0", headers=plain)).read()
answer = [key["AccessKeyId"], key["SecretAccessKey"], role]
"""


@contextmanager
def moto_server() -> Generator[Moto]:
    """One on a free port for the length of the block."""
    assert (HOME / ".venv/.ready").exists(), "moto is not set up: run `make servers`"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = [HOME / ".venv/bin/moto_server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(program, env=ENVIRONMENT, stdout=DEVNULL, stderr=DEVNULL)
    try:
        _listens(port)
        key_id, secret, role = in_moto(_SET_UP, url=url, region=REGION)
        yield Moto(url, key_id, secret, role)
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> None:
    for _ in range(TRIES):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(POLL_S)
    raise AssertionError(f"nothing listens on {port}")
