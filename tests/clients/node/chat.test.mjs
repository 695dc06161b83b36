// Chat Completions through the openai package (F75, F87).
import assert from "node:assert/strict";
import { assertCity, CHAT_TOOLS, CITY, MODEL, newClient, PIXEL, prompt, test, upstream } from "./common.mjs";

const client = newClient();
const user = (text) => ({ role: "user", content: prompt(text) });
const format = { type: "json_schema", json_schema: { name: "city", strict: true, schema: CITY } };

const completion = (request, streamed) =>
  streamed
    ? client.chat.completions.stream({ model: MODEL, ...request }).finalChatCompletion()
    : client.chat.completions.create({ model: MODEL, ...request });

test("plain", async () => {
  const answer = await completion({ messages: [user("say:lighthouse")] });
  assert.match(answer.choices[0].message.content, /lighthouse/);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.equal(answer.model, MODEL);
  assert.ok(answer.usage.total_tokens > 0);
  assert.ok(answer._request_id);
});

test("stream", async () => {
  const stream = await client.chat.completions.create({
    model: MODEL,
    messages: [user("say:lighthouse")],
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  assert.match(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), /lighthouse/);
  assert.deepEqual(chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean), ["stop"]);
  assert.ok(chunks.at(-1).usage.total_tokens > 0);
});

test("stream helper", async () => {
  const answer = await completion({ messages: [user("say:lighthouse")] }, true);
  assert.match(answer.choices[0].message.content, /lighthouse/);
});

test("stream is not held back", async () => {
  await upstream.fresh();
  await upstream.script({ step: "gated", events: 40 });
  const stream = await client.chat.completions.create({ model: MODEL, messages: [user("long:2000")], stream: true });
  let text = "";
  for await (const chunk of stream) {
    // The upstream holds the rest back until the first words are here.
    if (text === "" && chunk.choices[0]?.delta.content) await upstream.release();
    text += chunk.choices[0]?.delta.content ?? "";
  }
  assert.match(text, /word1999/);
});

for (const streamed of [false, true]) {
  const how = streamed ? " (streamed)" : "";

  test(`tools round trip${how}`, async () => {
    const messages = [user("What is the weather?")];
    const tools = CHAT_TOOLS.slice(0, 1);
    const first = await completion({ messages, tools }, streamed);
    assert.equal(first.choices[0].finish_reason, "tool_calls");
    const [call] = first.choices[0].message.tool_calls;
    assert.equal(call.function.name, "get_weather");
    assert.equal(typeof JSON.parse(call.function.arguments).city, "string");
    messages.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "hail-7734" });
    const second = await completion({ messages, tools }, streamed);
    assert.match(second.choices[0].message.content, /hail-7734/);
  });

  test(`parallel tools${how}`, async () => {
    const messages = [user("Use two tools: call:get_weather call:get_time")];
    const request = { tools: CHAT_TOOLS, parallel_tool_calls: true };
    const first = await completion({ messages, ...request }, streamed);
    const calls = first.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((call) => call.function.name).sort(), ["get_time", "get_weather"]);
    assert.equal(new Set(calls.map((call) => call.id)).size, 2);
    messages.push(first.choices[0].message);
    calls.forEach((call, number) => messages.push({ role: "tool", tool_call_id: call.id, content: `result-${number}` }));
    const second = await completion({ messages, ...request }, streamed);
    assert.match(second.choices[0].message.content, /result-1/);
  });

  test(`json_schema${how}`, async () => {
    const answer = await completion({ messages: [user("Describe a city as JSON.")], response_format: format }, streamed);
    assertCity(answer.choices[0].message.content, assert);
  });
}

test("image input", async () => {
  const content = [
    { type: "text", text: prompt("What is in the picture?") },
    { type: "image_url", image_url: { url: PIXEL } },
  ];
  const answer = await completion({ messages: [{ role: "user", content }] });
  assert.match(answer.choices[0].message.content, /image\/png/);
});

test("cancel reaches the upstream", async () => {
  await upstream.fresh();
  await upstream.script({ step: "gated", events: 40 });
  const stream = await client.chat.completions.create({ model: MODEL, messages: [user("long:2000")], stream: true });
  for await (const _ of stream) break;
  stream.controller.abort();
  await upstream.waitForDisconnect();
});
