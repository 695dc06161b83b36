"""Chat Completions through the openai library (F75, F87)."""

import json

import pytest
from conftest import MODEL, PIXEL, chat_tool, prompt
from pydantic import BaseModel

WEATHER = chat_tool("get_weather", city="string")
TIME = chat_tool("get_time", zone="string")


class City(BaseModel):
    name: str
    inhabitants: int
    coastal: bool


def user(text):
    return {"role": "user", "content": prompt(text)}


def test_plain(client):
    answer = client.chat.completions.create(model=MODEL, messages=[user("say:lighthouse")])
    assert answer.object == "chat.completion"
    assert answer.model == MODEL
    choice = answer.choices[0]
    assert "lighthouse" in choice.message.content
    assert choice.message.role == "assistant"
    assert choice.finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_system_and_history(client):
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": prompt("Be brief.")},
            user("say:first"),
            {"role": "assistant", "content": "first"},
            user("say:second"),
        ],
    )
    assert "second" in answer.choices[0].message.content


def test_answer_has_request_id(client):
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=[user("say:x")])
    assert raw.headers["x-request-id"]
    assert raw.headers["content-type"].startswith("application/json")


def test_stream(client):
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=[user("say:lighthouse")],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "lighthouse" in text
    reasons = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    assert reasons == ["stop"]
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_stream_without_usage_has_none(client):
    chunks = client.chat.completions.create(model=MODEL, messages=[user("say:x")], stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


def test_stream_is_not_held_back(client, upstream):
    upstream.script({"step": "gated", "events": 40})
    stream = client.chat.completions.create(model=MODEL, messages=[user("long:2000")], stream=True)
    first = next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
    # The upstream is still holding the rest back, and the first words are here.
    upstream.release()
    rest = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert "word1999" in first.choices[0].delta.content + rest


def test_stream_helper(client):
    with client.chat.completions.stream(model=MODEL, messages=[user("say:lighthouse")]) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "content.delta" in kinds and "content.done" in kinds
    assert "lighthouse" in final.choices[0].message.content


def test_tools_round_trip(client):
    messages = [user("What is the weather?")]
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    messages += [
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "hail-7731"},
    ]
    second = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert second.choices[0].finish_reason == "stop"
    assert "hail-7731" in second.choices[0].message.content


def test_streamed_tools_round_trip(client):
    messages = [user("What is the weather?")]
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[WEATHER]) as stream:
        message = stream.get_final_completion().choices[0].message
    [call] = message.tool_calls
    assert call.function.name == "get_weather" and call.function.parsed_arguments["city"]
    messages += [
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
            ],
        },
        {"role": "tool", "tool_call_id": call.id, "content": "hail-7732"},
    ]
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[WEATHER]) as stream:
        final = stream.get_final_completion()
    assert "hail-7732" in final.choices[0].message.content


@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tools(client, streamed):
    messages = [user("Use two tools: call:get_weather call:get_time")]
    request = {"model": MODEL, "tools": [WEATHER, TIME], "parallel_tool_calls": True}
    if streamed:
        with client.chat.completions.stream(messages=messages, **request) as stream:
            message = stream.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(messages=messages, **request).choices[0].message
    calls = message.tool_calls
    assert sorted(call.function.name for call in calls) == ["get_time", "get_weather"]
    assert len({call.id for call in calls}) == 2
    messages.append(
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in calls
            ],
        }
    )
    for number, call in enumerate(calls):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"result-{number}"})
    final = client.chat.completions.create(messages=messages, **request)
    assert "result-1" in final.choices[0].message.content


def test_tool_choice_none(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=[user("say:words")], tools=[WEATHER], tool_choice="none"
    )
    assert not answer.choices[0].message.tool_calls
    assert "words" in answer.choices[0].message.content


def test_tool_choice_named(client):
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[user("Anything")],
        tools=[WEATHER, TIME],
        tool_choice={"type": "function", "function": {"name": "get_time"}},
    )
    assert [call.function.name for call in answer.choices[0].message.tool_calls] == ["get_time"]


def test_json_schema(client):
    answer = client.chat.completions.parse(
        model=MODEL, messages=[user("Describe a city as JSON.")], response_format=City
    )
    assert isinstance(answer.choices[0].message.parsed, City)


def test_streamed_json_schema(client):
    with client.chat.completions.stream(
        model=MODEL, messages=[user("Describe a city as JSON.")], response_format=City
    ) as stream:
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, City)


def test_json_object(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=[user("Describe a city as JSON.")], response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_image_input(client):
    parts = [
        {"type": "text", "text": prompt("What is in the picture?")},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])
    assert "image/png" in answer.choices[0].message.content


def test_cancel_reaches_the_upstream(client, upstream):
    upstream.script({"step": "gated", "events": 40})
    stream = client.chat.completions.create(model=MODEL, messages=[user("long:2000")], stream=True)
    next(iter(stream))
    stream.close()
    upstream.wait_for_disconnect()
