"""The Images API through the openai library (F95 to F98)."""

import base64
import io

import openai
import pytest
from conftest import MODEL, PIXEL, ROUTE, prompt

pytestmark = pytest.mark.skipif(
    ROUTE in ("relay-responses", "relay-messages", "relay-gemini"), reason="this relay offers no Images API"
)

# A relay's models are its own; a ChatGPT account draws with this family.
DRAWS = "gpt-image-1" if ROUTE == "codex" else MODEL
PICTURE = base64.b64decode(PIXEL.split(",", 1)[1])


def is_png(entry) -> bool:
    return base64.b64decode(entry.b64_json).startswith(b"\x89PNG\r\n\x1a\n")


def file(name: str = "a.png"):
    return (name, io.BytesIO(PICTURE), "image/png")


def test_generation(client):
    answer = client.images.generate(model=DRAWS, prompt=prompt("a lighthouse"), size="1024x1024")
    assert len(answer.data) == 1 and is_png(answer.data[0])
    assert answer.created > 0
    assert answer.usage.output_tokens > 0


def test_generation_with_every_setting(client):
    answer = client.images.generate(
        model=DRAWS,
        prompt=prompt("a lighthouse"),
        n=1,
        quality="high",
        background="transparent",
        output_format="webp",
        output_compression=70,
        moderation="low",
        user="somebody",
    )
    assert answer.data[0].b64_json and answer.output_format == "webp"


@pytest.mark.parametrize("count", [1, 3])
def test_edit(client, count):
    # One file travels as `image`, several as `image[]`.
    image = file() if count == 1 else [file(f"{number}.png") for number in range(count)]
    answer = client.images.edit(model=DRAWS, prompt=prompt("make it dusk"), image=image, size="auto")
    assert is_png(answer.data[0])
    assert answer.usage.input_tokens_details.image_tokens > 0


def test_edit_with_a_mask(client):
    answer = client.images.edit(model=DRAWS, prompt=prompt("make it dusk"), image=file(), mask=file("mask.png"))
    assert is_png(answer.data[0])


def test_streams(client):
    stream = client.images.generate(model=DRAWS, prompt=prompt("a lighthouse"), stream=True, partial_images=1)
    kinds = [event.type for event in stream]
    assert kinds[-1] == "image_generation.completed" and kinds.count(kinds[-1]) == 1
    if ROUTE == "codex":
        assert kinds[0] == "image_generation.partial_image"
    stream = client.images.edit(model=DRAWS, prompt=prompt("make it dusk"), image=file(), stream=True)
    events = list(stream)
    assert events[-1].type == "image_edit.completed" and is_png(events[-1])


@pytest.mark.skipif(ROUTE != "codex", reason="a relay judges for itself")
@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"n": 2}, "n"),
        ({"response_format": "url"}, "response_format"),
        ({"background": "transparent", "output_format": "jpeg"}, "background"),
        ({"output_compression": 50}, "output_compression"),
    ],
)
def test_what_cannot_be_drawn(client, wish, field):
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model=DRAWS, prompt=prompt("a lighthouse"), **wish)
    assert refused.value.param == field
