"""Embeddings through the openai and the google-genai libraries, each over accounts of its own API and of the other's (F78, F80)."""

import openai
import pytest
from conftest import KEY, MODEL, ROUTE, URL, prompt
from google import genai
from google.genai import errors, types

ABLE = ROUTE in ("relay-chat", "relay-gemini")
VECTOR = [0.25, -0.5]


@pytest.fixture(scope="module")
def gemini() -> genai.Client:
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=URL, timeout=30_000))


@pytest.mark.skipif(not ABLE, reason="no account of this route has embeddings")
class TestAble:
    def test_openai_asks_for_base64_by_itself(self, client):
        answer = client.embeddings.create(model=MODEL, input=[prompt("a"), prompt("b")], dimensions=2)
        assert [one.embedding for one in answer.data] == [VECTOR, VECTOR]
        assert [one.index for one in answer.data] == [0, 1]
        assert answer.model == MODEL
        assert answer.usage.total_tokens >= 0

    def test_openai_with_floats(self, client):
        answer = client.embeddings.create(model=MODEL, input=prompt("a"), encoding_format="float")
        assert answer.data[0].embedding == VECTOR

    def test_google_one_and_several(self, gemini):
        one = gemini.models.embed_content(model=MODEL, contents=prompt("a"))
        assert [embedding.values for embedding in one.embeddings] == [VECTOR]
        config = types.EmbedContentConfig(output_dimensionality=2, task_type="RETRIEVAL_QUERY")
        several = gemini.models.embed_content(model=MODEL, contents=[prompt("a"), prompt("b")], config=config)
        assert [embedding.values for embedding in several.embeddings] == [VECTOR, VECTOR]


@pytest.mark.skipif(ABLE, reason="the accounts of this route have embeddings")
def test_without_an_account_that_can(client, gemini):
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model=MODEL, input=prompt("a"))
    assert refused.value.code == "embeddings_not_set_up"
    with pytest.raises(errors.ClientError) as refused:
        gemini.models.embed_content(model=MODEL, contents=prompt("a"))
    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
