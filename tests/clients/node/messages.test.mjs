// Anthropic Messages through the package of its vendor (F51, F57, F79, F85).
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { DIRECT, MODEL, prompt, test, upstream } from "./common.mjs";

const { SWITCHYARD_URL, SWITCHYARD_KEY } = process.env;
const newClient = (changes = {}) =>
  new Anthropic({ baseURL: SWITCHYARD_URL, apiKey: SWITCHYARD_KEY, maxRetries: 0, timeout: 30_000, ...changes });
const client = newClient();
const user = (text) => ({ role: "user", content: prompt(text) });
const tools = ["get_weather", "get_time"].map((name) => ({
  name,
  description: `Calls ${name}.`,
  input_schema: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
}));
const textOf = (message) => message.content.map((block) => block.text ?? "").join("");

const turn = (request, streamed) => {
  const whole = { model: MODEL, max_tokens: 1024, ...request };
  return streamed ? client.messages.stream(whole).finalMessage() : client.messages.create(whole);
};

for (const streamed of [false, true]) {
  const how = streamed ? " (streamed)" : "";

  test(`plain${how}`, async () => {
    const message = await turn({ messages: [user("say:lighthouse")], system: "Be brief." }, streamed);
    assert.match(textOf(message), /lighthouse/);
    assert.equal(message.stop_reason, "end_turn");
    assert.equal(message.model, MODEL);
    assert.ok(message.usage.output_tokens > 0);
  });

  test(`tools round trip${how}`, async () => {
    const messages = [user("Use two tools: call:get_weather call:get_time")];
    const first = await turn({ messages, tools }, streamed);
    assert.equal(first.stop_reason, "tool_use");
    const calls = first.content.filter((block) => block.type === "tool_use");
    assert.deepEqual(calls.map((call) => call.name).sort(), ["get_time", "get_weather"]);
    const results = calls.map((call, index) => ({ type: "tool_result", tool_use_id: call.id, content: `hail-${index}` }));
    messages.push({ role: "assistant", content: first.content }, { role: "user", content: results });
    const second = await turn({ messages, tools }, streamed);
    assert.equal(second.stop_reason, "end_turn");
    assert.match(textOf(second), /hail-0.*hail-1/);
  });

  test(`thinking${how}`, async () => {
    const thinking = { type: "enabled", budget_tokens: 2048 };
    const message = await turn({ messages: [user('think:"let me see" say:yes')], thinking, max_tokens: 4096 }, streamed);
    assert.equal(message.content[0].type, "thinking");
    assert.match(message.content[0].thinking, /let me see/);
  });

  test(`a bad key is 401${how}`, async () => {
    const stranger = newClient({ apiKey: "sk-not-the-key" });
    await assert.rejects(
      stranger.messages.create({ model: MODEL, max_tokens: 5, messages: [user("hello")], stream: streamed }),
      Anthropic.AuthenticationError,
    );
  });
}

test("count tokens", { skip: DIRECT }, async () => {
  const counted = await client.messages.countTokens({ model: MODEL, messages: [user("some words ".repeat(50))] });
  assert.ok(counted.input_tokens > 50);
});

// Without a gateway in between there is no gateway behaviour to see.
for (const step of DIRECT ? [] : ["cut_after", "failed_after"]) {
  test(`${step} in mid-stream is seen`, async () => {
    await upstream.fresh();
    await upstream.script({ step, events: 40 });
    await assert.rejects(turn({ messages: [user("long:2000")] }, true), Anthropic.APIError);
    await upstream.fresh();
  });
}
