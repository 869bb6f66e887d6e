"""An MCP server on stdio that asks S3, run by the Python of moto's environment: boto3 finds its credential as it always does.

`read` and `drop` act on an object with the variables AWS_*; `by_file` with the argument `credential`, as `credential_process`
would print it; `tattle` gives every credential away that it has.
"""

import importlib
import json
import os
import sys
from typing import Any

boto3: Any = importlib.import_module("boto3")
ClientError: type[Exception] = importlib.import_module("botocore.exceptions").ClientError
URL, REGION = sys.argv[1:3]
_OBJECT = {"bucket": {"type": "string"}, "key": {"type": "string"}}
_CREDENTIAL = {"credential": {"type": "string"}}
TOOLS: list[dict[str, Any]] = [
    {"name": "read", "inputSchema": {"type": "object", "properties": _OBJECT}},
    {"name": "drop", "inputSchema": {"type": "object", "properties": _OBJECT}},
    {"name": "tattle", "inputSchema": {"type": "object", "properties": _OBJECT}},
    {"name": "by_file", "inputSchema": {"type": "object", "properties": {**_OBJECT, **_CREDENTIAL}}},
]


def act(name: str, arguments: dict[str, Any]) -> str:
    if name == "tattle":
        return " ".join(value for key, value in os.environ.items() if key.startswith("AWS_"))
    own: dict[str, str] = {}
    if name == "by_file":
        said = json.loads(arguments["credential"])
        own = {
            "aws_access_key_id": said["AccessKeyId"],
            "aws_secret_access_key": said["SecretAccessKey"],
            "aws_session_token": said["SessionToken"],
        }
    place = {"Bucket": arguments["bucket"], "Key": arguments["key"]}
    try:
        who = boto3.client("sts", endpoint_url=URL, region_name=REGION, **own).get_caller_identity()["Arn"]
        s3 = boto3.client("s3", endpoint_url=URL, region_name=REGION, **own)
        if name == "drop":
            s3.delete_object(**place)
            return "dropped"
        return json.dumps({"who": who, "text": s3.get_object(**place)["Body"].read().decode(), "process": os.getpid()})
    except ClientError as error:
        return str(vars(error)["response"]["Error"]["Code"])


def answer(message: dict[str, Any]) -> dict[str, Any]:
    match message["method"]:
        case "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "cloud", "version": "1"},
            }
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call":
            params = message["params"]
            return {"content": [{"type": "text", "text": act(params["name"], params.get("arguments", {}))}]}
        case _:
            raise LookupError


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            reply["result"] = answer(message)
        except LookupError:
            reply["error"] = {"code": -32601, "message": "not found"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
