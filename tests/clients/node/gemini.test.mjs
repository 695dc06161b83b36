// Gemini through the package of its vendor (F51, F57, F80, F85).
import assert from "node:assert/strict";
import { ApiError, GoogleGenAI } from "@google/genai";
import { DIRECT, MODEL, PIXEL, prompt, test, upstream } from "./common.mjs";

const { SWITCHYARD_URL, SWITCHYARD_KEY } = process.env;
const newClient = (apiKey = SWITCHYARD_KEY) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: SWITCHYARD_URL } });
const client = newClient();
const user = (text) => ({ role: "user", parts: [{ text: prompt(text) }] });
const functionDeclarations = ["get_weather", "get_time"].map((name) => ({
  name,
  description: `Calls ${name}.`,
  parametersJsonSchema: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
}));
const config = { tools: [{ functionDeclarations }] };

// One answer, whole or gathered from a stream.
async function turn(request, streamed) {
  if (!streamed) {
    const answer = await client.models.generateContent({ model: MODEL, ...request });
    const [candidate] = answer.candidates;
    return { parts: candidate.content.parts, reason: candidate.finishReason, usage: answer.usageMetadata };
  }
  const gathered = { parts: [] };
  for await (const chunk of await client.models.generateContentStream({ model: MODEL, ...request })) {
    const candidate = chunk.candidates?.[0];
    gathered.parts.push(...(candidate?.content?.parts ?? []));
    gathered.reason = candidate?.finishReason ?? gathered.reason;
    gathered.usage = chunk.usageMetadata ?? gathered.usage;
  }
  return gathered;
}
const textOf = ({ parts }) => parts.filter((part) => !part.thought).map((part) => part.text ?? "").join("");

for (const streamed of [false, true]) {
  const how = streamed ? " (streamed)" : "";

  test(`plain${how}`, async () => {
    const answer = await turn({ contents: [user("say:lighthouse")], config: { systemInstruction: "Be brief." } }, streamed);
    assert.match(textOf(answer), /lighthouse/);
    assert.equal(answer.reason, "STOP");
    assert.ok(answer.usage.totalTokenCount > 0);
  });

  test(`tools round trip${how}`, async () => {
    const contents = [user("Use two tools: call:get_weather call:get_time")];
    const first = await turn({ contents, config }, streamed);
    const calls = first.parts.filter((part) => part.functionCall);
    assert.deepEqual(calls.map((part) => part.functionCall.name).sort(), ["get_time", "get_weather"]);
    const results = calls.map(({ functionCall: { id, name } }, index) => ({
      functionResponse: { id, name, response: { output: `hail-${index}` } },
    }));
    contents.push({ role: "model", parts: first.parts }, { role: "user", parts: results });
    assert.match(textOf(await turn({ contents, config }, streamed)), /hail-0.*hail-1/s);
  });

  test(`thinking${how}`, async () => {
    const thinkingConfig = { includeThoughts: true, thinkingBudget: 2048 };
    const answer = await turn({ contents: [user('think:"let me see" say:yes')], config: { thinkingConfig } }, streamed);
    const thoughts = answer.parts.filter((part) => part.thought).map((part) => part.text ?? "");
    assert.match(thoughts.join(""), /let me see/);
  });
}

test("a picture", async () => {
  const inlineData = { mimeType: "image/png", data: PIXEL.split(",")[1] };
  const answer = await turn({ contents: [{ role: "user", parts: [{ inlineData }, { text: prompt("What is it?") }] }] });
  assert.match(textOf(answer), /image\/png/);
});

test("a bad key is 401", async () => {
  await assert.rejects(newClient("sk-not-the-key").models.generateContent({ model: MODEL, contents: "hello" }), (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.ok([400, 401].includes(error.status), String(error));
    return true;
  });
});

test("count tokens", { skip: DIRECT }, async () => {
  const counted = await client.models.countTokens({ model: MODEL, contents: prompt("some words ".repeat(50)) });
  assert.ok(counted.totalTokens > 50);
});

// Without a gateway in between there is no gateway behaviour to see.
for (const step of DIRECT ? [] : ["cut_after", "failed_after"]) {
  test(`${step} in mid-stream is seen`, async () => {
    await upstream.fresh();
    await upstream.script({ step, events: 40 });
    await assert.rejects(turn({ contents: [user("long:2000")] }, true));
    await upstream.fresh();
  });
}
