"""The standard tests that chat models of langchain have to pass, through the gateway (langchain-tests).

One class per client; what stands behind the gateway is the route's business. A test that the adapter of a client skips for
its own reasons is skipped here too; what a dialect or an upstream cannot carry is said below, row by row.
"""

import base64
import struct

import httpx
import pytest
from conftest import KEY, MODEL, OTHER_MODEL, ROUTE, URL
from langchain_anthropic import ChatAnthropic
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.1\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
WAV = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data" + bytes(4)

# T24: only Chat and Gemini have a place for sound; for the others the gateway answers 400.
CARRIES_AUDIO = ROUTE in ("relay-chat", "relay-gemini", "direct-langchain")


@pytest.fixture(autouse=True)
def media_from_here(monkeypatch):
    """The suite fetches a picture, a document and a sound from the public web; here they come from this file."""
    real = httpx.get

    def fetch(url, *arguments, **named):
        address = str(url)
        if "127.0.0.1" in address:
            return real(url, *arguments, **named)
        body = PDF if ".pdf" in address else WAV if ".wav" in address else PNG
        return httpx.Response(200, content=body, request=httpx.Request("GET", address))

    monkeypatch.setattr(httpx, "get", fetch)


class Common(ChatModelIntegrationTests):
    """What every client can do."""

    has_tool_calling = True
    has_tool_choice = True
    has_structured_output = True
    supports_image_inputs = True
    supports_image_tool_message = True
    returns_usage_metadata = True

    @property
    def model_override_value(self):
        return OTHER_MODEL


class TestChat(Common):
    supports_json_mode = True
    supports_pdf_inputs = True
    supports_audio_inputs = CARRIES_AUDIO
    # What this client sends goes to a Chat upstream as it is, and that takes text alone from a tool.
    supports_image_tool_message = ROUTE != "relay-chat"

    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        return {"model": MODEL, "base_url": f"{URL}/v1", "api_key": KEY, "stream_usage": True, "max_retries": 0}


class TestResponses(Common):
    supports_json_mode = True
    supports_pdf_inputs = True
    supports_pdf_tool_message = True

    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        return {"model": MODEL, "base_url": f"{URL}/v1", "api_key": KEY, "use_responses_api": True, "max_retries": 0}


class TestMessages(Common):
    supports_anthropic_inputs = True
    supports_pdf_inputs = True
    supports_pdf_tool_message = True

    @property
    def chat_model_class(self):
        return ChatAnthropic

    @property
    def chat_model_params(self):
        return {"model": MODEL, "base_url": URL, "api_key": KEY, "max_retries": 0, "max_tokens": 512}


class TestGemini(Common):
    supports_json_mode = True
    supports_pdf_inputs = True
    supports_audio_inputs = CARRIES_AUDIO

    @property
    def model_override_value(self):
        # The adapter has no such override.
        return None

    @property
    def chat_model_class(self):
        return ChatGoogleGenerativeAI

    @property
    def chat_model_params(self):
        return {"model": MODEL, "base_url": URL, "google_api_key": KEY, "max_retries": 0}
