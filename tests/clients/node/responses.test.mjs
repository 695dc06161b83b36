// Responses through the openai package (F76, F87).
import assert from "node:assert/strict";
import { assertCity, CITY, MODEL, newClient, PIXEL, prompt, RESPONSES_TOOLS, test, upstream } from "./common.mjs";

const client = newClient();
const format = { type: "json_schema", name: "city", strict: true, schema: CITY };
const user = (text) => ({ role: "user", content: prompt(text) });
const callsOf = (response) => response.output.filter((item) => item.type === "function_call");
const replayed = (response) => response.output.map(({ status, parsed_arguments, ...item }) => item);

const response = (request, streamed) =>
  streamed
    ? client.responses.stream({ model: MODEL, ...request }).finalResponse()
    : client.responses.create({ model: MODEL, ...request });

test("plain", async () => {
  const answer = await response({ input: prompt("say:lighthouse") });
  assert.equal(answer.status, "completed");
  assert.equal(answer.model, MODEL);
  assert.match(answer.output_text, /lighthouse/);
  assert.ok(answer.usage.total_tokens > 0);
});

test("stream", async () => {
  const stream = await client.responses.create({ model: MODEL, input: prompt("say:lighthouse"), stream: true });
  const events = [];
  for await (const event of stream) events.push(event);
  assert.equal(events[0].type, "response.created");
  assert.equal(events.at(-1).type, "response.completed");
  assert.equal(events[0].response.id, events.at(-1).response.id);
  const deltas = events.filter((event) => event.type === "response.output_text.delta");
  assert.match(deltas.map((event) => event.delta).join(""), /lighthouse/);
});

test("stream helper", async () => {
  const answer = await response({ input: prompt("say:lighthouse") }, true);
  assert.match(answer.output_text, /lighthouse/);
});

test("stream is not held back", async () => {
  await upstream.fresh();
  await upstream.script({ step: "gated", events: 40 });
  const stream = await client.responses.create({ model: MODEL, input: prompt("long:2000"), stream: true });
  let text = "";
  for await (const event of stream) {
    if (event.type !== "response.output_text.delta") continue;
    if (text === "") await upstream.release();
    text += event.delta;
  }
  assert.match(text, /word1999/);
});

for (const streamed of [false, true]) {
  const how = streamed ? " (streamed)" : "";

  test(`tools round trip${how}`, async () => {
    const input = [user("What is the weather?")];
    const tools = RESPONSES_TOOLS.slice(0, 1);
    const first = await response({ input, tools }, streamed);
    const [call] = callsOf(first);
    assert.equal(call.name, "get_weather");
    assert.equal(typeof JSON.parse(call.arguments).city, "string");
    input.push(...replayed(first), { type: "function_call_output", call_id: call.call_id, output: "hail-7735" });
    const second = await response({ input, tools }, streamed);
    assert.match(second.output_text, /hail-7735/);
  });

  test(`parallel tools${how}`, async () => {
    const input = [user("Use two tools: call:get_weather call:get_time")];
    const request = { tools: RESPONSES_TOOLS, parallel_tool_calls: true };
    const first = await response({ input, ...request }, streamed);
    const calls = callsOf(first);
    assert.deepEqual(calls.map((call) => call.name).sort(), ["get_time", "get_weather"]);
    input.push(...replayed(first));
    calls.forEach((call, number) =>
      input.push({ type: "function_call_output", call_id: call.call_id, output: `result-${number}` }),
    );
    const second = await response({ input, ...request }, streamed);
    assert.match(second.output_text, /result-1/);
  });

  test(`json_schema${how}`, async () => {
    const answer = await response({ input: prompt("Describe a city as JSON."), text: { format } }, streamed);
    assertCity(answer.output_text, assert);
  });
}

test("image input", async () => {
  const content = [
    { type: "input_text", text: prompt("What is in the picture?") },
    { type: "input_image", image_url: PIXEL, detail: "auto" },
  ];
  const answer = await response({ input: [{ role: "user", content }] });
  assert.match(answer.output_text, /image\/png/);
});

test("cancel reaches the upstream", async () => {
  await upstream.fresh();
  await upstream.script({ step: "gated", events: 40 });
  const stream = await client.responses.create({ model: MODEL, input: prompt("long:2000"), stream: true });
  for await (const _ of stream) break;
  stream.controller.abort();
  await upstream.waitForDisconnect();
});
