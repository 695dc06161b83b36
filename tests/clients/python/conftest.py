"""What every test of the openai library shares: the client under test and the hand on the simulated upstream.

The Rust harness starts the gateway and sets the environment; see `tests/tests/clients.rs`.
"""

import json
import os
import urllib.error
import urllib.request

import openai
import pytest

URL = os.environ["SWITCHYARD_URL"]
KEY = os.environ["SWITCHYARD_KEY"]
ROUTE = os.environ["SWITCHYARD_ROUTE"]
MODEL = os.environ["SWITCHYARD_MODEL"]
OTHER_MODEL = os.environ["SWITCHYARD_OTHER_MODEL"]
# Every prompt carries this text, so that a search of logs and homes can find a prompt that leaked.
MARK = os.environ["SWITCHYARD_PROMPT_MARK"]

# A picture of one pixel.
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def prompt(text: str) -> str:
    """A prompt with the mark."""
    return f"{text} ({MARK})"


class Upstream:
    """The hand on the simulated upstream, which the Rust harness holds out over HTTP."""

    def __init__(self, address: str):
        self.address = address
        # Loopback only: never through a proxy of the surroundings.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _post(self, path: str, body: dict | None = None) -> dict:
        request = urllib.request.Request(
            self.address + path,
            data=json.dumps(body or {}).encode(),
            headers={"content-type": "application/json"},
            method="POST",
        )
        try:
            with self.opener.open(request, timeout=30) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from None

    def fresh(self) -> None:
        """Replaces the accounts by a new healthy one: no cooldown of an earlier test is left."""
        self._post("/fresh")

    def script(self, *steps: dict) -> None:
        """What the upstream does with the next requests, one step each; then it answers normally again."""
        self._post("/script", {"steps": list(steps)})

    def release(self) -> None:
        """Lets a stream go on that a `gated` step holds."""
        self._post("/release")

    def wait_for_disconnect(self) -> None:
        """Returns when the upstream has seen its client go away in mid-stream."""
        self._post("/wait-for-disconnect")

    def requests(self) -> int:
        """How many model requests the upstream has seen."""
        return self._post("/requests")["count"]


@pytest.fixture
def upstream() -> Upstream:
    """The simulated upstream; afterwards the gateway has a healthy account again."""
    upstream = Upstream(os.environ["SWITCHYARD_SIM"])
    upstream.fresh()
    yield upstream
    upstream.fresh()


def new_client(**changes) -> openai.OpenAI:
    """The library as a person would set it up, without retries of its own, which would hide failures."""
    settings = {"base_url": f"{URL}/v1", "api_key": KEY, "max_retries": 0, "timeout": 30.0}
    return openai.OpenAI(**(settings | changes))


@pytest.fixture(scope="session")
def client():
    with new_client() as client:
        yield client


def chat_tool(name: str, **properties: str) -> dict:
    """A function in the Chat dialect whose properties are all required."""
    return {"type": "function", "function": _function(name, properties)}


def responses_tool(name: str, **properties: str) -> dict:
    """The same in the Responses dialect."""
    return {"type": "function", **_function(name, properties)}


def _function(name: str, properties: dict[str, str]) -> dict:
    return {
        "name": name,
        "description": f"Calls {name}.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {key: {"type": kind} for key, kind in properties.items()},
            "required": list(properties),
            "additionalProperties": False,
        },
    }
