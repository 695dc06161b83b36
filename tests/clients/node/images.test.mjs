// The Images API through the openai package (F95 to F98).
import assert from "node:assert/strict";
import { toFile } from "openai";
import { MODEL, newClient, PIXEL, prompt, ROUTE, test } from "./common.mjs";

const client = newClient();
// A relay's models are its own; a ChatGPT account draws with this family.
const model = ROUTE === "codex" ? "gpt-image-1" : MODEL;
const skip = ["relay-responses", "relay-messages", "relay-gemini"].includes(ROUTE) && "this relay offers no Images API";

const file = (name) => toFile(Buffer.from(PIXEL.split(",")[1], "base64"), name, { type: "image/png" });
const assertPng = (entry) => assert.match(entry.b64_json, /^iVBORw0KGgo/);

test("generation", { skip }, async () => {
  const answer = await client.images.generate({ model, prompt: prompt("a lighthouse"), quality: "low" });
  assertPng(answer.data[0]);
  assert.ok(answer.usage.total_tokens > 0);
});

test("edit", { skip }, async () => {
  const one = await client.images.edit({ model, prompt: prompt("make it dusk"), image: await file("a.png") });
  assertPng(one.data[0]);
  const image = [await file("a.png"), await file("b.png")];
  const two = await client.images.edit({ model, prompt: prompt("make it dusk"), image, mask: await file("m.png") });
  assertPng(two.data[0]);
});

test("stream", { skip }, async () => {
  const stream = await client.images.generate({ model, prompt: prompt("a lighthouse"), stream: true });
  const events = [];
  for await (const event of stream) events.push(event);
  assert.equal(events.at(-1).type, "image_generation.completed");
  assertPng(events.at(-1));
});
