"""The exception classes and texts that programs rely on (F39, F51, F57, translation B5), and the model list (F81)."""

import openai
import pytest
from conftest import MODEL, ROUTE, new_client, prompt

DIALECTS = ["chat", "responses"]
# Without a gateway in between there is no gateway behaviour to see.
through_gateway = pytest.mark.skipif(ROUTE.startswith("direct"), reason="it is the gateway's own behaviour")


def ask(client, dialect, model=MODEL, stream=False, **more):
    text = prompt("long:2000")
    if dialect == "chat":
        messages = [{"role": "user", "content": text}]
        return client.chat.completions.create(model=model, messages=messages, stream=stream, **more)
    return client.responses.create(model=model, input=text, stream=stream, **more)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
class TestClasses:
    def test_bad_key_is_401(self, dialect, stream):
        with new_client(api_key="sk-not-the-key") as stranger, pytest.raises(openai.AuthenticationError) as caught:
            ask(stranger, dialect, stream=stream)
        assert caught.value.code == "invalid_api_key"
        assert "sk-not-the-key" not in str(caught.value)

    def test_unknown_model_is_404(self, client, dialect, stream):
        with pytest.raises(openai.NotFoundError) as caught:
            ask(client, dialect, model="no-such-model", stream=stream)
        assert caught.value.code == "model_not_found"
        assert "no-such-model" in caught.value.message

    def test_exhausted_accounts_are_429(self, client, upstream, dialect, stream):
        upstream.script(*[{"step": "usage_limit", "seconds": 600}] * 4)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(client, dialect, stream=stream)
        assert caught.value.message
        if not ROUTE.startswith("direct"):
            assert int(caught.value.response.headers["retry-after"]) > 0

    def test_failing_accounts_are_5xx(self, client, upstream, dialect, stream):
        upstream.script(*[{"step": "http500"}] * 4)
        with pytest.raises(openai.InternalServerError) as caught:
            ask(client, dialect, stream=stream)
        assert caught.value.status_code >= 500
        assert caught.value.message


@pytest.mark.parametrize("dialect", DIALECTS)
def test_bad_request_is_400(client, dialect):
    broken = {"messages": 7} if dialect == "chat" else {"input": 7}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post(
            "/chat/completions" if dialect == "chat" else "/responses", body={"model": MODEL, **broken}, cast_to=object
        )
    assert caught.value.type == "invalid_request_error"


@through_gateway
def test_several_choices_are_refused(client):
    with pytest.raises(openai.BadRequestError):
        ask(client, "chat", n=2)


@through_gateway
@pytest.mark.parametrize("step", ["cut_after", "failed_after"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_mid_stream_failure_is_seen(client, upstream, dialect, step):
    upstream.script({"step": step, "events": 40})
    stream = ask(client, dialect, stream=True)
    if dialect == "responses" and step == "failed_after" and ROUTE in ("codex", "relay-responses"):
        # The upstream speaks the same dialect: its own last word is passed on, and to the library it is an event.
        assert [event.type for event in stream][-1] in ("response.failed", "error")
        return
    with pytest.raises(openai.APIError):
        for _ in stream:
            pass


@through_gateway
def test_no_second_answer_after_a_cut(client, upstream):
    before = upstream.requests()
    upstream.script({"step": "cut_after", "events": 40})
    with pytest.raises(openai.APIError):
        list(ask(client, "chat", stream=True))
    assert upstream.requests() == before + 1


def test_models(client):
    models = list(client.models.list())
    assert MODEL in {model.id for model in models}
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")
