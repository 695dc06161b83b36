"""Gemini through the google-genai library, over every kind of account (F80, F81, F85, translation B4, B5)."""

import base64

import pytest
from conftest import KEY, MODEL, PIXEL, ROUTE, URL, prompt
from google import genai
from google.genai import errors, types

PICTURE = base64.b64decode(PIXEL.split(",", 1)[1])


def new_client(key: str = KEY) -> genai.Client:
    options = types.HttpOptions(base_url=URL, timeout=30_000)
    return genai.Client(api_key=key, http_options=options)


@pytest.fixture(scope="module")
def gemini() -> genai.Client:
    return new_client()


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


def with_tools() -> types.GenerateContentConfig:
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=8192)
    return types.GenerateContentConfig(tools=[get_weather], thinking_config=thinking, max_output_tokens=20_000)


def calls_of(content: types.Content) -> list[types.FunctionCall]:
    return [part.function_call for part in content.parts or [] if part.function_call]


def test_plain(gemini):
    answer = gemini.models.generate_content(model=MODEL, contents=prompt("say:lighthouse"))
    assert "lighthouse" in answer.text
    assert answer.model_version == MODEL
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert usage.total_token_count >= usage.prompt_token_count > 0


def test_stream(gemini):
    pieces = list(gemini.models.generate_content_stream(model=MODEL, contents=prompt("say:lighthouse")))
    assert "lighthouse" in "".join(piece.text or "" for piece in pieces)
    reasons = [piece.candidates[0].finish_reason for piece in pieces if piece.candidates[0].finish_reason]
    assert reasons == [types.FinishReason.STOP]
    assert pieces[-1].usage_metadata.total_token_count > 0
    assert len({piece.response_id for piece in pieces}) == 1


def test_tools_called_by_the_library(gemini):
    answer = gemini.models.generate_content(
        model=MODEL, contents=prompt('call:get_weather{"city":"Zürich"}'), config=with_tools()
    )
    assert "rain in Zürich" in answer.text
    history = answer.automatic_function_calling_history
    assert calls_of(history[1])[0].args == {"city": "Zürich"}


def test_a_chat_that_streams(gemini):
    """The library keeps every piece of a stream as a part of the history, proofs of thoughts among them."""
    chat = gemini.chats.create(model=MODEL, config=with_tools())
    words = 'think:"so?>~" call:get_weather{"city":"Oslo"}'
    text = "".join(piece.text or "" for piece in chat.send_message_stream(prompt(words)))
    assert "rain in Oslo" in text
    text = "".join(piece.text or "" for piece in chat.send_message_stream(prompt("say:second")))
    assert "second" in text


def test_parallel_calls(gemini):
    config = with_tools()
    config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
    words = 'call:get_weather{"city":"Oslo"} call:get_weather{"city":"Rome"}'
    question = types.Content(role="user", parts=[types.Part(text=prompt(words))])
    answer = gemini.models.generate_content(model=MODEL, contents=[question], config=config)
    turn = answer.candidates[0].content
    assert [call.args["city"] for call in calls_of(turn)] == ["Oslo", "Rome"]
    results = [
        types.Part.from_function_response(name=call.name, response={"result": f"seen {call.args['city']}"})
        for call in calls_of(turn)
    ]
    contents = [question, turn, types.Content(role="user", parts=results)]
    answer = gemini.models.generate_content(model=MODEL, contents=contents, config=config)
    assert "seen Oslo" in answer.text and "seen Rome" in answer.text


def test_json_by_a_schema(gemini):
    schema = {"type": "OBJECT", "properties": {"name": {"type": "STRING"}, "n": {"type": "INTEGER"}}}
    answer = gemini.models.generate_content(
        model=MODEL,
        contents=prompt("fill it"),
        config={"response_mime_type": "application/json", "response_schema": schema},
    )
    assert set(answer.parsed) == {"name", "n"}


def test_a_picture(gemini):
    parts = [types.Part.from_bytes(data=PICTURE, mime_type="image/png"), prompt("describe")]
    answer = gemini.models.generate_content(model=MODEL, contents=parts)
    assert f"{len(PICTURE)} bytes" in answer.text


def test_counting_and_models(gemini):
    assert gemini.models.count_tokens(model=MODEL, contents="hello there").total_tokens > 0
    assert f"models/{MODEL}" in [model.name for model in gemini.models.list()]
    assert gemini.models.get(model=MODEL).name == f"models/{MODEL}"


@pytest.mark.parametrize("step", [{"step": "cut_after", "events": 5}, {"step": "failed_after", "events": 5}])
def test_a_broken_stream_is_an_error(gemini, upstream, step):
    upstream.script(step)
    with pytest.raises(errors.ServerError):
        for _ in gemini.models.generate_content_stream(model=MODEL, contents=prompt("long:2000")):
            pass


def test_errors(gemini):
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.generate_content(model="no-such-model", contents=prompt("x"))
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    stranger = new_client("sk-not-the-key")
    with pytest.raises(errors.ClientError) as caught:
        stranger.models.generate_content(model=MODEL, contents=prompt("x"))
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
    assert "sk-not-the-key" not in str(caught.value)
    if ROUTE != "relay-gemini":
        with pytest.raises(errors.ClientError) as caught:
            gemini.models.generate_content(model=MODEL, contents=prompt("x"), config={"candidate_count": 2})
        assert "candidateCount" in caught.value.message


def test_exhausted_accounts_are_429(gemini, upstream):
    upstream.script(*[{"step": "usage_limit", "seconds": 600}] * 4)
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.generate_content(model=MODEL, contents=prompt("x"))
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
