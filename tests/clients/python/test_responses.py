"""Responses through the openai library (F76, F77, F87)."""

import json

import pytest
from conftest import MODEL, PIXEL, ROUTE, prompt, responses_tool
from pydantic import BaseModel

WEATHER = responses_tool("get_weather", city="string")
TIME = responses_tool("get_time", zone="string")


class City(BaseModel):
    name: str
    inhabitants: int
    coastal: bool


def calls_of(response):
    return [item for item in response.output if item.type == "function_call"]


def replayed(response):
    """What a client sends back of an answer."""
    return [item.model_dump(exclude_none=True, exclude={"status", "parsed_arguments"}) for item in response.output]


def test_plain(client):
    answer = client.responses.create(model=MODEL, input=prompt("say:lighthouse"))
    assert answer.object == "response" and answer.status == "completed"
    assert answer.model == MODEL
    assert "lighthouse" in answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0


def test_list_input_and_instructions(client):
    answer = client.responses.create(
        model=MODEL,
        instructions=prompt("Be brief."),
        input=[
            {"role": "user", "content": prompt("say:first")},
            {"role": "assistant", "content": "first"},
            {"role": "user", "content": [{"type": "input_text", "text": prompt("say:second")}]},
        ],
    )
    assert "second" in answer.output_text


def test_stream_life_cycle(client):
    events = list(client.responses.create(model=MODEL, input=prompt("say:lighthouse"), stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.completed") == 1
    for needed in (
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
    ):
        assert needed in kinds
    assert events[0].response.id == events[-1].response.id
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers))
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    done = next(event.text for event in events if event.type == "response.output_text.done")
    assert deltas == done and "lighthouse" in deltas


def test_stream_is_not_held_back(client, upstream):
    upstream.script({"step": "gated", "events": 40})
    stream = client.responses.create(model=MODEL, input=prompt("long:2000"), stream=True)
    first = next(event for event in stream if event.type == "response.output_text.delta")
    upstream.release()
    rest = list(stream)
    text = first.delta + "".join(e.delta for e in rest if e.type == "response.output_text.delta")
    assert "word1999" in text and rest[-1].type == "response.completed"


def test_stream_helper(client):
    with client.responses.stream(model=MODEL, input=prompt("say:lighthouse")) as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    assert "lighthouse" in final.output_text


def run(client, streamed, **request):
    if not streamed:
        return client.responses.create(**request)
    with client.responses.stream(**request) as stream:
        return stream.get_final_response()


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_round_trip(client, streamed):
    items = [{"role": "user", "content": prompt("What is the weather?")}]
    first = run(client, streamed, model=MODEL, input=items, tools=[WEATHER])
    [call] = calls_of(first)
    assert call.name == "get_weather"
    assert isinstance(json.loads(call.arguments)["city"], str)
    items += replayed(first)
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "hail-7733"})
    second = run(client, streamed, model=MODEL, input=items, tools=[WEATHER])
    assert "hail-7733" in second.output_text and not calls_of(second)


@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tools(client, streamed):
    items = [{"role": "user", "content": prompt("Use two tools: call:get_weather call:get_time")}]
    request = {"model": MODEL, "tools": [WEATHER, TIME], "parallel_tool_calls": True}
    first = run(client, streamed, input=items, **request)
    calls = calls_of(first)
    assert sorted(call.name for call in calls) == ["get_time", "get_weather"]
    assert len({call.call_id for call in calls}) == 2
    items += replayed(first)
    for number, call in enumerate(calls):
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"result-{number}"})
    final = run(client, streamed, input=items, **request)
    assert "result-1" in final.output_text


def test_tool_choice_named(client):
    answer = client.responses.create(
        model=MODEL,
        input=prompt("Anything"),
        tools=[WEATHER, TIME],
        tool_choice={"type": "function", "name": "get_time"},
    )
    assert [call.name for call in calls_of(answer)] == ["get_time"]


@pytest.mark.parametrize("streamed", [False, True])
def test_json_schema(client, streamed):
    request = {"model": MODEL, "input": prompt("Describe a city as JSON."), "text_format": City}
    if streamed:
        with client.responses.stream(**request) as stream:
            answer = stream.get_final_response()
    else:
        answer = client.responses.parse(**request)
    assert isinstance(answer.output_parsed, City)


def test_image_input(client):
    content = [
        {"type": "input_text", "text": prompt("What is in the picture?")},
        {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
    ]
    answer = client.responses.create(model=MODEL, input=[{"role": "user", "content": content}])
    assert "image/png" in answer.output_text


def test_cancel_reaches_the_upstream(client, upstream):
    upstream.script({"step": "gated", "events": 40})
    stream = client.responses.create(model=MODEL, input=prompt("long:2000"), stream=True)
    next(iter(stream))
    stream.close()
    upstream.wait_for_disconnect()


@pytest.mark.skipif(
    any(word in ROUTE for word in ("chat", "messages", "gemini")),
    reason="only upstreams that speak Responses can compact (F77)",
)
def test_compact(client):
    answer = client.responses.compact(
        model=MODEL, input=[{"role": "user", "content": prompt("A long conversation.")}]
    )
    assert answer.output
